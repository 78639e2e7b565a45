import { describe, expect, it } from "vitest";
import { backward } from "../../lib/graph/backward.ts";
import { GraphBuilder, type Precision, type Value } from "../../lib/graph/graph.ts";
import { roundToBf16 } from "../../lib/ops/bf16.ts";
import { linear, multiply, reduce } from "../../lib/ops/functions.ts";
import { Random } from "../../lib/random.ts";
import { evaluate } from "../support/run-graph.ts";

describe("roundToBf16", () => {
  const round = (value: number): number => roundToBf16(Float32Array.of(value))[0] as number;

  it.each([
    [1, 1],
    [-3.140625, -3.140625],
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [1 + 2 ** -8 + 2 ** -23, 1 + 2 ** -7],
    [-(1 + 3 * 2 ** -8), -(1 + 2 ** -6)],
    [2 - 2 ** -9, 2],
    [2 ** -126, 2 ** -126],
    [2 ** -127, 0],
    [-(2 ** -140), -0],
    [3.38e38, 254 * 2 ** 120],
    [3.4e38, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
    [0, 0],
    [-0, -0],
  ])("rounds %d to %d", (value, wanted) => {
    expect(round(value)).toBe(Math.fround(wanted));
  });

  it("keeps a NaN whose bits are all in the lower half", () => {
    const values = new Float32Array(1);
    new Uint32Array(values.buffer)[0] = 0x7f800001;
    expect(roundToBf16(values)[0]).toBeNaN();
  });

  it("is as near as 8 significant bits can be", () => {
    const random = new Random(3, 0);
    for (let i = 0; i < 1000; i++) {
      const value = Math.fround((random.uniform() - 0.5) * 2 ** random.integer(40));
      expect(Math.abs(round(value) - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
    }
  });
});

describe("the gradient of a dense layer in bf16", () => {
  const [batch, k, n] = [5, 7, 3];
  const random = new Random(8, 1);
  const draw = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.uniform() - 0.5);
  const [x, kernel, bias, slopes] = [draw(batch * k), draw(k * n), draw(n), draw(n)];

  /** Output, and gradients by x, kernel and bias of the sum of outputs times slopes. */
  function run(precision: Precision, data: { x: Float32Array; kernel: Float32Array }): number[][] {
    const graph = new GraphBuilder({ training: true, precision });
    const parameter = (name: string, shape: readonly number[], values: Float32Array): Value =>
      graph.parameter({ name, shape, initialize: (target) => target.set(values) });
    const input = graph.input("x", [k]);
    const sources = [input, parameter("kernel", [k, n], data.kernel), parameter("bias", [n], bias)] as const;
    const weights = graph.constant("slopes", [n], (target) => target.set(slopes));
    const output = linear(...sources);
    const gradients = backward(reduce("sum", multiply(output, weights), { batch: true }), sources);
    const wanted = sources.map((source) => gradients.get(source) as Value);
    return evaluate(graph, [output, ...wanted], { batch, inputs: { x: data.x } });
  }

  it("multiplies rounded factors, and sums up a bias that is not rounded", () => {
    const [output, dx, dkernel, dbias] = run("bf16", { x, kernel }) as [
      number[],
      number[],
      number[],
      number[],
    ];
    const rounded = { x: roundToBf16(x), kernel: roundToBf16(kernel) };
    expect(output).toEqual(run("float32", rounded)[0]);
    const dz = roundToBf16(slopes);
    dx.forEach((value, i) => {
      const [row, column] = [Math.floor(i / k), i % k];
      expect(row).toBeLessThan(batch);
      const terms = [...dz].map((slope, j) => slope * (rounded.kernel[column * n + j] as number));
      expect(value).toBeCloseTo(
        terms.reduce((sum, term) => sum + term, 0),
        12,
      );
    });
    dkernel.forEach((value, i) => {
      const [feature, column] = [Math.floor(i / n), i % n];
      let sum = 0;
      for (let row = 0; row < batch; row++) sum += rounded.x[row * k + feature] as number;
      expect(value).toBeCloseTo(sum * (dz[column] as number), 12);
    });
    dbias.forEach((value, j) => {
      expect(value).toBeCloseTo(batch * (slopes[j] as number), 12);
    });
  });

  it("is not the gradient in float32", () => {
    expect(run("bf16", { x, kernel })[2]).not.toEqual(run("float32", { x, kernel })[2]);
  });
});

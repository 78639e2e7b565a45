import { describe, expect, it } from "vitest";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { GraphBuilder, valueType } from "../../lib/graph/graph.ts";
import { dropout, gaussianNoise } from "../../lib/ops/functions.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import { describeOp, type OpCase, samples, whole } from "../support/op-cases.ts";
import { runOp } from "../support/op-run.ts";

const SHAPES = [[1], [5], [16], [3, 37]];

describeOp(
  "dropout",
  [0.2, 0.5, 0.9].flatMap((rate) =>
    SHAPES.map(
      (shape, stream): OpCase => ({
        inputs: [samples(shape)],
        attributes: { rate, stream },
        gives: [`[${["batch", ...shape].join(", ")}]`],
        ulps: 1,
        terms: 0,
      }),
    ),
  ),
);

describeOp("dropout", [
  { inputs: [whole([11])], attributes: { rate: 0.3, stream: 4 }, gives: ["[11]"], ulps: 1, terms: 0 },
  {
    note: "more than one thread's work",
    inputs: [samples([7001])],
    attributes: { rate: 0.3, stream: 4 },
    gives: ["[batch, 7001]"],
    batches: [9],
    gradients: [],
    ulps: 1,
    terms: 0,
  },
]);

describeOp(
  "gaussianNoise",
  SHAPES.map(
    (shape, stream): OpCase => ({
      inputs: [samples(shape)],
      attributes: { stddev: 0.5, stream },
      gives: [`[${["batch", ...shape].join(", ")}]`],
      magnitude: 8,
    }),
  ),
);

describe("random ops", () => {
  const type = valueType(true, [20_000]);
  const ones = new Float32Array(20_000).fill(1);
  const run = (name: string, attributes: Record<string, number>): number[] => {
    const op = OPS.get(name) as OpDefinition;
    const options = {
      op,
      inputs: [{ type, values: ones }],
      outputs: [type],
      attributes,
      batch: 1,
      capacity: 1,
    };
    return [...(runOp(options, referenceExecutor).outputs[0] ?? [])];
  };
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  it("drops the share that is asked for and keeps the mean", () => {
    const values = run("dropout", { rate: 0.3, stream: 0 });
    const dropped = values.filter((value) => value === 0).length / values.length;
    expect(dropped).toBeCloseTo(0.3, 1);
    expect(mean(values)).toBeCloseTo(1, 1);
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  });

  it("adds noise of the deviation that is asked for", () => {
    const noise = run("gaussianNoise", { stddev: 2, stream: 1 }).map((value) => value - 1);
    expect(Math.abs(mean(noise))).toBeLessThan(0.05);
    expect(Math.abs(mean(noise.map((value) => value * value)) - 4)).toBeLessThan(0.15);
  });

  it("gives layers of one network numbers of their own", () => {
    const graph = new GraphBuilder({ training: true });
    const x = graph.input("x", [3]);
    for (const value of [dropout(x, 0.5), dropout(x, 0.5), gaussianNoise(x, 1)])
      expect(value.shape).toEqual([3]);
    expect(graph.nodes.map(({ attributes }) => attributes.stream)).toEqual([0, 1, 2]);
  });
});

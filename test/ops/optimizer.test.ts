import { describe, expect, it } from "vitest";
import { loadBinding } from "../../lib/executor/binding.ts";
import { nativeExecutor } from "../../lib/executor/native.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { valueType } from "../../lib/graph/graph.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import { nadamMomenta } from "../../lib/ops/optimizer.ts";
import { describeOp, exactly, type OpCase, whole } from "../support/op-cases.ts";
import { runOp } from "../support/op-run.ts";
import { any, BASE, positive, UPDATES } from "../support/optimizer-updates.ts";

const SIZES = [1, 7, 16, 100];
for (const [name, attributes, slots] of UPDATES) {
  describeOp(
    name,
    SIZES.map(
      (size): OpCase => ({
        note: `${slots.length} slots`,
        inputs: [whole([size]), whole([size]), ...slots.map((fill) => whole([size], fill))],
        attributes: { ...BASE, ...attributes },
        gives: [1, ...slots].map(() => `[${size}]`),
        ulps: 8,
        magnitude: 4,
      }),
    ),
  );
}

describeOp("adam", [
  {
    note: "more than one thread's work",
    inputs: [whole([50_000]), whole([50_000]), whole([50_000], any), whole([50_000], positive)],
    attributes: { ...BASE, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
    gives: ["[50000]", "[50000]", "[50000]"],
    ulps: 8,
    magnitude: 4,
  },
]);

describeOp(
  "sgd",
  // The columns of a matrix are divided, in strips that are wider in one that no cache holds.
  [
    [90, 200],
    [300, 1800],
  ].map(
    (shape): OpCase => ({
      note: "columns for more than one thread",
      inputs: [whole(shape), whole(shape)],
      attributes: { ...BASE, momentum: 0, nesterov: 0 },
      gives: [`[${shape.join(", ")}]`],
      ulps: 8,
      magnitude: 4,
    }),
  ),
);

// The suite's steps have rate 0.0625; scale 16 makes it 1.
describeOp("sgd", [
  {
    note: "weight decay is decoupled",
    inputs: [whole([2], exactly(10, -10)), whole([2], exactly(1, 2))],
    attributes: { scale: 16, weightDecay: 0.1, momentum: 0, nesterov: 0 },
    gives: ["[2]"],
    value: [8, -11],
  },
  {
    note: "momentum by hand",
    inputs: [whole([1], exactly(10)), whole([1], exactly(1)), whole([1], exactly(4))],
    attributes: { scale: 16, weightDecay: 0, momentum: 0.5, nesterov: 0 },
    gives: ["[1]", "[1]"],
    value: [11],
  },
  {
    note: "Nesterov's momentum by hand",
    inputs: [whole([1], exactly(10)), whole([1], exactly(1)), whole([1], exactly(4))],
    attributes: { scale: 16, weightDecay: 0, momentum: 0.5, nesterov: 1 },
    gives: ["[1]", "[1]"],
    value: [9.5],
  },
]);

describeOp(
  "clipValue",
  SIZES.map(
    (size): OpCase => ({
      inputs: [whole([size])],
      attributes: { limit: 0.25 },
      gives: [`[${size}]`],
      terms: 0,
    }),
  ),
);

describeOp("clipNorm", [
  ...SIZES.map(
    (size): OpCase => ({
      inputs: [whole([size])],
      attributes: { limit: 0.5 },
      gives: [`[${size}]`],
      ulps: 8 + size,
    }),
  ),
  {
    note: "within the limit: unchanged",
    inputs: [whole([2], exactly(3, 4))],
    attributes: { limit: 5 },
    gives: ["[2]"],
    value: [3, 4],
  },
  {
    note: "beyond",
    inputs: [whole([2], exactly(3, 4))],
    attributes: { limit: 1 },
    gives: ["[2]"],
    value: [0.6, 0.8],
  },
  {
    note: "squares that overflow in float32 unless summed in more",
    inputs: [whole([64], exactly(1e18, -1e18))],
    attributes: { limit: 1 },
    gives: ["[64]"],
    ulps: 64,
  },
  {
    note: "zeros stay zeros",
    inputs: [whole([5], exactly(0))],
    attributes: { limit: 1 },
    gives: ["[5]"],
    value: [0, 0, 0, 0, 0],
  },
]);

const executors = [
  ["reference", referenceExecutor] as const,
  ...(loadBinding().binding?.isas ?? []).map((isa) => {
    const binding = loadBinding().binding;
    if (binding === undefined) throw new Error("the native addon is not there");
    return [isa, nativeExecutor(binding, isa)] as const;
  }),
];

describe("rmsprop", () => {
  it.each(executors)("keeps weights finite where a gradient never changes: %s", (_, executor) => {
    const op = OPS.get("rmsprop") as OpDefinition;
    const type = valueType(false, [19]);
    const attributes = { scale: 1e-9, weightDecay: 0, rho: 0.9, epsilon: 1e-7, momentum: 0, centered: 1 };
    const gradient = Float32Array.from({ length: 19 }, (_, i) => (i + 1) / 7);
    let state: ArrayLike<number>[] = [0, 0, 0].map(() => new Float32Array(19));
    // The variance, a difference of two averages that become equal, must not round to below zero.
    for (let step = 0; step < 300; step++) {
      const [p, square, mean] = state as [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>];
      const inputs = [p, gradient, square, mean].map((values) => ({ type, values }));
      const outputs = [type, type, type];
      state = [...runOp({ op, inputs, outputs, attributes, batch: 1, capacity: 1 }, executor).outputs];
      expect(Array.from(state[0] ?? []).every(Number.isFinite), `step ${step}`).toBe(true);
    }
  });
});

describe("guard", () => {
  const op = OPS.get("guard") as OpDefinition;
  it.each(executors)("ends a step whose loss or gradient is not finite: %s", (_, executor) => {
    const run = (loss: number, gradient?: readonly number[]): boolean => {
      const inputs = [{ type: valueType(false, []), values: [loss] }];
      if (gradient !== undefined)
        inputs.push({ type: valueType(false, [gradient.length]), values: [...gradient] });
      return runOp({ op, inputs, outputs: [], attributes: {}, batch: 1, capacity: 1 }, executor).ok;
    };
    expect(run(1)).toBe(true);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(run(bad)).toBe(false);
      for (const size of [1, 5, 16, 37]) {
        const gradient = new Array<number>(size).fill(3.4e38);
        expect(run(1, gradient)).toBe(true);
        for (const position of [0, size >> 1, size - 1])
          expect(run(1, gradient.with(position, bad))).toBe(false);
      }
    }
  });
});

describe("nadamMomenta", () => {
  it("multiplies the momenta of all steps", () => {
    const momentum = (t: number): number => 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004));
    const { current, next, product } = nadamMomenta(0.9, 0.004, 3);
    expect(current).toBeCloseTo(momentum(3), 15);
    expect(next).toBeCloseTo(momentum(4), 15);
    expect(product).toBeCloseTo(momentum(1) * momentum(2) * momentum(3), 15);
  });

  it("takes no longer in a late step", () => {
    expect(nadamMomenta(0.9, 1, 1e12).product).toBeLessThan(1e-17);
  });
});

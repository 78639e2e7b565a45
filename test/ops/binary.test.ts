import { describe, expect, it } from "vitest";
import { ShapeError } from "../../lib/errors.ts";
import { loadBinding } from "../../lib/executor/binding.ts";
import { nativeExecutor } from "../../lib/executor/native.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { GraphBuilder, valueType } from "../../lib/graph/graph.ts";
import { add } from "../../lib/ops/functions.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import {
  type CaseInput,
  describeOp,
  exactly,
  type Fill,
  type OpCase,
  samples,
  whole,
} from "../support/op-cases.ts";
import { runOp } from "../support/op-run.ts";

const op = OPS.get("binary") as OpDefinition;
const FUNCTIONS = op.functions as readonly string[];
/** Of either sign, and far enough from 0 to divide by. */
const away: Fill = (count, random) =>
  Float32Array.from({ length: count }, () => (random.uniform() < 0.5 ? -1 : 1) * (0.5 + random.uniform()));

/** Pairs of operands whose shapes broadcast in each way that layers and gradients need. */
const PAIRS: readonly (readonly [CaseInput, CaseInput, string])[] = [
  [samples([19], away), samples([19], away), "[batch, 19]"],
  [samples([2, 37], away), whole([37], away), "[batch, 2, 37]"],
  [whole([5], away), samples([3, 5], away), "[batch, 3, 5]"],
  [samples([3, 5], away), samples([3, 1], away), "[batch, 3, 5]"],
  [samples([3, 1], away), whole([1, 5], away), "[batch, 3, 5]"],
  [samples([2, 3, 5], away), samples([3, 1], away), "[batch, 2, 3, 5]"],
  [samples([2, 1, 5], away), whole([2, 3, 1], away), "[batch, 2, 3, 5]"],
  [samples([7], away), whole([], away), "[batch, 7]"],
  [samples([], away), whole([7], away), "[batch, 7]"],
  [whole([4, 3], away), whole([3], away), "[4, 3]"],
];

describeOp(
  "binary",
  FUNCTIONS.flatMap((name) =>
    PAIRS.map(([a, b, type]): OpCase => ({ inputs: [a, b], attributes: { function: name }, gives: [type] })),
  ),
);

describeOp("binary", [
  {
    inputs: [samples([3], exactly(1, 2, 3)), whole([3], exactly(2, 2, 2))],
    attributes: { function: "greaterEqual" },
    gives: ["[batch, 3]"],
    batches: [1],
    value: [0, 1, 1],
    gradients: [],
  },
  {
    inputs: [samples([2, 1], exactly(1, 2)), whole([3], exactly(10, 20, 30))],
    attributes: { function: "subtract" },
    gives: ["[batch, 2, 3]"],
    batches: [1],
    value: [-9, -19, -29, -8, -18, -28],
  },
  {
    note: "more than one thread's work",
    inputs: [samples([3, 1500]), whole([1500], away)],
    attributes: { function: "divide" },
    gives: ["[batch, 3, 1500]"],
    batches: [17],
    gradients: [],
  },
]);

describe("binary functions", () => {
  const type = valueType(false, [5]);
  const inputs = [
    { type, values: [Number.NaN, 1, Number.NaN, Number.POSITIVE_INFINITY, 0] },
    { type, values: [1, Number.NaN, Number.NaN, 1, -0] },
  ];
  const executors = [
    ["reference", referenceExecutor] as const,
    ...(loadBinding().binding?.isas ?? []).map((isa) => {
      const binding = loadBinding().binding;
      if (binding === undefined) throw new Error("the native addon is not there");
      return [isa, nativeExecutor(binding, isa)] as const;
    }),
  ];

  it.each(executors)("pass NaN on and compare it as false: %s", (_, executor) => {
    const run = (name: string): number[] => [
      ...(runOp(
        { op, inputs, outputs: [type], attributes: { function: name }, batch: 1, capacity: 1 },
        executor,
      ).outputs[0] ?? []),
    ];
    expect(run("maximum").slice(0, 4)).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
    expect(run("minimum").slice(0, 4)).toEqual([Number.NaN, Number.NaN, Number.NaN, 1]);
    expect(run("add")).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, 0]);
    expect(run("equal")).toEqual([0, 0, 0, 0, 1]);
    expect(run("greater")).toEqual([0, 0, 0, 1, 0]);
    expect(run("greaterEqual")).toEqual([0, 0, 0, 1, 1]);
  });

  it("refuses shapes that do not broadcast", () => {
    const graph = new GraphBuilder({ training: false });
    const emit = (): unknown => add(graph.input("a", [2, 3]), graph.input("b", [2]));
    expect(emit).toThrow(ShapeError);
    expect(emit).toThrow("got [batch, 2, 3] and [batch, 2]");
  });
});

import { describe, expect, it } from "vitest";
import { ShapeError } from "../../lib/errors.ts";
import { GraphBuilder, valueType } from "../../lib/graph/graph.ts";
import { broadcast, reduce } from "../../lib/ops/functions.ts";
import { describeOp, exactly, type OpCase, samples, whole } from "../support/op-cases.ts";

const FUNCTIONS = ["sum", "mean", "max"];
/** Of the largest sum below; a mean divides the errors as it does the sum. */
const TERMS: Record<string, number> = { sum: 7 * 120, mean: 4, max: 0 };

/** Shape, whether over the batch, mask of axes, what it gives. */
const REDUCTIONS: readonly (readonly [readonly number[], number, number, string])[] = [
  [[19], 0, 0b1, "[batch]"],
  [[19], 1, 0b0, "[19]"],
  [[19], 1, 0b1, "[]"],
  [[], 1, 0, "[]"],
  [[3, 37], 0, 0b10, "[batch, 3]"],
  [[3, 37], 0, 0b01, "[batch, 37]"],
  [[3, 37], 1, 0b01, "[37]"],
  [[3, 37], 1, 0b11, "[]"],
  [[2, 3, 5], 0, 0b101, "[batch, 3]"],
  [[2, 3, 5], 1, 0b010, "[2, 5]"],
  [[2, 3, 4, 5], 0, 0b0110, "[batch, 2, 5]"],
  [[2, 3], 0, 0, "[batch, 2, 3]"],
];

describeOp(
  "reduce",
  FUNCTIONS.flatMap((name) =>
    REDUCTIONS.map(([shape, batch, axes, type]): OpCase => {
      const attributes = { function: name, batch, axes };
      return { inputs: [samples(shape)], attributes, gives: [type], terms: TERMS[name] };
    }),
  ),
);

describeOp("reduce", [
  ...FUNCTIONS.flatMap((name) =>
    [0, 1].map(
      (batch): OpCase => ({
        note: "NaN passes",
        inputs: [samples([19], exactly(1, 2, 3, 4, Number.NaN, 6))],
        attributes: { function: name, batch, axes: 1 },
        gives: [batch === 1 ? "[]" : "[batch]"],
        batches: [1],
        value: [Number.NaN],
        gradients: [],
      }),
    ),
  ),
  {
    inputs: [samples([3], exactly(1, 2, 6, 3, 5, 4))],
    attributes: { function: "mean", batch: 0, axes: 1 },
    gives: ["[batch]"],
    batches: [2],
    value: [3, 4],
  },
  {
    note: "no batch",
    inputs: [whole([4, 9])],
    attributes: { function: "sum", batch: 0, axes: 0b10 },
    gives: ["[4]"],
    terms: 9,
  },
  {
    note: "more than one thread's work",
    inputs: [samples([1333])],
    attributes: { function: "sum", batch: 1, axes: 0 },
    gives: ["[1333]"],
    batches: [41],
    gradients: [],
    terms: 41,
  },
]);

/** Makes y the maximum of x over the batch and all axes but the first `kept` elements' axis. */
function fillMaximum(perSample: boolean): NonNullable<OpCase["prepare"]> {
  return ([x, y], batch) => {
    if (x === undefined || y === undefined) return;
    const size = perSample ? x.length / batch : x.length;
    for (let i = 0; i < y.length; i++) y[i] = Math.max(...x.subarray(i * size, (i + 1) * size));
  };
}

describeOp("reduceMaxGrad", [
  {
    note: "ties share",
    inputs: [samples([4], exactly(1, 3, 3, 2)), samples([], exactly(3)), samples([], exactly(10))],
    attributes: { batch: 0, axes: 1 },
    gives: ["[batch, 4]"],
    value: [0, 5, 5, 0],
  },
  {
    inputs: [samples([37]), samples([]), samples([])],
    attributes: { batch: 0, axes: 1 },
    gives: ["[batch, 37]"],
    prepare: fillMaximum(true),
  },
  {
    inputs: [samples([3, 5]), whole([]), whole([])],
    attributes: { batch: 1, axes: 0b11 },
    gives: ["[batch, 3, 5]"],
    prepare: fillMaximum(false),
  },
]);

describeOp(
  "broadcast",
  ["sum", "mean"].flatMap((name): OpCase[] => {
    const attributes = { function: name };
    const gradients = name === "sum" ? undefined : [];
    return [
      { inputs: [whole([])], as: valueType(true, [19]), gives: ["[batch, 19]"], attributes, gradients },
      { inputs: [samples([])], as: valueType(true, [3, 5]), gives: ["[batch, 3, 5]"], attributes, gradients },
      {
        inputs: [samples([3, 1])],
        as: valueType(true, [3, 37]),
        gives: ["[batch, 3, 37]"],
        attributes,
        gradients,
      },
      {
        inputs: [samples([1, 37])],
        as: valueType(true, [3, 37]),
        gives: ["[batch, 3, 37]"],
        attributes,
        gradients,
      },
      {
        inputs: [samples([1, 3, 1])],
        as: valueType(true, [2, 3, 4]),
        gives: ["[batch, 2, 3, 4]"],
        attributes,
        gradients,
      },
      { inputs: [whole([5])], as: valueType(true, [4, 5]), gives: ["[batch, 4, 5]"], attributes, gradients },
      { inputs: [whole([5])], as: valueType(false, [4, 5]), gives: ["[4, 5]"], attributes, gradients },
    ];
  }),
);

describeOp("broadcast", [
  {
    note: "mean divides by the batch too",
    inputs: [whole([], exactly(12))],
    as: valueType(true, [2]),
    attributes: { function: "mean" },
    gives: ["[batch, 2]"],
    batches: [3],
    value: [2, 2, 2, 2, 2, 2],
    gradients: [],
  },
]);

describe("reduce", () => {
  const graph = new GraphBuilder({ training: false });
  const x = graph.input("x", [2, 3]);

  it("counts negative axes from the end and keeps axes on request", () => {
    expect(reduce("sum", x, { axes: [-1] }).shape).toEqual([2]);
    expect(reduce("max", x, { axes: [-1], keepDims: true }).shape).toEqual([2, 1]);
    expect(reduce("mean", x).shape).toEqual([]);
    expect(reduce("mean", x, { batch: true }).batched).toBe(false);
  });

  it("refuses axes that are not there", () => {
    expect(() => reduce("sum", x, { axes: [2] })).toThrow(ShapeError);
    expect(() => reduce("sum", x, { axes: [0.5] })).toThrow(
      "reduce: axis 0.5 is not an axis of [batch, 2, 3]",
    );
    const parameter = graph.constant("c", [2], () => {});
    expect(() => reduce("sum", parameter, { batch: true })).toThrow("there is no batch to reduce over");
  });

  it("refuses types that a value cannot be repeated to", () => {
    expect(() => broadcast(x, valueType(true, [3, 3]))).toThrow(
      "[batch, 2, 3] cannot be repeated to [batch, 3, 3]",
    );
    expect(() => broadcast(x, valueType(false, [2, 3]))).toThrow(ShapeError);
  });
});

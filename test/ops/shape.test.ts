import { describe, expect, it } from "vitest";
import { ShapeError } from "../../lib/errors.ts";
import { GraphBuilder, valueType } from "../../lib/graph/graph.ts";
import { concatenate, permute, reshape, slice } from "../../lib/ops/functions.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import { describeOp, exactly, type OpCase, samples, whole } from "../support/op-cases.ts";
import { checkGradient } from "../support/op-gradient.ts";
import { evaluate } from "../support/run-graph.ts";

/** The attributes of a permutation: axes that are not there stand for themselves. */
function order(...axes: number[]): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`p${i}`, axes[i] ?? i]));
}

describeOp("permute", [
  {
    inputs: [samples([2, 3], exactly(1, 2, 3, 4, 5, 6))],
    attributes: order(1, 0),
    gives: ["[batch, 3, 2]"],
    value: [1, 4, 2, 5, 3, 6],
    batches: [1],
  },
  { inputs: [samples([17, 5])], attributes: order(1, 0), gives: ["[batch, 5, 17]"], terms: 0 },
  { inputs: [samples([2, 3, 4])], attributes: order(2, 0, 1), gives: ["[batch, 4, 2, 3]"], terms: 0 },
  { inputs: [samples([2, 3, 4])], attributes: order(0, 2, 1), gives: ["[batch, 2, 4, 3]"], terms: 0 },
  {
    inputs: [samples([2, 3, 2, 5])],
    attributes: order(3, 1, 0, 2),
    gives: ["[batch, 5, 3, 2, 2]"],
    terms: 0,
  },
  { inputs: [whole([33, 18])], attributes: order(1, 0), gives: ["[18, 33]"], terms: 0, gradients: [] },
  {
    note: "more than one thread's work",
    inputs: [samples([30, 70])],
    attributes: order(1, 0),
    gives: ["[batch, 70, 30]"],
    batches: [21],
    gradients: [],
    terms: 0,
  },
  { inputs: [samples([7])], attributes: order(0), gives: ["[batch, 7]"], terms: 0 },
]);

describeOp("concatenate", [
  { inputs: [samples([3]), samples([5])], attributes: { axis: 0 }, gives: ["[batch, 8]"] },
  { inputs: [samples([2, 3]), samples([4, 3])], attributes: { axis: 0 }, gives: ["[batch, 6, 3]"] },
  {
    inputs: [samples([2, 3]), samples([2, 17]), samples([2, 1])],
    attributes: { axis: 1 },
    gives: ["[batch, 2, 21]"],
  },
  { inputs: [whole([2, 3]), whole([2, 2])], attributes: { axis: 1 }, gives: ["[2, 5]"] },
  {
    note: "eight operands",
    inputs: Array.from({ length: 8 }, (_, i) => samples([i + 1])),
    attributes: { axis: 0 },
    gives: ["[batch, 36]"],
  },
]);

const WINDOWS: readonly (readonly [readonly number[], readonly number[], number, number])[] = [
  [[9], [4], 0, 3],
  [[19], [19], 0, 0],
  [[5, 3], [2, 3], 0, 3],
  [[5, 3], [5, 1], 1, 2],
  [[2, 6, 3], [2, 3, 3], 1, 2],
];

describeOp(
  "slice",
  WINDOWS.map(
    ([from, to, axis, start]): OpCase => ({
      inputs: [samples(from)],
      as: valueType(true, to),
      attributes: { axis, start },
      gives: [`[${["batch", ...to].join(", ")}]`],
    }),
  ),
);

describeOp(
  "pad",
  WINDOWS.map(
    ([to, from, axis, start]): OpCase => ({
      inputs: [samples(from)],
      as: valueType(true, to),
      attributes: { axis, start },
      gives: [`[${["batch", ...to].join(", ")}]`],
    }),
  ),
);

describeOp("slice", [
  { inputs: [whole([7])], as: valueType(false, [3]), attributes: { axis: 0, start: 4 }, gives: ["[3]"] },
]);
describeOp("pad", [
  {
    inputs: [samples([2], exactly(1, 2))],
    as: valueType(true, [5]),
    attributes: { axis: 0, start: 2 },
    gives: ["[batch, 5]"],
    batches: [1],
    value: [0, 0, 1, 2, 0],
  },
]);

describe("reshape", () => {
  it("is a view with the gradient of one", () => {
    const type = valueType(true, [2, 3]);
    const as = valueType(true, [6]);
    const values = Float32Array.from({ length: 12 }, (_, i) => i / 7);
    const op = OPS.get("reshape") as OpDefinition;
    const inputs = [{ type, values }];
    checkGradient({ op, inputs, outputs: [as], attributes: {}, batch: 2, capacity: 2 }, [0], as);
  });

  it("refuses another number of elements", () => {
    const graph = new GraphBuilder({ training: false });
    const x = graph.input("x", [2, 3]);
    expect(() => reshape(x, [5])).toThrow(ShapeError);
    expect(() => reshape(x, [5])).toThrow("cannot reshape [batch, 2, 3] to [batch, 5]");
    expect(reshape(x, [2, 3])).toBe(x);
  });
});

describe("shapes", () => {
  const graph = new GraphBuilder({ training: false });
  const x = graph.input("x", [2, 3]);

  it("refuse what is not an order of the axes", () => {
    expect(() => permute(x, [0])).toThrow("permute: [0] must name each axis of [batch, 2, 3] once");
    expect(() => permute(x, [0, 0])).toThrow(ShapeError);
    expect(() => permute(x, [0, 2])).toThrow(ShapeError);
  });

  it("refuse windows and joints that do not fit", () => {
    expect(() => slice(x, 1, 2, 2)).toThrow("is no part of [batch, 2, 3] from 2 along axis 1");
    expect(() => slice(x, 2, 0, 1)).toThrow("axis 2 is not an axis of [batch, 2, 3]");
    expect(() => concatenate([x, graph.input("y", [3, 3])], 1)).toThrow(
      "inputs must agree in all axes but 1",
    );
    expect(() => concatenate([x, x], 5)).toThrow(ShapeError);
  });

  it("joins more values than a kernel takes", () => {
    const many = Array.from({ length: 19 }, (_, i) => slice(x, 0, i % 2, 1));
    const joined = concatenate(many, 0);
    expect(joined.shape).toEqual([19, 3]);
    const [values] = evaluate(graph, [joined], { batch: 1, inputs: { x: [1, 2, 3, 4, 5, 6] } });
    const expected = Array.from({ length: 19 }, (_, i) => (i % 2 ? [4, 5, 6] : [1, 2, 3])).flat();
    expect(values).toEqual(expected);
  });
});

import { describe, expect, it } from "vitest";
import { ShapeError } from "../../lib/errors.ts";
import { GraphBuilder } from "../../lib/graph/graph.ts";
import { confusion, thresholdCounts } from "../../lib/ops/metrics.ts";
import {
  type CaseInput,
  classes,
  describeOp,
  exactly,
  type OpCase,
  oneHot,
  samples,
  uniform,
  whole,
} from "../support/op-cases.ts";

const WIDTHS = [1, 2, 10, 19];
const weight = samples([], uniform(0, 2));

function pair(name: string, lead: readonly number[], width: number): CaseInput[] {
  const prediction = samples([...lead, width], uniform(0, 1));
  if (name === "sparse" || name === "sparseTopK") return [prediction, samples(lead, classes(width))];
  return [prediction, samples([...lead, width], name === "binary" ? classes(2) : oneHot)];
}

describeOp(
  "accuracy",
  ["binary", "categorical", "sparse", "topK", "sparseTopK"].flatMap((name): OpCase[] => {
    const attributes = { function: name, threshold: 0.5, k: 3 };
    return [
      ...WIDTHS.map(
        (width): OpCase => ({ inputs: pair(name, [], width), attributes, gives: ["[2]"], terms: 14 }),
      ),
      {
        note: "weighted rows",
        inputs: [...pair(name, [3], 6), weight],
        attributes,
        gives: ["[2]"],
        terms: 42,
      },
    ];
  }),
);

describeOp("accuracy", [
  {
    note: "more than one thread's work",
    inputs: pair("sparse", [], 700),
    attributes: { function: "sparse", threshold: 0.5, k: 1 },
    gives: ["[2]"],
    batches: [61],
    terms: 0,
  },
  {
    note: "the first maximum wins",
    inputs: [samples([3], exactly(1, 1, 0)), samples([], exactly(0, 1))],
    attributes: { function: "sparse", threshold: 0.5, k: 1 },
    gives: ["[2]"],
    batches: [2],
    value: [1, 2],
  },
  {
    note: "a tie is among the top",
    inputs: [samples([4], exactly(3, 1, 1, 2)), samples([], exactly(0, 1, 2, 3))],
    attributes: { function: "sparseTopK", threshold: 0.5, k: 3 },
    gives: ["[2]"],
    batches: [4],
    value: [4, 4],
  },
  {
    note: "another threshold",
    inputs: [samples([2], exactly(0.2, 0.6)), samples([2], exactly(1, 0))],
    attributes: { function: "binary", threshold: 0.1, k: 1 },
    gives: ["[2]"],
    batches: [3],
    value: [1.5, 3],
  },
]);

describeOp(
  "confusion",
  ["categorical", "sparse", "binary"].flatMap((name) =>
    (name === "binary" ? [1] : WIDTHS).map((width): OpCase => {
      const k = name === "binary" ? 2 : width;
      return {
        inputs: pair(name, [], width),
        attributes: { function: name, threshold: 0.5 },
        gives: [`[${k}, ${k}]`],
        batches: [1, 7, 100],
        terms: 0,
      };
    }),
  ),
);

describeOp("confusion", [
  {
    note: "rows are the true classes",
    inputs: [samples([2], exactly(0, 1)), samples([], exactly(0, 0, 1))],
    attributes: { function: "sparse", threshold: 0.5 },
    gives: ["[2, 2]"],
    batches: [3],
    value: [0, 2, 0, 1],
  },
]);

const thresholds = whole([13], (count) => Float32Array.from({ length: count }, (_, i) => i / 12));

describeOp("thresholdCounts", [
  {
    inputs: [samples([1], uniform(0, 1)), samples([1], classes(2)), thresholds],
    gives: ["[4, 13]"],
    terms: 7,
  },
  {
    inputs: [samples([5], uniform(0, 1)), samples([5], classes(2)), thresholds, weight],
    gives: ["[4, 13]"],
    terms: 70,
  },
  {
    note: "many thresholds",
    inputs: [
      samples([3], uniform(0, 1)),
      samples([3], classes(2)),
      whole([200], (count) => Float32Array.from({ length: count }, (_, i) => i / 199)),
    ],
    gives: ["[4, 200]"],
    batches: [1, 70],
    terms: 210,
  },
  {
    inputs: [
      samples([1], exactly(0.1, 0.6, 0.7, 0.2)),
      samples([1], exactly(0, 0, 1, 1)),
      whole([1], exactly(0.5)),
    ],
    gives: ["[4, 1]"],
    batches: [4],
    value: [1, 1, 1, 1],
  },
]);

describeOp("regressionSums", [
  ...WIDTHS.map(
    (width): OpCase => ({ inputs: [samples([width]), samples([width])], gives: ["[5]"], terms: 140 }),
  ),
  { inputs: [samples([3, 5]), samples([3, 5]), weight], gives: ["[5]"], terms: 140, magnitude: 4 },
  {
    inputs: [samples([2], exactly(1, 2)), samples([2], exactly(3, -1))],
    gives: ["[5]"],
    batches: [1],
    value: [5, 13, 2, 10, 2],
  },
]);

describe("metric ops", () => {
  const graph = new GraphBuilder({ training: false });
  const p = graph.input("p", [3]);

  it("refuse shapes that do not fit", () => {
    expect(() => confusion("binary", p, p)).toThrow(ShapeError);
    expect(() => confusion("binary", p, p)).toThrow("binary predictions must be one wide, got [batch, 3]");
    expect(() => thresholdCounts(p, p, p)).toThrow("thresholds must be a list");
  });
});

import { describe, expect, it } from "vitest";
import { ShapeError } from "../../lib/errors.ts";
import { GraphBuilder } from "../../lib/graph/graph.ts";
import { batchNormalization, layerNormalization } from "../../lib/ops/functions.ts";
import { describeOp, exactly, type OpCase, samples, uniform, whole } from "../support/op-cases.ts";

const WIDTHS = [1, 5, 16, 37];
const EPSILON = { epsilon: 1e-3 };
const positive = uniform(0.5, 2);

const typeOf = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

function batchCase(lead: readonly number[], width: number): OpCase {
  const c = typeOf([width]);
  return {
    inputs: [samples([...lead, width]), whole([width], positive), whole([width])],
    attributes: EPSILON,
    gives: [typeOf(["batch", ...lead, width]), c, c],
    batches: [2, 3, 9],
    // Dividing by a deviation that may be small multiplies the error of the mean.
    terms: 40,
    magnitude: 8,
  };
}

describeOp("batchNormalization", [
  ...WIDTHS.map((width) => batchCase([], width)),
  batchCase([3, 2], 5),
  {
    inputs: [samples([1], exactly(1, 3)), whole([1], exactly(2)), whole([1], exactly(5))],
    attributes: { epsilon: 0 },
    gives: ["[batch, 1]", "[1]", "[1]"],
    batches: [2],
    value: [3, 7],
    gradients: [],
  },
  {
    note: "more than one thread's work",
    inputs: [samples([700]), whole([700], positive), whole([700])],
    attributes: EPSILON,
    gives: ["[batch, 700]", "[700]", "[700]"],
    batches: [61],
    gradients: [],
    terms: 40,
  },
  {
    note: "a large mean does not swallow the deviation",
    inputs: [samples([3], uniform(999, 1001)), whole([3], positive), whole([3])],
    attributes: EPSILON,
    gives: ["[batch, 3]", "[3]", "[3]"],
    batches: [9],
    gradients: [],
    magnitude: 4000,
  },
]);

const gradientCase = (lead: readonly number[], width: number): OpCase => {
  const c = typeOf([width]);
  return {
    inputs: [
      samples([...lead, width]),
      samples([...lead, width]),
      whole([width], positive),
      whole([width]),
      whole([width], positive),
    ],
    attributes: EPSILON,
    gives: [typeOf(["batch", ...lead, width]), c, c],
    terms: 60,
    magnitude: 4,
  };
};

describeOp("batchNormalizationGrad", [
  ...WIDTHS.map((width) => gradientCase([], width)),
  gradientCase([3, 2], 5),
  { ...gradientCase([], 700), note: "more than one thread's work", batches: [61] },
]);

describeOp("movingAverage", [
  { inputs: [whole([37]), whole([37])], attributes: { momentum: 0.99 }, gives: ["[37]"] },
  {
    inputs: [whole([2], exactly(10, 20)), whole([2], exactly(0, 30))],
    attributes: { momentum: 0.9 },
    gives: ["[2]"],
    value: [9, 21],
  },
]);

function layerCase(lead: readonly number[], width: number): OpCase {
  const rows = typeOf(["batch", ...lead]);
  return {
    inputs: [samples([...lead, width]), whole([width], positive), whole([width])],
    attributes: EPSILON,
    gives: [typeOf(["batch", ...lead, width]), rows, rows],
    terms: width,
    magnitude: 32,
  };
}

describeOp("layerNormalization", [
  ...WIDTHS.map((width) => layerCase([], width)),
  layerCase([3, 2], 5),
  { ...layerCase([30], 700), note: "more than one thread's work", gradients: [] },
  {
    inputs: [samples([2], exactly(1, 3)), whole([2], exactly(1)), whole([2], exactly(0))],
    attributes: { epsilon: 0 },
    gives: ["[batch, 2]", "[batch]", "[batch]"],
    batches: [1],
    value: [-1, 1],
    gradients: [],
  },
]);

/** The last is more than one thread's work. */
const GRADIENT_SHAPES: readonly (readonly [readonly number[], number])[] = [
  [[], 1],
  [[], 5],
  [[], 37],
  [[3, 2], 5],
  [[30], 700],
];

describeOp(
  "layerNormalizationGrad",
  GRADIENT_SHAPES.map(
    ([lead, width]): OpCase => ({
      inputs: [
        samples([...lead, width]),
        samples([...lead, width]),
        whole([width], positive),
        samples(lead),
        samples(lead, positive),
      ],
      gives: [typeOf(["batch", ...lead, width]), typeOf([width]), typeOf([width])],
      terms: width + 60,
      magnitude: 8,
    }),
  ),
);

describe("normalizations", () => {
  it("refuse parameters of another width and inputs without features", () => {
    const graph = new GraphBuilder({ training: true });
    const x = graph.input("x", [3]);
    const gamma = graph.constant("gamma", [2], () => {});
    expect(() => batchNormalization(x, gamma, gamma, 1e-3)).toThrow(ShapeError);
    expect(() => layerNormalization(x, gamma, gamma, 1e-3)).toThrow(
      "gamma and beta must have shape [3], got [2]",
    );
    const scalar = graph.input("s", []);
    expect(() => layerNormalization(scalar, gamma, gamma, 1e-3)).toThrow(
      "must have a feature axis, got [batch]",
    );
  });
});

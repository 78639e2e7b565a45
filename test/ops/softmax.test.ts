import { expect, it } from "vitest";
import { GraphBuilder } from "../../lib/graph/graph.ts";
import { logSoftmax, softmax } from "../../lib/ops/functions.ts";
import {
  describeOp,
  distribution,
  exactly,
  type OpCase,
  samples,
  uniform,
  whole,
} from "../support/op-cases.ts";
import { evaluate } from "../support/run-graph.ts";

const WIDTHS = [1, 2, 7, 10, 16, 33, 100];
const wide = uniform(-6, 6);
const logProbabilities: typeof distribution = (count, random, width) =>
  Float32Array.from(distribution(count, random, width), Math.log);

const cases = (name: string): OpCase[] => [
  ...WIDTHS.map(
    (width): OpCase => ({ inputs: [samples([width], wide)], gives: [`[batch, ${width}]`], magnitude: 12 }),
  ),
  { inputs: [samples([2, 3, 5], wide)], gives: ["[batch, 2, 3, 5]"], magnitude: 12 },
  { inputs: [whole([4, 9], wide)], gives: ["[4, 9]"], magnitude: 12 },
  {
    note: "large numbers do not overflow",
    inputs: [samples([3], exactly(1000, 1000, -1000))],
    gives: ["[batch, 3]"],
    batches: [1],
    value: name === "softmax" ? [0.5, 0.5, 0] : [-Math.LN2, -Math.LN2, -2000 - Math.LN2],
    gradients: [],
  },
  {
    note: "NaN passes",
    inputs: [samples([17], exactly(1, 2, Number.NaN, 3))],
    gives: ["[batch, 17]"],
    batches: [1],
    value: new Array<number>(17).fill(Number.NaN),
    gradients: [],
  },
  {
    note: "more than one thread's work",
    inputs: [samples([700], wide)],
    gives: ["[batch, 700]"],
    batches: [61],
    gradients: [],
    magnitude: 12,
  },
];

describeOp("softmax", cases("softmax"));
describeOp("logSoftmax", cases("logSoftmax"));
describeOp(
  "softmaxGrad",
  WIDTHS.map(
    (width): OpCase => ({
      inputs: [samples([width]), samples([width], distribution)],
      gives: [`[batch, ${width}]`],
      terms: width,
    }),
  ),
);
describeOp(
  "logSoftmaxGrad",
  WIDTHS.map(
    (width): OpCase => ({
      inputs: [samples([width]), samples([width], logProbabilities)],
      gives: [`[batch, ${width}]`],
      terms: width,
    }),
  ),
);

it("gives rows that sum to 1 and their logarithms", () => {
  const graph = new GraphBuilder({ training: false });
  const x = graph.input("x", [4]);
  const [p = [], log = []] = evaluate(graph, [softmax(x), logSoftmax(x)], {
    batch: 1,
    inputs: { x: [1, -2, 3, 0.5] },
  });
  expect(p.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 14);
  p.forEach((value, i) => {
    expect(log[i]).toBeCloseTo(Math.log(value), 13);
  });
});

import { describe, expect, it } from "vitest";
import { OptionError, ShapeError } from "../../lib/errors.ts";
import { GraphBuilder } from "../../lib/graph/graph.ts";
import { linear } from "../../lib/ops/functions.ts";
import { UNARY_NAMES, type UnaryFunction, unaryRule } from "../../lib/ops/unary.ts";
import {
  type CaseInput,
  describeOp,
  exactly,
  type Fill,
  type OpCase,
  samples,
  uniform,
  whole,
} from "../support/op-cases.ts";

const LINEAR = { function: "linear", alpha: 0, beta: 0 };
const FUSED = UNARY_NAMES.filter((name) => unaryRule(name).saves !== "input");
/** Functions that need positive sums, or whose derivative is steep near 0. */
const POSITIVE: readonly string[] = ["sqrt", "rsqrt", "reciprocal"];

/** Widths around the sizes of vectors and tiles. */
const SIZES = [
  [1, 1],
  [3, 5],
  [7, 16],
  [17, 31],
  [33, 48],
  [64, 100],
  [130, 67],
] as const;

/** Rounded to bf16 the factors have no slope: the gradient is a rule of its own (bf16.test.ts). */
const rounded = (cases: readonly OpCase[]): OpCase[] => cases.map((one) => ({ ...one, gradients: [] }));

const PRODUCTS: readonly OpCase[] = [
  {
    note: "by hand",
    inputs: [
      samples([2], exactly(2, 3)),
      whole([2, 3], exactly(1, 2, 3, 4, 5, 6)),
      whole([3], exactly(0.5, 0, -1)),
    ],
    attributes: LINEAR,
    gives: ["[batch, 3]"],
    batches: [1],
    value: [14.5, 19, 23],
  },
  ...SIZES.map(([k, n]): OpCase => {
    const inputs = [samples([k]), whole([k, n]), whole([n])];
    const attributes = { ...LINEAR, function: "tanh" };
    return {
      inputs,
      attributes,
      gives: [`[batch, ${n}]`],
      terms: k,
      gradients: k * n > 500 ? [] : [0, 1, 2],
    };
  }),
  ...SIZES.map(([k, n]): OpCase => {
    const attributes = { ...LINEAR, function: "relu" };
    return {
      inputs: [samples([k]), whole([k, n])],
      attributes,
      gives: [`[batch, ${n}]`],
      terms: k,
      gradients: [],
    };
  }),
  ...FUSED.map((name): OpCase => {
    const fill = POSITIVE.includes(name) ? uniform(0.2, 1) : uniform();
    const alpha = name === "affine" ? -2 : 0.5;
    return {
      inputs: [samples([6], fill), whole([6, 19], fill), whole([19], fill)],
      attributes: { function: name, alpha, beta: 0.25 },
      gives: ["[batch, 19]"],
      terms: 12,
    };
  }),
  {
    note: "rows within a sample",
    inputs: [samples([4, 3, 5]), whole([5, 6]), whole([6])],
    attributes: { ...LINEAR, function: "sigmoid" },
    gives: ["[batch, 4, 3, 6]"],
    terms: 5,
  },
  {
    note: "no batch",
    inputs: [whole([4, 5]), whole([5, 6]), whole([6])],
    attributes: LINEAR,
    gives: ["[4, 6]"],
    terms: 5,
  },
  {
    note: "many blocks and tiles",
    inputs: [samples([784]), whole([784, 260]), whole([260])],
    attributes: { ...LINEAR, function: "relu" },
    gives: ["[batch, 260]"],
    batches: [65],
    gradients: [],
    terms: 784,
  },
  {
    note: "more than one thread's work",
    inputs: [samples([75]), whole([75, 131]), whole([131])],
    attributes: LINEAR,
    gives: ["[batch, 131]"],
    batches: [37],
    gradients: [],
    terms: 75,
  },
];

describeOp("linear", PRODUCTS);
describeOp("linearBf16", rounded(PRODUCTS));

const ROWS_OF_GRADIENT: readonly OpCase[] = [
  ...SIZES.map(
    ([k, n]): OpCase => ({ inputs: [samples([n]), whole([k, n])], gives: [`[batch, ${k}]`], terms: n }),
  ),
  { inputs: [samples([2, 7]), whole([5, 7])], gives: ["[batch, 2, 5]"], terms: 7 },
  {
    note: "many blocks and tiles",
    inputs: [samples([260]), whole([515, 260])],
    gives: ["[batch, 515]"],
    batches: [65],
    terms: 260,
  },
  {
    note: "more than one thread's work",
    inputs: [samples([75]), whole([131, 75])],
    gives: ["[batch, 131]"],
    batches: [37],
    terms: 75,
  },
];

/** With a value of the result's type that an activation's gradient reads. */
function withSaved(one: OpCase): OpCase {
  const [dz, kernel] = one.inputs as [CaseInput, CaseInput];
  const shape = [...dz.type.shape.slice(0, -1), kernel.type.shape[0] as number];
  return { ...one, inputs: [dz, kernel, samples(shape)], attributes: { ...LINEAR, function: "tanh" } };
}

const INPUT_GRADIENTS: readonly OpCase[] = [
  ...ROWS_OF_GRADIENT.map((one): OpCase => ({ ...one, attributes: LINEAR })),
  ...ROWS_OF_GRADIENT.map(withSaved),
  ...UNARY_NAMES.filter((name) => name !== "linear").map(
    (name): OpCase => ({
      inputs: [samples([6]), whole([19, 6]), samples([19], uniform(0.2, 1))],
      attributes: { function: name, alpha: 0.5, beta: 0.75 },
      gives: ["[batch, 19]"],
      terms: 12,
      magnitude: 25,
    }),
  ),
];

describeOp("linearGradInput", INPUT_GRADIENTS);
describeOp("linearGradInputBf16", INPUT_GRADIENTS);

const PAIRS: readonly OpCase[] = [
  ...SIZES.map(
    ([k, n]): OpCase => ({
      inputs: [samples([k]), samples([n])],
      gives: [`[${k}, ${n}]`, `[${n}]`],
      terms: 7,
    }),
  ),
  {
    note: "rows within a sample",
    inputs: [samples([4, 5]), samples([4, 6])],
    gives: ["[5, 6]", "[6]"],
    terms: 28,
  },
  { note: "no batch", inputs: [whole([4, 5]), whole([4, 6])], gives: ["[5, 6]", "[6]"], terms: 4 },
  {
    note: "many blocks and tiles",
    inputs: [samples([515]), samples([260])],
    gives: ["[515, 260]", "[260]"],
    batches: [130],
    terms: 130,
  },
  {
    note: "more than one thread's work",
    inputs: [samples([75]), samples([131])],
    gives: ["[75, 131]", "[131]"],
    batches: [37],
    terms: 37,
  },
];

const KERNEL_GRADIENTS: readonly OpCase[] = [
  ...PAIRS.map((one): OpCase => ({ ...one, attributes: { bias: 1 } })),
  ...PAIRS.map(
    (one): OpCase => ({ ...one, gives: one.gives.slice(0, 1), attributes: { bias: 0 }, note: "no bias" }),
  ),
];

describeOp("linearGradKernel", KERNEL_GRADIENTS);
describeOp("linearGradKernelBf16", KERNEL_GRADIENTS);

const sizeIn = (type: string): number[] => type.slice(1, -1).split(", ").map(Number);

const UPDATES = PAIRS.flatMap((one): OpCase[] => {
  const parameters = one.gives.map((type) => whole(sizeIn(type)));
  const attributes = { scale: 0.5 };
  return [
    { ...one, inputs: [...one.inputs, ...parameters], attributes },
    {
      ...one,
      inputs: [...one.inputs, ...parameters.slice(0, 1)],
      gives: one.gives.slice(0, 1),
      attributes,
      note: "no bias",
    },
  ];
});

describeOp("linearUpdate", UPDATES);
describeOp("linearUpdateBf16", UPDATES);

const put =
  (value: number, ...places: number[]): Fill =>
  (count) => {
    const data = new Float32Array(count).fill(0.5);
    for (const place of places) data[place % count] = value;
    return data;
  };

/** Sums that are finite, infinite, or not a number, near the largest float too, or only when factors are rounded. */
const EXTREMES = [
  [put(1, 0), put(1, 0)],
  [put(Number.NaN, 3), put(1, 0)],
  [put(1, 0), put(Number.NaN, 40)],
  [put(Number.POSITIVE_INFINITY, 30), put(0, 1)],
  [put(1e30, 2), put(1e30, 2)],
  [put(3e38, 0), put(0, 0)],
  [put(1e20, 0, 1, 2, 3, 4), put(1e18, 0, 1, 2, 3, 4)],
  [put(2e38, 5), put(1.5, 5)],
  [put(2e38, 5), put(1.9, 5)],
  [put(0.5, 0), put(3e38, 0, 17, 34)],
  [put(3.4e38, 5), put(1e-30, 0)],
  [put(1, 5), put(3.4e38, 0)],
].map(
  ([x, dz], i): OpCase => ({
    note: `case ${i}`,
    inputs: [samples([7], x), samples([17], dz)],
    gives: [],
  }),
);

describeOp("linearGuard", EXTREMES);
describeOp("linearGuardBf16", EXTREMES);

describe("linear", () => {
  function emit(
    kernel: readonly number[],
    bias?: readonly number[],
    name: UnaryFunction = "linear",
  ): () => unknown {
    const graph = new GraphBuilder({ training: true });
    const initialize = (): void => {};
    const parameter = (which: string, shape: readonly number[]) =>
      graph.parameter({ name: which, shape, initialize });
    const x = graph.input("x", [3]);
    return () => linear(x, parameter("kernel", kernel), bias && parameter("bias", bias), { function: name });
  }

  it("refuses shapes that do not fit", () => {
    expect(emit([4, 2])).toThrow(ShapeError);
    expect(emit([4, 2])).toThrow("the input must have a last dimension of 4, got [batch, 3]");
    expect(emit([3, 2], [3])).toThrow("bias must have a last dimension of 2, got [3]");
    expect(emit([3])).toThrow("kernel must have rank 2 and no batch, got [3]");
  });

  it("refuses functions whose gradient needs what it does not keep", () => {
    expect(emit([3, 2], undefined, "gelu")).toThrow(OptionError);
  });
});

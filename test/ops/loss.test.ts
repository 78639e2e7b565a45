import { describe, expect, it } from "vitest";
import { ShapeError } from "../../lib/errors.ts";
import { GraphBuilder } from "../../lib/graph/graph.ts";
import { loss } from "../../lib/ops/functions.ts";
import { lossRule } from "../../lib/ops/loss.ts";
import { LOSS_FUNCTIONS, type LossFunction } from "../../lib/ops/loss-functions.ts";
import {
  type CaseInput,
  classes,
  describeOp,
  distribution,
  exactly,
  type Fill,
  type OpCase,
  oneHot,
  samples,
  uniform,
} from "../support/op-cases.ts";

const NAMES = Object.keys(LOSS_FUNCTIONS) as LossFunction[];
const WIDTHS = [1, 5, 16, 19];

const signed: Fill = (count, random) =>
  Float32Array.from({ length: count }, () => (random.uniform() < 0.5 ? -1 : 1));
const binary = classes(2);
const logits = uniform(-3, 3);
const inner = uniform(0.1, 0.9);

/** What a loss reads where it is not any number: predictions and targets. */
const FILLS: Partial<Record<LossFunction, readonly [prediction: Fill, target: Fill]>> = {
  meanSquaredLogarithmicError: [uniform(0.1, 3), uniform(0.1, 3)],
  hinge: [logits, signed],
  squaredHinge: [logits, signed],
  categoricalHinge: [logits, oneHot],
  klDivergence: [inner, distribution],
  poisson: [uniform(0.2, 3), uniform(0, 4)],
  categoricalCrossentropy: [inner, distribution],
  sparseCategoricalCrossentropy: [inner, logits],
  binaryCrossentropy: [inner, binary],
  categoricalCrossentropyFromLogits: [logits, distribution],
  binaryCrossentropyFromLogits: [logits, binary],
  binaryFocal: [inner, binary],
  binaryFocalFromLogits: [logits, binary],
  categoricalFocal: [inner, oneHot],
  categoricalFocalFromLogits: [logits, oneHot],
};

/** Constants of a loss that are worth a case each. */
const CONSTANTS: Partial<Record<LossFunction, readonly (readonly [alpha: number, beta: number])[]>> = {
  huber: [
    [1, 0],
    [0.25, 0],
  ],
  categoricalCrossentropy: [
    [0, 0],
    [0.1, 0],
  ],
  binaryCrossentropy: [[0.1, 0]],
  categoricalCrossentropyFromLogits: [
    [0, 0],
    [0.1, 0],
  ],
  binaryCrossentropyFromLogits: [
    [0, 0],
    [0.1, 0],
  ],
  binaryFocal: [
    [-1, 2],
    [0.25, 1.5],
  ],
  binaryFocalFromLogits: [
    [-1, 2],
    [0.25, 0],
  ],
  categoricalFocal: [[0.25, 2]],
  categoricalFocalFromLogits: [
    [0.25, 2],
    [0.5, 1],
  ],
};

function operands(name: LossFunction, lead: readonly number[], width: number): [CaseInput, CaseInput] {
  const [prediction, target] = FILLS[name] ?? [logits, logits];
  const shape = [...lead, width];
  if (lossRule(name).sparse === true) return [samples(shape, prediction), samples(lead, classes(width))];
  return [samples(shape, prediction), samples(shape, target)];
}

/** Errors of a loss: a mean divides those of its terms. Percentages divide by targets that may be small. */
function precisionOf(name: LossFunction): Pick<OpCase, "terms" | "magnitude" | "ulps"> {
  return { terms: 2, magnitude: name === "meanAbsolutePercentageError" ? 1e4 : 4, ulps: 16 };
}

function lossCases(name: LossFunction): OpCase[] {
  return (CONSTANTS[name] ?? [[0, 0]]).flatMap(([alpha, beta]) => {
    const attributes = { function: name, alpha, beta, sum: 0, gradient: 1 };
    const gives = (...shape: number[]): string[] => ["[]", `[${["batch", ...shape].join(", ")}]`];
    return [
      ...WIDTHS.map(
        (width): OpCase => ({
          gives: gives(width),
          gradients: [0],
          inputs: operands(name, [], width),
          attributes,
          ...precisionOf(name),
        }),
      ),
      {
        note: "weighted sum of rows",
        gives: gives(3, 7),
        gradients: [0],
        inputs: [...operands(name, [3], 7), samples([], uniform(0, 2))],
        attributes: { ...attributes, sum: 1 },
        ...precisionOf(name),
      },
    ];
  });
}

describeOp("loss", NAMES.flatMap(lossCases));

describeOp(
  "loss",
  NAMES.map(
    (name): OpCase => ({
      note: "without its gradient",
      inputs: operands(name, [], 5),
      attributes: { function: name, alpha: 0.5, beta: 2, sum: 0, gradient: 0 },
      gives: ["[]"],
      gradients: [0],
      ...precisionOf(name),
    }),
  ),
);

const EXTREME: readonly LossFunction[] = [
  "categoricalCrossentropyFromLogits",
  "sparseCategoricalCrossentropyFromLogits",
  "binaryCrossentropyFromLogits",
  "binaryFocalFromLogits",
  "categoricalFocalFromLogits",
];

describeOp(
  "loss",
  EXTREME.map((name): OpCase => {
    const target = lossRule(name).sparse === true ? samples([], exactly(1)) : samples([3], exactly(0, 1, 0));
    return {
      note: "large logits",
      inputs: [samples([3], exactly(90, -90, 5)), target],
      attributes: {
        function: name,
        alpha: name.startsWith("binaryFocal") ? -1 : 0.25,
        beta: 2,
        sum: 0,
        gradient: 0,
      },
      gives: ["[]"],
      gradients: [],
      magnitude: 200,
    };
  }),
);

describeOp(
  "loss",
  NAMES.map((name): OpCase => {
    const target =
      lossRule(name).sparse === true ? samples([], exactly(2)) : samples([5], exactly(0, 0, 1, 0, 0));
    return {
      note: "NaN passes",
      inputs: [samples([5], exactly(0.5, 0.25, Number.NaN, 0.75, 0.1)), target],
      attributes: { function: name, alpha: 0.5, beta: 2, sum: 0, gradient: 0 },
      gives: ["[]"],
      value: [Number.NaN],
      gradients: [],
    };
  }),
);

const LARGE: readonly LossFunction[] = [
  "meanSquaredError",
  "sparseCategoricalCrossentropyFromLogits",
  "cosineSimilarity",
];

describeOp(
  "loss",
  LARGE.map(
    (name): OpCase => ({
      note: "many rows",
      inputs: operands(name, [], 700),
      attributes: { function: name, alpha: 0, beta: 0, sum: 0, gradient: 1 },
      gives: ["[]", "[batch, 700]"],
      batches: [61],
      gradients: [],
      ulps: 32,
    }),
  ),
);

describeOp("loss", [
  {
    note: "the tutorial's mean squared error",
    inputs: [samples([1], exactly(0)), samples([1], exactly(1, 0, 0, 1))],
    attributes: { function: "meanSquaredError", alpha: 0, beta: 0, sum: 0, gradient: 0 },
    gives: ["[]"],
    batches: [4],
    value: [0.5],
    gradients: [0],
  },
  {
    note: "weights do not change what the sum is divided by",
    inputs: [samples([2], exactly(1, 3)), samples([2], exactly(0)), samples([], exactly(1, 0))],
    attributes: { function: "meanAbsoluteError", alpha: 0, beta: 0, sum: 0, gradient: 0 },
    gives: ["[]"],
    batches: [2],
    value: [1],
    gradients: [0],
  },
]);

describe("loss", () => {
  const graph = new GraphBuilder({ training: true });
  const prediction = graph.input("p", [4]);

  it("refuses targets and weights of another shape", () => {
    const target = graph.input("t", [3]);
    expect(() => loss("meanSquaredError", prediction, target)).toThrow(ShapeError);
    expect(() => loss("meanSquaredError", prediction, target)).toThrow(
      "the target must have shape [batch, 4] for predictions [batch, 4], got [batch, 3]",
    );
    expect(() => loss("negativeLogLikelihood", prediction, prediction)).toThrow("must have shape [batch]");
    expect(() => loss("meanSquaredError", prediction, prediction, { weight: target })).toThrow(
      "weights must be one number a sample, got [batch, 3]",
    );
  });
});

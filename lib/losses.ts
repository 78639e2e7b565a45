import { checkNumber, checkOptions, expected, OptionError, ShapeError } from "./errors.ts";
import { Value, type ValueType } from "./graph/graph.ts";
import { byName } from "./names.ts";
import { affine, loss as lossNode, multiply, reduce, reshape, softmax, unary } from "./ops/functions.ts";
import { LOSS_FUNCTIONS, type LossFunction, type LossRule } from "./ops/loss-functions.ts";
import { formatShape } from "./tensor.ts";

export interface LossResult {
  /** A scalar. */
  readonly loss: Value;
  /** What metrics read: probabilities where the loss is computed from logits. */
  readonly prediction: Value;
}

/**
 * What the targets of a loss may hold, for checks of the data. "class": a whole number from 0 to classes - 1;
 * "binary": numbers from 0 to 1, each output on its own; "probability": numbers from 0 to 1, a row is one
 * distribution; "signed": -1 or 1.
 */
export type Labels = "class" | "binary" | "probability" | "signed";

export type Reduction = "mean" | "sum";

/** What training makes small: an immutable description. */
export interface Loss {
  readonly name: string;
  /** The target holds one class index a row. */
  readonly sparse: boolean;
  /** What targets may hold; undefined: any finite number. */
  readonly labels?: Labels | undefined;
  /** Whether the scalar is the mean or the sum over samples. */
  readonly reduction: Reduction;
  /** Predictions above it mean "yes", for binary metrics: 0 where they are margins, else 0.5. */
  readonly threshold: number;
  /** Emits the loss; `weight` is one number a sample. */
  build(prediction: Value, target: Value, weight?: Value): LossResult;
  /** Shape of the target without the batch. */
  targetType(prediction: ValueType): readonly number[];
}

/** A loss of one's own, from ops: one value or row of values a sample, or a scalar. */
export type LossCallback = (prediction: Value, target: Value) => Value;

/** A loss's name, what a factory of `losses` returns, or a function of one's own. */
export type LossLike = LossName | Loss | LossCallback;

export interface LossOptions {
  /** Mean (default) or sum over samples of the mean over a sample's rows. */
  reduction?: Reduction;
}

export interface FromLogitsOptions extends LossOptions {
  /**
   * The predictions are logits. Default false; after a softmax or sigmoid output the loss is computed from
   * the logits anyway, which is exact where probabilities round to 0 or 1.
   */
  fromLogits?: boolean;
}

/** How a loss is built from one op. */
interface Form {
  readonly name: string;
  readonly op: LossFunction;
  readonly labels?: Labels | undefined;
  readonly threshold?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly mapTarget?: (target: Value) => Value;
  /** The function that makes probabilities of logits, and the op that takes these. */
  readonly logits?: { readonly op: LossFunction; readonly activation: "softmax" | "sigmoid" };
}

function checkReduction(where: string, options: LossOptions): Reduction {
  const { reduction = "mean" } = options;
  if (reduction === "mean" || reduction === "sum") return reduction;
  throw new OptionError(expected(`${where}: reduction`, `"mean" or "sum"`, reduction));
}

const ACTIVATIONS = { softmax, sigmoid: (z: Value): Value => unary("sigmoid", z) };

/** The logits that `prediction` was made of by the named function. */
function logitsOf(prediction: Value, activation: string): Value | undefined {
  if (prediction.source.kind !== "node") return undefined;
  const before = prediction.source.op.preactivation?.(prediction.source);
  return before?.activation === activation ? before.value() : undefined;
}

function describe(form: Form, options: FromLogitsOptions): Loss {
  const where = `losses.${form.name}`;
  const { fromLogits = false } = options;
  if (typeof fromLogits !== "boolean") {
    throw new OptionError(expected(`${where}: fromLogits`, "true or false", fromLogits));
  }
  const reduction = checkReduction(where, options);
  const sparse = (LOSS_FUNCTIONS[form.op] as LossRule).sparse === true;
  const { alpha = 0, beta = 0, labels, threshold = 0.5, mapTarget = (target: Value): Value => target } = form;
  return {
    name: form.name,
    sparse,
    labels,
    reduction,
    threshold,
    build: (prediction, target, weight) => {
      const emit = (op: LossFunction, input: Value): Value =>
        lossNode(op, input, mapTarget(target), { alpha, beta, sum: reduction === "sum", weight });
      if (form.logits === undefined) return { loss: emit(form.op, prediction), prediction };
      const { op, activation } = form.logits;
      const logits = fromLogits ? prediction : logitsOf(prediction, activation);
      if (logits === undefined) return { loss: emit(form.op, prediction), prediction };
      return { loss: emit(op, logits), prediction: ACTIVATIONS[activation](logits) };
    },
    targetType: ({ shape }) => (sparse ? shape.slice(0, -1) : shape),
  };
}

function plain(form: Form, options: LossOptions): Loss {
  checkOptions(`losses.${form.name}`, options, ["reduction"]);
  return describe(form, options);
}

/** Mean of (p - t)². */
export function meanSquaredError(options: LossOptions = {}): Loss {
  return plain({ name: "meanSquaredError", op: "meanSquaredError" }, options);
}

/** Mean of |p - t|. */
export function meanAbsoluteError(options: LossOptions = {}): Loss {
  return plain({ name: "meanAbsoluteError", op: "meanAbsoluteError" }, options);
}

/** 100 times the mean of |t - p| / max(|t|, 1e-7). */
export function meanAbsolutePercentageError(options: LossOptions = {}): Loss {
  return plain({ name: "meanAbsolutePercentageError", op: "meanAbsolutePercentageError" }, options);
}

/** Mean of (log(p + 1) - log(t + 1))², negative numbers taken as 0. */
export function meanSquaredLogarithmicError(options: LossOptions = {}): Loss {
  return plain({ name: "meanSquaredLogarithmicError", op: "meanSquaredLogarithmicError" }, options);
}

export interface HuberOptions extends LossOptions {
  /** Where squares turn into absolute values. Default 1. */
  delta?: number;
}

/** Huber 1964: e²/2 up to |e| = delta, linear beyond. */
export function huber(options: HuberOptions = {}): Loss {
  checkOptions("losses.huber", options, ["reduction", "delta"]);
  const alpha = checkNumber("losses.huber: delta", options.delta ?? 1, { min: 0, exclusive: true });
  return describe({ name: "huber", op: "huber", alpha }, options);
}

/** Mean of log(cosh(p - t)). */
export function logCosh(options: LossOptions = {}): Loss {
  return plain({ name: "logCosh", op: "logCosh" }, options);
}

export interface HingeOptions extends LossOptions {
  /**
   * What the targets are: "signed" (-1 and 1, default) or "zeroOne" (0 and 1, mapped to -1 and 1). Keras looks
   * at the data to tell, which a plan cannot.
   */
  labels?: "signed" | "zeroOne";
}

function hingeNamed(name: "hinge" | "squaredHinge", options: HingeOptions): Loss {
  checkOptions(`losses.${name}`, options, ["reduction", "labels"]);
  const { labels = "signed" } = options;
  if (labels !== "signed" && labels !== "zeroOne") {
    throw new OptionError(expected(`losses.${name}: labels`, `"signed" or "zeroOne"`, labels));
  }
  const form: Form = { name, op: name, threshold: 0, labels: "signed" };
  const mapped: Form = { ...form, labels: "binary", mapTarget: (target) => affine(target, 2, -1) };
  return describe(labels === "signed" ? form : mapped, options);
}

/** Mean of max(1 - t p, 0) for targets -1 and 1. */
export function hinge(options: HingeOptions = {}): Loss {
  return hingeNamed("hinge", options);
}

/** Mean of max(1 - t p, 0)² for targets -1 and 1. */
export function squaredHinge(options: HingeOptions = {}): Loss {
  return hingeNamed("squaredHinge", options);
}

/** max(0, best wrong score - right score + 1) for one-hot targets. */
export function categoricalHinge(options: LossOptions = {}): Loss {
  return plain({ name: "categoricalHinge", op: "categoricalHinge", labels: "probability" }, options);
}

/** Sum of t log(t / p), both limited to [1e-7, 1]. */
export function klDivergence(options: LossOptions = {}): Loss {
  return plain({ name: "klDivergence", op: "klDivergence", labels: "probability" }, options);
}

/** Mean of p - t log(p + 1e-7). */
export function poisson(options: LossOptions = {}): Loss {
  return plain({ name: "poisson", op: "poisson" }, options);
}

/** Minus the cosine of the angle between prediction and target: -1 where they point the same way. */
export function cosineSimilarity(options: LossOptions = {}): Loss {
  return plain({ name: "cosineSimilarity", op: "cosineSimilarity" }, options);
}

export interface CrossentropyOptions extends FromLogitsOptions {
  /** Szegedy et al. 2016: the part of each target that is spread evenly over the classes. Default 0. */
  labelSmoothing?: number;
}

function smoothing(where: string, options: CrossentropyOptions): number {
  checkOptions(where, options, ["reduction", "fromLogits", "labelSmoothing"]);
  return checkNumber(`${where}: labelSmoothing`, options.labelSmoothing ?? 0, { min: 0, max: 1 });
}

/** Mean of -(t log p + (1 - t) log(1 - p)): each output is a yes or no of its own. */
export function binaryCrossentropy(options: CrossentropyOptions = {}): Loss {
  const form: Form = {
    name: "binaryCrossentropy",
    op: "binaryCrossentropy",
    labels: "binary",
    alpha: smoothing("losses.binaryCrossentropy", options),
    logits: { op: "binaryCrossentropyFromLogits", activation: "sigmoid" },
  };
  return describe(form, options);
}

/** -sum t log p: one of several classes, the target one-hot or a distribution. */
export function categoricalCrossentropy(options: CrossentropyOptions = {}): Loss {
  const form: Form = {
    name: "categoricalCrossentropy",
    op: "categoricalCrossentropy",
    labels: "probability",
    alpha: smoothing("losses.categoricalCrossentropy", options),
    logits: { op: "categoricalCrossentropyFromLogits", activation: "softmax" },
  };
  return describe(form, options);
}

/** -log p of the class whose index is the target. */
export function sparseCategoricalCrossentropy(options: FromLogitsOptions = {}): Loss {
  checkOptions("losses.sparseCategoricalCrossentropy", options, ["reduction", "fromLogits"]);
  const form: Form = {
    name: "sparseCategoricalCrossentropy",
    op: "sparseCategoricalCrossentropy",
    labels: "class",
    logits: { op: "sparseCategoricalCrossentropyFromLogits", activation: "softmax" },
  };
  return describe(form, options);
}

export interface FocalOptions extends FromLogitsOptions {
  /** Weight of the rare class. */
  alpha?: number;
  /** How strongly easy samples are played down. Default 2. */
  gamma?: number;
}

/** alpha and gamma, where alpha may be `none`. */
function focal(where: string, options: FocalOptions, none: number): { alpha: number; beta: number } {
  checkOptions(where, options, ["reduction", "fromLogits", "alpha", "gamma"]);
  const { alpha, gamma = 2 } = options;
  return {
    alpha: alpha === undefined ? none : checkNumber(`${where}: alpha`, alpha, { min: 0, max: 1 }),
    beta: checkNumber(`${where}: gamma`, gamma, { min: 0 }),
  };
}

/**
 * Lin et al. 2017, "Focal Loss for Dense Object Detection": binary crossentropy times (1 - p)^gamma. With
 * `alpha`, ones weigh alpha and zeros 1 - alpha (Keras's applyClassBalancing); without, all weigh 1.
 */
export function binaryFocalCrossentropy(options: FocalOptions = {}): Loss {
  const form: Form = {
    name: "binaryFocalCrossentropy",
    op: "binaryFocal",
    labels: "binary",
    ...focal("losses.binaryFocalCrossentropy", options, -1),
    logits: { op: "binaryFocalFromLogits", activation: "sigmoid" },
  };
  return describe(form, options);
}

/** Lin et al. 2017 for several classes: -alpha (1 - p)^gamma t log p; alpha is 0.25 by default. */
export function categoricalFocalCrossentropy(options: FocalOptions = {}): Loss {
  const form: Form = {
    name: "categoricalFocalCrossentropy",
    op: "categoricalFocal",
    labels: "probability",
    ...focal("losses.categoricalFocalCrossentropy", options, 0.25),
    logits: { op: "categoricalFocalFromLogits", activation: "softmax" },
  };
  return describe(form, options);
}

/** -p of the class whose index is the target, for predictions that are log probabilities (logSoftmax). */
export function negativeLogLikelihood(options: LossOptions = {}): Loss {
  return plain({ name: "negativeLogLikelihood", op: "negativeLogLikelihood", labels: "class" }, options);
}

/** Mean over the batch of weight times the callback's mean for each sample. */
function meanOf(name: string, raw: Value, weight: Value | undefined): Value {
  if (!(raw instanceof Value)) {
    throw new OptionError(expected(`loss ${name}: what the function returns`, "a value made of ops", raw));
  }
  if (!raw.batched) {
    if (raw.shape.length > 0) {
      throw new ShapeError(
        `loss ${name}: a value without batch must be a scalar, got ${formatShape(raw.shape)}`,
      );
    }
    if (weight === undefined) return raw;
    throw new ShapeError(`loss ${name}: a scalar cannot be weighted, return one value a sample`);
  }
  const perSample = reduce("mean", raw);
  const weighted = weight === undefined ? perSample : multiply(perSample, reshape(weight, []));
  return reduce("mean", weighted, { batch: true });
}

/** A user's function as a loss; its targets have the shape of the prediction. */
function custom(callback: LossCallback): Loss {
  const name = callback.name || "custom";
  return {
    name,
    sparse: false,
    reduction: "mean",
    threshold: 0.5,
    build: (prediction, target, weight) => ({
      loss: meanOf(name, callback(prediction, target), weight),
      prediction,
    }),
    targetType: ({ shape }) => shape,
  };
}

/**
 * Every loss by name, short names included.
 * @internal
 */
export const LOSSES = {
  meanSquaredError,
  mse: meanSquaredError,
  meanAbsoluteError,
  mae: meanAbsoluteError,
  meanAbsolutePercentageError,
  mape: meanAbsolutePercentageError,
  meanSquaredLogarithmicError,
  msle: meanSquaredLogarithmicError,
  huber,
  logCosh,
  logcosh: logCosh,
  hinge,
  squaredHinge,
  categoricalHinge,
  klDivergence,
  kullbackLeiblerDivergence: klDivergence,
  kld: klDivergence,
  poisson,
  cosineSimilarity,
  cosineProximity: cosineSimilarity,
  binaryCrossentropy,
  bce: binaryCrossentropy,
  categoricalCrossentropy,
  cce: categoricalCrossentropy,
  sparseCategoricalCrossentropy,
  scce: sparseCategoricalCrossentropy,
  binaryFocalCrossentropy,
  binaryFocal: binaryFocalCrossentropy,
  categoricalFocalCrossentropy,
  categoricalFocal: categoricalFocalCrossentropy,
  negativeLogLikelihood,
  nll: negativeLogLikelihood,
} satisfies Record<string, () => Loss>;

export type LossName = keyof typeof LOSSES;

/**
 * Whether a value is what a factory of `losses` returns.
 * @internal
 */
export function isLoss(value: unknown): value is Loss {
  return typeof value === "object" && value !== null && "build" in value && "targetType" in value;
}

/**
 * The loss that a name stands for, a function of one's own as a loss, or the loss itself.
 * @internal
 */
export function resolveLoss(value: LossLike | string): Loss {
  if (typeof value === "string") return byName("Trainer: loss", "loss", value, LOSSES)();
  if (typeof value === "function") return custom(value);
  if (isLoss(value)) return value;
  throw new OptionError(
    expected("Trainer: loss", "a name, a function or what a factory of `losses` returned", value),
  );
}

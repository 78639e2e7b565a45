import { checkNumber, checkOptions, expected, OptionError, unknownName } from "./errors.ts";
import type { Value, ValueType } from "./graph/graph.ts";
import { isLoss, LOSSES, type Loss, type LossCallback, type LossName, resolveLoss } from "./losses.ts";
import { concatenate, equal, multiply, reduce, reshape } from "./ops/functions.ts";
import {
  type AccuracyFunction,
  accuracy as accuracySums,
  type ConfusionFunction,
  confusion,
  regressionSums,
  thresholdCounts,
} from "./ops/metrics.ts";
import { sizeOf } from "./tensor.ts";

/**
 * What is watched beside the loss. A plan sums statistics over a batch; the trainer sums those over batches, in
 * double precision; `result` makes the metric of the sums. So a metric is that of the whole data, not a mean
 * over batches.
 */
export interface Metric {
  /** Its key in the history. */
  readonly name: string;
  /** Emits a vector without batch that adds up over batches; `weight` is one number a sample. */
  statistics(prediction: Value, target: Value, weight?: Value): Value;
  result(sums: Float64Array): number | number[][];
}

/** What decides between the kinds of a metric: binary, one-hot or sparse. */
export interface MetricContext {
  readonly loss: Loss;
  readonly prediction: ValueType;
}

/** A metric whose kind depends on the loss and the output: `accuracy`, `precision`, ... */
export interface UnresolvedMetric {
  readonly name: string;
  resolve(context: MetricContext): Metric;
}

/** A name, what a factory of `metrics` or `losses` returns, or a function as for a loss. */
export type MetricLike = MetricName | Metric | UnresolvedMetric | Loss | LossCallback;

type Kind = "binary" | "sparse" | "categorical";

function kindOf({ loss, prediction }: MetricContext): Kind {
  if (loss.sparse) return "sparse";
  return loss.labels === "binary" || prediction.shape.at(-1) === 1 || prediction.shape.length === 0
    ? "binary"
    : "categorical";
}

/** a / b, and 0 where there is nothing to divide by, as in Keras. */
const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);
const sum = (sums: Float64Array, i: number): number => sums[i] as number;
const flat = (value: Value): Value => reshape(value, [sizeOf(value.shape)]);

function share(name: string, statistics: Metric["statistics"]): Metric {
  return { name, statistics, result: (sums) => ratio(sum(sums, 0), sum(sums, 1)) };
}

function accuracyOf(
  name: string,
  kind: AccuracyFunction,
  options: { threshold?: number; k?: number },
): Metric {
  return share(name, (prediction, target, weight) =>
    accuracySums(kind, prediction, target, { ...options, weight }),
  );
}

export interface ThresholdOptions {
  /** Predictions above it are positive. Default 0.5, or 0 under a hinge loss. */
  threshold?: number;
}

function checkThreshold(where: string, options: ThresholdOptions): number | undefined {
  checkOptions(where, options, ["threshold"]);
  return options.threshold === undefined ? undefined : checkNumber(`${where}: threshold`, options.threshold);
}

/**
 * Share of right predictions: binary where the output is one wide or the loss is binary, by class index where
 * the loss is sparse, else by the largest of each row.
 */
export function accuracy(options: ThresholdOptions = {}): UnresolvedMetric {
  const threshold = checkThreshold("metrics.accuracy", options);
  return {
    name: "accuracy",
    resolve: (context) =>
      accuracyOf("accuracy", kindOf(context), { threshold: threshold ?? context.loss.threshold }),
  };
}

/** Share of outputs on the right side of the threshold; targets above 0.5 are positive. */
export function binaryAccuracy(options: ThresholdOptions = {}): Metric {
  const threshold = checkThreshold("metrics.binaryAccuracy", options) ?? 0.5;
  return accuracyOf("binaryAccuracy", "binary", { threshold });
}

/** Share of rows whose largest prediction is where the target's largest is. */
export function categoricalAccuracy(): Metric {
  return accuracyOf("categoricalAccuracy", "categorical", {});
}

/** Share of rows whose largest prediction is at the target's class index. */
export function sparseCategoricalAccuracy(): Metric {
  return accuracyOf("sparseCategoricalAccuracy", "sparse", {});
}

export interface TopKOptions {
  /** Default 5. */
  k?: number;
}

function topK(name: string, kind: AccuracyFunction, options: TopKOptions): Metric {
  checkOptions(`metrics.${name}`, options, ["k"]);
  return accuracyOf(name, kind, {
    k: checkNumber(`metrics.${name}: k`, options.k ?? 5, { min: 1, integer: true }),
  });
}

/** Share of rows whose true class (one-hot) is among the k largest predictions. */
export function topKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  return topK("topKCategoricalAccuracy", "topK", options);
}

/** Share of rows whose true class (an index) is among the k largest predictions. */
export function sparseTopKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  return topK("sparseTopKCategoricalAccuracy", "sparseTopK", options);
}

/** True positives, false positives and false negatives of one class. */
interface Outcomes {
  readonly hits: number;
  readonly falseAlarms: number;
  readonly misses: number;
}

const precisionOf = ({ hits, falseAlarms }: Outcomes): number => ratio(hits, hits + falseAlarms);
const recallOf = ({ hits, misses }: Outcomes): number => ratio(hits, hits + misses);
const f1Of = ({ hits, falseAlarms, misses }: Outcomes): number =>
  ratio(2 * hits, 2 * hits + falseAlarms + misses);

function thresholdsOf(prediction: Value, thresholds: readonly number[], name: string): Value {
  return prediction.graph.constant(name, [thresholds.length], (data) => data.set(thresholds));
}

function binaryScore(name: string, score: (outcomes: Outcomes) => number, threshold: number): Metric {
  return {
    name,
    statistics: (prediction, target, weight) => {
      const thresholds = thresholdsOf(prediction, [threshold], `threshold${threshold}`);
      return flat(thresholdCounts(prediction, target, thresholds, weight));
    },
    result: (sums) => score({ hits: sum(sums, 0), falseAlarms: sum(sums, 1), misses: sum(sums, 3) }),
  };
}

function matrixOf(sums: Float64Array): number[][] {
  const classes = Math.sqrt(sums.length);
  return Array.from({ length: classes }, (_, row) => [...sums.subarray(row * classes, (row + 1) * classes)]);
}

/** One class against the others. */
function outcomesOf(matrix: readonly (readonly number[])[], label: number): Outcomes {
  const hits = matrix[label]?.[label] ?? 0;
  const actual = (matrix[label] ?? []).reduce((total, count) => total + count, 0);
  const guessed = matrix.reduce((total, row) => total + (row[label] ?? 0), 0);
  return { hits, falseAlarms: guessed - hits, misses: actual - hits };
}

function macroScore(name: string, score: (outcomes: Outcomes) => number, kind: ConfusionFunction): Metric {
  return {
    name,
    statistics: (prediction, target) => flat(confusion(kind, prediction, target)),
    result: (sums) => {
      const matrix = matrixOf(sums);
      const scores = matrix.map((_, label) => score(outcomesOf(matrix, label)));
      return scores.reduce((total, value) => total + value, 0) / scores.length;
    },
  };
}

function scoreOf(
  name: string,
  score: (outcomes: Outcomes) => number,
  options: ThresholdOptions,
): UnresolvedMetric {
  const threshold = checkThreshold(`metrics.${name}`, options);
  return {
    name,
    resolve: (context) => {
      const kind = kindOf(context);
      if (kind === "binary") return binaryScore(name, score, threshold ?? context.loss.threshold);
      if (threshold === undefined) return macroScore(name, score, kind);
      throw new OptionError(`metrics.${name}: threshold has no meaning for outputs that compete as classes`);
    },
  };
}

/**
 * Share of positive predictions that are right. Where the outputs are classes: the mean over classes of each
 * class against the others (macro average; without sample weights).
 */
export function precision(options: ThresholdOptions = {}): UnresolvedMetric {
  return scoreOf("precision", precisionOf, options);
}

/** Share of positive targets that are found; for classes the macro average, as for `precision`. */
export function recall(options: ThresholdOptions = {}): UnresolvedMetric {
  return scoreOf("recall", recallOf, options);
}

/** Harmonic mean of precision and recall; for classes the macro average, as for `precision`. */
export function f1(options: ThresholdOptions = {}): UnresolvedMetric {
  return scoreOf("f1", f1Of, options);
}

/** Counts of [true class][predicted class], not weighted. `result` gives a matrix. */
export function confusionMatrix(options: ThresholdOptions = {}): UnresolvedMetric {
  const threshold = checkThreshold("metrics.confusionMatrix", options);
  return {
    name: "confusionMatrix",
    resolve: (context) => ({
      name: "confusionMatrix",
      statistics: (prediction, target) =>
        flat(confusion(kindOf(context), prediction, target, threshold ?? context.loss.threshold)),
      result: matrixOf,
    }),
  };
}

export interface AucOptions {
  /** Default 200. */
  numThresholds?: number;
}

/** 0 and 1 lie between the thresholds, so that the curve has both its ends. */
const THRESHOLD_MARGIN = 1e-7;

/** Class indices as rows of zeros and one 1. */
function oneHot(target: Value, classes: number): Value {
  const indices = target.graph.constant(`classes${classes}`, [classes], (data) => {
    for (let i = 0; i < classes; i++) data[i] = i;
  });
  return equal(reshape(target, [...target.shape, 1]), indices);
}

/** Area under a curve given by points, by trapezoids. */
function area(x: (i: number) => number, y: (i: number) => number, points: number): number {
  let total = 0;
  for (let i = 0; i + 1 < points; i++) total += ((x(i) - x(i + 1)) * (y(i) + y(i + 1))) / 2;
  return total;
}

/**
 * Area under the receiver operating characteristic, by trapezoids between evenly spaced thresholds from 0 to 1,
 * as Keras's AUC. Predictions must be probabilities. Classes are taken together, each output against its target.
 */
export function auc(options: AucOptions = {}): UnresolvedMetric {
  checkOptions("metrics.auc", options, ["numThresholds"]);
  const count = checkNumber("metrics.auc: numThresholds", options.numThresholds ?? 200, {
    min: 2,
    integer: true,
  });
  const inner = Array.from({ length: count - 2 }, (_, i) => (i + 1) / (count - 1));
  const thresholds = [-THRESHOLD_MARGIN, ...inner, 1 + THRESHOLD_MARGIN];
  const statistics =
    (sparse: boolean): Metric["statistics"] =>
    (prediction, target, weight) => {
      const wanted = sparse ? oneHot(target, prediction.shape.at(-1) ?? 1) : target;
      const list = thresholdsOf(prediction, thresholds, `thresholds${count}`);
      return flat(thresholdCounts(prediction, wanted, list, weight));
    };
  const result = (sums: Float64Array): number => {
    const rate = (found: number, missed: number) => (i: number) => {
      const [a, b] = [sum(sums, found * count + i), sum(sums, missed * count + i)];
      return ratio(a, a + b);
    };
    return area(rate(1, 2), rate(0, 3), count);
  };
  return {
    name: "auc",
    resolve: ({ loss }) => ({ name: "auc", statistics: statistics(loss.sparse), result }),
  };
}

function regression(name: string, result: (sums: Float64Array) => number): Metric {
  return {
    name,
    statistics: (prediction, target, weight) => regressionSums(prediction, target, weight),
    result,
  };
}

/** Mean of |p - t| over all elements. */
export function meanAbsoluteError(): Metric {
  return regression("meanAbsoluteError", (sums) => ratio(sum(sums, 0), sum(sums, 4)));
}

/** Mean of (p - t)² over all elements. */
export function meanSquaredError(): Metric {
  return regression("meanSquaredError", (sums) => ratio(sum(sums, 1), sum(sums, 4)));
}

/** Root of the mean of (p - t)² over all elements. */
export function rootMeanSquaredError(): Metric {
  return regression("rootMeanSquaredError", (sums) => Math.sqrt(ratio(sum(sums, 1), sum(sums, 4))));
}

/** Coefficient of determination: 1 - squared errors / squared deviations of the targets; all elements together. */
export function r2(): Metric {
  return regression("r2", (sums) => {
    const deviations = sum(sums, 3) - ratio(sum(sums, 2) ** 2, sum(sums, 4));
    if (deviations > 0) return 1 - sum(sums, 1) / deviations;
    return sum(sums, 1) === 0 ? 1 : 0;
  });
}

/** Samples of the batch: targets are finite, so that each equals itself. */
function samples(target: Value): Value {
  return reduce("sum", reduce("mean", equal(target, target)), { batch: true });
}

/** A loss as a metric: its mean over samples, weighted. */
function lossMetric(loss: Loss): Metric {
  return share(loss.name, (prediction, target, weight) => {
    const { loss: scalar } = loss.build(prediction, target, weight);
    const count = samples(target);
    const total = loss.reduction === "sum" ? scalar : multiply(scalar, count);
    const weights = weight === undefined ? count : reduce("sum", weight, { batch: true });
    return concatenate([reshape(total, [1]), reshape(weights, [1])], 0);
  });
}

const METRICS = {
  accuracy,
  acc: accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  topKCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  precision,
  recall,
  f1,
  f1Score: f1,
  auc,
  confusionMatrix,
  meanAbsoluteError,
  mae: meanAbsoluteError,
  meanSquaredError,
  mse: meanSquaredError,
  rootMeanSquaredError,
  rmse: rootMeanSquaredError,
  r2,
  r2Score: r2,
} satisfies Record<string, () => Metric | UnresolvedMetric>;

export type MetricName = keyof typeof METRICS | LossName;

function fromName(name: string): Metric | UnresolvedMetric | Loss {
  if (Object.hasOwn(METRICS, name)) return METRICS[name as keyof typeof METRICS]();
  if (Object.hasOwn(LOSSES, name)) return LOSSES[name as LossName]();
  const known = [...new Set([...Object.keys(METRICS), ...Object.keys(LOSSES)])];
  throw new OptionError(`Trainer: metrics: ${unknownName("metric", name, known).message}`);
}

function resolve(value: Exclude<MetricLike, string>, context: MetricContext): Metric {
  if (typeof value === "function") return lossMetric(resolveLoss(value));
  if (isLoss(value)) return lossMetric(value);
  if (typeof value === "object" && value !== null) {
    if ("resolve" in value) return value.resolve(context);
    if ("statistics" in value && "result" in value) return value;
  }
  const wanted = "a name, a function or what a factory of `metrics` or `losses` returned";
  throw new OptionError(expected("Trainer: metrics", wanted, value));
}

/**
 * The metric that is meant, of the kind that fits the loss and the output. A name is the key in the history as
 * it was written ("mae", "acc").
 * @internal
 */
export function resolveMetric(value: MetricLike | string, context: MetricContext): Metric {
  if (typeof value !== "string") return resolve(value, context);
  return { ...resolve(fromName(value), context), name: value };
}

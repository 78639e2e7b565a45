import { ShapeError } from "../errors.ts";
import { formatType, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { requireTarget, requireWeight } from "./loss.ts";
import { at, type KernelCall, lastDimension, type OpDefinition, type Operand, single, text } from "./op.ts";

interface Row {
  readonly p: Operand;
  readonly t: Operand;
  readonly width: number;
  readonly index: number;
  readonly threshold: number;
  readonly k: number;
}

const prediction = (row: Row, i: number): number => row.p.data[row.index * row.width + i] as number;
const target = (row: Row, i: number): number => row.t.data[row.index * row.width + i] as number;
const label = (row: Row): number => row.t.data[row.index] as number;

/** Index of the first maximum. */
function argmax(value: (i: number) => number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (value(i) > value(best)) best = i;
  return best;
}

const predicted = (row: Row): number => argmax((i) => prediction(row, i), row.width);
const truth = (row: Row): number => argmax((i) => target(row, i), row.width);

function isAmongTop(row: Row, index: number): number {
  if (!(index >= 0 && index < row.width)) return 0;
  let larger = 0;
  for (let i = 0; i < row.width; i++) if (prediction(row, i) > prediction(row, index)) larger++;
  return larger < row.k ? 1 : 0;
}

function binaryAccuracy(row: Row): number {
  let hits = 0;
  for (let i = 0; i < row.width; i++)
    hits += prediction(row, i) > row.threshold === target(row, i) > 0.5 ? 1 : 0;
  return hits / row.width;
}

/** How right a row is, from 0 to 1. */
const ACCURACIES = {
  binary: binaryAccuracy,
  categorical: (row) => (predicted(row) === truth(row) ? 1 : 0),
  sparse: (row) => (predicted(row) === label(row) ? 1 : 0),
  topK: (row) => isAmongTop(row, truth(row)),
  sparseTopK: (row) => isAmongTop(row, label(row)),
} satisfies Record<string, (row: Row) => number>;

export type AccuracyFunction = keyof typeof ACCURACIES;

const SPARSE: readonly string[] = ["sparse", "sparseTopK"];

function forEachRow(call: KernelCall, visit: (row: Row, weight: number) => void): void {
  const [p, t, weights] = [at(call.inputs, 0), at(call.inputs, 1), call.inputs[2]];
  const width = lastDimension(p.type);
  const rows = p.count / width;
  const perSample = rows / call.batch;
  const threshold = Number(call.attributes.threshold ?? 0.5);
  const k = Number(call.attributes.k ?? 1);
  for (let index = 0; index < rows; index++) {
    const weight = weights === undefined ? 1 : (weights.data[Math.floor(index / perSample)] as number);
    visit({ p, t, width, index, threshold, k }, weight);
  }
}

/** [sum of weight x correct, sum of weights] over rows. */
export const accuracyOp: OpDefinition = {
  name: "accuracy",
  attributes: ["function", "threshold", "k"],
  functions: Object.keys(ACCURACIES),
  infer: (inputs, attributes) => {
    requireTarget(SPARSE.includes(text(attributes, "function")), at(inputs, 0), at(inputs, 1));
    requireWeight(inputs[2]);
    return [valueType(false, [2])];
  },
  run: (call) => {
    const correct = ACCURACIES[text(call.attributes, "function") as AccuracyFunction];
    const sums: [number, number] = [0, 0];
    forEachRow(call, (row, weight) => {
      sums[0] += weight * correct(row);
      sums[1] += weight;
    });
    at(call.outputs, 0).data.set(sums);
  },
};

/** True and predicted class of a row. */
const CONFUSIONS = {
  categorical: (row) => [truth(row), predicted(row)],
  sparse: (row) => [label(row), predicted(row)],
  binary: (row) => [target(row, 0) > 0.5 ? 1 : 0, prediction(row, 0) > row.threshold ? 1 : 0],
} satisfies Record<string, (row: Row) => [number, number]>;

export type ConfusionFunction = keyof typeof CONFUSIONS;

/** Counts [true class, predicted class]. */
export const confusionOp: OpDefinition = {
  name: "confusion",
  attributes: ["function", "threshold"],
  functions: Object.keys(CONFUSIONS),
  infer: (inputs, attributes) => {
    const name = text(attributes, "function") as ConfusionFunction;
    const p = at(inputs, 0);
    requireTarget(SPARSE.includes(name), p, at(inputs, 1));
    const width = lastDimension(p);
    if (name === "binary" && width !== 1)
      throw new ShapeError(`binary predictions must be one wide, got ${formatType(p)}`);
    const classes = name === "binary" ? 2 : width;
    return [valueType(false, [classes, classes])];
  },
  run: (call) => {
    const classify = CONFUSIONS[text(call.attributes, "function") as ConfusionFunction];
    const counts = at(call.outputs, 0);
    const classes = at(counts.type.shape, 0);
    counts.data.fill(0, 0, counts.count);
    forEachRow(call, (row) => {
      const [actual, guess] = classify(row);
      if (!(actual >= 0 && actual < classes)) return;
      const cell = actual * classes + guess;
      counts.data[cell] = (counts.data[cell] as number) + 1;
    });
  },
};

/** Weighted true positives, false positives, true negatives, false negatives for each threshold: [4, T]. */
export const thresholdCountsOp: OpDefinition = {
  name: "thresholdCounts",
  attributes: [],
  infer: (inputs) => {
    const [p, t, thresholds, weight] = inputs as [ValueType, ValueType, ValueType, ValueType | undefined];
    requireTarget(false, p, t);
    requireWeight(weight);
    if (thresholds.batched || thresholds.shape.length !== 1) {
      throw new ShapeError(`thresholds must be a list, got ${formatType(thresholds)}`);
    }
    return [valueType(false, [4, at(thresholds.shape, 0)])];
  },
  run: ({ inputs, outputs }) => {
    const [p, t, thresholds] = [at(inputs, 0), at(inputs, 1), at(inputs, 2).data];
    const weights = inputs[3]?.data;
    const count = at(inputs, 2).count;
    const sums = new Float64Array(4 * count);
    for (let i = 0; i < p.count; i++) {
      const positive = (t.data[i] as number) > 0.5;
      const weight = weights === undefined ? 1 : (weights[Math.floor(i / p.size)] as number);
      for (let j = 0; j < count; j++) {
        const guess = (p.data[i] as number) > (thresholds[j] as number);
        const cell = (positive ? (guess ? 0 : 3) : guess ? 1 : 2) * count + j;
        sums[cell] = (sums[cell] as number) + weight;
      }
    }
    at(outputs, 0).data.set(sums);
  },
};

/** [sum w |e|, sum w e², sum w t, sum w t², sum w] over all elements. */
export const regressionSumsOp: OpDefinition = {
  name: "regressionSums",
  attributes: [],
  infer: (inputs) => {
    requireTarget(false, at(inputs, 0), at(inputs, 1));
    requireWeight(inputs[2]);
    return [valueType(false, [5])];
  },
  run: ({ inputs, outputs }) => {
    const [p, t] = [at(inputs, 0), at(inputs, 1)];
    const weights = inputs[2]?.data;
    const sums: [number, number, number, number, number] = [0, 0, 0, 0, 0];
    for (let i = 0; i < p.count; i++) {
      const w = weights === undefined ? 1 : (weights[Math.floor(i / p.size)] as number);
      const value = t.data[i] as number;
      const error = (p.data[i] as number) - value;
      sums[0] += w * Math.abs(error);
      sums[1] += w * error * error;
      sums[2] += w * value;
      sums[3] += w * value * value;
      sums[4] += w;
    }
    at(outputs, 0).data.set(sums);
  },
};

const withWeight = (inputs: readonly Value[], weight?: Value): readonly Value[] =>
  weight === undefined ? inputs : [...inputs, weight];

/** Statistics of an accuracy: [sum of weight x correct, sum of weights]. */
export function accuracy(
  name: AccuracyFunction,
  p: Value,
  t: Value,
  options: { threshold?: number; k?: number; weight?: Value | undefined } = {},
): Value {
  const { threshold = 0.5, k = 1, weight } = options;
  return single(p.graph.add(accuracyOp, withWeight([p, t], weight), { function: name, threshold, k }));
}

/** Counts [true class, predicted class]. */
export function confusion(name: ConfusionFunction, p: Value, t: Value, threshold = 0.5): Value {
  return single(p.graph.add(confusionOp, [p, t], { function: name, threshold }));
}

/** Counts of the four outcomes at each threshold: [4, T]. */
export function thresholdCounts(p: Value, t: Value, thresholds: Value, weight?: Value): Value {
  return single(p.graph.add(thresholdCountsOp, withWeight([p, t, thresholds], weight)));
}

/** Sums from which MAE, MSE, RMSE and R² follow. */
export function regressionSums(p: Value, t: Value, weight?: Value): Value {
  return single(p.graph.add(regressionSumsOp, withWeight([p, t], weight)));
}

import type { FloatArray } from "../tensor.ts";

/** Prediction and target of one row, and the constants of the function. */
export interface LossRow {
  readonly prediction: FloatArray;
  readonly target: FloatArray;
  /** First element of the row in `prediction`. */
  readonly p: number;
  /** First element of the row in `target`; the label itself for sparse functions. */
  readonly t: number;
  readonly width: number;
  readonly alpha: number;
  readonly beta: number;
}

export interface LossRule {
  /** The target holds one class index per row. */
  readonly sparse?: boolean;
  value(row: LossRow): number;
  /** Calls `set(i, d)` with the derivative by each of the row's predictions. */
  gradient(row: LossRow, set: (i: number, derivative: number) => void): void;
}

const EPSILON = 1e-7; // Keras's fuzz factor
const NORM_EPSILON = 1e-12;

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const inside = (x: number, low: number, high: number): number => (x >= low && x <= high ? 1 : 0);
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const probability = (p: number): number => clamp(p, EPSILON, 1 - EPSILON);
const isProbability = (p: number): number => inside(p, EPSILON, 1 - EPSILON);

const predictionAt = (row: LossRow, i: number): number => row.prediction[row.p + i] as number;
const targetAt = (row: LossRow, i: number): number => row.target[row.t + i] as number;
const labelOf = (row: LossRow): number => row.target[row.t] as number;
const oneHot = (row: LossRow, i: number): number => (labelOf(row) === i ? 1 : 0);

/** A loss that is the mean of a function of one prediction and one target. */
function pointwise(
  value: (p: number, t: number, row: LossRow) => number,
  derivative: (p: number, t: number, row: LossRow) => number,
): LossRule {
  return {
    value: (row) => {
      let sum = 0;
      for (let i = 0; i < row.width; i++) sum += value(predictionAt(row, i), targetAt(row, i), row);
      return sum / row.width;
    },
    gradient: (row, set) => {
      for (let i = 0; i < row.width; i++)
        set(i, derivative(predictionAt(row, i), targetAt(row, i), row) / row.width);
    },
  };
}

function maximumOf(row: LossRow): number {
  let maximum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.width; i++) maximum = Math.max(maximum, predictionAt(row, i));
  return maximum;
}

/** log of the sum of exponentials of the row. */
function logSumExp(row: LossRow): number {
  const maximum = maximumOf(row);
  let sum = 0;
  for (let i = 0; i < row.width; i++) sum += Math.exp(predictionAt(row, i) - maximum);
  return maximum + Math.log(sum);
}

function rowSum(row: LossRow): number {
  let sum = 0;
  for (let i = 0; i < row.width; i++) sum += predictionAt(row, i);
  return sum;
}

/** -sum t f(p_i / sum p), with its gradient through the normalisation. */
function normalised(
  weight: (row: LossRow, i: number) => number,
  value: (p: number, row: LossRow) => number,
  derivative: (p: number, row: LossRow) => number,
  sparse = false,
): LossRule {
  return {
    sparse,
    value: (row) => {
      const sum = rowSum(row);
      let total = 0;
      for (let i = 0; i < row.width; i++) {
        const t = weight(row, i);
        if (t !== 0) total += t * value(probability(predictionAt(row, i) / sum), row);
      }
      return total;
    },
    gradient: (row, set) => {
      const sum = rowSum(row);
      const slope = (i: number): number => {
        const q = predictionAt(row, i) / sum;
        const t = weight(row, i);
        return t === 0 ? 0 : t * derivative(probability(q), row) * isProbability(q);
      };
      let mean = 0;
      for (let i = 0; i < row.width; i++) mean += slope(i) * (predictionAt(row, i) / sum);
      for (let i = 0; i < row.width; i++) set(i, (slope(i) - mean) / sum);
    },
  };
}

/** sum t f(log softmax(z)_i): f of the log probability. */
function fromLogits(
  weight: (row: LossRow, i: number) => number,
  value: (logP: number, row: LossRow) => number,
  derivative: (logP: number, row: LossRow) => number,
  sparse = false,
): LossRule {
  return {
    sparse,
    value: (row) => {
      const log = logSumExp(row);
      let total = 0;
      for (let i = 0; i < row.width; i++) {
        const t = weight(row, i);
        if (t !== 0) total += t * value(predictionAt(row, i) - log, row);
      }
      return total;
    },
    gradient: (row, set) => {
      const log = logSumExp(row);
      const slope = (i: number): number => {
        const t = weight(row, i);
        return t === 0 ? 0 : t * derivative(predictionAt(row, i) - log, row);
      };
      let sum = 0;
      for (let i = 0; i < row.width; i++) sum += slope(i);
      for (let i = 0; i < row.width; i++) set(i, slope(i) - Math.exp(predictionAt(row, i) - log) * sum);
    },
  };
}

const smoothed = (row: LossRow, i: number): number =>
  targetAt(row, i) * (1 - row.alpha) + row.alpha / row.width;
const smoothedBinary = (t: number, row: LossRow): number => t * (1 - row.alpha) + row.alpha / 2;

/** Lin et al. 2017, "Focal Loss for Dense Object Detection": -a (1 - p)^g log p of the true side's probability. */
function focalTerm(logP: number, gamma: number): number {
  return -((-Math.expm1(logP)) ** gamma) * logP;
}

/** Derivative of focalTerm by log p. */
function focalSlope(logP: number, gamma: number): number {
  const rest = -Math.expm1(logP);
  const inner = gamma === 0 || rest === 0 ? 0 : gamma * rest ** (gamma - 1) * Math.exp(logP) * logP;
  return inner - rest ** gamma;
}

const balance = (t: number, alpha: number): number => (alpha < 0 ? 1 : t * alpha + (1 - t) * (1 - alpha));

/** Norm of a row and the row scaled to length 1, as Keras's cosine similarity does. */
function norm(data: FloatArray, start: number, width: number): number {
  let sum = 0;
  for (let i = start; i < start + width; i++) sum += (data[i] as number) ** 2;
  return Math.sqrt(Math.max(sum, NORM_EPSILON));
}

const cosineSimilarity: LossRule = {
  value: (row) => {
    let dot = 0;
    for (let i = 0; i < row.width; i++) dot += predictionAt(row, i) * targetAt(row, i);
    return -dot / (norm(row.prediction, row.p, row.width) * norm(row.target, row.t, row.width));
  },
  gradient: (row, set) => {
    const [np, nt] = [norm(row.prediction, row.p, row.width), norm(row.target, row.t, row.width)];
    const cosine = -cosineSimilarity.value(row);
    const moves = np * np > NORM_EPSILON ? 1 : 0;
    for (let i = 0; i < row.width; i++) {
      set(i, (moves * cosine * predictionAt(row, i)) / (np * np) - targetAt(row, i) / (np * nt));
    }
  },
};

/** max over wrong classes of (1 - t) p, and where it is attained first. */
function strongestWrong(row: LossRow): { value: number; index: number } {
  let best = { value: Number.NEGATIVE_INFINITY, index: 0 };
  for (let i = 0; i < row.width; i++) {
    const value = (1 - targetAt(row, i)) * predictionAt(row, i);
    if (value > best.value) best = { value, index: i };
  }
  return best;
}

function targetScore(row: LossRow): number {
  let sum = 0;
  for (let i = 0; i < row.width; i++) sum += targetAt(row, i) * predictionAt(row, i);
  return sum;
}

const categoricalHinge: LossRule = {
  value: (row) => Math.max(0, strongestWrong(row).value - targetScore(row) + 1),
  gradient: (row, set) => {
    const wrong = strongestWrong(row);
    const active = wrong.value - targetScore(row) + 1 > 0 ? 1 : 0;
    for (let i = 0; i < row.width; i++) {
      const fromWrong = i === wrong.index ? 1 - targetAt(row, i) : 0;
      set(i, active * (fromWrong - targetAt(row, i)));
    }
  },
};

const klDivergence: LossRule = {
  value: (row) => {
    let sum = 0;
    for (let i = 0; i < row.width; i++) {
      const [p, t] = [clamp(predictionAt(row, i), EPSILON, 1), clamp(targetAt(row, i), EPSILON, 1)];
      sum += t * Math.log(t / p);
    }
    return sum;
  },
  gradient: (row, set) => {
    for (let i = 0; i < row.width; i++) {
      const p = predictionAt(row, i);
      set(i, (-clamp(targetAt(row, i), EPSILON, 1) / clamp(p, EPSILON, 1)) * inside(p, EPSILON, 1));
    }
  },
};

const squaredLog = (x: number): number => Math.log(Math.max(x, EPSILON) + 1);

/** Every row loss, as Keras defines it unless a comment says otherwise. */
export const LOSS_FUNCTIONS = {
  meanSquaredError: pointwise(
    (p, t) => (p - t) ** 2,
    (p, t) => 2 * (p - t),
  ),
  meanAbsoluteError: pointwise(
    (p, t) => Math.abs(p - t),
    (p, t) => Math.sign(p - t),
  ),
  meanAbsolutePercentageError: pointwise(
    (p, t) => (100 * Math.abs(t - p)) / Math.max(Math.abs(t), EPSILON),
    (p, t) => (100 * Math.sign(p - t)) / Math.max(Math.abs(t), EPSILON),
  ),
  meanSquaredLogarithmicError: pointwise(
    (p, t) => (squaredLog(p) - squaredLog(t)) ** 2,
    (p, t) => (p > EPSILON ? (2 * (squaredLog(p) - squaredLog(t))) / (p + 1) : 0),
  ),
  huber: pointwise(
    (p, t, { alpha }) => {
      const e = Math.abs(p - t);
      return e <= alpha ? 0.5 * e * e : alpha * e - 0.5 * alpha * alpha;
    },
    (p, t, { alpha }) => clamp(p - t, -alpha, alpha),
  ),
  logCosh: pointwise(
    (p, t) => p - t + softplus(-2 * (p - t)) - Math.LN2,
    (p, t) => Math.tanh(p - t),
  ),
  hinge: pointwise(
    (p, t) => Math.max(1 - t * p, 0),
    (p, t) => (1 - t * p > 0 ? -t : 0),
  ),
  squaredHinge: pointwise(
    (p, t) => Math.max(1 - t * p, 0) ** 2,
    (p, t) => -2 * t * Math.max(1 - t * p, 0),
  ),
  categoricalHinge,
  klDivergence,
  poisson: pointwise(
    (p, t) => p - t * Math.log(p + EPSILON),
    (p, t) => 1 - t / (p + EPSILON),
  ),
  cosineSimilarity,
  categoricalCrossentropy: normalised(
    smoothed,
    (p) => -Math.log(p),
    (p) => -1 / p,
  ),
  sparseCategoricalCrossentropy: normalised(
    oneHot,
    (p) => -Math.log(p),
    (p) => -1 / p,
    true,
  ),
  binaryCrossentropy: pointwise(
    (p, t, row) => {
      const [q, y] = [probability(p), smoothedBinary(t, row)];
      return -(y * Math.log(q) + (1 - y) * Math.log(1 - q));
    },
    (p, t, row) => {
      const [q, y] = [probability(p), smoothedBinary(t, row)];
      return isProbability(p) * ((1 - y) / (1 - q) - y / q);
    },
  ),
  categoricalCrossentropyFromLogits: fromLogits(
    smoothed,
    (logP) => -logP,
    () => -1,
  ),
  sparseCategoricalCrossentropyFromLogits: fromLogits(
    oneHot,
    (logP) => -logP,
    () => -1,
    true,
  ),
  binaryCrossentropyFromLogits: pointwise(
    (z, t, row) => Math.max(z, 0) - z * smoothedBinary(t, row) + Math.log1p(Math.exp(-Math.abs(z))),
    (z, t, row) => sigmoid(z) - smoothedBinary(t, row),
  ),
  binaryFocal: pointwise(
    (p, t, { alpha, beta }) => {
      const q = probability(p);
      return balance(t, alpha) * focalTerm(Math.log(t * q + (1 - t) * (1 - q)), beta);
    },
    (p, t, { alpha, beta }) => {
      const q = probability(p);
      const side = t * q + (1 - t) * (1 - q);
      return (balance(t, alpha) * focalSlope(Math.log(side), beta) * (2 * t - 1) * isProbability(p)) / side;
    },
  ),
  binaryFocalFromLogits: pointwise(
    (z, t, { alpha, beta }) => balance(t, alpha) * focalTerm(-softplus((1 - 2 * t) * z), beta),
    (z, t, { alpha, beta }) => {
      const sign = 1 - 2 * t;
      return balance(t, alpha) * focalSlope(-softplus(sign * z), beta) * -sign * sigmoid(sign * z);
    },
  ),
  categoricalFocal: normalised(
    targetAt,
    (p, { alpha, beta }) => alpha * focalTerm(Math.log(p), beta),
    (p, { alpha, beta }) => (alpha * focalSlope(Math.log(p), beta)) / p,
  ),
  categoricalFocalFromLogits: fromLogits(
    targetAt,
    (logP, { alpha, beta }) => alpha * focalTerm(logP, beta),
    (logP, { alpha, beta }) => alpha * focalSlope(logP, beta),
  ),
  negativeLogLikelihood: {
    sparse: true,
    value: (row) => -predictionAt(row, labelOf(row)),
    gradient: (row, set) => {
      for (let i = 0; i < row.width; i++) set(i, -oneHot(row, i));
    },
  },
} satisfies Record<string, LossRule>;

export type LossFunction = keyof typeof LOSS_FUNCTIONS;

import { checkNumber, checkOptions, expected, OptionError } from "./errors.ts";

/** A learning rate as a pure function of the optimizer steps done before. */
export interface Schedule {
  readonly name: string;
  /** The rate of the step that `step` steps precede (0 for the first). */
  rate(step: number): number;
}

/** A rate, a schedule, or a function of the number of steps done. */
export type LearningRate = number | Schedule | ((step: number) => number);

const POSITIVE = { min: 0, exclusive: true };
const COUNT = { min: 1, integer: true };

function checkFlag(where: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new OptionError(expected(where, "true or false", value));
}

/** The same rate in every step. */
export function constant(options: { learningRate: number }): Schedule {
  checkOptions("schedules.constant", options, ["learningRate"]);
  const rate = checkNumber("schedules.constant: learningRate", options.learningRate, { min: 0 });
  return { name: "constant", rate: () => rate };
}

export interface PiecewiseConstantDecayOptions {
  /** Ascending numbers of steps; up to and including `boundaries[i]` the rate is `values[i]`. */
  boundaries: readonly number[];
  /** One rate more than boundaries. */
  values: readonly number[];
}

/** Rates that change at given steps (Keras's PiecewiseConstantDecay). */
export function piecewiseConstantDecay(options: PiecewiseConstantDecayOptions): Schedule {
  const where = "schedules.piecewiseConstantDecay";
  checkOptions(where, options, ["boundaries", "values"]);
  const { boundaries, values } = options;
  if (!Array.isArray(boundaries))
    throw new OptionError(expected(`${where}: boundaries`, "an array", boundaries));
  boundaries.forEach((boundary: number, i: number) => {
    checkNumber(`${where}: boundaries[${i}]`, boundary, {
      min: i === 0 ? 0 : boundaries[i - 1] + 1,
      integer: true,
    });
  });
  if (!Array.isArray(values) || values.length !== boundaries.length + 1) {
    throw new OptionError(
      expected(`${where}: values`, `an array of length ${boundaries.length + 1}`, values),
    );
  }
  const rates = values.map((value: number, i: number) =>
    checkNumber(`${where}: values[${i}]`, value, { min: 0 }),
  );
  const limits = [...boundaries, Number.POSITIVE_INFINITY];
  return {
    name: "piecewiseConstantDecay",
    rate: (step) => rates[limits.findIndex((limit) => step <= limit)] as number,
  };
}

export interface StepDecayOptions {
  initialLearningRate: number;
  /** Steps between two drops. */
  decaySteps: number;
  /** What a drop multiplies the rate by. Default 0.1. */
  decayRate?: number;
}

/** A drop by a factor every `decaySteps` steps (PyTorch's StepLR). */
export function stepDecay(options: StepDecayOptions): Schedule {
  checkOptions("schedules.stepDecay", options, ["initialLearningRate", "decaySteps", "decayRate"]);
  return decay("stepDecay", { decayRate: 0.1, ...options, staircase: true }, (rate, t) => rate ** t);
}

export interface DecayOptions {
  initialLearningRate: number;
  /** Steps in which the decay takes effect once. */
  decaySteps: number;
  decayRate: number;
  /** Decay in whole steps of `decaySteps` instead of smoothly. Default false. */
  staircase?: boolean;
}

/** initial · factor(decayRate, step / decaySteps) */
function decay(name: string, options: DecayOptions, factor: (rate: number, t: number) => number): Schedule {
  const where = `schedules.${name}`;
  checkOptions(where, options, ["initialLearningRate", "decaySteps", "decayRate", "staircase"]);
  const initial = checkNumber(`${where}: initialLearningRate`, options.initialLearningRate, { min: 0 });
  const steps = checkNumber(`${where}: decaySteps`, options.decaySteps, POSITIVE);
  const rate = checkNumber(`${where}: decayRate`, options.decayRate, { min: 0 });
  const staircase = checkFlag(`${where}: staircase`, options.staircase ?? false);
  return {
    name,
    rate: (step) => initial * factor(rate, staircase ? Math.floor(step / steps) : step / steps),
  };
}

/** initial · decayRate^(step / decaySteps) (Keras's ExponentialDecay). */
export function exponentialDecay(options: DecayOptions): Schedule {
  return decay("exponentialDecay", options, (rate, t) => rate ** t);
}

/** initial / (1 + decayRate · step / decaySteps) (Keras's InverseTimeDecay). */
export function inverseTimeDecay(options: DecayOptions): Schedule {
  return decay("inverseTimeDecay", options, (rate, t) => 1 / (1 + rate * t));
}

export interface WarmUpOptions {
  /** Steps of linear growth before the decay begins, from `initialLearningRate` to `warmupTarget`. Default 0. */
  warmupSteps?: number;
  /** The rate at which the warm-up ends and the decay begins. Default: no warm-up. */
  warmupTarget?: number;
}

const WARM_UP = ["warmupSteps", "warmupTarget"] as const;

/** Keras's warm-up: linear to the target, then `after(peak, step since the warm-up)`. */
function warmUp(
  where: string,
  initial: number,
  options: WarmUpOptions,
  after: (peak: number, step: number) => number,
): (step: number) => number {
  const steps = checkNumber(`${where}: warmupSteps`, options.warmupSteps ?? 0, { min: 0, integer: true });
  if (options.warmupTarget === undefined) {
    if (steps > 0) throw new OptionError(`${where}: warmupSteps needs a warmupTarget`);
    return (step) => after(initial, step);
  }
  const target = checkNumber(`${where}: warmupTarget`, options.warmupTarget, { min: 0 });
  return (step) =>
    step < steps ? initial + ((target - initial) * step) / steps : after(target, step - steps);
}

/** From 1 at 0 down to `alpha` at 1 along half a cosine. */
function cosine(t: number, alpha: number): number {
  return alpha + (1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * t));
}

export interface CosineDecayOptions extends WarmUpOptions {
  initialLearningRate: number;
  /** Steps of the decay, warm-up not counted. */
  decaySteps: number;
  /** The last rate as a fraction of the highest. Default 0. */
  alpha?: number;
}

/** Loshchilov & Hutter 2016, "SGDR": half a cosine, after a linear warm-up (Keras's CosineDecay). */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  const where = "schedules.cosineDecay";
  checkOptions(where, options, ["initialLearningRate", "decaySteps", "alpha", ...WARM_UP]);
  const initial = checkNumber(`${where}: initialLearningRate`, options.initialLearningRate, { min: 0 });
  const steps = checkNumber(`${where}: decaySteps`, options.decaySteps, POSITIVE);
  const alpha = checkNumber(`${where}: alpha`, options.alpha ?? 0, { min: 0, max: 1 });
  const after = (peak: number, step: number): number => peak * cosine(Math.min(step / steps, 1), alpha);
  return { name: "cosineDecay", rate: warmUp(where, initial, options, after) };
}

export interface CosineDecayRestartsOptions extends WarmUpOptions {
  initialLearningRate: number;
  /** Steps of the first period, warm-up not counted. */
  firstDecaySteps: number;
  /** Each period is longer by this factor. Default 2. */
  tMul?: number;
  /** Each period starts lower by this factor. Default 1. */
  mMul?: number;
  /** The lowest rate of a period as a fraction of its highest. Default 0. */
  alpha?: number;
}

/** Which period a step is in, and how far, from 0 to 1. */
function period(t: number, growth: number): { index: number; fraction: number } {
  if (growth === 1) return { index: Math.floor(t), fraction: t % 1 };
  const index = Math.floor(Math.log(1 - t * (1 - growth)) / Math.log(growth));
  const start = (1 - growth ** index) / (1 - growth);
  return { index, fraction: (t - start) / growth ** index };
}

/** Loshchilov & Hutter 2016, "SGDR": cosine decay that starts anew (Keras's CosineDecayRestarts), with warm-up. */
export function cosineDecayRestarts(options: CosineDecayRestartsOptions): Schedule {
  const where = "schedules.cosineDecayRestarts";
  checkOptions(where, options, [
    "initialLearningRate",
    "firstDecaySteps",
    "tMul",
    "mMul",
    "alpha",
    ...WARM_UP,
  ]);
  const initial = checkNumber(`${where}: initialLearningRate`, options.initialLearningRate, { min: 0 });
  const steps = checkNumber(`${where}: firstDecaySteps`, options.firstDecaySteps, POSITIVE);
  const growth = checkNumber(`${where}: tMul`, options.tMul ?? 2, { min: 1 });
  const drop = checkNumber(`${where}: mMul`, options.mMul ?? 1, { min: 0 });
  const alpha = checkNumber(`${where}: alpha`, options.alpha ?? 0, { min: 0, max: 1 });
  const after = (peak: number, step: number): number => {
    const { index, fraction } = period(step / steps, growth);
    return peak * drop ** index * cosine(fraction, alpha);
  };
  return { name: "cosineDecayRestarts", rate: warmUp(where, initial, options, after) };
}

export interface PolynomialDecayOptions {
  initialLearningRate: number;
  decaySteps: number;
  /** Default 0.0001. */
  endLearningRate?: number;
  /** Default 1: linear. */
  power?: number;
  /** Go on beyond `decaySteps` with a period that is the next multiple of it. Default false. */
  cycle?: boolean;
}

/** (initial - end) · (1 - step / decaySteps)^power + end (Keras's PolynomialDecay). */
export function polynomialDecay(options: PolynomialDecayOptions): Schedule {
  const where = "schedules.polynomialDecay";
  checkOptions(where, options, ["initialLearningRate", "decaySteps", "endLearningRate", "power", "cycle"]);
  const initial = checkNumber(`${where}: initialLearningRate`, options.initialLearningRate, { min: 0 });
  const steps = checkNumber(`${where}: decaySteps`, options.decaySteps, POSITIVE);
  const end = checkNumber(`${where}: endLearningRate`, options.endLearningRate ?? 0.0001, { min: 0 });
  const power = checkNumber(`${where}: power`, options.power ?? 1, POSITIVE);
  const cycle = checkFlag(`${where}: cycle`, options.cycle ?? false);
  return {
    name: "polynomialDecay",
    rate: (step) => {
      const length = cycle ? steps * Math.max(1, Math.ceil(step / steps)) : steps;
      return (initial - end) * (1 - Math.min(step / length, 1)) ** power + end;
    },
  };
}

export interface OneCycleOptions {
  /** The highest rate. */
  maxLearningRate: number;
  /** Steps of the whole cycle, at least 2; the lowest rate holds after it. */
  totalSteps: number;
  /** Fraction of the cycle that the rate grows in. Default 0.3. */
  warmupFraction?: number;
  /** The first rate is the highest divided by this. Default 25. */
  divisor?: number;
  /** The last rate is the first divided by this. Default 10000. */
  finalDivisor?: number;
}

/** Smith & Topin 2017, "Super-Convergence": up and down along half cosines (PyTorch's OneCycleLR). */
export function oneCycle(options: OneCycleOptions): Schedule {
  const where = "schedules.oneCycle";
  checkOptions(where, options, [
    "maxLearningRate",
    "totalSteps",
    "warmupFraction",
    "divisor",
    "finalDivisor",
  ]);
  const highest = checkNumber(`${where}: maxLearningRate`, options.maxLearningRate, { min: 0 });
  const total = checkNumber(`${where}: totalSteps`, options.totalSteps, { ...COUNT, min: 2 });
  const fraction = checkNumber(`${where}: warmupFraction`, options.warmupFraction ?? 0.3, { min: 0, max: 1 });
  const first = highest / checkNumber(`${where}: divisor`, options.divisor ?? 25, POSITIVE);
  const last = first / checkNumber(`${where}: finalDivisor`, options.finalDivisor ?? 10_000, POSITIVE);
  const between = (from: number, to: number, t: number): number => to + (from - to) * cosine(t, 0);
  const peak = fraction * total - 1;
  return {
    name: "oneCycle",
    rate: (step) =>
      step <= peak
        ? between(first, highest, peak === 0 ? 1 : step / peak)
        : between(highest, last, Math.min((step - Math.max(peak, 0)) / (total - 1 - Math.max(peak, 0)), 1)),
  };
}

/** Checks what a user's function returns, each time. */
function custom(where: string, name: string, rate: (step: number) => number): Schedule {
  return { name, rate: (step) => checkNumber(`${where} of step ${step}`, rate(step), { min: 0 }) };
}

/**
 * The schedule of a rate, or the schedule itself.
 * @param where the option it was given for, for messages: `optimizers.adam: learningRate`
 * @internal
 */
export function resolveSchedule(where: string, value: LearningRate): Schedule {
  if (typeof value === "function") return custom(where, value.name || "function", value);
  if (typeof value === "object" && value !== null && typeof value.rate === "function") {
    return custom(where, value.name, (step) => value.rate(step));
  }
  if (typeof value === "number") {
    const rate = checkNumber(where, value, { min: 0 });
    return { name: "constant", rate: () => rate };
  }
  throw new OptionError(expected(where, "a number, a schedule or a function of the step", value));
}

import { checkNumber, checkOptions, expected, OptionError } from "./errors.ts";
import { byName } from "./names.ts";
import type { OpDefinition } from "./ops/op.ts";
import {
  adadeltaOp,
  adagradOp,
  adamaxOp,
  adamOp,
  lionOp,
  nadamOp,
  rmspropOp,
  sgdOp,
} from "./ops/optimizer.ts";
import { type LearningRate, resolveSchedule, type Schedule } from "./schedules.ts";

/** An array that an optimizer keeps for each parameter. */
export interface Slot {
  readonly name: string;
  /** What it holds before the first step. */
  readonly initial: number;
}

/** How gradients change parameters: an immutable description, which the trainer compiles into its plan. */
export interface Optimizer {
  readonly name: string;
  readonly op: OpDefinition;
  /** The op's attributes except `scale` and `weightDecay`. */
  readonly attributes: Readonly<Record<string, number>>;
  readonly slots: readonly Slot[];
  /** Each step is p - rate · g and nothing else, apart from what the options below add. */
  readonly plain?: boolean;
  readonly schedule: Schedule;
  /** Decoupled: each step takes rate · weightDecay · w off each weight w (Loshchilov & Hutter 2019). */
  readonly weightDecay: number;
  /** Limits each gradient to [-clipValue, clipValue]. */
  readonly clipValue?: number;
  /** Limits the norm of each parameter's gradient. */
  readonly clipNorm?: number;
  /** Limits the norm of all gradients together. */
  readonly globalClipNorm?: number;
}

/** An optimizer's name, for its defaults, or what a factory of `optimizers` returns. */
export type OptimizerLike = OptimizerName | Optimizer;

/** What every optimizer takes. */
export interface OptimizerOptions {
  /** A rate, a schedule or a function of the step. Default 0.001 (sgd: 0.01). */
  learningRate?: LearningRate;
  /** Decoupled weight decay. Default 0 (adamw: 0.004). */
  weightDecay?: number;
  /** Limit of each gradient's absolute value. At most one of the three limits may be given. */
  clipValue?: number;
  /** Limit of the norm of each parameter's gradient. */
  clipNorm?: number;
  /** Limit of the norm of all gradients together. */
  globalClipNorm?: number;
}

const CLIPS = ["clipValue", "clipNorm", "globalClipNorm"] as const;
const SHARED = ["learningRate", "weightDecay", ...CLIPS] as const;

/** What tells one optimizer from another. */
interface Rule {
  readonly name: string;
  readonly op: OpDefinition;
  readonly attributes: Readonly<Record<string, number>>;
  readonly slots: readonly Slot[];
  readonly plain?: boolean;
  readonly learningRate?: number;
  readonly weightDecay?: number;
}

const slot = (name: string, initial = 0): Slot => ({ name, initial });

function clipping(where: string, options: OptimizerOptions): Pick<OptimizerOptions, (typeof CLIPS)[number]> {
  const given = CLIPS.filter((name) => options[name] !== undefined);
  if (given.length > 1)
    throw new OptionError(`${where}: ${given.join(" and ")} exclude each other, give one`);
  return Object.fromEntries(
    given.map((name) => [name, checkNumber(`${where}: ${name}`, options[name], { min: 0, exclusive: true })]),
  );
}

function describe(rule: Rule, options: OptimizerOptions): Optimizer {
  const where = `optimizers.${rule.name}`;
  const { name, op, attributes, slots, plain = false } = rule;
  const rate = options.learningRate ?? rule.learningRate ?? 0.001;
  const weightDecay = options.weightDecay ?? rule.weightDecay ?? 0;
  return {
    name,
    op,
    attributes,
    slots,
    plain,
    schedule: resolveSchedule(`${where}: learningRate`, rate),
    weightDecay: checkNumber(`${where}: weightDecay`, weightDecay, { min: 0 }),
    ...clipping(where, options),
  };
}

/** A rate of decay of an average: at least 0, below 1. */
function fraction(where: string, value: unknown): number {
  const checked = checkNumber(where, value, { min: 0, max: 1 });
  if (checked === 1)
    throw new OptionError(expected(where, "a finite number of at least 0 and below 1", value));
  return checked;
}

/** Epsilon keeps 0 / 0 away from weights without gradient, so it cannot be 0 in float32. */
function epsilonOf(where: string, value: number | undefined): number {
  return checkNumber(`${where}: epsilon`, value ?? 1e-7, { min: 1e-30 });
}

function flag(where: string, value: boolean | undefined): number {
  if (value !== undefined && typeof value !== "boolean") {
    throw new OptionError(expected(where, "true or false", value));
  }
  return value === true ? 1 : 0;
}

export interface SgdOptions extends OptimizerOptions {
  /** From 0 (default: none) to 1. */
  momentum?: number;
  /** Sutskever et al. 2013: look ahead along the velocity. Default false. */
  nesterov?: boolean;
}

/** Stochastic gradient descent, with Polyak's or Nesterov's momentum. */
export function sgd(options: SgdOptions = {}): Optimizer {
  const where = "optimizers.sgd";
  checkOptions(where, options, [...SHARED, "momentum", "nesterov"]);
  const momentum = checkNumber(`${where}: momentum`, options.momentum ?? 0, { min: 0, max: 1 });
  const attributes = { momentum, nesterov: flag(`${where}: nesterov`, options.nesterov) };
  const slots = momentum > 0 ? [slot("velocity")] : [];
  const plain = momentum === 0;
  return describe({ name: "sgd", op: sgdOp, attributes, slots, plain, learningRate: 0.01 }, options);
}

export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the average of squared gradients. Default 0.9. */
  rho?: number;
  /** Default 0. */
  momentum?: number;
  /** Default 1e-7. */
  epsilon?: number;
  /** Divide by the gradient's deviation instead of its root mean square. Default false. */
  centered?: boolean;
}

/** Hinton 2012, lecture 6e: the gradient divided by a running root mean square. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const where = "optimizers.rmsprop";
  checkOptions(where, options, [...SHARED, "rho", "momentum", "epsilon", "centered"]);
  const momentum = checkNumber(`${where}: momentum`, options.momentum ?? 0, { min: 0, max: 1 });
  const attributes = {
    rho: fraction(`${where}: rho`, options.rho ?? 0.9),
    epsilon: epsilonOf(where, options.epsilon),
    momentum,
    centered: flag(`${where}: centered`, options.centered),
  };
  const slots = [slot("square")];
  if (momentum > 0) slots.push(slot("velocity"));
  if (attributes.centered === 1) slots.push(slot("mean"));
  return describe({ name: "rmsprop", op: rmspropOp, attributes, slots }, options);
}

export interface AdagradOptions extends OptimizerOptions {
  /** What the sums of squared gradients start from. Default 0.1. */
  initialAccumulatorValue?: number;
  /** Default 1e-7. */
  epsilon?: number;
}

/** Duchi et al. 2011: the gradient divided by the root of the sum of all its squares so far. */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const where = "optimizers.adagrad";
  checkOptions(where, options, [...SHARED, "initialAccumulatorValue", "epsilon"]);
  const initial = checkNumber(`${where}: initialAccumulatorValue`, options.initialAccumulatorValue ?? 0.1, {
    min: 0,
  });
  const attributes = { epsilon: epsilonOf(where, options.epsilon) };
  return describe(
    { name: "adagrad", op: adagradOp, attributes, slots: [slot("accumulator", initial)] },
    options,
  );
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of both averages. Default 0.95. */
  rho?: number;
  /** Default 1e-7. */
  epsilon?: number;
}

/** Zeiler 2012. The paper has no learning rate: give 1 to follow it (Keras's default is 0.001). */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  const where = "optimizers.adadelta";
  checkOptions(where, options, [...SHARED, "rho", "epsilon"]);
  const attributes = {
    rho: fraction(`${where}: rho`, options.rho ?? 0.95),
    epsilon: epsilonOf(where, options.epsilon),
  };
  return describe(
    { name: "adadelta", op: adadeltaOp, attributes, slots: [slot("square"), slot("delta")] },
    options,
  );
}

export interface MomentOptions extends OptimizerOptions {
  /** Decay of the average of gradients. Default 0.9. */
  beta1?: number;
  /** Decay of the average of squared gradients. Default 0.999. */
  beta2?: number;
  /** Default 1e-7. */
  epsilon?: number;
}

const MOMENTS = [...SHARED, "beta1", "beta2", "epsilon"] as const;

function moments(where: string, options: MomentOptions): { beta1: number; beta2: number; epsilon: number } {
  return {
    beta1: fraction(`${where}: beta1`, options.beta1 ?? 0.9),
    beta2: fraction(`${where}: beta2`, options.beta2 ?? 0.999),
    epsilon: epsilonOf(where, options.epsilon),
  };
}

export interface AdamOptions extends MomentOptions {
  /** Reddi et al. 2018: divide by the largest average of squares so far. Default false. */
  amsgrad?: boolean;
}

function adamNamed(name: string, options: AdamOptions, weightDecay: number): Optimizer {
  const where = `optimizers.${name}`;
  checkOptions(where, options, [...MOMENTS, "amsgrad"]);
  const slots = [slot("m"), slot("v")];
  if (flag(`${where}: amsgrad`, options.amsgrad) === 1) slots.push(slot("vmax"));
  return describe({ name, op: adamOp, attributes: moments(where, options), slots, weightDecay }, options);
}

/** Kingma & Ba 2014. */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamNamed("adam", options, 0);
}

/** Loshchilov & Hutter 2019: Adam with decoupled weight decay, 0.004 by default. */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adamNamed("adamw", options, 0.004);
}

/** Kingma & Ba 2014, section 7: Adam with the largest gradient in place of the mean square. */
export function adamax(options: MomentOptions = {}): Optimizer {
  const where = "optimizers.adamax";
  checkOptions(where, options, MOMENTS);
  const slots = [slot("m"), slot("u")];
  return describe({ name: "adamax", op: adamaxOp, attributes: moments(where, options), slots }, options);
}

export interface NadamOptions extends MomentOptions {
  /** Momentum in step t is beta1 · (1 - 0.5 · 0.96^(t · decay)). Default 1, as Keras 3; PyTorch: 0.004. */
  decay?: number;
}

/** Dozat 2016: Adam with Nesterov's momentum. */
export function nadam(options: NadamOptions = {}): Optimizer {
  const where = "optimizers.nadam";
  checkOptions(where, options, [...MOMENTS, "decay"]);
  const decay = checkNumber(`${where}: decay`, options.decay ?? 1, { min: 0 });
  const attributes = { ...moments(where, options), decay };
  return describe({ name: "nadam", op: nadamOp, attributes, slots: [slot("m"), slot("v")] }, options);
}

export interface LionOptions extends OptimizerOptions {
  /** Weight of the momentum in the direction. Default 0.9. */
  beta1?: number;
  /** Decay of the momentum. Default 0.99. */
  beta2?: number;
}

/** Chen et al. 2023: the sign of the momentum. Wants a rate 3 to 10 times smaller than Adam's. */
export function lion(options: LionOptions = {}): Optimizer {
  const where = "optimizers.lion";
  checkOptions(where, options, [...SHARED, "beta1", "beta2"]);
  const attributes = {
    beta1: fraction(`${where}: beta1`, options.beta1 ?? 0.9),
    beta2: fraction(`${where}: beta2`, options.beta2 ?? 0.99),
  };
  return describe({ name: "lion", op: lionOp, attributes, slots: [slot("m")] }, options);
}

const FACTORIES = {
  sgd,
  rmsprop,
  adagrad,
  adadelta,
  adam,
  adamw,
  adamW: adamw,
  adamax,
  nadam,
  lion,
} satisfies Record<string, () => Optimizer>;

export type OptimizerName = keyof typeof FACTORIES;

/**
 * The optimizer that a name stands for, with its defaults, or the optimizer itself.
 * @internal
 */
export function resolveOptimizer(value: OptimizerLike | string): Optimizer {
  if (typeof value === "string") return byName("Trainer: optimizer", "optimizer", value, FACTORIES)();
  if (typeof value === "object" && value !== null && "op" in value && "schedule" in value) return value;
  throw new OptionError(
    expected("Trainer: optimizer", "a name or what a factory of `optimizers` returned", value),
  );
}

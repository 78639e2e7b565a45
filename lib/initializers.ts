import { checkNumber, checkOptions, expected, OptionError, ShapeError } from "./errors.ts";
import type { Initialize } from "./graph/graph.ts";
import { byName, type FunctionConfig, isFunctionConfig, remember } from "./names.ts";
import type { Random } from "./random.ts";
import { formatShape, sizeOf } from "./tensor.ts";

/** An initializer's name, its name with options (as in model files), or a function that fills a new parameter. */
export type InitializerLike = InitializerName | FunctionConfig | Initialize;

/** Which number of connections a variance is divided by. */
export type FanMode = "fanIn" | "fanOut" | "fanAvg";

export type Distribution = "truncatedNormal" | "untruncatedNormal" | "uniform";

/** Standard deviation of the standard normal cut at two deviations. */
const TRUNCATED_DEVIATION = 0.8796256610342398;

function fill(target: Float32Array, draw: () => number): void {
  for (let i = 0; i < target.length; i++) target[i] = draw();
}

function truncated(random: Random): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) <= 2) return value;
  }
}

/**
 * Numbers of connections into and out of a unit, as Keras counts them: the last two axes are input and
 * output, everything before is a convolution's window.
 */
export function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (shape.length < 2) return { fanIn: shape[0] ?? 1, fanOut: shape[0] ?? 1 };
  const window = sizeOf(shape.slice(0, -2));
  return { fanIn: window * (shape.at(-2) as number), fanOut: window * (shape.at(-1) as number) };
}

/** All 0. */
export function zeros(): Initialize {
  return remember("zeros", {}, constant({ value: 0 }));
}

/** All 1. */
export function ones(): Initialize {
  return remember("ones", {}, constant({ value: 1 }));
}

/** All `value` (default 0). */
export function constant(options: { value?: number } = {}): Initialize {
  checkOptions("initializers.constant", options, ["value"]);
  const value = checkNumber("initializers.constant: value", options.value ?? 0);
  return remember("constant", { value }, (target) => {
    target.fill(value);
  });
}

export interface NormalOptions {
  /** Default 0. */
  mean?: number;
  /** Default 0.05. */
  stddev?: number;
}

function normalOptions(where: string, options: NormalOptions): Required<NormalOptions> {
  checkOptions(where, options, ["mean", "stddev"]);
  return {
    mean: checkNumber(`${where}: mean`, options.mean ?? 0),
    stddev: checkNumber(`${where}: stddev`, options.stddev ?? 0.05, { min: 0 }),
  };
}

/** Normal numbers. */
export function randomNormal(options: NormalOptions = {}): Initialize {
  const { mean, stddev } = normalOptions("initializers.randomNormal", options);
  const draw: Initialize = (target, _, random) => fill(target, () => mean + stddev * random.normal());
  return remember("randomNormal", { mean, stddev }, draw);
}

/** Normal numbers; those beyond two deviations (`stddev`, before the cut) are drawn again. */
export function truncatedNormal(options: NormalOptions = {}): Initialize {
  const { mean, stddev } = normalOptions("initializers.truncatedNormal", options);
  const draw: Initialize = (target, _, random) => fill(target, () => mean + stddev * truncated(random));
  return remember("truncatedNormal", { mean, stddev }, draw);
}

export interface UniformOptions {
  /** Default -0.05. */
  minval?: number;
  /** Default 0.05. */
  maxval?: number;
}

/** Uniform numbers from `minval` up to `maxval`. */
export function randomUniform(options: UniformOptions = {}): Initialize {
  const where = "initializers.randomUniform";
  checkOptions(where, options, ["minval", "maxval"]);
  const minval = checkNumber(`${where}: minval`, options.minval ?? -0.05);
  const maxval = checkNumber(`${where}: maxval`, options.maxval ?? 0.05, { min: minval });
  const draw: Initialize = (target, _, random) => random.fillUniform(target, minval, maxval);
  return remember("randomUniform", { minval, maxval }, draw);
}

/** `gain` (default 1) on the diagonal, else 0. Only for two axes. */
export function identity(options: { gain?: number } = {}): Initialize {
  checkOptions("initializers.identity", options, ["gain"]);
  const gain = checkNumber("initializers.identity: gain", options.gain ?? 1);
  return remember("identity", { gain }, (target, shape) => {
    const [rows, columns] = shape;
    if (rows === undefined || columns === undefined || shape.length !== 2) {
      throw new ShapeError(
        `initializers.identity: the parameter must have two axes, got ${formatShape(shape)}`,
      );
    }
    target.fill(0);
    for (let i = 0; i < Math.min(rows, columns); i++) target[i * columns + i] = gain;
  });
}

export interface VarianceScalingOptions {
  /** Variance times the fan. Default 1. */
  scale?: number;
  /** Default "fanIn". */
  mode?: FanMode;
  /** Default "truncatedNormal". */
  distribution?: Distribution;
}

const FANS: Readonly<Record<FanMode, (fanIn: number, fanOut: number) => number>> = {
  fanIn: (fanIn) => fanIn,
  fanOut: (_, fanOut) => fanOut,
  fanAvg: (fanIn, fanOut) => (fanIn + fanOut) / 2,
};

/** Fills an array with numbers of the given deviation. */
type Draw = (target: Float32Array, deviation: number, random: Random) => void;

const DISTRIBUTIONS: Readonly<Record<Distribution, Draw>> = {
  truncatedNormal: (target, deviation, random) =>
    fill(target, () => (deviation / TRUNCATED_DEVIATION) * truncated(random)),
  untruncatedNormal: (target, deviation, random) => fill(target, () => deviation * random.normal()),
  uniform: (target, deviation, random) => {
    const limit = Math.sqrt(3) * deviation;
    random.fillUniform(target, -limit, limit);
  },
};

/** Random numbers of variance `scale / fan`. */
export function varianceScaling(options: VarianceScalingOptions = {}): Initialize {
  const where = "initializers.varianceScaling";
  checkOptions(where, options, ["scale", "mode", "distribution"]);
  const { scale = 1, mode = "fanIn", distribution = "truncatedNormal" } = options;
  checkNumber(`${where}: scale`, scale, { min: 0, exclusive: true });
  const fan = byName(where, "mode", mode, FANS);
  const draw = byName(where, "distribution", distribution, DISTRIBUTIONS);
  return remember("varianceScaling", { scale, mode, distribution }, (target, shape, random) => {
    const { fanIn, fanOut } = fans(shape);
    draw(target, Math.sqrt(scale / Math.max(1, fan(fanIn, fanOut))), random);
  });
}

/** Glorot & Bengio 2010: uniform, variance 2 / (fanIn + fanOut). */
export function glorotUniform(): Initialize {
  return remember("glorotUniform", {}, varianceScaling({ mode: "fanAvg", distribution: "uniform" }));
}

/** Glorot & Bengio 2010: truncated normal, variance 2 / (fanIn + fanOut). */
export function glorotNormal(): Initialize {
  return remember("glorotNormal", {}, varianceScaling({ mode: "fanAvg" }));
}

/** He et al. 2015, for relu: uniform, variance 2 / fanIn. */
export function heUniform(): Initialize {
  return remember("heUniform", {}, varianceScaling({ scale: 2, distribution: "uniform" }));
}

/** He et al. 2015, for relu: truncated normal, variance 2 / fanIn. */
export function heNormal(): Initialize {
  return remember("heNormal", {}, varianceScaling({ scale: 2 }));
}

/** LeCun et al. 1998, for selu: uniform, variance 1 / fanIn. */
export function lecunUniform(): Initialize {
  return remember("lecunUniform", {}, varianceScaling({ distribution: "uniform" }));
}

/** LeCun et al. 1998, for selu: truncated normal, variance 1 / fanIn. */
export function lecunNormal(): Initialize {
  return remember("lecunNormal", {}, varianceScaling());
}

/** Takes out of `vector` its part along `unit`. */
function removeComponent(vector: Float64Array, unit: Float64Array): void {
  let dot = 0;
  for (let i = 0; i < unit.length; i++) dot += (vector[i] as number) * (unit[i] as number);
  for (let i = 0; i < unit.length; i++) vector[i] = (vector[i] as number) - dot * (unit[i] as number);
}

function normalise(vector: Float64Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / length;
}

/** `count` random vectors of the given length, perpendicular to each other (Gram and Schmidt, twice). */
function orthonormal(count: number, length: number, random: Random): Float64Array[] {
  const units: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => random.normal());
    // The second pass takes out what rounding in the first left behind.
    for (let pass = 0; pass < 2; pass++) {
      for (const unit of units) removeComponent(vector, unit);
      normalise(vector);
    }
    units.push(vector);
  }
  return units;
}

/**
 * Saxe et al. 2013: `gain` (default 1) times a random matrix with orthonormal rows or columns, whichever
 * are fewer. Axes before the last are taken together. At least two axes.
 */
export function orthogonal(options: { gain?: number } = {}): Initialize {
  checkOptions("initializers.orthogonal", options, ["gain"]);
  const gain = checkNumber("initializers.orthogonal: gain", options.gain ?? 1);
  return remember("orthogonal", { gain }, (target, shape, random) => {
    const columns = shape.at(-1);
    if (columns === undefined || shape.length < 2) {
      const got = formatShape(shape);
      throw new ShapeError(`initializers.orthogonal: the parameter must have two axes or more, got ${got}`);
    }
    const rows = target.length / columns;
    const units = orthonormal(Math.min(rows, columns), Math.max(rows, columns), random);
    const entry = (row: number, column: number): number => {
      const [unit, i] = rows < columns ? [row, column] : [column, row];
      return units[unit]?.[i] as number;
    };
    for (let i = 0; i < target.length; i++) target[i] = gain * entry(Math.floor(i / columns), i % columns);
  });
}

const FACTORIES = {
  zeros,
  ones,
  constant,
  randomNormal,
  truncatedNormal,
  randomUniform,
  identity,
  varianceScaling,
  glorotUniform,
  glorotNormal,
  heUniform,
  heNormal,
  lecunUniform,
  lecunNormal,
  orthogonal,
} satisfies Record<string, (options?: object) => Initialize>;

type FactoryTable = Readonly<Record<string, (options?: object) => Initialize>>;

export type InitializerName = keyof typeof FACTORIES;

/**
 * The initializer that a name stands for, or the function itself.
 * @param where the option it was given for, for messages: `dense: kernelInitializer`
 * @internal
 */
export function resolveInitializer(where: string, value: InitializerLike | string): Initialize {
  if (typeof value === "string") return byName(where, "initializer", value, FACTORIES)();
  if (isFunctionConfig(value))
    return byName(where, "initializer", value.name, FACTORIES as FactoryTable)(value.options);
  if (typeof value === "function") return value;
  throw new OptionError(expected(where, "the name of an initializer or a function", value));
}

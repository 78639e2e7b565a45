import { checkNumber, checkOptions, expected, OptionError } from "../errors.ts";
import type { GraphBuilder, Initialize, Value } from "../graph/graph.ts";
import { type InitializerLike, resolveInitializer } from "../initializers.ts";
import * as ops from "../ops/functions.ts";
import { lastDimension } from "../ops/op.ts";
import { type RegularizerLike, resolveRegularizer } from "../regularizers.ts";
import type { Same } from "../shape-types.ts";
import { LAYER_OPTIONS, Layer, type LayerConfig, type LayerOptions, onlyInput } from "./layer.ts";

interface NormalizationOptions extends LayerOptions {
  /** Added to the variance. Default 1e-3. */
  epsilon?: number;
  /** Multiply by a trained `gamma`. Default true. */
  scale?: boolean;
  /** Add a trained `beta`. Default true. */
  center?: boolean;
  /** Default ones. */
  gammaInitializer?: InitializerLike;
  /** Default zeros. */
  betaInitializer?: InitializerLike;
  gammaRegularizer?: RegularizerLike;
  betaRegularizer?: RegularizerLike;
}

export interface LayerNormalizationOptions extends NormalizationOptions {}

export interface BatchNormalizationOptions extends NormalizationOptions {
  /** Share of the old running statistics that a step keeps. Default 0.99. */
  momentum?: number;
}

const OPTIONS = [
  ...LAYER_OPTIONS,
  "epsilon",
  "scale",
  "center",
  "gammaInitializer",
  "betaInitializer",
  "gammaRegularizer",
  "betaRegularizer",
] as const;

function checkNormalization(where: string, options: NormalizationOptions): void {
  checkNumber(`${where}: epsilon`, options.epsilon ?? 1e-3, { min: 0 });
  for (const name of ["scale", "center"] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== "boolean") {
      throw new OptionError(expected(`${where}: ${name}`, "true or false", value));
    }
  }
  for (const name of ["gammaInitializer", "betaInitializer"] as const)
    resolveInitializer(`${where}: ${name}`, options[name] ?? "ones");
  for (const name of ["gammaRegularizer", "betaRegularizer"] as const)
    resolveRegularizer(`${where}: ${name}`, options[name]);
}

/** Trained scale and shift, or constants where they are switched off. */
function scaleAndShift(graph: GraphBuilder, options: NormalizationOptions, width: number): [Value, Value] {
  const one = (name: "gamma" | "beta", trained: boolean, initializer: InitializerLike): Value => {
    const initialize: Initialize = resolveInitializer(`${name}Initializer`, initializer);
    if (!trained) return graph.constant(name, [width], initialize);
    const regularizer = resolveRegularizer(`${name}Regularizer`, options[`${name}Regularizer`]);
    return graph.parameter({ name, shape: [width], initialize, regularizer });
  };
  const { scale = true, center = true } = options;
  return [
    one("gamma", scale, scale ? (options.gammaInitializer ?? "ones") : "ones"),
    one("beta", center, center ? (options.betaInitializer ?? "zeros") : "zeros"),
  ];
}

class BatchNormalization extends Layer<Same> {
  readonly kind = "batchNormalization";
  readonly #options: BatchNormalizationOptions;

  constructor(options: BatchNormalizationOptions) {
    checkOptions("layers.batchNormalization", options, [...OPTIONS, "momentum"]);
    super(options);
    checkNormalization("layers.batchNormalization", options);
    checkNumber("layers.batchNormalization: momentum", options.momentum ?? 0.99, { min: 0, max: 1 });
    this.#options = { ...options };
  }

  call(graph: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    const { epsilon = 1e-3, momentum = 0.99 } = this.#options;
    const width = lastDimension(x.type);
    const [gamma, beta] = scaleAndShift(graph, this.#options, width);
    const running = (name: string, initial: string): Value =>
      graph.variable({ name, shape: [width], initialize: resolveInitializer(name, initial) });
    const mean = running("movingMean", "zeros");
    const variance = running("movingVariance", "ones");
    // A frozen layer uses its running statistics in training too (Keras 2.0 and later).
    if (!graph.training || !graph.trainable) {
      const scale = ops.multiply(gamma, ops.unary("rsqrt", ops.affine(variance, 1, epsilon)));
      return ops.add(ops.multiply(x, scale), ops.subtract(beta, ops.multiply(mean, scale)));
    }
    const batch = ops.batchNormalization(x, gamma, beta, epsilon);
    ops.movingAverage(mean, batch.mean, momentum);
    ops.movingAverage(variance, batch.variance, momentum);
    return batch.y;
  }

  override config(): LayerConfig {
    return { ...this.#options };
  }
}

/**
 * Ioffe & Szegedy 2015: brings each channel (last axis) to mean 0 and variance 1 over the batch, and
 * at prediction by running statistics. The shape stays. Weights: `gamma`, `beta`, `movingMean`,
 * `movingVariance`, each [channels].
 */
export function batchNormalization(options: BatchNormalizationOptions = {}): Layer<Same> {
  return new BatchNormalization(options);
}

class LayerNormalization extends Layer<Same> {
  readonly kind = "layerNormalization";
  readonly #options: LayerNormalizationOptions;

  constructor(options: LayerNormalizationOptions) {
    checkOptions("layers.layerNormalization", options, OPTIONS);
    super(options);
    checkNormalization("layers.layerNormalization", options);
    this.#options = { ...options };
  }

  call(graph: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    const [gamma, beta] = scaleAndShift(graph, this.#options, lastDimension(x.type));
    return ops.layerNormalization(x, gamma, beta, this.#options.epsilon ?? 1e-3);
  }

  override config(): LayerConfig {
    return { ...this.#options };
  }
}

/** Ba et al. 2016: brings each row (last axis) to mean 0 and variance 1. The shape stays. Parameters: `gamma`, `beta`. */
export function layerNormalization(options: LayerNormalizationOptions = {}): Layer<Same> {
  return new LayerNormalization(options);
}

import { checkNumber, checkOptions, expected, OptionError } from "../errors.ts";
import type { GraphBuilder, ParameterOptions, Value } from "../graph/graph.ts";
import { type InitializerLike, resolveInitializer } from "../initializers.ts";
import { linear } from "../ops/functions.ts";
import { lastDimension } from "../ops/op.ts";
import { type RegularizerLike, resolveRegularizer } from "../regularizers.ts";
import type { Width } from "../shape-types.ts";
import { type ActivationLike, type ResolvedActivation, resolveActivation } from "./activations.ts";
import { LAYER_OPTIONS, Layer, type LayerConfig, type LayerOptions, onlyInput } from "./layer.ts";

export interface DenseOptions<U extends number = number> extends LayerOptions {
  /** Width of the output. */
  units: U;
  /** Default linear. */
  activation?: ActivationLike;
  /** Default true. */
  useBias?: boolean;
  /** Default glorotUniform. */
  kernelInitializer?: InitializerLike;
  /** Default zeros. */
  biasInitializer?: InitializerLike;
  kernelRegularizer?: RegularizerLike;
  biasRegularizer?: RegularizerLike;
}

const OPTIONS = [
  ...LAYER_OPTIONS,
  "units",
  "activation",
  "useBias",
  "kernelInitializer",
  "biasInitializer",
  "kernelRegularizer",
  "biasRegularizer",
] as const;

class Dense extends Layer<Width<number>> {
  readonly kind = "dense";
  readonly #options: DenseOptions;
  readonly #activation: ResolvedActivation;
  readonly #kernel: Pick<ParameterOptions, "initialize" | "regularizer">;
  readonly #bias: Pick<ParameterOptions, "initialize" | "regularizer">;

  constructor(options: DenseOptions) {
    checkOptions("layers.dense", options, OPTIONS);
    super(options);
    checkNumber("layers.dense: units", options.units, { min: 1, integer: true });
    if (options.useBias !== undefined && typeof options.useBias !== "boolean") {
      throw new OptionError(expected("layers.dense: useBias", "true or false", options.useBias));
    }
    const { kernelInitializer = "glorotUniform", biasInitializer = "zeros" } = options;
    this.#activation = resolveActivation("layers.dense: activation", options.activation);
    this.#kernel = {
      initialize: resolveInitializer("layers.dense: kernelInitializer", kernelInitializer),
      regularizer: resolveRegularizer("layers.dense: kernelRegularizer", options.kernelRegularizer),
    };
    this.#bias = {
      initialize: resolveInitializer("layers.dense: biasInitializer", biasInitializer),
      regularizer: resolveRegularizer("layers.dense: biasRegularizer", options.biasRegularizer),
    };
    this.#options = { ...options };
  }

  call(graph: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    const { units, useBias = true } = this.#options;
    const kernel = graph.parameter({
      name: "kernel",
      shape: [lastDimension(x.type), units],
      ...this.#kernel,
    });
    const bias = useBias ? graph.parameter({ name: "bias", shape: [units], ...this.#bias }) : undefined;
    const activation = this.#activation;
    if (activation.fused !== undefined) return linear(x, kernel, bias, activation.fused);
    return activation.apply(linear(x, kernel, bias));
  }

  override config(): LayerConfig {
    return { ...this.#options };
  }
}

/**
 * Fully connected: f(x · kernel + bias) over the last axis. [..., in] -> [..., units].
 * Parameters: `kernel` [in, units], `bias` [units].
 */
export function dense<const U extends number>(options: DenseOptions<U>): Layer<Width<U>> {
  return new Dense(options) as Layer<Width<U>>;
}

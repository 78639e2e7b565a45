import { checkNumber, checkOptions, expected, OptionError } from "../errors.ts";
import type { GraphBuilder, Value } from "../graph/graph.ts";
import { type InitializerLike, resolveInitializer } from "../initializers.ts";
import { add, multiply, negativePart, unary } from "../ops/functions.ts";
import { type RegularizerLike, resolveRegularizer } from "../regularizers.ts";
import type { Same } from "../shape-types.ts";
import { type ActivationLike, resolveActivation } from "./activations.ts";
import { LAYER_OPTIONS, Layer, type LayerConfig, type LayerOptions, onlyInput } from "./layer.ts";

export interface ActivationOptions extends LayerOptions {
  activation: ActivationLike;
}

class Activation extends Layer<Same> {
  readonly kind = "activation";
  readonly #activation: ActivationLike;

  constructor(options: ActivationOptions) {
    checkOptions("layers.activation", options, [...LAYER_OPTIONS, "activation"]);
    super(options);
    if (options.activation === undefined) {
      throw new OptionError(
        expected("layers.activation: activation", "a name or a function", options.activation),
      );
    }
    resolveActivation("layers.activation: activation", options.activation);
    this.#activation = options.activation;
  }

  call(_: GraphBuilder, ...inputs: Value[]): Value {
    return resolveActivation("activation", this.#activation).apply(onlyInput(this, inputs));
  }

  override config(): LayerConfig {
    return { activation: this.#activation };
  }
}

/** Applies an activation to its input; the shape stays. */
export function activation(options: ActivationOptions): Layer<Same> {
  return new Activation(options);
}

export interface PReLUOptions extends LayerOptions {
  /** Default zeros. */
  alphaInitializer?: InitializerLike;
  alphaRegularizer?: RegularizerLike;
  /** Axes (from 1, the batch is 0) along which one slope is shared. Default none. */
  sharedAxes?: readonly number[];
}

const PRELU_OPTIONS = [...LAYER_OPTIONS, "alphaInitializer", "alphaRegularizer", "sharedAxes"] as const;

class PReLU extends Layer<Same> {
  readonly kind = "prelu";
  readonly #options: PReLUOptions;

  constructor(options: PReLUOptions = {}) {
    checkOptions("layers.prelu", options, PRELU_OPTIONS);
    super(options);
    resolveInitializer("layers.prelu: alphaInitializer", options.alphaInitializer ?? "zeros");
    resolveRegularizer("layers.prelu: alphaRegularizer", options.alphaRegularizer);
    for (const axis of options.sharedAxes ?? [])
      checkNumber("layers.prelu: sharedAxes", axis, { min: 1, integer: true });
    this.#options = { ...options };
  }

  call(graph: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    const shared = this.#options.sharedAxes ?? [];
    const alpha = graph.parameter({
      name: "alpha",
      shape: x.shape.map((dimension, axis) => (shared.includes(axis + 1) ? 1 : dimension)),
      initialize: resolveInitializer("alphaInitializer", this.#options.alphaInitializer ?? "zeros"),
      regularizer: resolveRegularizer("alphaRegularizer", this.#options.alphaRegularizer),
    });
    return add(unary("relu", x), multiply(alpha, negativePart(x)));
  }

  override config(): LayerConfig {
    return { ...this.#options };
  }
}

/** He et al. 2015: max(x, 0) + alpha · min(x, 0) with a trained slope for each element. Parameter: `alpha`. */
export function prelu(options: PReLUOptions = {}): Layer<Same> {
  return new PReLU(options);
}

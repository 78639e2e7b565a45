import { checkNumber, checkOptions } from "../errors.ts";
import type { GraphBuilder, Value } from "../graph/graph.ts";
import { dropout as dropoutOp, gaussianNoise as gaussianNoiseOp } from "../ops/functions.ts";
import type { Same } from "../shape-types.ts";
import { LAYER_OPTIONS, Layer, type LayerConfig, type LayerOptions, onlyInput } from "./layer.ts";

export interface DropoutOptions extends LayerOptions {
  /** Fraction of elements that are zeroed, from 0 to below 1. */
  rate: number;
}

class Dropout extends Layer<Same> {
  readonly kind = "dropout";
  readonly #rate: number;

  constructor(options: DropoutOptions) {
    checkOptions("layers.dropout", options, [...LAYER_OPTIONS, "rate"]);
    super(options);
    // At most what a 24-bit uniform number can tell from 1.
    this.#rate = checkNumber("layers.dropout: rate", options.rate, { min: 0, max: 1 - 2 ** -24 });
  }

  call(graph: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    return graph.training && this.#rate > 0 ? dropoutOp(x, this.#rate) : x;
  }

  override config(): LayerConfig {
    return { rate: this.#rate };
  }
}

/** In training, zeroes a random fraction of its input and scales the rest by 1 / (1 - rate); else passes it on. */
export function dropout(options: DropoutOptions): Layer<Same> {
  return new Dropout(options);
}

export interface GaussianNoiseOptions extends LayerOptions {
  /** Standard deviation of the noise. */
  stddev: number;
}

class GaussianNoise extends Layer<Same> {
  readonly kind = "gaussianNoise";
  readonly #stddev: number;

  constructor(options: GaussianNoiseOptions) {
    checkOptions("layers.gaussianNoise", options, [...LAYER_OPTIONS, "stddev"]);
    super(options);
    this.#stddev = checkNumber("layers.gaussianNoise: stddev", options.stddev, { min: 0 });
  }

  call(graph: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    return graph.training && this.#stddev > 0 ? gaussianNoiseOp(x, this.#stddev) : x;
  }

  override config(): LayerConfig {
    return { stddev: this.#stddev };
  }
}

/** In training, adds normal noise of mean 0; else passes its input on. */
export function gaussianNoise(options: GaussianNoiseOptions): Layer<Same> {
  return new GaussianNoise(options);
}

import { checkOptions, OptionError, ShapeError } from "../errors.ts";
import type { GraphBuilder, Value } from "../graph/graph.ts";
import { formatType } from "../graph/graph.ts";
import * as ops from "../ops/functions.ts";
import { sameShape } from "../tensor.ts";
import { LAYER_OPTIONS, Layer, type LayerConfig, type LayerOptions } from "./layer.ts";

/** Folds its inputs, of one shape, into one. */
class Merge extends Layer {
  readonly kind: string;
  readonly #merge: (inputs: readonly Value[]) => Value;

  constructor(kind: string, options: LayerOptions, merge: (inputs: readonly Value[]) => Value) {
    checkOptions(`layers.${kind}`, options, LAYER_OPTIONS);
    super(options);
    this.kind = kind;
    this.#merge = merge;
  }

  call(_: GraphBuilder, ...inputs: Value[]): Value {
    requireSeveral(this.kind, inputs);
    const [first] = inputs as [Value];
    for (const other of inputs) {
      if (!sameShape(first.shape, other.shape)) {
        const shapes = inputs.map((value) => formatType(value.type)).join(", ");
        throw new ShapeError(
          `layer "${other.graph.path}": ${this.kind} needs inputs of one shape, got ${shapes}`,
        );
      }
    }
    return this.#merge(inputs);
  }
}

function requireSeveral(kind: string, inputs: readonly Value[]): void {
  if (inputs.length >= 2) return;
  throw new ShapeError(
    `${kind} needs at least two inputs, got ${inputs.length}: layers.${kind}().apply([a, b])`,
  );
}

const sum = (inputs: readonly Value[]): Value => inputs.reduce((total, value) => ops.add(total, value));

/** Sum of its inputs, elementwise. */
export function add(options: LayerOptions = {}): Layer {
  return new Merge("add", options, sum);
}

/** Product of its inputs, elementwise. */
export function multiply(options: LayerOptions = {}): Layer {
  return new Merge("multiply", options, (inputs) =>
    inputs.reduce((product, value) => ops.multiply(product, value)),
  );
}

/** Mean of its inputs, elementwise. */
export function average(options: LayerOptions = {}): Layer {
  return new Merge("average", options, (inputs) => ops.affine(sum(inputs), 1 / inputs.length));
}

export interface ConcatenateOptions extends LayerOptions {
  /** Axis of the batched tensor (the batch is 0, so from 1), or from the end. Default -1. */
  axis?: number;
}

class Concatenate extends Layer {
  readonly kind = "concatenate";
  readonly #axis: number;

  constructor(options: ConcatenateOptions) {
    checkOptions("layers.concatenate", options, [...LAYER_OPTIONS, "axis"]);
    super(options);
    const { axis = -1 } = options;
    if (!Number.isInteger(axis) || axis === 0) {
      throw new OptionError(
        `layers.concatenate: axis must be a nonzero integer (0 is the batch), got ${String(axis)}`,
      );
    }
    this.#axis = axis;
  }

  call(_: GraphBuilder, ...inputs: Value[]): Value {
    requireSeveral(this.kind, inputs);
    return ops.concatenate(inputs, this.#axis > 0 ? this.#axis - 1 : this.#axis);
  }

  override config(): LayerConfig {
    return { axis: this.#axis };
  }
}

/** Its inputs side by side along an axis. */
export function concatenate(options: ConcatenateOptions = {}): Layer {
  return new Concatenate(options);
}

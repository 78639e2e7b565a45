import { checkOptions, expected, ShapeError } from "../errors.ts";
import type { GraphBuilder, Value } from "../graph/graph.ts";
import { reshape as reshapeOp } from "../ops/functions.ts";
import type { Fixed, Flat, Shape } from "../shape-types.ts";
import { formatShape, sizeOf } from "../tensor.ts";
import { LAYER_OPTIONS, Layer, type LayerConfig, type LayerOptions, onlyInput } from "./layer.ts";

class Flatten extends Layer<Flat> {
  readonly kind = "flatten";

  call(_: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    return reshapeOp(x, [sizeOf(x.shape)]);
  }
}

/** All axes of a sample as one. */
export function flatten(options: LayerOptions = {}): Layer<Flat> {
  checkOptions("layers.flatten", options, LAYER_OPTIONS);
  return new Flatten(options);
}

export interface ReshapeOptions<S extends Shape = Shape> extends LayerOptions {
  /** Shape of one sample; one dimension may be -1 and follows from the rest. */
  targetShape: S;
}

class Reshape extends Layer<Fixed<Shape>> {
  readonly kind = "reshape";
  readonly #target: readonly number[];

  constructor(options: ReshapeOptions) {
    checkOptions("layers.reshape", options, [...LAYER_OPTIONS, "targetShape"]);
    super(options);
    const target = options.targetShape;
    const valid =
      Array.isArray(target) &&
      target.every((dimension) => Number.isInteger(dimension) && (dimension > 0 || dimension === -1)) &&
      target.filter((dimension) => dimension === -1).length <= 1;
    if (!valid) {
      throw new ShapeError(
        expected("layers.reshape: targetShape", "positive integers with at most one -1", target),
      );
    }
    this.#target = [...target];
  }

  call(_: GraphBuilder, ...inputs: Value[]): Value {
    const x = onlyInput(this, inputs);
    const known = sizeOf(this.#target.filter((dimension) => dimension !== -1));
    const shape = this.#target.map((dimension) => (dimension === -1 ? sizeOf(x.shape) / known : dimension));
    if (sizeOf(shape) !== sizeOf(x.shape) || !shape.every(Number.isInteger)) {
      throw new ShapeError(`reshape: ${formatShape(x.shape)} cannot become ${formatShape(this.#target)}`);
    }
    return reshapeOp(x, shape);
  }

  override config(): LayerConfig {
    return { targetShape: this.#target };
  }
}

/** The elements of a sample under another shape. */
export function reshape<const S extends Shape>(options: ReshapeOptions<S>): Layer<Fixed<S>> {
  return new Reshape(options) as Layer<Fixed<S>>;
}

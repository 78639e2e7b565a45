import { checkOptions, expected, OptionError, ShapeError } from "../errors.ts";
import type { GraphBuilder, Value } from "../graph/graph.ts";
import type { ShapeRule } from "../shape-types.ts";

export interface LayerOptions {
  /** Unique in its network; default: the kind with a number, as in `dense_1`. */
  name?: string;
  /** False freezes the layer's parameters. Default true. */
  trainable?: boolean;
}

/** What a saved network remembers of a layer. */
export type LayerConfig = Readonly<Record<string, unknown>>;

/**
 * A description of a computation, without memory: parameters belong to the network that contains it.
 * A layer of your own extends this class and says in `call` how its output follows from its input;
 * gradients and both executors follow from that. See docs/custom-layers.md.
 */
export abstract class Layer<R extends ShapeRule = ShapeRule> {
  /** For the compiler only: how the output shape follows from the input's. */
  declare readonly shapeRule?: R;
  /** The layer's type, as saved in model files. */
  abstract readonly kind: string;
  readonly name: string | undefined;
  readonly trainable: boolean;

  constructor(options: LayerOptions = {}) {
    const { name, trainable = true } = options;
    if (name !== undefined && !/^[A-Za-z0-9_.-]+$/.test(name)) {
      throw new OptionError(expected("layer name", "made of letters, digits, '_', '-' and '.'", name));
    }
    if (typeof trainable !== "boolean")
      throw new OptionError(expected("trainable", "true or false", trainable));
    this.name = name;
    this.trainable = trainable;
  }

  /**
   * Emits the layer's ops. Called once for each graph that is built (training, evaluation,
   * prediction); `graph.parameter` gives the same memory in each.
   * @param inputs values of the layers before, shapes without the batch
   */
  abstract call(graph: GraphBuilder, ...inputs: Value[]): Value;

  /** Options from which the layer can be made again (JSON). */
  config(): LayerConfig {
    return {};
  }

  /** Connects the layer to the outputs of others: the functional form of a network. */
  apply(input: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor {
    const inputs = Array.isArray(input) ? (input as readonly SymbolicTensor[]) : [input as SymbolicTensor];
    for (const one of inputs) {
      if (!(one instanceof SymbolicTensor)) {
        throw new OptionError(
          expected(`${this.kind}.apply: the input`, "a result of layers.input() or apply()", one),
        );
      }
    }
    return new SymbolicTensor(this, inputs);
  }
}

/** A place in a network that is not built yet: the output of a layer applied to others. */
export class SymbolicTensor {
  /** Absent for an input of the network. */
  readonly layer: Layer | undefined;
  readonly inputs: readonly SymbolicTensor[];
  /** Shape of an input, without the batch. */
  readonly shape: readonly number[] | undefined;
  readonly name: string | undefined;

  constructor(
    layer: Layer | undefined,
    inputs: readonly SymbolicTensor[],
    shape?: readonly number[],
    name?: string,
  ) {
    this.layer = layer;
    this.inputs = inputs;
    this.shape = shape;
    this.name = name;
  }
}

/** Checks a shape given by a user: positive integers. */
export function checkShape(where: string, shape: unknown): readonly number[] {
  const valid =
    Array.isArray(shape) && shape.every((dimension) => Number.isInteger(dimension) && dimension > 0);
  if (!valid) throw new ShapeError(expected(where, "an array of positive integers", shape));
  return Object.freeze([...(shape as number[])]);
}

export interface InputOptions {
  /** Shape of one sample. */
  shape: readonly number[];
  name?: string;
}

/** An input of a network in the functional form. */
export function input(options: InputOptions): SymbolicTensor {
  checkOptions("layers.input", options, ["shape", "name"]);
  return new SymbolicTensor(undefined, [], checkShape("layers.input: shape", options.shape), options.name);
}

/** The common options of layers, to be checked together with a layer's own. */
export const LAYER_OPTIONS = ["name", "trainable"] as const;

/** The one input of a layer that takes one, or an error that says how many came. */
export function onlyInput(layer: Layer, inputs: readonly Value[]): Value {
  const [first] = inputs;
  if (first === undefined || inputs.length !== 1) {
    throw new ShapeError(`${layer.kind} takes one input, got ${inputs.length}`);
  }
  return first;
}

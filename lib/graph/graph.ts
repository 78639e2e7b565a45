import { ShapeError } from "../errors.ts";
import type { Attributes, OpDefinition } from "../ops/op.ts";
import type { Random } from "../random.ts";
import { formatShape, sameShape, sizeOf } from "../tensor.ts";

/** What a value is: its shape without the batch, and whether a leading batch dimension stands before it. */
export interface ValueType {
  readonly batched: boolean;
  readonly shape: readonly number[];
  readonly dtype: "f32";
}

/** The numbers that are multiplied in a graph's matrix products; all else is float32. */
export const PRECISIONS = ["float32", "bf16"] as const;
export type Precision = (typeof PRECISIONS)[number];

export function valueType(batched: boolean, shape: readonly number[]): ValueType {
  return { batched, shape, dtype: "f32" };
}

/** `[batch, 28, 28]` or `[784, 128]` */
export function formatType(type: ValueType): string {
  return type.batched ? `[${["batch", ...type.shape].join(", ")}]` : formatShape(type.shape);
}

export function sameType(a: ValueType, b: ValueType): boolean {
  return (
    a.batched === b.batched &&
    a.shape.length === b.shape.length &&
    a.shape.every((dimension, i) => dimension === b.shape[i])
  );
}

/** Fills a new parameter of the given shape. */
export type Initialize = (target: Float32Array, shape: readonly number[], random: Random) => void;

/** Memory that outlives a step: trained parameters, running statistics, constants. */
export interface StateDeclaration {
  readonly path: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: "parameter" | "variable" | "constant";
  readonly trainable: boolean;
  readonly initialize: Initialize;
}

export interface InputSource {
  readonly kind: "input";
  readonly name: string;
}

export interface StateSource {
  readonly kind: "state";
  readonly state: StateDeclaration;
}

/** An array that the optimizer keeps for a parameter: the `index`th of its slots. */
export interface SlotSource {
  readonly kind: "slot";
  readonly path: string;
  readonly index: number;
}

/** An op in a graph. */
export interface Node {
  readonly kind: "node";
  readonly id: number;
  readonly op: OpDefinition;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
  /** Path of the layer that emitted it, for messages and printing. */
  readonly path: string;
}

/** A node's typed output, an input of the graph, a piece of state, or an optimizer's slot. */
export class Value {
  readonly graph: GraphBuilder;
  readonly source: Node | InputSource | StateSource | SlotSource;
  readonly type: ValueType;
  readonly id: number;

  constructor(
    graph: GraphBuilder,
    source: Node | InputSource | StateSource | SlotSource,
    type: ValueType,
    id: number,
  ) {
    this.graph = graph;
    this.source = source;
    this.type = type;
    this.id = id;
  }

  /** Shape without the batch. */
  get shape(): readonly number[] {
    return this.type.shape;
  }

  get batched(): boolean {
    return this.type.batched;
  }
}

export interface ParameterOptions {
  name: string;
  shape: readonly number[];
  initialize: Initialize;
  /** Default: as the layer that declares it. */
  trainable?: boolean;
  /** Adds a scalar penalty to the training loss. */
  regularizer?: ((parameter: Value) => Value) | undefined;
}

/**
 * Collects the nodes of one program. Layers emit into it in the order of computation, so the
 * creation order is a topological order.
 */
export class GraphBuilder {
  /** True where the graph is for training: dropout drops, batch statistics are used. */
  readonly training: boolean;
  readonly precision: Precision;
  readonly inputs: Value[] = [];
  readonly slots: Value[] = [];
  readonly nodes: Node[] = [];
  /** Nodes that must run for what they write, though nothing reads their output. */
  readonly effects: Node[] = [];
  /** Nodes that may end the step before any state is written. */
  readonly guards: Node[] = [];
  /** Scalars that regularizers add to the loss, in evaluation too (Keras); a program that does not ask for it drops them. */
  readonly penalties: Value[] = [];
  readonly #states = new Map<string, Value>();
  #path = "";
  #trainable = true;
  #streams = 0;
  #ids = 0;
  #one: Value | undefined;

  constructor(options: { training: boolean; precision?: Precision }) {
    this.training = options.training;
    this.precision = options.precision ?? "float32";
  }

  get states(): ReadonlyMap<string, Value> {
    return this.#states;
  }

  get path(): string {
    return this.#path;
  }

  /** Runs `emit` with `path` as the place that names and messages refer to. */
  scope<T>(path: string, trainable: boolean, emit: () => T): T {
    const saved = [this.#path, this.#trainable] as const;
    this.#path = saved[0] === "" ? path : `${saved[0]}/${path}`;
    this.#trainable = saved[1] && trainable;
    try {
      return emit();
    } finally {
      [this.#path, this.#trainable] = saved;
    }
  }

  /** A value read from the data in every step. */
  input(name: string, shape: readonly number[]): Value {
    const value = new Value(this, { kind: "input", name }, valueType(true, shape), this.#ids++);
    this.inputs.push(value);
    return value;
  }

  /** A trained array; asking for the same name in the same scope again gives the same value. */
  parameter(options: ParameterOptions): Value {
    const trainable = this.#trainable && (options.trainable ?? true);
    const known = this.#states.has(this.#statePath(options.name));
    const value = this.#state({ ...options, kind: "parameter", trainable });
    if (!known && options.regularizer !== undefined) this.penalties.push(options.regularizer(value));
    return value;
  }

  /** State that is written by the program itself, not by the optimizer (running statistics). */
  variable(options: { name: string; shape: readonly number[]; initialize: Initialize }): Value {
    return this.#state({ ...options, kind: "variable", trainable: false });
  }

  /** Numbers known when the graph is built. */
  constant(name: string, shape: readonly number[], initialize: Initialize): Value {
    return this.#state({ name, shape, initialize, kind: "constant", trainable: false });
  }

  /** The number 1: the gradient of a scalar by itself. */
  one(): Value {
    const initialize: Initialize = (target) => target.fill(1);
    this.#one ??= this.#state(
      { name: "one", shape: [], initialize, kind: "constant", trainable: false },
      "one",
    );
    return this.#one;
  }

  /** Whether the layer being called is trained: a frozen batch normalization uses its running statistics. */
  get trainable(): boolean {
    return this.#trainable;
  }

  /** What the optimizer keeps for a parameter: an array of its shape, the `index`th. */
  slot(parameter: Value, index: number): Value {
    if (parameter.source.kind !== "state") throw new TypeError("only a parameter has slots");
    const { path } = parameter.source.state;
    const value = new Value(this, { kind: "slot", path, index }, parameter.type, this.#ids++);
    this.slots.push(value);
    return value;
  }

  /** A number that tells apart the random sequences of one step. */
  randomStream(): number {
    return this.#streams++;
  }

  /** Emits a node; the op's shape rule gives the outputs' types. */
  add(
    op: OpDefinition,
    inputs: readonly Value[],
    attributes: Attributes = {},
    as?: ValueType,
  ): readonly Value[] {
    for (const input of inputs) {
      if (input.graph !== this)
        throw new ShapeError(this.#message(op.name, "an input belongs to another graph"));
    }
    let types: readonly ValueType[];
    try {
      types = op.infer(
        inputs.map((input) => input.type),
        attributes,
        as,
      );
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new ShapeError(this.#message(op.name, error.message), { cause: error });
    }
    const outputs: Value[] = [];
    const node: Node = {
      kind: "node",
      id: this.nodes.length,
      op,
      inputs,
      outputs,
      attributes,
      path: this.#path,
    };
    for (const type of types) outputs.push(new Value(this, node, type, this.#ids++));
    this.nodes.push(node);
    return outputs;
  }

  /** Emits a node that may end the step. */
  addGuard(op: OpDefinition, inputs: readonly Value[]): void {
    this.add(op, inputs);
    this.guards.push(this.nodes.at(-1) as Node);
  }

  /** Emits a node that is kept for what it writes. */
  addEffect(op: OpDefinition, inputs: readonly Value[], attributes: Attributes = {}): void {
    const [output] = this.add(op, inputs, attributes);
    this.effects.push((output as Value).source as Node);
  }

  #message(op: string, message: string): string {
    return this.#path === "" ? `${op}: ${message}` : `layer "${this.#path}": ${op}: ${message}`;
  }

  #statePath(name: string): string {
    return this.#path === "" ? name : `${this.#path}/${name}`;
  }

  #state(declaration: Omit<StateDeclaration, "path">, path = this.#statePath(declaration.name)): Value {
    const known = this.#states.get(path);
    if (known !== undefined) return sameShared(path, known, declaration.shape);
    for (const dimension of declaration.shape) {
      if (!Number.isInteger(dimension) || dimension < 1) {
        throw new ShapeError(
          `"${path}": every dimension must be a positive integer, got ${formatShape(declaration.shape)}`,
        );
      }
    }
    const { name, shape, kind, trainable, initialize } = declaration;
    const state: StateDeclaration = { path, name, shape, kind, trainable, initialize };
    const value = new Value(this, { kind: "state", state }, valueType(false, shape), this.#ids++);
    this.#states.set(path, value);
    return value;
  }
}

/** A layer that is used twice has one state, so its uses must agree on the shape. */
function sameShared(path: string, known: Value, shape: readonly number[]): Value {
  if (sameShape(known.shape, shape)) return known;
  throw new ShapeError(
    `"${path}" has shape ${formatShape(known.shape)} already, and cannot have ${formatShape(shape)} too: ` +
      "a shared layer needs inputs of one shape",
  );
}

/** Elements of a value in a step of `batch` samples. */
export function elementsOf(type: ValueType, batch: number): number {
  return sizeOf(type.shape) * (type.batched ? batch : 1);
}

/** The graph as text, a line a node: `%7 [batch, 10] = linear(%5, dense/kernel) {function: relu}` */
export function printGraph(graph: GraphBuilder): string {
  return graph.nodes
    .map((node) => {
      const outputs = node.outputs
        .map((output) => `${formatValue(output)} ${formatType(output.type)}`)
        .join(", ");
      const inputs = node.inputs.map(formatValue).join(", ");
      const attributes = Object.entries(node.attributes).map(([key, value]) => `${key}: ${value}`);
      const suffix = attributes.length === 0 ? "" : ` {${attributes.join(", ")}}`;
      return `${outputs} = ${node.op.name}(${inputs})${suffix}`;
    })
    .join("\n");
}

export function formatValue(value: Value): string {
  if (value.source.kind === "state") return value.source.state.path;
  if (value.source.kind === "slot") return `${value.source.path}:${value.source.index}`;
  if (value.source.kind === "input") return value.source.name;
  return `%${value.id}`;
}

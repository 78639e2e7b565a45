import { ShapeError } from "../errors.ts";
import { formatType, type Node, sameType, type Value, type ValueType } from "../graph/graph.ts";
import type { FloatArray } from "../tensor.ts";

export type Attributes = Readonly<Record<string, number | string>>;

/** A buffer as a reference kernel sees it: `data` starts at its first element. */
export interface Operand {
  readonly data: FloatArray;
  readonly type: ValueType;
  /** Elements of one sample where batched, of the whole otherwise. */
  readonly size: number;
  /** Elements in this step. */
  readonly count: number;
}

/** One execution of an instruction. */
export interface KernelCall {
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Operand[];
  readonly attributes: Attributes;
  /** Samples in this step. */
  readonly batch: number;
  /** Optimizer steps done before this one, over the network's life. */
  readonly step: number;
  readonly seed: readonly [number, number];
  readonly learningRate: number;
  /** Ends the step before any state is written. */
  fail(): void;
}

/** A value's inner function, when an op's last act is one: what crossentropies look through. */
export interface Preactivation {
  readonly activation: string;
  /** Emits the input of that function where it is not a value yet. */
  value(): Value;
}

/** One node in the place of two. */
export interface Fusion {
  readonly op: OpDefinition;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
}

/** Gradient descent without a gradient in memory. All ops take what the gradient's node takes. */
export interface Descent {
  /** Ends the step where an element of the gradient would not be finite. */
  readonly guard: OpDefinition;
  /** Takes the parameters too, one for each output of the node, and writes them: p - rate * scale * gradient. */
  readonly update: OpDefinition;
  /** The same for an optimizer's op: takes each parameter with its slots behind it, and writes them. */
  updateBy(optimizer: OpDefinition): OpDefinition;
}

/** A kind of computation: shape rule, gradient rule and reference kernel. */
export interface OpDefinition {
  readonly name: string;
  /** In the order of the encoded plan; a text attribute is called `function` and comes first. */
  readonly attributes: readonly string[];
  /** The accepted values of `function`. */
  readonly functions?: readonly string[];
  /** The output shares the memory of the first input: no instruction is emitted. */
  readonly view?: boolean;
  /** Output i may take the memory of input i where that input is not read afterwards. */
  readonly overwrites?: boolean;
  /** Output i is the memory of input inPlace[i], changed. */
  readonly inPlace?: readonly number[];
  /** Types of the outputs, or a ShapeError. `as` is the wanted type where inputs do not decide it. */
  infer(inputs: readonly ValueType[], attributes: Attributes, as?: ValueType): readonly ValueType[];
  /** Gradients of the inputs from those of the outputs; undefined where there is none. */
  vjp?(node: Node, gradients: readonly (Value | undefined)[]): readonly (Value | undefined)[];
  /** What the output was before the op's last function, emitted anew where needed. */
  preactivation?(node: Node): Preactivation | undefined;
  /** This node and `next`, which alone reads its output, as one node with the outputs of `next`. */
  absorbs?(node: Node, next: Node): Fusion | undefined;
  /** Of a node that computes a parameter's gradient: what an optimizer does in its place. */
  readonly descent?: Descent;
  /** The definition of what the instruction means. */
  run(call: KernelCall): void;
}

export function number(attributes: Attributes, name: string): number {
  return attributes[name] as number;
}

export function text(attributes: Attributes, name: string): string {
  return attributes[name] as string;
}

export function at<T>(list: readonly T[], index: number): T {
  return list[index] as T;
}

/** The first output of an emitted node. */
export function single(values: readonly Value[]): Value {
  return values[0] as Value;
}

export function requireSame(what: string, a: ValueType, b: ValueType): void {
  if (!sameType(a, b))
    throw new ShapeError(`${what} must have the same shape, got ${formatType(a)} and ${formatType(b)}`);
}

/** The last dimension; a scalar counts as one of width 1. */
export function lastDimension(type: ValueType): number {
  return type.shape.length === 0 ? 1 : at(type.shape, type.shape.length - 1);
}

export function requireRank(what: string, type: ValueType, rank: number): void {
  if (type.batched || type.shape.length !== rank) {
    throw new ShapeError(`${what} must have rank ${rank} and no batch, got ${formatType(type)}`);
  }
}

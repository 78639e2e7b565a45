import type { ValueType } from "../graph/graph.ts";
import type { Attributes, OpDefinition } from "../ops/op.ts";

/** The memories of a program, in the order of the encoded plan. */
export const REGIONS = ["state", "slots", "gradient", "input", "scratch"] as const;
export type Region = (typeof REGIONS)[number];

/** Where a value lives: elements from `offset` of a region. */
export interface Buffer {
  readonly region: Region;
  readonly offset: number;
  readonly type: ValueType;
}

/** An op bound to buffers. */
export interface Instruction {
  readonly op: OpDefinition;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  readonly attributes: Attributes;
  /** Path of the layer it came from, for printing. */
  readonly path: string;
}

export interface NamedBuffer {
  readonly name: string;
  readonly buffer: Buffer;
}

/** Numbers that are in scratch memory before the first step and stay there. */
export interface Constant {
  readonly offset: number;
  readonly data: Float32Array;
}

/** A flat static program: what an executor runs once per step. */
export interface Plan {
  readonly name: string;
  /** The most samples of a step. */
  readonly capacity: number;
  /** Elements of each region. */
  readonly sizes: Readonly<Record<Region, number>>;
  /** Filled from the data before the instructions run. */
  readonly inputs: readonly NamedBuffer[];
  /** Copied out after the instructions have run. */
  readonly outputs: readonly NamedBuffer[];
  readonly instructions: readonly Instruction[];
  /** Part of the scratch region; whoever allocates it writes them. */
  readonly constants: readonly Constant[];
}

/** Offsets are multiples of a cache line of 16 floats. */
export const ALIGNMENT = 16;

export function alignUp(elements: number): number {
  return Math.ceil(elements / ALIGNMENT) * ALIGNMENT;
}

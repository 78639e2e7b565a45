import type { NumericArray } from "./tensor.ts";

/** Shapes as the compiler knows them: literal where sizes are, `readonly number[]` where they are not. */
export type Shape = readonly number[];

/** How a layer's output shape follows from its input's, as far as types can say. */
export type ShapeRule =
  | { readonly rule: "same" }
  | { readonly rule: "flat" }
  | { readonly rule: "width"; readonly width: number }
  | { readonly rule: "fixed"; readonly shape: Shape }
  | { readonly rule: "unknown" };

export interface Same {
  readonly rule: "same";
}
export interface Flat {
  readonly rule: "flat";
}
/** The last dimension becomes W. */
export interface Width<W extends number> {
  readonly rule: "width";
  readonly width: W;
}
export interface Fixed<S extends Shape> {
  readonly rule: "fixed";
  readonly shape: S;
}

type ReplaceLast<S extends Shape, W extends number> = S extends readonly [
  ...infer Head extends number[],
  number,
]
  ? readonly [...Head, W]
  : Shape;

/** A layer's output shape. */
export type OutputShape<S extends Shape, R> = R extends Same
  ? S
  : R extends Flat
    ? readonly [number]
    : R extends Width<infer W>
      ? ReplaceLast<S, W>
      : R extends Fixed<infer T>
        ? T
        : Shape;

type RuleOf<L> = L extends { readonly shapeRule?: infer R } ? NonNullable<R> : never;

/** The output shape of layers one after the other. */
export type ChainShape<S extends Shape, L extends readonly unknown[]> = L extends readonly [
  infer First,
  ...infer Rest,
]
  ? ChainShape<OutputShape<S, RuleOf<First>>, Rest>
  : number extends L["length"]
    ? Shape
    : S;

/** Arrays nested as deep as a shape has dimensions; any depth where the rank is not known. */
export type Nested<S extends Shape> = number extends S["length"]
  ? AnyNested
  : S extends readonly []
    ? number
    : S extends readonly [number]
      ? readonly number[] | NumericArray
      : S extends readonly [number, ...infer Rest extends Shape]
        ? readonly Nested<Rest>[]
        : AnyNested;

export type AnyNested = number | NumericArray | readonly AnyNested[];

/** Arrays of samples of a shape. */
export type Samples<S extends Shape> = number extends S["length"]
  ? readonly AnyNested[]
  : readonly Nested<S>[];

/** A shape without its last dimension: what holds one class index a row. */
export type RowsOf<S extends Shape> = S extends readonly [...infer Head extends number[], number]
  ? Head
  : Shape;

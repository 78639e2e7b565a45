/** The element types that data may have; everything is computed in float32. */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** The same as values. */
export const NUMERIC_ARRAYS = [
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
] as const;

/** The arrays a plan runs on: float32 as the native kernels do, or float64 for gradient checks. */
export type FloatArray = Float32Array | Float64Array;

/** Row-major numbers with a shape; `data.length` is the product of `shape`. */
export interface Tensor<D extends NumericArray = Float32Array> {
  readonly shape: readonly number[];
  readonly data: D;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** `[28, 28, 1]` */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

import { loadAddon } from "../addon.ts";
import { DataError, expected } from "../errors.ts";
import { type FloatArray, sizeOf } from "../tensor.ts";
import type { Column } from "./column.ts";

export const kMaxFloat32 = 3.4028234663852886e38;

/** `x[3][1]` for a flat index into values of a shape. */
export function elementName(where: string, shape: readonly number[], index: number): string {
  const indices: number[] = [];
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const dimension = shape[axis] as number;
    indices.unshift(rest % dimension);
    rest = Math.floor(rest / dimension);
  }
  return where + indices.map((i) => `[${i}]`).join("");
}

/**
 * Throws unless each element of the column is a finite number in float32. Integer arrays need no look.
 * @param where how the message names the column: `x` gives `x[3][1] must be a finite number, got NaN`
 * @returns the largest magnitude, where it looked
 */
export function checkFinite(column: Column, where: string): number | undefined {
  const { data } = column;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return undefined;
  const found = largest(data);
  if (found <= kMaxFloat32) return found;
  const index = (data as Float64Array).findIndex((value) => !(Math.abs(value) <= kMaxFloat32));
  throw notFinite(
    elementName(where, [data.length / sizeOf(column.shape), ...column.shape], index),
    data[index],
  );
}

/** Values from which on the addon is asked: that is a call, and the first time it is loaded. */
const MANY = 4096;

/** Whether all values are finite numbers in float32. */
export const allFinite = (data: FloatArray): boolean => largest(data) <= kMaxFloat32;

/** The largest magnitude, 0 of no values; NaN or Infinity where a value is not finite. Four independent chains. */
export function largest(data: FloatArray): number {
  if (data instanceof Float32Array && data.length >= MANY) {
    const { binding } = loadAddon();
    if (binding !== undefined) return binding.largest(data);
  }
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const end = data.length - (data.length % 4);
  for (let i = 0; i < end; i += 4) {
    a = Math.max(a, Math.abs(data[i] as number));
    b = Math.max(b, Math.abs(data[i + 1] as number));
    c = Math.max(c, Math.abs(data[i + 2] as number));
    d = Math.max(d, Math.abs(data[i + 3] as number));
  }
  for (let i = end; i < data.length; i++) a = Math.max(a, Math.abs(data[i] as number));
  return Math.max(a, b, c, d);
}

/** The error for a value that is no finite float32 number. */
export function notFinite(where: string, value: unknown): DataError {
  const finite = typeof value === "number" && Number.isFinite(value);
  return new DataError(expected(where, finite ? "a finite number in float32" : "a finite number", value));
}

/**
 * Throws unless each element of the column is the number of one of `classes` classes, as sparse losses
 * and metrics want: `y[3] must be a class number from 0 to 9, got 12`.
 * @param rows look only at these rows
 */
export function checkClasses(column: Column, classes: number, where: string, rows?: Uint32Array): void {
  const { data, scale, offset } = column;
  const size = sizeOf(column.shape);
  const count = rows?.length ?? data.length / size;
  for (let row = 0; row < count; row++) {
    const start = (rows === undefined ? row : (rows[row] as number)) * size;
    for (let i = start; i < start + size; i++) {
      const value = (data[i] as number) * scale + offset;
      if (Number.isInteger(value) && value >= 0 && value < classes) continue;
      const name = elementName(where, [data.length / size, ...column.shape], i);
      throw new DataError(expected(name, `a class number from 0 to ${classes - 1}`, value));
    }
  }
}

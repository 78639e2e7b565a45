import { ShapeError } from "../errors.ts";
import { formatType, type ValueType, valueType } from "../graph/graph.ts";
import { lastDimension, type Operand } from "./op.ts";

/** What the gradients of a dense layer are made of: products and sums over the rows of x and dz. */

export function requireFeatures(x: ValueType): void {
  if (x.shape.length === 0) throw new ShapeError(`the input must have a feature axis, got ${formatType(x)}`);
}

/** The type of xᵀ · dz, or a ShapeError where their rows differ. */
export function kernelType(x: ValueType, dz: ValueType): ValueType {
  requireFeatures(x);
  requireFeatures(dz);
  const [a, b] = [x.shape.slice(0, -1).join(), dz.shape.slice(0, -1).join()];
  if (x.batched !== dz.batched || a !== b) {
    throw new ShapeError(
      `input and gradient must have the same rows, got ${formatType(x)} and ${formatType(dz)}`,
    );
  }
  return valueType(false, [lastDimension(x), lastDimension(dz)]);
}

/** Gives each row of xᵀ · dz; the array is the same for all. */
export function addProducts(x: Operand, dz: Operand, emit: (row: number, sums: Float64Array) => void): void {
  const [k, n] = [lastDimension(x.type), lastDimension(dz.type)];
  const [xs, ds] = [x.data, dz.data];
  const rows = x.count / k;
  const sums = new Float64Array(n);
  for (let i = 0; i < k; i++) {
    sums.fill(0);
    for (let row = 0; row < rows; row++) {
      const xi = xs[row * k + i] as number;
      for (let j = 0; j < n; j++) sums[j] = (sums[j] as number) + xi * (ds[row * n + j] as number);
    }
    emit(i, sums);
  }
}

/** The sum of the rows of dz. */
export function addRows(dz: Operand): Float64Array {
  const sums = new Float64Array(lastDimension(dz.type));
  for (let i = 0; i < dz.count; i++) {
    const column = i % sums.length;
    sums[column] = (sums[column] as number) + (dz.data[i] as number);
  }
  return sums;
}

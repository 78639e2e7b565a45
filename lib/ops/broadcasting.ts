import { ShapeError } from "../errors.ts";
import { formatType, type ValueType, valueType } from "../graph/graph.ts";

/** The type that both broadcast to: shapes aligned at the right, as in NumPy. */
export function broadcastTypes(a: ValueType, b: ValueType): ValueType {
  const rank = Math.max(a.shape.length, b.shape.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a.shape[a.shape.length - rank + i] ?? 1;
    const db = b.shape[b.shape.length - rank + i] ?? 1;
    if (da !== db && da !== 1 && db !== 1) {
      throw new ShapeError(
        `shapes must agree or be 1 from the right, got ${formatType(a)} and ${formatType(b)}`,
      );
    }
    shape.push(da === 1 ? db : da);
  }
  return valueType(a.batched || b.batched, shape);
}

/** For every element of `to`'s sample, the element of `from`'s sample that it reads. */
export function broadcastIndices(from: readonly number[], to: readonly number[]): Int32Array {
  const rank = to.length;
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let i = from.length - 1; i >= 0; i--) {
    const axis = rank - from.length + i;
    if (from[i] !== 1) strides[axis] = stride;
    stride *= from[i] as number;
  }
  const size = to.reduce((product, dimension) => product * dimension, 1);
  const indices = new Int32Array(size);
  for (let element = 0; element < size; element++) {
    let rest = element;
    let index = 0;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const dimension = to[axis] as number;
      index += (rest % dimension) * (strides[axis] as number);
      rest = Math.floor(rest / dimension);
    }
    indices[element] = index;
  }
  return indices;
}

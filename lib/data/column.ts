import {
  checkNumber,
  checkOptions,
  DataError,
  describe,
  expected,
  OptionError,
  ShapeError,
} from "../errors.ts";
import { type FloatArray, formatShape, NUMERIC_ARRAYS, type NumericArray, sizeOf } from "../tensor.ts";
import { checkFinite, elementName, kMaxFloat32, notFinite } from "./checks.ts";

/**
 * One value per sample: sample `i` is `data[i * size .. (i + 1) * size]` with `size = sizeOf(shape)`,
 * and each element means `data * scale + offset`. Bytes stay bytes until a batch is gathered.
 */
export interface Column {
  readonly data: NumericArray;
  /** Of one sample; `[]` for a scalar such as a label. */
  readonly shape: readonly number[];
  readonly scale: number;
  readonly offset: number;
  /** No element of `data` is of larger magnitude; absent: not known, or as large as integers of the type can be. */
  readonly largest?: number;
}

/** Numbers in arrays in arrays; the innermost may be typed arrays. */
export type NestedArray = readonly number[] | readonly NumericArray[] | readonly NestedArray[];

/** Data with a shape whose first dimension counts the samples; typed arrays are bound without a copy. */
export interface ColumnSource {
  readonly data: NumericArray | NestedArray;
  /** `[samples, ...]`; default: one number per sample for a typed array, the shape of a nested one. */
  readonly shape?: readonly number[];
  /** An element means `data * scale + offset` (defaults 1 and 0). */
  readonly scale?: number;
  readonly offset?: number;
}

/** Everything that can stand for one input or output of all samples. */
export type DataSource = NestedArray | NumericArray | ColumnSource;

const kMaxRank = 8;

/** Whether a value is one of the typed arrays that data may have. */
export function isNumericArray(value: unknown): value is NumericArray {
  return NUMERIC_ARRAYS.some((type) => value instanceof type);
}

/** Whether a value has the form `{ data, shape?, scale?, offset? }`. */
export function isColumnSource(value: unknown): value is ColumnSource {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    "data" in value
  );
}

/** Number of samples that a column holds. */
export function columnLength(column: Column): number {
  return column.data.length / sizeOf(column.shape);
}

/**
 * A column from anything that can stand for one. Typed arrays are bound, nested arrays are copied.
 * @param where how messages name it (`x`, `y`, `x[1]`)
 * @throws ShapeError for ragged or ill-sized data, DataError for empty, non-numeric or non-finite data
 */
export function columnFrom(
  source: DataSource,
  where: string,
  copyType: typeof Float32Array | typeof Float64Array = Float32Array,
): Column {
  if (!isColumnSource(source)) return bind(...flatten(source, where, copyType), 1, 0, where);
  checkOptions(where, source, ["data", "shape", "scale", "offset"]);
  const scale = checkNumber(`${where}.scale`, source.scale ?? 1);
  const offset = checkNumber(`${where}.offset`, source.offset ?? 0);
  const [data, shape] = flatten(source.data, where, copyType);
  if (source.shape === undefined) return bind(data, shape, scale, offset, where);
  checkShape(source.shape, data, where);
  return bind(data, source.shape, scale, offset, where);
}

function bind(
  data: NumericArray,
  shape: readonly number[],
  scale: number,
  offset: number,
  where: string,
): Column {
  return checkedColumn({ data, shape: Object.freeze(shape.slice(1)), scale, offset }, where);
}

/** The column with what a look at its elements tells. Throws unless all are finite. */
export function checkedColumn(column: Column, where: string): Column {
  const largest = checkFinite(column, where);
  return Object.freeze(largest === undefined ? column : { ...column, largest });
}

function checkShape(shape: readonly number[], data: NumericArray, where: string): void {
  if (!Array.isArray(shape) || shape.length === 0 || shape.length > kMaxRank + 1) {
    throw new ShapeError(expected(`${where}.shape`, "an array [samples, ...] of dimensions", shape));
  }
  shape.forEach((dimension: unknown, axis) => {
    if (Number.isInteger(dimension) && (dimension as number) >= 1) return;
    throw new ShapeError(expected(`${where}.shape[${axis}]`, "a positive integer", dimension));
  });
  if (sizeOf(shape) === data.length) return;
  throw new ShapeError(
    `${where}: shape ${formatShape(shape)} needs ${sizeOf(shape)} elements, got ${describe(data)}`,
  );
}

/** The elements of a source in row-major order with the full shape, samples first. */
function flatten(
  source: NestedArray | NumericArray,
  where: string,
  copyType: typeof Float32Array | typeof Float64Array,
): [NumericArray, readonly number[]] {
  if (isNumericArray(source)) {
    if (source.length === 0) throw new DataError(`${where} is empty: at least one sample is needed`);
    return [source, [source.length]];
  }
  if (!Array.isArray(source)) {
    const forms = "an array of samples, a typed array, or { data, shape }";
    throw new DataError(expected(where, forms, source));
  }
  const shape = nestedShape(source, where);
  const data = new copyType(sizeOf(shape));
  fill(source, 0, 0, { data, shape, where });
  return [data, shape];
}

/** The shape that the first elements declare; `fill` holds all others to it. */
function nestedShape(source: NestedArray, where: string): number[] {
  const shape: number[] = [];
  let level: unknown = source;
  let name = where;
  while (Array.isArray(level) || isNumericArray(level)) {
    if (level.length === 0) {
      throw new DataError(
        `${name} is empty: at least one ${shape.length === 0 ? "sample" : "number"} is needed`,
      );
    }
    if (shape.length > kMaxRank) {
      throw new ShapeError(`${where} must be nested at most ${kMaxRank + 1} arrays deep`);
    }
    shape.push(level.length);
    level = level[0];
    name += "[0]";
  }
  return shape;
}

interface Filling {
  data: FloatArray;
  shape: readonly number[];
  where: string;
}

function fill(level: unknown, axis: number, start: number, filling: Filling): void {
  const { data, shape, where } = filling;
  const length = shape[axis] as number;
  const inner = sizeOf(shape.slice(axis + 1));
  const isArray = Array.isArray(level);
  if (!(isArray || isNumericArray(level)) || level.length !== length) {
    const name = elementName(where, shape.slice(0, axis), start / (inner * length));
    throw new ShapeError(
      expected(name, `an array of length ${length}, as ${where}${"[0]".repeat(axis)} is`, level),
    );
  }
  if (axis < shape.length - 1) {
    for (let i = 0; i < length; i++) fill(level[i], axis + 1, start + i * inner, filling);
    return;
  }
  for (let i = 0; i < length; i++) {
    const value: unknown = level[i];
    if (!(typeof value === "number" && Math.abs(value) <= kMaxFloat32))
      throw badNumber(value, start + i, filling);
    data[start + i] = value;
  }
}

function badNumber(value: unknown, index: number, { shape, where }: Filling): Error {
  const name = elementName(where, shape, index);
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return notFinite(name, value);
  return new ShapeError(expected(name, `a number, as ${where}${"[0]".repeat(shape.length)} is`, value));
}

/** Throws an OptionError unless `scale` and `offset` are finite; fills in their defaults. */
export function makeColumn(data: NumericArray, shape: readonly number[], scale = 1, offset = 0): Column {
  if (!Number.isFinite(scale) || !Number.isFinite(offset)) {
    throw new OptionError(`a column's scale and offset must be finite numbers, got ${scale} and ${offset}`);
  }
  return Object.freeze({ data, shape: Object.freeze([...shape]), scale, offset });
}

/**
 * Writes the named rows of a column to `target` one after the other as float32, scale and offset
 * applied in float32 as the native executor does.
 * @param rows row numbers of the column; absent: `count` rows from `first`
 */
export function gatherColumn(
  column: Column,
  target: Float32Array,
  first: number,
  count: number,
  rows?: Uint32Array,
): void {
  const { data } = column;
  const size = sizeOf(column.shape);
  const scale = Math.fround(column.scale);
  const offset = Math.fround(column.offset);
  const plain = scale === 1 && offset === 0;
  for (let i = 0; i < count; i++) {
    const start = (rows === undefined ? first + i : (rows[first + i] as number)) * size;
    if (plain && size > 16) {
      target.set(data.subarray(start, start + size), i * size);
      continue;
    }
    for (let j = 0; j < size; j++) {
      const value = Math.fround(data[start + j] as number);
      target[i * size + j] = plain ? value : Math.fround(value * scale) + offset;
    }
  }
}

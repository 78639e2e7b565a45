import { elementName, notFinite } from "./data/checks.ts";
import {
  type Column,
  type ColumnSource,
  columnFrom,
  columnLength,
  type DataSource,
  isColumnSource,
  isNumericArray,
} from "./data/column.ts";
import { Dataset } from "./data/dataset.ts";
import { DataError, expected, ShapeError } from "./errors.ts";
import type { Job, Program, Regions } from "./executor/executor.ts";
import type { Plan } from "./plan/plan.ts";
import type { Nested, Samples, Shape } from "./shape-types.ts";
import { type FloatArray, formatShape, type NumericArray, sameShape, sizeOf, type Tensor } from "./tensor.ts";

/** Samples: nested arrays, a typed array, `{ data, shape }`, a dataset; a list of them for several inputs. */
export type PredictInput<I extends Shape = Shape> = number extends I["length"]
  ? DataSource | Dataset | readonly DataSource[]
  : Nested<I> | Samples<I> | NumericArray | ColumnSource | Dataset;

interface Request {
  readonly columns: readonly Column[];
  readonly rows: Uint32Array | null;
  readonly count: number;
  /** The caller gave one sample without a leading dimension. */
  readonly single: boolean;
}

/** What has inputs and outputs of known shapes. */
export interface Shaped {
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShapes: readonly (readonly number[])[];
}

/** What a predictor needs of a network. */
export interface Predictable extends Shaped {
  readonly seed: readonly [number, number];
  predictPlan(capacity: number): Plan;
  load(plan: Plan): { program: Program; regions: Regions };
}

/** Runs a network forwards. */
export class Predictor {
  readonly #network: Predictable;
  readonly #plan: Plan;
  readonly #program: Program;
  readonly #regions: Regions;

  constructor(network: Predictable, capacity: number) {
    this.#network = network;
    this.#plan = network.predictPlan(capacity);
    const { program, regions } = network.load(this.#plan);
    this.#program = program;
    this.#regions = regions;
  }

  run(input: PredictInput): Tensor[] {
    const fast = this.#runOne(input);
    if (fast !== undefined) return fast;
    const request = this.#request(input);
    const job = this.#job(request);
    this.#program.runSync(job);
    return this.#results(request, job);
  }

  async runAsync(input: PredictInput): Promise<Tensor[]> {
    const request = this.#request(input);
    const job = this.#job(request);
    await this.#program.run(job);
    return this.#results(request, job);
  }

  /** One sample given as a flat array: straight into the input region, no job. */
  #runOne(input: PredictInput): Tensor[] | undefined {
    const { inputShapes, outputShapes } = this.#network;
    const [shape] = inputShapes;
    if (inputShapes.length !== 1 || shape === undefined) return undefined;
    const size = sizeOf(shape);
    const flat =
      input instanceof Float32Array ||
      (Array.isArray(input) ? shape.length === 1 && typeof input[0] === "number" : isNumericArray(input));
    if (!flat || (input as ArrayLike<unknown>).length !== size) return undefined;
    const target = this.#regions.input;
    const finite =
      input instanceof Float32Array ? copyFloats(target, input) : copyNumbers(target, input as number[]);
    if (!finite) {
      const values = input as ArrayLike<unknown>;
      const index = Array.from({ length: size }).findIndex((_, i) => !isFloat32(values[i]));
      throw notFinite(elementName("x", shape, index), values[index]);
    }
    this.#program.step(1, 0, 0, 0, 0);
    return this.#plan.outputs.map(({ buffer }, i) => {
      const data = copyOf(this.#regions[buffer.region], buffer.offset, sizeOf(buffer.type.shape));
      return { shape: outputShapes[i] as readonly number[], data };
    });
  }

  #request(input: PredictInput): Request {
    const { inputShapes } = this.#network;
    if (input instanceof Dataset) {
      this.#checkColumns(input.inputs);
      return { columns: input.inputs, rows: input.rows ?? null, count: input.length, single: false };
    }
    const sources = inputShapes.length === 1 ? [input as DataSource] : (input as readonly DataSource[]);
    if (!Array.isArray(sources) || sources.length !== inputShapes.length) {
      throw new DataError(expected("predict: the input", `a list of ${inputShapes.length} inputs`, input));
    }
    const single = isSingle(sources[0] as DataSource, inputShapes[0] as readonly number[]);
    const columns = sources.map((source, i) => {
      const where = sources.length === 1 ? "x" : `x[${i}]`;
      return toColumn(source, inputShapes[i] as readonly number[], where, single);
    });
    this.#checkColumns(columns);
    const counts = columns.map(columnLength);
    if (counts.some((count) => count !== counts[0])) {
      throw new ShapeError(`predict: every input must have as many samples, got ${counts.join(" and ")}`);
    }
    return { columns, rows: null, count: counts[0] as number, single };
  }

  #checkColumns(columns: readonly Column[]): void {
    checkColumns("predict", this.#network, columns);
  }

  #job({ columns, rows, count }: Request): Job {
    return {
      columns,
      indices: rows,
      epochRows: count,
      epochs: 1,
      batchSize: this.#plan.capacity,
      firstStep: 0,
      counter: 0,
      learningRates: new Float32Array(1),
      seed: this.#network.seed,
      outputs: this.#plan.outputs.map(({ buffer }) => new Float32Array(count * sizeOf(buffer.type.shape))),
      budget: Number.POSITIVE_INFINITY,
      stopBelow: Number.NaN,
    };
  }

  #results({ count, single }: Request, job: Job): Tensor[] {
    return job.outputs.map((data, i) => {
      const shape = this.#network.outputShapes[i] as readonly number[];
      return { shape: single ? shape : [count, ...shape], data: data as Float32Array };
    });
  }
}

/** Columns must have the shapes of the network's inputs. A flat column of the right size is accepted. */
export function checkColumns(where: string, network: Shaped, columns: readonly Column[]): void {
  const { inputShapes } = network;
  if (columns.length !== inputShapes.length) {
    throw new ShapeError(
      `${where}: the network has ${inputShapes.length} inputs, got data for ${columns.length}`,
    );
  }
  columns.forEach((column, i) => {
    const shape = inputShapes[i] as readonly number[];
    if (sameShape(column.shape, shape)) return;
    const name = columns.length === 1 ? "x" : `x[${i}]`;
    const [wanted, got] = [formatShape(shape), formatShape(column.shape)];
    throw new ShapeError(
      `${where}: each sample of ${name} must have shape ${wanted} as the network's input, got ${got}`,
    );
  });
}

const isFloat32 = (value: unknown): boolean =>
  typeof value === "number" && Number.isFinite(Math.fround(value));

/**
 * Copies numbers and says whether all are finite: a sum of v * 0 is NaN exactly where one is not. No branch,
 * and four chains that do not wait for each other.
 */
function copyFloats(to: FloatArray, from: Float32Array): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const end = from.length - (from.length % 4);
  for (let i = 0; i < end; i += 4) {
    const p = from[i] as number;
    const q = from[i + 1] as number;
    const r = from[i + 2] as number;
    const s = from[i + 3] as number;
    to[i] = p;
    to[i + 1] = q;
    to[i + 2] = r;
    to[i + 3] = s;
    a += p * 0;
    b += q * 0;
    c += r * 0;
    d += s * 0;
  }
  for (let i = end; i < from.length; i++) {
    to[i] = from[i] as number;
    a += (from[i] as number) * 0;
  }
  return a + b + c + d === 0;
}

/** The same for numbers that may be too large for float32, or no numbers. */
function copyNumbers(to: FloatArray, from: ArrayLike<unknown>): boolean {
  let sum = 0;
  for (let i = 0; i < from.length; i++) {
    const value = from[i];
    if (typeof value !== "number") return false;
    to[i] = value;
    sum += Math.fround(value) * 0;
  }
  return sum === 0;
}

/** A part of an array, element by element: for a few, making a view to copy from takes longer. */
function copyOf(from: FloatArray, offset: number, length: number): Float32Array {
  if (length > 256) return new Float32Array(from.subarray(offset, offset + length));
  const copy = new Float32Array(length);
  for (let i = 0; i < length; i++) copy[i] = from[offset + i] as number;
  return copy;
}

function depthOf(source: unknown): number {
  let depth = 0;
  for (let level = source; Array.isArray(level) || isNumericArray(level); level = level[0]) depth++;
  return depth;
}

function isSingle(source: DataSource, shape: readonly number[]): boolean {
  if (isColumnSource(source)) return source.shape !== undefined && sameShape(source.shape, shape);
  if (isNumericArray(source)) return source.length === sizeOf(shape);
  return depthOf(source) === shape.length;
}

function toColumn(source: DataSource, shape: readonly number[], where: string, single: boolean): Column {
  if (isNumericArray(source)) {
    if (source.length % sizeOf(shape) !== 0) {
      throw new ShapeError(
        `${where}: a flat array must hold whole samples of ${formatShape(shape)}, got ${source.length} numbers`,
      );
    }
    return columnFrom({ data: source, shape: [source.length / sizeOf(shape), ...shape] }, where);
  }
  if (!single) return columnFrom(source, where);
  if (isColumnSource(source)) return columnFrom({ ...source, shape: [1, ...shape] }, where);
  return columnFrom([source] as DataSource, where);
}

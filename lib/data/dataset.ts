import { checkNumber, checkOptions, DataError, expected, OptionError, ShapeError } from "../errors.ts";
import { permutation, type Seed, streams } from "../random.ts";
import { sizeOf, type Tensor } from "../tensor.ts";
import { elementName } from "./checks.ts";
import {
  type Column,
  columnFrom,
  columnLength,
  type DataSource,
  gatherColumn,
  isColumnSource,
  makeColumn,
} from "./column.ts";

/** What a dataset is made from: samples, what they should give, and how much each counts. */
export interface DatasetSource {
  /** One input, or an array of `{ data, shape }` for a network with several. */
  readonly x: DataSource | readonly DataSource[];
  /** Targets, likewise; absent for data that is only predicted on. */
  readonly y?: DataSource | readonly DataSource[];
  /** One number of at least 0 per sample. */
  readonly sampleWeight?: DataSource;
}

/** Columns that are already bound; `rows` selects and orders them without a copy. */
export interface DatasetParts {
  readonly inputs: readonly Column[];
  readonly targets?: readonly Column[];
  readonly sampleWeight?: Column;
  readonly rows?: Uint32Array;
}

/** Samples gathered into float32, each tensor of shape `[length, ...]`. */
export interface Batch {
  readonly length: number;
  readonly inputs: readonly Tensor[];
  readonly targets: readonly Tensor[];
  readonly sampleWeight?: Tensor;
}

export interface SplitOptions {
  /** Put the samples into a random order first (default true). */
  readonly shuffle?: boolean;
  /** Seed of that order (default 0). */
  readonly seed?: Seed;
}

/**
 * Samples with targets. Holds columns of numbers without copying them, and a selection of rows:
 * `take`, `skip`, `split`, `shuffle` and `select` give new datasets over the same numbers.
 *
 *     const dataset = Dataset.from({ x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0] });
 *     const [train, test] = dataset.split(0.8, { seed: 1 });
 */
export class Dataset {
  /** Number of samples. */
  readonly length: number;
  readonly inputs: readonly Column[];
  readonly targets: readonly Column[];
  readonly sampleWeight?: Column;
  /** Rows of the columns in reading order; absent: all of them in their order. */
  readonly rows?: Uint32Array;

  /**
   * Binds columns as they are; `Dataset.from` is the way in for data that is not yet in columns.
   * @throws ShapeError when columns differ in length, DataError when there is nothing
   */
  constructor(parts: DatasetParts) {
    checkOptions("Dataset", parts, ["inputs", "targets", "sampleWeight", "rows"]);
    this.inputs = Object.freeze([...parts.inputs]);
    this.targets = Object.freeze([...(parts.targets ?? [])]);
    if (parts.sampleWeight !== undefined) this.sampleWeight = parts.sampleWeight;
    if (parts.rows !== undefined) this.rows = parts.rows;
    const available = commonLength(this);
    if (parts.rows !== undefined) checkRows(parts.rows, available, "Dataset: rows");
    this.length = parts.rows?.length ?? available;
    if (this.length === 0) throw new DataError("the dataset is empty: at least one sample is needed");
  }

  /**
   * A dataset from nested arrays, typed arrays or `{ data, shape }` (bound without a copy).
   * An array of numbers as `x` is one feature per sample, as `y` one label or value per sample.
   * @throws ShapeError for ragged data or unequal lengths, DataError for empty data, text, NaN or
   *   infinity; both say where: `x[3][1] must be a finite number, got "a"`
   */
  static from(source: DatasetSource | Dataset): Dataset {
    if (source instanceof Dataset) return source;
    if (typeof source !== "object" || source === null) {
      throw new DataError(expected("Dataset.from: the data", "{ x, y, sampleWeight? }", source));
    }
    checkOptions("Dataset.from", source, ["x", "y", "sampleWeight"]);
    if (source.x === undefined) throw new DataError("Dataset.from: x is missing");
    const inputs = columnsFrom(source.x, "x").map(atLeastOneFeature);
    const targets = source.y === undefined ? [] : columnsFrom(source.y, "y");
    if (source.sampleWeight === undefined) return new Dataset({ inputs, targets });
    return new Dataset({ inputs, targets, sampleWeight: weightFrom(source.sampleWeight) });
  }

  /** The samples in the order of `rows`, which may repeat or leave out some. */
  select(rows: ArrayLike<number>): Dataset {
    checkRows(rows, this.length, "select: rows");
    const own = this.rows;
    const chosen = Uint32Array.from(rows, (row) => (own === undefined ? row : (own[row] as number)));
    return this.#with(chosen);
  }

  /** The samples from `start` up to but not including `end`; contiguous data is bound, not listed. */
  slice(start: number, end: number = this.length): Dataset {
    checkNumber("slice: start", start, { min: 0, integer: true });
    checkNumber("slice: end", end, { min: 0, integer: true });
    const last = Math.min(end, this.length);
    if (start >= last) {
      throw new DataError(`the dataset is empty: samples ${start} to ${end} of ${this.length} are none`);
    }
    if (this.rows !== undefined) return this.#with(this.rows.subarray(start, last));
    const cut = (column: Column): Column => {
      const size = sizeOf(column.shape);
      return { ...column, data: column.data.subarray(start * size, last * size) };
    };
    return new Dataset({
      inputs: this.inputs.map(cut),
      targets: this.targets.map(cut),
      ...(this.sampleWeight && { sampleWeight: cut(this.sampleWeight) }),
    });
  }

  /** The first `count` samples, or all when there are fewer. */
  take(count: number): Dataset {
    return this.slice(0, checkNumber("take: count", count, { min: 1, integer: true }));
  }

  /** All but the first `count` samples. */
  skip(count: number): Dataset {
    return this.slice(checkNumber("skip: count", count, { min: 0, integer: true }));
  }

  /** The samples in the random order that belongs to the seed. */
  shuffle(seed: Seed = 0): Dataset {
    return this.select(permutation(this.length, seed, streams.split));
  }

  /**
   * Two datasets, the first with this fraction of the samples (rounded), each with at least one.
   * Shuffles before, since files are often sorted; `shuffle: false` keeps the order, as time series need.
   * @param fraction above 0 and below 1
   */
  split(fraction: number, options: SplitOptions = {}): [Dataset, Dataset] {
    checkNumber("split: fraction", fraction, { min: 0, max: 1, exclusive: true });
    checkOptions("split", options, ["shuffle", "seed"]);
    const { shuffle = true, seed = 0 } = options;
    if (typeof shuffle !== "boolean")
      throw new OptionError(expected("split: shuffle", "true or false", shuffle));
    if (this.length < 2) throw new DataError("split: at least 2 samples are needed, got 1");
    const count = Math.min(Math.max(Math.round(fraction * this.length), 1), this.length - 1);
    const source = shuffle ? this.shuffle(seed) : this;
    return [source.take(count), source.skip(count)];
  }

  /** The given samples as float32 tensors (default: all). */
  gather(rows?: ArrayLike<number>): Batch {
    return rows === undefined ? this.#batch(0, this.length) : this.select(rows).gather();
  }

  /** Batches of `size` samples in order, gathered into new float32 tensors; the last may be smaller. */
  *batches(size: number): Generator<Batch, void, undefined> {
    checkNumber("batches: size", size, { min: 1, integer: true });
    for (let first = 0; first < this.length; first += size) {
      yield this.#batch(first, Math.min(size, this.length - first));
    }
  }

  /** One column of all samples as a float32 tensor of shape `[length, ...]`. */
  toTensor(index = 0, of: "inputs" | "targets" = "inputs"): Tensor {
    if (of !== "inputs" && of !== "targets") {
      throw new OptionError(expected("toTensor: of", '"inputs" or "targets"', of));
    }
    const column = this[of][index];
    if (column === undefined) {
      throw new OptionError(
        expected(`toTensor: the number of one of ${this[of].length} ${of}`, "0 or more", index),
      );
    }
    return this.#tensor(column, 0, this.length);
  }

  #with(rows: Uint32Array): Dataset {
    return new Dataset({
      inputs: this.inputs,
      targets: this.targets,
      rows,
      ...(this.sampleWeight && { sampleWeight: this.sampleWeight }),
    });
  }

  #batch(first: number, count: number): Batch {
    return {
      length: count,
      inputs: this.inputs.map((column) => this.#tensor(column, first, count)),
      targets: this.targets.map((column) => this.#tensor(column, first, count)),
      ...(this.sampleWeight && { sampleWeight: this.#tensor(this.sampleWeight, first, count) }),
    };
  }

  #tensor(column: Column, first: number, count: number): Tensor {
    const shape = [count, ...column.shape];
    const data = new Float32Array(sizeOf(shape));
    gatherColumn(column, data, first, count, this.rows);
    return { shape, data };
  }
}

/** One column, or one for each element of an array of `{ data, shape }`. */
function columnsFrom(source: DataSource | readonly DataSource[], where: string): Column[] {
  if (!Array.isArray(source) || !isColumnSource(source[0])) return [columnFrom(source as DataSource, where)];
  return source.map((part: DataSource, i) => {
    if (!isColumnSource(part))
      throw new DataError(expected(`${where}[${i}]`, "{ data, shape }, as the first is", part));
    return columnFrom(part, `${where}[${i}].data`);
  });
}

/** A number per sample is a feature: layers want an axis of features. */
function atLeastOneFeature(column: Column): Column {
  return column.shape.length > 0 ? column : Object.freeze({ ...column, shape: Object.freeze([1]) });
}

function weightFrom(source: DataSource): Column {
  const column = columnFrom(source, "sampleWeight");
  if (sizeOf(column.shape) !== 1) {
    throw new ShapeError(
      `sampleWeight must be one number per sample, got ${sizeOf(column.shape)} per sample`,
    );
  }
  const negative = column.data.findIndex((value) => value * column.scale + column.offset < 0);
  if (negative >= 0) {
    const where = elementName("sampleWeight", [column.data.length], negative);
    throw new DataError(expected(where, "a number of at least 0", column.data[negative]));
  }
  return makeColumn(column.data, [], column.scale, column.offset);
}

function commonLength(dataset: Dataset): number {
  const { inputs, targets, sampleWeight } = dataset;
  const named: [string, Column][] = [
    ...inputs.map((column, i): [string, Column] => [inputs.length > 1 ? `x[${i}]` : "x", column]),
    ...targets.map((column, i): [string, Column] => [targets.length > 1 ? `y[${i}]` : "y", column]),
  ];
  if (sampleWeight !== undefined) named.push(["sampleWeight", sampleWeight]);
  const [first] = named;
  if (inputs.length === 0 || first === undefined)
    throw new DataError("a dataset needs at least one input column");
  const length = columnLength(first[1]);
  for (const [name, column] of named) {
    if (columnLength(column) === length) continue;
    throw new ShapeError(`${name} has ${columnLength(column)} samples, but ${first[0]} has ${length}`);
  }
  return length;
}

function checkRows(rows: ArrayLike<number>, length: number, where: string): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (Number.isInteger(row) && row >= 0 && row < length) continue;
    throw new DataError(expected(`${where}[${i}]`, `the number of a sample from 0 to ${length - 1}`, row));
  }
}

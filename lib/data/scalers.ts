import { checkOptions, DataError, expected, OptionError, ShapeError } from "../errors.ts";
import { sizeOf, type Tensor } from "../tensor.ts";
import {
  type Column,
  checkedColumn,
  columnFrom,
  columnLength,
  type DataSource,
  makeColumn,
} from "./column.ts";
import { Dataset } from "./dataset.ts";
import { fieldsOf, numbersOf } from "./json.ts";

/** A feature that spreads less is constant: the inverse of its spread would be infinite. */
const kSmallestSpread = 1e-300;

/** How a feature is scaled: `(x - shift) * factor + base`. */
interface Affine {
  readonly shift: readonly number[];
  readonly factor: readonly number[];
  readonly base: number;
}

export interface StandardScalerJSON {
  readonly kind: "standardScaler";
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

export interface MinMaxScalerJSON {
  readonly kind: "minMaxScaler";
  readonly minimum: readonly number[];
  readonly maximum: readonly number[];
  readonly featureRange: readonly [number, number];
}

/**
 * Scales features, which lie along the last axis (columns of a table, channels of an image). Takes a
 * dataset, whose input it scales, or a tensor or nested arrays with the samples first.
 */
abstract class FeatureScaler {
  abstract readonly kind: "standardScaler" | "minMaxScaler";
  abstract toJSON(): StandardScalerJSON | MinMaxScalerJSON;

  /**
   * Learns the scaling. Fit on the training data only, then transform both.
   * @param input which input of a dataset; needed when it has several
   */
  fit(data: Dataset | DataSource, input?: number): this {
    const { column, rows } = columnOf(data, `${this.kind}.fit`, input);
    this.learn(readerOf(column, rows), featuresOf(column));
    return this;
  }

  /** The scaled data: a new dataset over float32 (targets and rows as they are), or a float32 tensor. */
  transform(data: Dataset, input?: number): Dataset;
  transform(data: DataSource): Tensor;
  transform(data: Dataset | DataSource, input?: number): Dataset | Tensor {
    const { shift, factor, base } = this.affine(`${this.kind}.transform`);
    return this.#map(
      data,
      "transform",
      input,
      (x, i) => (x - (shift[i] as number)) * (factor[i] as number) + base,
    );
  }

  /** The data in its own units again. */
  inverseTransform(data: Dataset, input?: number): Dataset;
  inverseTransform(data: DataSource): Tensor;
  inverseTransform(data: Dataset | DataSource, input?: number): Dataset | Tensor {
    const { shift, factor, base } = this.affine(`${this.kind}.inverseTransform`);
    const inverse = (y: number, i: number): number =>
      (y - base) / (factor[i] as number) + (shift[i] as number);
    return this.#map(data, "inverseTransform", input, inverse);
  }

  protected abstract learn(reader: Reader, features: number): void;
  /** Throws when nothing was fitted yet. */
  protected abstract affine(where: string): Affine;

  #map(
    data: Dataset | DataSource,
    method: string,
    input: number | undefined,
    scale: (value: number, feature: number) => number,
  ): Dataset | Tensor {
    const where = `${this.kind}.${method}`;
    const { column, index } = columnOf(data, where, input);
    const features = this.affine(where).shift.length;
    if (featuresOf(column) !== features) {
      throw new ShapeError(
        `${where}: the data must have ${features} features as in fit, got ${featuresOf(column)}`,
      );
    }
    const values = new Float32Array(column.data.length);
    for (let i = 0; i < values.length; i++) {
      values[i] = scale((column.data[i] as number) * column.scale + column.offset, i % features);
    }
    const scaled = checkedColumn(makeColumn(values, column.shape), `the result of ${where}`);
    if (!(data instanceof Dataset)) return { shape: [columnLength(column), ...column.shape], data: values };
    const inputs = data.inputs.with(index, scaled);
    const { targets, sampleWeight, rows } = data;
    return new Dataset({ inputs, targets, ...(sampleWeight && { sampleWeight }), ...(rows && { rows }) });
  }
}

/** Calls back with each value of the data and the number of its feature. */
type Reader = (visit: (value: number, feature: number) => void) => void;

function columnOf(
  data: Dataset | DataSource,
  where: string,
  input: number | undefined,
): { column: Column; rows?: Uint32Array; index: number } {
  // Float64 for numbers that come as such: a mean of years or prices loses too much in float32.
  if (!(data instanceof Dataset)) return { column: columnFrom(data, where, Float64Array), index: 0 };
  if (input === undefined && data.inputs.length > 1) {
    throw new OptionError(`${where}: the dataset has ${data.inputs.length} inputs: name one by its number`);
  }
  const index = input ?? 0;
  const column = data.inputs[index];
  if (column === undefined || index < 0) {
    throw new OptionError(expected(`${where}: input`, `a number from 0 to ${data.inputs.length - 1}`, input));
  }
  return { column, index, ...(data.rows && { rows: data.rows }) };
}

function featuresOf(column: Column): number {
  return column.shape.at(-1) ?? 1;
}

function readerOf({ data, shape, scale, offset }: Column, rows?: Uint32Array): Reader {
  const size = sizeOf(shape);
  const features = shape.at(-1) ?? 1;
  const count = rows?.length ?? data.length / size;
  return (visit) => {
    for (let row = 0; row < count; row++) {
      const start = (rows === undefined ? row : (rows[row] as number)) * size;
      for (let i = 0; i < size; i++) visit((data[start + i] as number) * scale + offset, i % features);
    }
  };
}

/**
 * Standardizes each feature to mean 0 and standard deviation 1 (of the population, as scikit-learn
 * does). A constant feature becomes 0.
 */
export class StandardScaler extends FeatureScaler {
  readonly kind = "standardScaler";
  #mean: readonly number[] = [];
  #scale: readonly number[] = [];

  /** Mean of each feature; empty before `fit`. */
  get mean(): readonly number[] {
    return this.#mean;
  }

  /** What each feature is divided by: its standard deviation, or 1 where that is 0. */
  get scale(): readonly number[] {
    return this.#scale;
  }

  toJSON(): StandardScalerJSON {
    this.affine("standardScaler.toJSON");
    return { kind: this.kind, mean: [...this.#mean], scale: [...this.#scale] };
  }

  static fromJSON(json: unknown, where = "standardScaler"): StandardScaler {
    const fields = fieldsOf(json, where);
    const mean = numbersOf(fields.mean, `${where}.mean`);
    const scale = numbersOf(fields.scale, `${where}.scale`);
    if (scale.length !== mean.length)
      throw new DataError(`${where}: mean and scale must have the same length`);
    const bad = scale.findIndex((value) => value < kSmallestSpread);
    if (bad >= 0) throw new DataError(expected(`${where}.scale[${bad}]`, "a positive number", scale[bad]));
    const scaler = new StandardScaler();
    scaler.#mean = Object.freeze([...mean]);
    scaler.#scale = Object.freeze([...scale]);
    return scaler;
  }

  protected learn(reader: Reader, features: number): void {
    const count = new Float64Array(features);
    const mean = new Float64Array(features);
    const squares = new Float64Array(features);
    // Welford's update: the sum of squares does not cancel against the mean.
    reader((value, i) => {
      count[i] = (count[i] as number) + 1;
      const before = value - (mean[i] as number);
      mean[i] = (mean[i] as number) + before / (count[i] as number);
      squares[i] = (squares[i] as number) + before * (value - (mean[i] as number));
    });
    this.#mean = Object.freeze([...mean]);
    this.#scale = Object.freeze(
      Array.from(squares, (sum, i) => {
        const deviation = Math.sqrt(sum / (count[i] as number));
        // What is left of a constant after rounding is not a spread.
        return deviation > Math.max(kSmallestSpread, 1e-14 * Math.abs(mean[i] as number)) ? deviation : 1;
      }),
    );
  }

  protected affine(where: string): Affine {
    if (this.#mean.length === 0) throw notFitted(where);
    return { shift: this.#mean, factor: this.#scale.map((scale) => 1 / scale), base: 0 };
  }
}

/** Maps each feature's smallest and largest value to the ends of a range; a constant one to its lower end. */
export class MinMaxScaler extends FeatureScaler {
  readonly kind = "minMaxScaler";
  readonly featureRange: readonly [number, number];
  #minimum: readonly number[] = [];
  #maximum: readonly number[] = [];

  /** @param options.featureRange lower and upper end (default [0, 1]) */
  constructor(options: { featureRange?: readonly [number, number] } = {}) {
    super();
    checkOptions("minMaxScaler", options, ["featureRange"]);
    const range: unknown = options.featureRange ?? [0, 1];
    const [low, high] = (Array.isArray(range) ? range : []) as [number, number];
    if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
      throw new OptionError(
        `minMaxScaler: featureRange must be [low, high] with low < high, got [${String(range)}]`,
      );
    }
    this.featureRange = Object.freeze([low, high] as const);
  }

  /** Smallest value of each feature; empty before `fit`. */
  get minimum(): readonly number[] {
    return this.#minimum;
  }

  /** Largest value of each feature; empty before `fit`. */
  get maximum(): readonly number[] {
    return this.#maximum;
  }

  toJSON(): MinMaxScalerJSON {
    this.affine("minMaxScaler.toJSON");
    const { kind, featureRange } = this;
    return { kind, minimum: [...this.#minimum], maximum: [...this.#maximum], featureRange };
  }

  static fromJSON(json: unknown, where = "minMaxScaler"): MinMaxScaler {
    const fields = fieldsOf(json, where);
    const minimum = numbersOf(fields.minimum, `${where}.minimum`);
    const maximum = numbersOf(fields.maximum, `${where}.maximum`);
    const [low, high, ...more] = numbersOf(fields.featureRange, `${where}.featureRange`);
    if (low === undefined || high === undefined || more.length > 0 || low >= high) {
      throw new DataError(`${where}.featureRange must be [low, high] with low < high`);
    }
    if (minimum.length !== maximum.length || minimum.some((value, i) => value > (maximum[i] as number))) {
      throw new DataError(`${where}: each feature must have a minimum that is not above its maximum`);
    }
    const scaler = new MinMaxScaler({ featureRange: [low, high] });
    scaler.#minimum = Object.freeze([...minimum]);
    scaler.#maximum = Object.freeze([...maximum]);
    return scaler;
  }

  protected learn(reader: Reader, features: number): void {
    const minimum = new Float64Array(features).fill(Number.POSITIVE_INFINITY);
    const maximum = new Float64Array(features).fill(Number.NEGATIVE_INFINITY);
    reader((value, i) => {
      if (value < (minimum[i] as number)) minimum[i] = value;
      if (value > (maximum[i] as number)) maximum[i] = value;
    });
    this.#minimum = Object.freeze([...minimum]);
    this.#maximum = Object.freeze([...maximum]);
  }

  protected affine(where: string): Affine {
    if (this.#minimum.length === 0) throw notFitted(where);
    const [low, high] = this.featureRange;
    const factor = this.#minimum.map((minimum, i) => {
      const range = (this.#maximum[i] as number) - minimum;
      return (high - low) / (range > kSmallestSpread ? range : 1);
    });
    return { shift: this.#minimum, factor, base: low };
  }
}

function notFitted(where: string): OptionError {
  return new OptionError(`${where}: nothing was fitted yet: call fit first`);
}

import { checkOptions, DataError, describe, expected, OptionError, ShapeError } from "../errors.ts";
import { formatShape, type Tensor } from "../tensor.ts";
import { checkLabels, distinctLabels, fieldsOf, type Label, labelsOf } from "./json.ts";

export interface LabelEncoderJSON {
  readonly kind: "labelEncoder";
  readonly classes: readonly Label[];
}

export interface OneHotEncoderJSON {
  readonly kind: "oneHotEncoder";
  readonly categories: readonly (readonly Label[])[];
  readonly unknown: "error" | "ignore";
}

function notFitted(where: string): OptionError {
  return new OptionError(`${where}: nothing was fitted yet: call fit first`);
}

function unknownLabel(where: string, value: unknown, known: readonly Label[]): DataError {
  const names = known.slice(0, 20).map((label) => describe(label));
  return new DataError(
    `${where} is unknown: ${describe(value)}. Known: ${names.join(", ")}${known.length > 20 ? ", ..." : ""}`,
  );
}

/** Numbers classes 0, 1, 2, ... in their sorted order, as targets of sparse losses are. */
export class LabelEncoder {
  readonly kind = "labelEncoder";
  #classes: readonly Label[] = [];

  /** The classes: class `i` is encoded as `i`. Empty before `fit`. */
  get classes(): readonly Label[] {
    return this.#classes;
  }

  /** Learns the different values. */
  fit(values: readonly Label[]): this {
    if (values.length === 0) throw new DataError("labelEncoder.fit: values are empty");
    checkLabels(values, "labelEncoder.fit: values");
    this.#classes = Object.freeze(distinctLabels(values));
    return this;
  }

  /** The number of each value's class. @throws DataError for a value that `fit` did not see */
  transform(values: readonly Label[]): Uint32Array {
    if (this.#classes.length === 0) throw notFitted("labelEncoder.transform");
    const codes = new Map(this.#classes.map((label, i) => [label, i]));
    return Uint32Array.from(values, (value, i) => {
      const code = codes.get(value);
      if (code === undefined)
        throw unknownLabel(`labelEncoder.transform: values[${i}]`, value, this.#classes);
      return code;
    });
  }

  /** The classes with these numbers. */
  inverseTransform(codes: ArrayLike<number>): Label[] {
    if (this.#classes.length === 0) throw notFitted("labelEncoder.inverseTransform");
    return Array.from(codes, (code, i) => {
      const label = this.#classes[code];
      if (label !== undefined) return label;
      const range = `a class number from 0 to ${this.#classes.length - 1}`;
      throw new DataError(expected(`labelEncoder.inverseTransform: codes[${i}]`, range, code));
    });
  }

  toJSON(): LabelEncoderJSON {
    if (this.#classes.length === 0) throw notFitted("labelEncoder.toJSON");
    return { kind: this.kind, classes: [...this.#classes] };
  }

  static fromJSON(json: unknown, where = "labelEncoder"): LabelEncoder {
    const encoder = new LabelEncoder();
    encoder.#classes = Object.freeze([...labelsOf(fieldsOf(json, where).classes, `${where}.classes`)]);
    return encoder;
  }
}

/** Encodes each column of categories as as many features, of which the category's one is 1 and the others 0. */
export class OneHotEncoder {
  readonly kind = "oneHotEncoder";
  readonly unknown: "error" | "ignore";
  #categories: readonly (readonly Label[])[] = [];

  /** @param options.unknown what becomes of a category that `fit` did not see: an error (default) or all zeros */
  constructor(options: { unknown?: "error" | "ignore" } = {}) {
    checkOptions("oneHotEncoder", options, ["unknown"]);
    const { unknown = "error" } = options;
    if (unknown !== "error" && unknown !== "ignore") {
      throw new OptionError(expected("oneHotEncoder: unknown", '"error" or "ignore"', unknown));
    }
    this.unknown = unknown;
  }

  /** The sorted categories of each column; empty before `fit`. */
  get categories(): readonly (readonly Label[])[] {
    return this.#categories;
  }

  /** Learns the categories of one column (an array of values) or of several (an array of rows). */
  fit(values: readonly Label[] | readonly (readonly Label[])[]): this {
    const rows = rowsOf(values, "oneHotEncoder.fit");
    const columns = (rows[0] as readonly Label[]).map((_, c) => rows.map((row) => row[c] as Label));
    for (const [c, column] of columns.entries())
      checkLabels(column, `oneHotEncoder.fit: column ${c}: values`);
    this.#categories = Object.freeze(columns.map((column) => Object.freeze(distinctLabels(column))));
    return this;
  }

  /** Zeros and ones, shape [values, categories of all columns]. */
  transform(values: readonly Label[] | readonly (readonly Label[])[]): Tensor {
    if (this.#categories.length === 0) throw notFitted("oneHotEncoder.transform");
    const rows = rowsOf(values, "oneHotEncoder.transform", this.#categories.length);
    const codes = this.#categories.map((labels) => new Map(labels.map((label, i) => [label, i])));
    const width = this.#width();
    const data = new Float32Array(rows.length * width);
    rows.forEach((row, r) => {
      let start = r * width;
      this.#categories.forEach((labels, c) => {
        const code = codes[c]?.get(row[c] as Label);
        if (code !== undefined) data[start + code] = 1;
        else if (this.unknown === "error")
          throw unknownLabel(`oneHotEncoder.transform: values[${r}][${c}]`, row[c], labels);
        start += labels.length;
      });
    });
    return { shape: [rows.length, width], data };
  }

  /** The category with the largest value in each column, row by row; null where none is above 0. */
  inverseTransform(tensor: Tensor): (Label | null)[][] {
    if (this.#categories.length === 0) throw notFitted("oneHotEncoder.inverseTransform");
    const width = this.#width();
    const [count, columns] = tensor.shape;
    if (tensor.shape.length !== 2 || columns !== width || tensor.data.length !== (count as number) * width) {
      const got = `${formatShape(tensor.shape)} with ${tensor.data.length} values`;
      throw new ShapeError(
        `oneHotEncoder.inverseTransform: the tensor must have shape [n, ${width}], got ${got}`,
      );
    }
    return Array.from({ length: count as number }, (_, r) => {
      let start = r * width;
      return this.#categories.map((labels) => {
        const scores = tensor.data.subarray(start, start + labels.length);
        start += labels.length;
        const best = scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));
        return (scores[best] as number) > 0 ? (labels[best] as Label) : null;
      });
    });
  }

  toJSON(): OneHotEncoderJSON {
    if (this.#categories.length === 0) throw notFitted("oneHotEncoder.toJSON");
    return {
      kind: this.kind,
      categories: this.#categories.map((labels) => [...labels]),
      unknown: this.unknown,
    };
  }

  static fromJSON(json: unknown, where = "oneHotEncoder"): OneHotEncoder {
    const { categories, unknown } = fieldsOf(json, where);
    if (!Array.isArray(categories) || categories.length === 0) {
      throw new DataError(expected(`${where}.categories`, "an array of arrays of labels", categories));
    }
    if (unknown !== "error" && unknown !== "ignore") {
      throw new DataError(expected(`${where}.unknown`, '"error" or "ignore"', unknown));
    }
    const encoder = new OneHotEncoder({ unknown });
    encoder.#categories = Object.freeze(
      categories.map((labels, c) => Object.freeze([...labelsOf(labels, `${where}.categories[${c}]`)])),
    );
    return encoder;
  }

  #width(): number {
    return this.#categories.reduce((sum, labels) => sum + labels.length, 0);
  }
}

function rowsOf(
  values: readonly Label[] | readonly (readonly Label[])[],
  where: string,
  columns?: number,
): readonly (readonly Label[])[] {
  if (!Array.isArray(values) || values.length === 0) {
    throw new DataError(expected(`${where}: values`, "an array of values or of rows, not empty", values));
  }
  const rows: (readonly Label[])[] = Array.isArray(values[0])
    ? values
    : values.map((value: Label) => [value]);
  const width = columns ?? (rows[0] as readonly Label[]).length;
  rows.forEach((row, r) => {
    if (Array.isArray(row) && row.length === width && width > 0) return;
    throw new ShapeError(expected(`${where}: values[${r}]`, `a row of ${Math.max(width, 1)} values`, row));
  });
  return rows;
}

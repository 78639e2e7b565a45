import { checkOptions, DataError, expected, OptionError, unknownName } from "../errors.ts";
import { type Column, checkedColumn, makeColumn } from "./column.ts";
import { Dataset } from "./dataset.ts";
import { distinctLabels } from "./json.ts";
import { checkMissingPolicy, type Filling, fillMissing } from "./missing.ts";
import { isMissing, selectRows, type TableColumn } from "./table-columns.ts";

export interface TableParts {
  readonly columns: readonly TableColumn[];
  /** For messages: where the rows came from, and in which line each was. */
  readonly source?: string;
  readonly lines?: Uint32Array;
}

export interface TableDatasetOptions {
  /** Names of the columns that become features, in this order (default: all but targets and weight). */
  readonly inputs?: readonly string[];
  /** Name or names of the columns to predict. */
  readonly target?: string | readonly string[];
  /** Columns that become one feature of 0 or 1 per different value (default: the inputs of categories). */
  readonly oneHot?: readonly string[];
  /** Name of the column with each row's weight. */
  readonly sampleWeight?: string;
}

/** One column as features: their names, and how a row's are written. */
interface Encoding {
  readonly names: readonly string[];
  write(row: number, out: Float32Array, position: number): void;
}

/**
 * Typed columns of equal length, as `readCsv` gives them.
 *
 *     const table = await readCsv("penguins.csv");
 *     const dataset = table.dropMissing().dataset({ target: "species" });
 */
export class Table {
  /** Number of rows. */
  readonly length: number;
  readonly columns: readonly TableColumn[];
  readonly #source: string;
  readonly #lines: Uint32Array | undefined;

  constructor({ columns, source = "table", lines }: TableParts) {
    this.length = columns[0]?.data.length ?? 0;
    for (const { name, data } of columns) {
      if (data.length === this.length) continue;
      throw new DataError(
        `column "${name}" has ${data.length} rows, but "${columns[0]?.name}" has ${this.length}`,
      );
    }
    this.columns = Object.freeze([...columns]);
    this.#source = source;
    this.#lines = lines;
  }

  /** Names of the columns in order. */
  get names(): readonly string[] {
    return this.columns.map(({ name }) => name);
  }

  /** The column with this name. */
  column(name: string): TableColumn {
    const column = this.columns.find((each) => each.name === name);
    if (column === undefined) throw unknownName("column", name, this.names);
    return column;
  }

  /** A column's values as people read them: category names, true and false, null where one is missing. */
  values(name: string): (number | string | boolean | null)[] {
    const column = this.column(name);
    switch (column.type) {
      case "text":
        return [...column.data];
      case "category":
        return Array.from(column.data, (code) => column.categories[code] ?? null);
      case "boolean":
        return Array.from(column.data, (value) => (Number.isNaN(value) ? null : value === 1));
      default:
        return Array.from(column.data, (value) => (Number.isNaN(value) ? null : value));
    }
  }

  /** Number of missing values in a column. */
  missing(name: string): number {
    const column = this.column(name);
    let count = 0;
    for (let row = 0; row < this.length; row++) if (isMissing(column, row)) count++;
    return count;
  }

  /** The table without the rows that miss a value in one of these columns (default: in any). */
  dropMissing(names: readonly string[] = this.names): Table {
    const columns = names.map((name) => this.column(name));
    const rows = Uint32Array.from({ length: this.length }, (_, row) => row);
    const kept = rows.filter((row) => columns.every((column) => !isMissing(column, row)));
    return new Table({
      columns: this.columns.map((column) => selectRows(column, kept)),
      source: this.#source,
      ...(this.#lines && { lines: Uint32Array.from(kept, (row) => this.#lines?.[row] as number) }),
    });
  }

  /** The table with the missing values of one column replaced by a statistic of the others, or a constant. */
  fillMissing(name: string, filling: Filling): Table {
    const chosen = this.column(name);
    checkMissingPolicy(filling, `fillMissing: column "${name}"`);
    const columns = this.columns.map((column) => (column === chosen ? fillMissing(column, filling) : column));
    return new Table({ columns, source: this.#source, ...(this.#lines && { lines: this.#lines }) });
  }

  /** Throws for the first missing value in these columns, naming the place. */
  checkComplete(names: readonly string[] = this.names): void {
    for (const name of names) {
      const column = this.column(name);
      for (let row = 0; row < this.length; row++) {
        if (!isMissing(column, row)) continue;
        const remedy = 'drop such rows or fill them (missing: "drop", "mean", "median", "mode" or a value)';
        throw new DataError(`${this.#placeOf(row)}: column "${name}" has no value; ${remedy}`);
      }
    }
  }

  /**
   * Features and targets for a network: one input of shape [features] and one target. Categories are
   * one-hot encoded as inputs; as the target they are their number, as sparse losses want, unless `oneHot` names it.
   * @throws DataError for missing values and for text columns
   */
  dataset(options: TableDatasetOptions): Dataset {
    const { inputs, targets, oneHot, sampleWeight } = this.#roles(options);
    const x = this.#encode(inputs, oneHot);
    const y = targets.length === 0 ? undefined : this.#encode(targets, oneHot);
    const scalar = targets.length === 1 && !oneHot.has(targets[0] as string);
    if (sampleWeight === undefined && y === undefined) return new Dataset({ inputs: [x] });
    return Dataset.from({
      x: { data: x.data, shape: [this.length, ...x.shape] },
      ...(y && { y: { data: y.data, shape: scalar ? [this.length] : [this.length, ...y.shape] } }),
      ...(sampleWeight && { sampleWeight: this.#encode([sampleWeight], new Set()).data }),
    });
  }

  /** What each feature of `dataset(options)` is: `age`, `sex=male`. */
  featureNames(options: TableDatasetOptions): string[] {
    const { inputs, oneHot } = this.#roles(options);
    return inputs.flatMap((name) => this.#encoding(name, oneHot).names);
  }

  #roles(options: TableDatasetOptions): {
    inputs: readonly string[];
    targets: readonly string[];
    oneHot: ReadonlySet<string>;
    sampleWeight: string | undefined;
  } {
    checkOptions("table.dataset", options, ["inputs", "target", "oneHot", "sampleWeight"]);
    const { target = [], sampleWeight } = options;
    const targets = typeof target === "string" ? [target] : target;
    const others = [...targets, ...(sampleWeight === undefined ? [] : [sampleWeight])];
    const inputs = options.inputs ?? this.names.filter((name) => !others.includes(name));
    for (const [key, names] of Object.entries({ inputs, target: targets, oneHot: options.oneHot ?? [] })) {
      if (!Array.isArray(names))
        throw new OptionError(expected(`table.dataset: ${key}`, "an array of names", names));
    }
    if (inputs.length === 0) throw new OptionError("table.dataset: inputs must name at least one column");
    for (const name of [...inputs, ...others, ...(options.oneHot ?? [])]) this.column(name);
    const leaked = inputs.find((name) => others.includes(name));
    if (leaked !== undefined) {
      throw new OptionError(`table.dataset: "${leaked}" cannot be both an input and a target or weight`);
    }
    const oneHot = new Set(options.oneHot ?? inputs.filter((name) => this.column(name).type === "category"));
    return { inputs, targets, oneHot, sampleWeight };
  }

  /** Columns side by side as one float32 column of shape [features]. */
  #encode(names: readonly string[], oneHot: ReadonlySet<string>): Column {
    if (this.length === 0) throw new DataError(`${this.#source}: there are no rows`);
    this.checkComplete(names);
    const encodings = names.map((name) => this.#encoding(name, oneHot));
    const width = encodings.reduce((sum, encoding) => sum + encoding.names.length, 0);
    const data = new Float32Array(this.length * width);
    for (let row = 0; row < this.length; row++) {
      let position = row * width;
      for (const encoding of encodings) {
        encoding.write(row, data, position);
        position += encoding.names.length;
      }
    }
    return checkedColumn(makeColumn(data, [width]), this.#source);
  }

  #encoding(name: string, oneHot: ReadonlySet<string>): Encoding {
    const column = this.column(name);
    if (column.type === "text") {
      throw new DataError(
        `column "${name}" is text, which is no feature: name other inputs, or read it as a category`,
      );
    }
    const { data } = column;
    if (!oneHot.has(name)) {
      return {
        names: [name],
        write: (row, out, position) => {
          out[position] = data[row] as number;
        },
      };
    }
    const values =
      column.type === "category" ? [...column.categories.keys()] : (distinctLabels(data) as number[]);
    const codes = new Map(values.map((value, i) => [value, i]));
    return {
      names: values.map(
        (value) => `${name}=${column.type === "category" ? column.categories[value] : value}`,
      ),
      write: (row, out, position) => {
        out[position + (codes.get(data[row] as number) as number)] = 1;
      },
    };
  }

  #placeOf(row: number): string {
    const line = this.#lines?.[row];
    return line === undefined ? `${this.#source} row ${row}` : `${this.#source} line ${line}`;
  }
}

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import type { CsvError } from "csv-parse";
import {
  checkOptions,
  DataError,
  expected,
  FileError,
  MyelinError,
  OptionError,
  unknownName,
} from "../errors.ts";
import { loadCsvParse } from "../lazy.ts";
import { checkMissingPolicy, type Filling, type MissingPolicy } from "./missing.ts";
import { Table } from "./table.ts";
import { convertColumn, inferType, type RawColumn, type TableColumnType } from "./table-columns.ts";

export interface CsvColumnOptions {
  readonly type: TableColumnType;
  /** What becomes of missing values (default "error"; "keep" for columns whose type is inferred). */
  readonly missing?: MissingPolicy;
  /** The categories in the order of their numbers, so that two files are encoded alike. */
  readonly categories?: readonly string[];
}

export interface CsvOptions {
  /** Whether the first line names the columns (default true); or the names, for a file without such a line. */
  readonly header?: boolean | readonly string[];
  /** Between values (default ","). */
  readonly delimiter?: string;
  /** Types by column name; those of other columns are inferred. */
  readonly columns?: Readonly<Record<string, TableColumnType | CsvColumnOptions>>;
  /** Texts that stand for a missing value (default "", NA, N/A, NaN, nan, null). */
  readonly missingValues?: readonly string[];
}

/** A path (gzipped where it ends in .gz), text (where it has a line break), bytes or a stream of either. */
export type CsvSource = string | URL | Uint8Array | AsyncIterable<string | Uint8Array>;

const kTypes: readonly TableColumnType[] = ["number", "integer", "boolean", "category", "text"];
const kMissingValues = ["", "NA", "N/A", "NaN", "nan", "null"];

/**
 * Reads comma-separated values into typed columns.
 * @throws DataError with line, column and what came, for text that is malformed or not of the column's type;
 *   FileError for a file that cannot be read
 */
export async function readCsv(source: CsvSource, options: CsvOptions = {}): Promise<Table> {
  checkCsvOptions(options);
  const { chunks, where } = open(source);
  const reader = new RecordReader(where, options);
  const parser = loadCsvParse().parse({
    bom: true,
    trim: true,
    delimiter: options.delimiter ?? ",",
    skip_empty_lines: true,
    // Checked here, to say which column is too many or missing.
    relax_column_count: true,
    on_record: (record: string[], { lines }) => {
      reader.read(record, lines);
      return null;
    },
  });
  parser.resume();
  try {
    await pipeline([...chunks, parser]);
  } catch (error) {
    throw located(error, where);
  }
  return reader.finish();
}

function checkCsvOptions(options: CsvOptions): void {
  checkOptions("readCsv", options, ["header", "delimiter", "columns", "missingValues"]);
  const { header = true, delimiter = ",", columns = {}, missingValues = [] } = options;
  const isNames =
    Array.isArray(header) && header.length > 0 && header.every((name) => typeof name === "string");
  if (typeof header !== "boolean" && !isNames) {
    throw new OptionError(expected("readCsv: header", "true, false or an array of names", header));
  }
  if (typeof delimiter !== "string" || delimiter.length === 0) {
    throw new OptionError(expected("readCsv: delimiter", 'a text such as ","', delimiter));
  }
  if (!Array.isArray(missingValues)) {
    throw new OptionError(expected("readCsv: missingValues", "an array of texts", missingValues));
  }
  for (const [name, column] of Object.entries(columns)) checkColumnOptions(name, column);
}

function checkColumnOptions(name: string, options: TableColumnType | CsvColumnOptions): void {
  const where = `readCsv: column "${name}"`;
  const { type, missing = "error", categories } = columnOptions(options);
  if (typeof options === "object") checkOptions(where, options, ["type", "missing", "categories"]);
  if (!kTypes.includes(type)) throw unknownName(`type of column "${name}"`, type, kTypes);
  checkMissingPolicy(missing, where);
  if (categories === undefined) return;
  if (type !== "category")
    throw new OptionError(`${where}: categories belong to the type category, not to ${type}`);
  if (
    !Array.isArray(categories) ||
    new Set(categories).size !== categories.length ||
    categories.length === 0
  ) {
    throw new OptionError(expected(`${where}: categories`, "an array of different texts", categories));
  }
}

function columnOptions(options: TableColumnType | CsvColumnOptions): CsvColumnOptions {
  return typeof options === "string" ? { type: options } : options;
}

/** The streams that deliver the text, and how messages call it. */
function open(source: CsvSource): {
  chunks: [NodeJS.ReadableStream, ...NodeJS.ReadWriteStream[]];
  where: string;
} {
  if (source instanceof Uint8Array || (typeof source === "string" && source.includes("\n"))) {
    return { chunks: [Readable.from([source])], where: "csv" };
  }
  if (typeof source === "string" || source instanceof URL) {
    const path = typeof source === "string" ? source : fileURLToPath(source);
    const file = createReadStream(path);
    return { chunks: path.endsWith(".gz") ? [file, createGunzip()] : [file], where: path };
  }
  if (typeof source === "object" && source !== null && Symbol.asyncIterator in source) {
    return { chunks: [Readable.from(source)], where: "csv" };
  }
  throw new DataError(
    expected("readCsv: the source", "a path, text with a line break, bytes or a stream", source),
  );
}

function located(error: unknown, where: string): Error {
  if (error instanceof MyelinError) return error;
  const { message, code = "" } = error as NodeJS.ErrnoException;
  if (code.startsWith("CSV_")) {
    return new DataError(`${where} line ${(error as CsvError).lines}: ${message}`, { cause: error });
  }
  return new FileError(`cannot read ${where}: ${message}`, { cause: error });
}

/** Collects records, each different text of a column once. */
class RecordReader {
  readonly #where: string;
  readonly #options: CsvOptions;
  readonly #missing: ReadonlySet<string>;
  readonly #lines: number[] = [];
  #names: readonly string[] | undefined;
  #columns: { texts: Map<string, number>; codes: number[] }[] = [];

  constructor(where: string, options: CsvOptions) {
    this.#where = where;
    this.#options = options;
    this.#missing = new Set(options.missingValues ?? kMissingValues);
  }

  read(record: readonly string[], line: number): void {
    if (this.#names === undefined && this.#start(record)) return;
    const columns = this.#columns;
    if (record.length !== columns.length) {
      const missing = record.length < columns.length ? ` ("${this.#names?.[record.length]}" is missing)` : "";
      throw new DataError(
        `${this.#where} line ${line}: expected ${columns.length} values, got ${record.length}${missing}`,
      );
    }
    this.#lines.push(line);
    for (let c = 0; c < columns.length; c++) {
      const { texts, codes } = columns[c] as (typeof columns)[number];
      const text = record[c] as string;
      if (this.#missing.has(text)) {
        codes.push(-1);
        continue;
      }
      let code = texts.get(text);
      if (code === undefined) {
        code = texts.size;
        texts.set(text, code);
      }
      codes.push(code);
    }
  }

  finish(): Table {
    const names = this.#names;
    if (names === undefined) throw new DataError(`${this.#where} is empty`);
    if (this.#lines.length === 0) throw new DataError(`${this.#where} has no rows below its header`);
    const { columns: wanted = {} } = this.#options;
    for (const name of Object.keys(wanted))
      if (!names.includes(name)) throw unknownName("column", name, names);
    const placeOf = (row: number): string => `${this.#where} line ${this.#lines[row]}`;
    const columns = this.#columns.map(({ texts, codes }, c) => {
      const name = names[c] as string;
      const raw: RawColumn = { name, texts: [...texts.keys()], codes: Int32Array.from(codes) };
      const given = Object.hasOwn(wanted, name) ? wanted[name] : undefined;
      if (given === undefined) return convertColumn(raw, inferType(raw), placeOf);
      const { type, categories } = columnOptions(given);
      return convertColumn(raw, type, placeOf, categories);
    });
    const table = new Table({ columns, source: this.#where, lines: Uint32Array.from(this.#lines) });
    return applyPolicies(table, wanted);
  }

  /** Takes the names of the columns; says whether the record was the header. */
  #start(record: readonly string[]): boolean {
    const { header = true } = this.#options;
    const numbered = (name: string, i: number): string => name || `column${i + 1}`;
    if (header === true) this.#names = record.map(numbered);
    else if (header === false) this.#names = record.map((_, i) => numbered("", i));
    else this.#names = header;
    const doubled = this.#names.find((name, i) => this.#names?.indexOf(name) !== i);
    if (doubled !== undefined) throw new DataError(`${this.#where}: two columns are named "${doubled}"`);
    this.#columns = this.#names.map(() => ({ texts: new Map(), codes: [] }));
    return header === true;
  }
}

/** Drops rows first, so that statistics and complaints are about the rows that stay. */
function applyPolicies(table: Table, wanted: NonNullable<CsvOptions["columns"]>): Table {
  const policies = Object.entries(wanted).map(([name, options]): [string, MissingPolicy] => [
    name,
    columnOptions(options).missing ?? "error",
  ]);
  const named = (wantedPolicy: MissingPolicy): string[] =>
    policies.filter(([, policy]) => policy === wantedPolicy).map(([name]) => name);
  const dropped = named("drop");
  let result = dropped.length > 0 ? table.dropMissing(dropped) : table;
  result.checkComplete(named("error"));
  for (const [name, policy] of policies) {
    if (policy === "error" || policy === "drop" || policy === "keep") continue;
    result = result.fillMissing(name, policy satisfies Filling);
  }
  return result;
}

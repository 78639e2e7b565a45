import { DataError, describe } from "../errors.ts";
import { distinctLabels } from "./json.ts";

export type TableColumnType = "number" | "integer" | "boolean" | "category" | "text";

/** Numbers; a boolean is 1 or 0. A missing value is NaN. */
export interface NumericColumn {
  readonly name: string;
  readonly type: "number" | "integer" | "boolean";
  readonly data: Float64Array;
}

/** One of a few names per row: `categories[data[row]]`. A missing value is -1. */
export interface CategoryColumn {
  readonly name: string;
  readonly type: "category";
  readonly data: Int32Array;
  readonly categories: readonly string[];
}

/** A missing value is null. */
export interface TextColumn {
  readonly name: string;
  readonly type: "text";
  readonly data: readonly (string | null)[];
}

export type TableColumn = NumericColumn | CategoryColumn | TextColumn;

/** A column as it was read: each different text once, and which of them each row has (-1: missing). */
export interface RawColumn {
  readonly name: string;
  readonly texts: readonly string[];
  readonly codes: Int32Array;
}

const kDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const kInteger = /^[+-]?\d+$/;
const kWords: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["yes", 1],
  ["false", 0],
  ["no", 0],
]);
const kShortWords: ReadonlyMap<string, number> = new Map([
  ...kWords,
  ["t", 1],
  ["y", 1],
  ["1", 1],
  ["f", 0],
  ["n", 0],
  ["0", 0],
]);

/** More different texts than this, and than a twentieth of the rows, are text rather than categories. */
const kFewCategories = 20;
const kMaxCategories = 1000;

/** Decimal notation only: `Number` also takes "0x10", "" and "Infinity". NaN where it is not. */
function decimalOf(text: string): number {
  const value = kDecimal.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

function integerOf(text: string): number {
  const value = decimalOf(text);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function booleanOf(text: string): number {
  return kShortWords.get(text.toLowerCase()) ?? Number.NaN;
}

const kParsers: { readonly [T in NumericColumn["type"]]: { parse: (text: string) => number; kind: string } } =
  {
    number: { parse: decimalOf, kind: "a number" },
    integer: { parse: integerOf, kind: "an integer" },
    boolean: { parse: booleanOf, kind: "true or false" },
  };

/** The narrowest type that all of a column's values have. */
export function inferType({ texts, codes }: RawColumn): TableColumnType {
  if (texts.length === 0) return "number";
  if (texts.every((text) => kWords.has(text.toLowerCase()))) return "boolean";
  if (texts.every((text) => kInteger.test(text) && Number.isSafeInteger(Number(text)))) return "integer";
  if (texts.every((text) => !Number.isNaN(decimalOf(text)))) return "number";
  const few = texts.length <= Math.max(kFewCategories, codes.length / 20) && texts.length <= kMaxCategories;
  return few ? "category" : "text";
}

/**
 * The column with its values converted.
 * @param placeOf how a message names a row: `cars.csv line 7`
 * @param categories the categories in the order of their numbers (default: those found, sorted)
 * @throws DataError for the first value that is not of the type
 */
export function convertColumn(
  raw: RawColumn,
  type: TableColumnType,
  placeOf: (row: number) => string,
  categories?: readonly string[],
): TableColumn {
  const { name, codes, texts } = raw;
  switch (type) {
    case "text":
      return { name, type, data: Array.from(codes, (code) => texts[code] ?? null) };
    case "category": {
      const known = categories ?? sortedCategories(texts);
      return { name, type, data: categoryCodes(raw, known, placeOf), categories: known };
    }
    case "number":
    case "integer":
    case "boolean": {
      const { parse, kind } = kParsers[type];
      const values = texts.map(parse);
      const bad = firstRow(codes, (code) => Number.isNaN(values[code] as number));
      if (bad >= 0) throw wrongValue(raw, bad, placeOf, kind);
      return { name, type, data: Float64Array.from(codes, (code) => values[code] ?? Number.NaN) };
    }
    default:
      throw new DataError(`column ${describe(name)}: unknown type ${describe(type satisfies never)}`);
  }
}

/** Sorted by value where all are numbers, else as text. */
function sortedCategories(texts: readonly string[]): string[] {
  const numbers = texts.every((text) => !Number.isNaN(decimalOf(text)));
  return numbers ? [...texts].sort((a, b) => Number(a) - Number(b)) : (distinctLabels(texts) as string[]);
}

function categoryCodes(
  raw: RawColumn,
  known: readonly string[],
  placeOf: (row: number) => string,
): Int32Array {
  const numbers = new Map(known.map((text, i) => [text, i]));
  const codes = raw.texts.map((text) => numbers.get(text) ?? -1);
  const bad = firstRow(raw.codes, (code) => codes[code] === -1);
  if (bad >= 0) throw wrongValue(raw, bad, placeOf, `one of ${known.join(", ")}`);
  return raw.codes.map((code) => codes[code] ?? -1);
}

/** The first row whose value is there and fails; -1 when none does. */
function firstRow(codes: Int32Array, fails: (code: number) => boolean): number {
  return codes.findIndex((code) => code >= 0 && fails(code));
}

function wrongValue(raw: RawColumn, row: number, placeOf: (row: number) => string, kind: string): DataError {
  const text = raw.texts[raw.codes[row] as number];
  return new DataError(`${placeOf(row)}: column "${raw.name}" must be ${kind}, got ${describe(text)}`);
}

/** Whether a row's value is missing. */
export function isMissing(column: TableColumn, row: number): boolean {
  switch (column.type) {
    case "text":
      return column.data[row] === null;
    case "category":
      return column.data[row] === -1;
    default:
      return Number.isNaN(column.data[row]);
  }
}

/** The column with only the rows that `kept` lists. */
export function selectRows(column: TableColumn, kept: Uint32Array): TableColumn {
  switch (column.type) {
    case "text":
      return { ...column, data: Array.from(kept, (row) => column.data[row] as string | null) };
    case "category":
      return { ...column, data: Int32Array.from(kept, (row) => column.data[row] as number) };
    default:
      return { ...column, data: Float64Array.from(kept, (row) => column.data[row] as number) };
  }
}

import { expected, OptionError, unknownName } from "../errors.ts";
import type { CategoryColumn, NumericColumn, TableColumn, TextColumn } from "./table-columns.ts";

/** What a missing value is replaced by: a statistic of the column's other values, or a constant. */
export type Filling = "mean" | "median" | "mode" | number | { readonly value: string | number | boolean };

/**
 * What becomes of missing values: `"error"`, `"drop"` (leave out the row), `"keep"` (as NaN, -1 or
 * null) or a filling.
 */
export type MissingPolicy = "error" | "drop" | "keep" | Filling;

const kPolicies = ["error", "drop", "keep", "mean", "median", "mode"];

export function checkMissingPolicy(policy: unknown, where: string): void {
  if (typeof policy === "string") {
    if (!kPolicies.includes(policy)) throw unknownName(`${where}: missing`, policy, kPolicies);
    return;
  }
  if (Number.isFinite(policy)) return;
  if (typeof policy === "object" && policy !== null && "value" in policy) return;
  throw new OptionError(
    expected(`${where}: missing`, `one of ${kPolicies.join(", ")}, a number or { value }`, policy),
  );
}

/** The column with its missing values replaced. */
export function fillMissing(column: TableColumn, filling: Filling): TableColumn {
  switch (column.type) {
    case "text":
      return fillText(column, filling);
    case "category":
      return fillCategory(column, filling);
    default:
      return fillNumbers(column, filling);
  }
}

function unsuitable(column: TableColumn, filling: Filling): OptionError {
  const wanted = typeof filling === "object" ? `the value ${JSON.stringify(filling.value)}` : `"${filling}"`;
  return new OptionError(`column "${column.name}" of type ${column.type} cannot be filled with ${wanted}`);
}

function fillNumbers(column: NumericColumn, filling: Filling): NumericColumn {
  const known = column.data.filter((value) => !Number.isNaN(value));
  if (known.length === column.data.length) return column;
  const constant = typeof filling === "object" ? filling.value : filling;
  const value = typeof constant === "string" ? statistic(column, known, filling) : Number(constant);
  const fits = column.type === "boolean" ? value === 0 || value === 1 : Number.isFinite(value);
  if (!fits || (column.type === "integer" && !Number.isInteger(value))) throw unsuitable(column, filling);
  return { ...column, data: column.data.map((each) => (Number.isNaN(each) ? value : each)) };
}

function statistic(column: NumericColumn, known: Float64Array, filling: Filling): number {
  if (known.length === 0)
    throw new OptionError(`column "${column.name}" has no values to take the ${filling} of`);
  const sorted = known.toSorted();
  const middle = sorted.length >> 1;
  const round = column.type === "integer" ? Math.round : (value: number): number => value;
  switch (filling) {
    case "mean":
      if (column.type === "boolean") throw unsuitable(column, filling);
      return round(known.reduce((sum, value) => sum + value, 0) / known.length);
    case "median": {
      if (column.type === "boolean") throw unsuitable(column, filling);
      const upper = sorted[middle] as number;
      return round(sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2);
    }
    case "mode":
      return mostFrequent(sorted);
    default:
      throw unsuitable(column, filling);
  }
}

function fillCategory(column: CategoryColumn, filling: Filling): CategoryColumn {
  const known = column.data.filter((code) => code >= 0);
  if (known.length === column.data.length) return column;
  const fill = (code: number, categories = column.categories): CategoryColumn => {
    return { ...column, categories, data: column.data.map((each) => (each < 0 ? code : each)) };
  };
  if (filling === "mode" && known.length > 0) return fill(mostFrequent(known.sort()));
  if (typeof filling === "string") throw unsuitable(column, filling);
  const name = String(typeof filling === "object" ? filling.value : filling);
  const code = column.categories.indexOf(name);
  return code >= 0 ? fill(code) : fill(column.categories.length, [...column.categories, name]);
}

function fillText(column: TextColumn, filling: Filling): TextColumn {
  if (!column.data.includes(null)) return column;
  if (typeof filling === "string") throw unsuitable(column, filling);
  const text = String(typeof filling === "object" ? filling.value : filling);
  return { ...column, data: column.data.map((each) => each ?? text) };
}

/** Of equally frequent values the smallest. */
function mostFrequent(sorted: Float64Array | Int32Array): number {
  let best = Number.NaN;
  let most = 0;
  for (let i = 0, run = 0; i < sorted.length; i++) {
    run = sorted[i] === sorted[i - 1] ? run + 1 : 1;
    if (run > most) {
      most = run;
      best = sorted[i] as number;
    }
  }
  return best;
}

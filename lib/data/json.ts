import { DataError, expected } from "../errors.ts";

/** What may stand for a class or category. */
export type Label = string | number | boolean;

/** The fields of a JSON object that came from a file, and so may be anything. */
export function fieldsOf(json: unknown, where: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new DataError(expected(where, "an object", json));
}

/** An array of finite numbers out of such a file, with at least one element. */
export function numbersOf(json: unknown, where: string): number[] {
  if (!Array.isArray(json) || json.length === 0)
    throw new DataError(expected(where, "an array of numbers", json));
  json.forEach((value: unknown, i) => {
    if (!Number.isFinite(value)) throw new DataError(expected(`${where}[${i}]`, "a finite number", value));
  });
  return json as number[];
}

/** An array of different labels of one type out of such a file, with at least one element. */
export function labelsOf(json: unknown, where: string): Label[] {
  if (!Array.isArray(json) || json.length === 0)
    throw new DataError(expected(where, "an array of labels", json));
  checkLabels(json, where);
  if (new Set(json).size !== json.length) throw new DataError(`${where} must hold each label once`);
  return json as Label[];
}

/** Throws unless all values are strings, or all finite numbers, or all booleans. */
export function checkLabels(values: readonly unknown[], where: string): void {
  const type = typeof values[0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const isLabel = typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
    if (!isLabel)
      throw new DataError(expected(`${where}[${i}]`, "a string, a finite number or a boolean", value));
    if (typeof value !== type)
      throw new DataError(expected(`${where}[${i}]`, `a ${type} as the first`, value));
  }
}

/** The different labels: numbers by value, text by its characters' codes (the same in every locale). */
export function distinctLabels(values: Iterable<Label>): Label[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

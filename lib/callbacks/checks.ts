import { describe, expected, FileError, OptionError } from "../errors.ts";

/** A boolean option. */
export function checkFlag(where: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new OptionError(expected(where, "true or false", value));
}

/** An option that is a file's path. */
export function checkPath(where: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new OptionError(expected(where, "a path", value));
}

/** Reads fields of what a checkpoint kept of a callback: the file may come from anywhere. */
export class StateReader {
  readonly #name: string;
  readonly #state: Readonly<Record<string, unknown>>;

  constructor(name: string, state: unknown) {
    this.#name = name;
    if (typeof state !== "object" || state === null) throw this.#error("", "an object", state);
    this.#state = state as Readonly<Record<string, unknown>>;
  }

  number(field: string): number {
    const value = this.#state[field];
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.#error(`.${field}`, "a finite number", value);
  }

  numberOrNull(field: string): number | null {
    return this.#state[field] === null ? null : this.number(field);
  }

  numbers(field: string): number[] {
    const value = this.#state[field];
    if (Array.isArray(value) && value.every(Number.isFinite)) return value;
    throw this.#error(`.${field}`, "an array of finite numbers", value);
  }

  /** The bytes that were kept as base64, of exactly this length; null where none were kept. */
  bytesOrNull(field: string, length: number): Uint8Array | null {
    const value = this.#state[field];
    if (value === null) return null;
    if (typeof value === "string") {
      const bytes = Buffer.from(value, "base64");
      if (bytes.length === length) return bytes;
    }
    throw this.#error(`.${field}`, `null or base64 text of ${length} bytes`, value);
  }

  #error(field: string, wanted: string, value: unknown): FileError {
    return new FileError(
      `checkpoint: state of ${this.#name}${field} must be ${wanted}, got ${describe(value)}`,
    );
  }
}

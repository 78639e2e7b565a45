import { expected, FileError, OptionError } from "../errors.ts";

/** Where a value is: `file "a.safetensors": architecture.layers[2]`. */
type Where = string;

/**
 * JSON out of a file that may hold anything.
 * @throws FileError for text that is not JSON, an object with the same key twice, or the key `__proto__`
 */
export function parseJson(text: string, where: Where): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FileError(`${where} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  checkKeys(text, where);
  return value;
}

/** Index after the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** JSON.parse lets the last of several equal keys win; here they are an error. The text is known to be JSON. */
function checkKeys(text: string, where: Where): void {
  // The keys of each object that is open; undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let atKey = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "{" || character === "[") {
      atKey = character === "{";
      open.push(atKey ? new Set() : undefined);
    } else if (character === "}" || character === "]") {
      open.pop();
      atKey = false;
    } else if (character === ",") {
      atKey = open.at(-1) !== undefined;
    } else if (character === '"') {
      const end = endOfString(text, i);
      if (atKey) addKey(JSON.parse(text.slice(i, end)) as string, open.at(-1) as Set<string>, where);
      atKey = false;
      i = end - 1;
    }
  }
}

function addKey(key: string, keys: Set<string>, where: Where): void {
  if (key === "__proto__") throw new FileError(`${where} has the key "__proto__", which is not allowed`);
  if (keys.has(key)) throw new FileError(`${where} has the key ${JSON.stringify(key)} twice in one object`);
  keys.add(key);
}

export function objectAt(value: unknown, where: Where): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new FileError(expected(where, "an object", value));
}

export function arrayAt(value: unknown, where: Where): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new FileError(expected(where, "an array", value));
}

export function stringAt(value: unknown, where: Where): string {
  if (typeof value === "string") return value;
  throw new FileError(expected(where, "a string", value));
}

/** An integer from 0 to `below - 1`, exact in a double. */
export function indexAt(value: unknown, where: Where, below: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < below)
    return value as number;
  const limit = below === Number.MAX_SAFE_INTEGER ? "of at least 0" : `from 0 to ${below - 1}`;
  throw new FileError(expected(where, `an integer ${limit}`, value));
}

/** A seed as its two words of 32 bits. */
export function seedAt(value: unknown, where: Where): [number, number] {
  const words = arrayAt(value, where).map((word, i) => indexAt(word, `${where}[${i}]`, 2 ** 32));
  if (words.length !== 2) throw new FileError(expected(where, "two 32-bit words", value));
  return words as [number, number];
}

function hasToJSON(value: unknown): value is { toJSON(): unknown } {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    "toJSON" in value &&
    typeof value.toJSON === "function"
  );
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The value as JSON that reads back as the same value; JSON.stringify alone would turn NaN into null and
 * drop functions without a word. Keys whose value is undefined are left out.
 * @param hint what to do about a value that cannot be saved, for the message
 * @throws OptionError that says where the value is that cannot be saved
 */
export function toJson(value: unknown, where: Where, hint = ""): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (hasToJSON(value)) return toJson(value.toJSON(), where, hint);
  if (Array.isArray(value)) return value.map((item, i) => toJson(item, `${where}[${i}]`, hint));
  if (isPlainObject(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, toJson(item, `${where}.${key}`, hint)]));
  }
  throw new OptionError(
    `${expected(where, "something that JSON can hold", value)}, so it cannot be saved${hint}`,
  );
}

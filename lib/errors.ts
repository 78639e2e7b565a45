/** Base of every error that Myelin throws on purpose; `code` is stable, the message is for people. */
export class MyelinError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A shape, rank or length that does not fit. */
export class ShapeError extends MyelinError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_SHAPE", message, options);
  }
}

/** An option that is unknown, misspelled, of the wrong type or out of range. */
export class OptionError extends MyelinError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_OPTION", message, options);
  }
}

/** Data that cannot be used: empty, not finite, labels out of range, malformed text. */
export class DataError extends MyelinError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_DATA", message, options);
  }
}

/** A file that is missing, truncated, damaged or of another format, or that could not be written. */
export class FileError extends MyelinError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_FILE", message, options);
  }
}

/** The network is in use by a training or prediction that has not ended. */
export class BusyError extends MyelinError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_BUSY", message, options);
  }
}

/** Training met a NaN or infinite loss or gradient; the weights are those before that step. */
export class NonFiniteError extends MyelinError {
  readonly epoch: number;
  readonly step: number;
  constructor(message: string, epoch: number, step: number, options?: ErrorOptions) {
    super("ERR_NOT_FINITE", message, options);
    this.epoch = epoch;
    this.step = step;
  }
}

/** The native addon is missing or refused a plan. */
export class NativeError extends MyelinError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_NATIVE", message, options);
  }
}

/** How a received value reads in a message: short, with its type. */
export function describe(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === "function") return value.name ? `function ${value.name}` : "a function";
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  if (ArrayBuffer.isView(value))
    return `a ${value.constructor.name} of length ${(value as Float32Array).length}`;
  if (typeof value === "object" && value !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name ?? "Object";
    return name === "Object"
      ? `an object with keys ${Object.keys(value).join(", ") || "(none)"}`
      : `a ${name}`;
  }
  return String(value);
}

/** `optimizers.adam: learningRate must be a positive number, got -1` */
export function expected(where: string, expectation: string, received: unknown): string {
  return `${where} must be ${expectation}, got ${describe(received)}`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] as number;
}

/** The known name that a misspelled one most likely meant. */
export function closest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** An unknown name, what it may have meant, and what there is. */
export function unknownName(kind: string, name: unknown, known: Iterable<string>): OptionError {
  const names = [...known];
  const guess = typeof name === "string" ? closest(name, names) : undefined;
  const hint = guess === undefined ? "" : ` Did you mean ${JSON.stringify(guess)}?`;
  return new OptionError(`unknown ${kind} ${describe(name)}.${hint} Known: ${names.join(", ")}`);
}

/** Throws for a key of `options` that is not in `known`: a misspelled option never passes silently. */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    throw new OptionError(expected(`${where}: options`, "an object", options));
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const guess = closest(key, known);
    const hint = guess === undefined ? "" : ` Did you mean "${guess}"?`;
    throw new OptionError(`${where}: unknown option "${key}".${hint} Known: ${known.join(", ")}`);
  }
}

export interface NumberRange {
  min?: number;
  max?: number;
  /** Exclude the bounds themselves. */
  exclusive?: boolean;
  integer?: boolean;
}

/** Throws unless `value` is a finite number in the range. Returns it, so that it can be used in place. */
export function checkNumber(where: string, value: unknown, range: NumberRange = {}): number {
  const {
    min = Number.NEGATIVE_INFINITY,
    max = Number.POSITIVE_INFINITY,
    exclusive = false,
    integer = false,
  } = range;
  const inside =
    typeof value === "number" &&
    Number.isFinite(value) &&
    (!integer || Number.isInteger(value)) &&
    (exclusive ? value > min && value < max : value >= min && value <= max);
  if (inside) return value;
  const kind = integer ? "an integer" : "a finite number";
  const low = min > Number.NEGATIVE_INFINITY ? ` ${exclusive ? "above" : "of at least"} ${min}` : "";
  const high =
    max < Number.POSITIVE_INFINITY ? `${low ? " and" : ""} ${exclusive ? "below" : "at most"} ${max}` : "";
  throw new OptionError(expected(where, `${kind}${low}${high}`, value));
}

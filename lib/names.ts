import { OptionError, unknownName } from "./errors.ts";

/**
 * The entry of `table` that `name` stands for.
 * @throws OptionError that lists the names and the likely meaning of a misspelled one
 */
export function byName<T>(where: string, kind: string, name: string, table: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(table, name)) return table[name] as T;
  throw new OptionError(`${where}: ${unknownName(kind, name, Object.keys(table)).message}`);
}

/** How a model file remembers a function that a factory made: `{ "name": "l2", "options": { "l2": 0.01 } }`. */
export interface FunctionConfig {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Makes `made` known to JSON.stringify as the factory's name and options, from which it can be made again. */
export function remember<F extends object>(name: string, options: object, made: F): F {
  return Object.assign(made, { toJSON: (): FunctionConfig => ({ name, options: { ...options } }) });
}

export function isFunctionConfig(value: unknown): value is FunctionConfig {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

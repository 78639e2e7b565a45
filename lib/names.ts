import { OptionError, unknownName } from "./errors.ts";

/**
 * The entry of `table` that `name` stands for.
 * @throws OptionError that lists the names and the likely meaning of a misspelled one
 */
export function byName<T>(where: string, kind: string, name: string, table: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(table, name)) return table[name] as T;
  throw new OptionError(`${where}: ${unknownName(kind, name, Object.keys(table)).message}`);
}

import type { Executor } from "../executor/executor.ts";
import type { Bound } from "./bind.ts";
import { isAsynchronous, type Process } from "./drive.ts";

/**
 * Data that stay where they are for the length of a training: while steps run asynchronously anybody could
 * transfer or resize an ArrayBuffer, so that what is not in shared memory is copied here, once.
 */
export function* holdData(bound: Bound, executor: Executor): Process<Bound> {
  if (!(yield* isAsynchronous())) return bound;
  const columns = bound.columns.map((column) => ({ ...column, data: executor.share(column.data) }));
  return { ...bound, columns, rows: bound.rows && executor.share(bound.rows) };
}

/** Arrays for the jobs of one training, by name; those of one job become those of the next. */
export class JobArrays {
  readonly #executor: Executor;
  readonly #known = new Map<string, Float32Array>();

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  floats(name: string, length: number): Float32Array {
    const known = this.#known.get(name);
    if (known !== undefined && known.length >= length) return known.subarray(0, length);
    const made = this.#executor.allocate(length);
    this.#known.set(name, made);
    return made;
  }

  words(name: string, length: number): Uint32Array {
    const { buffer, byteOffset } = this.floats(name, length);
    return new Uint32Array(buffer, byteOffset, length);
  }
}

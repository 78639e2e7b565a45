import { NUMERIC_ARRAYS, type NumericArray } from "../tensor.ts";
import type { Job } from "./executor.ts";

type NumericArrayType = new (buffer: SharedArrayBuffer) => NumericArray;

const TYPES: ReadonlyMap<string, NumericArrayType> = new Map(NUMERIC_ARRAYS.map((type) => [type.name, type]));

const bytesOf = ({ buffer, byteOffset, byteLength }: NumericArray): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

/**
 * The same array where it lies in shared memory, else a copy that does. An ArrayBuffer can be transferred
 * to another thread or resized at any time, whoever holds references to it; a SharedArrayBuffer cannot.
 * @param allocate makes the copy's memory
 */
export function share<T extends NumericArray>(array: T, allocate: (bytes: number) => SharedArrayBuffer): T {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  // The constructor of a subclass, such as Node's Buffer, takes other arguments.
  const Type = TYPES.get(array[Symbol.toStringTag]) as unknown as new (buffer: SharedArrayBuffer) => T;
  const copy = new Type(allocate(array.byteLength));
  // Several times as fast as `set`, which copies into shared memory byte by byte.
  if (array.length > 0) bytesOf(array).copy(bytesOf(copy));
  return copy;
}

/** A job whose arrays all lie in shared memory, and `finish`, which hands over what was put into copies. */
export function shareJob(
  job: Job,
  shared: <T extends NumericArray>(array: T) => T,
): { job: Job; finish(): void } {
  const outputs = job.outputs.map(shared);
  return {
    job: {
      ...job,
      columns: job.columns.map((column) => ({ ...column, data: shared(column.data) })),
      indices: job.indices && shared(job.indices),
      learningRates: shared(job.learningRates),
      outputs,
    },
    finish: () => {
      job.outputs.forEach((output, i) => {
        const written = outputs[i];
        if (written !== undefined && written !== output) output.set(written);
      });
    },
  };
}

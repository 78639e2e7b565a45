import { MyelinError } from "../errors.ts";
import { formatBytes } from "../plan/print.ts";
import type { Executor } from "./executor.ts";

/** Memory from an executor, or an error that says what it was for. */
export function allocate(executor: Executor, elements: number, purpose: string): Float32Array {
  try {
    return executor.allocate(elements);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `there is no memory for ${purpose} of ${formatBytes(elements * 4)}`;
    throw new MyelinError("ERR_MEMORY", message, { cause: error });
  }
}

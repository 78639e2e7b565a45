import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { BlockSource } from "../random.ts";
import type { NumericArray } from "../tensor.ts";
import type { Job, RunResult } from "./executor.ts";

/** A plan loaded by the addon (native/binding.cc). */
export interface NativeProgram {
  readonly isa: string;
  /** All arrays of the job must lie in shared memory. */
  run(job: Job): Promise<RunResult>;
  runSync(job: Job): RunResult;
  step(batch: number, counter: number, learningRate: number, seedLow: number, seedHigh: number): boolean;
  cancel(): void;
}

/** What the addon exports. */
export interface NativeBinding {
  /** Variants that this machine can run, the best first. */
  readonly isas: readonly string[];
  /** The variant in use unless a program asks for another. */
  readonly isa: string;
  kernelNames(): string[];
  philox: BlockSource;
  setThreads(count: number): void;
  getThreads(): number;
  /** The buffer's address modulo 2 MiB, the size of a huge page. */
  alignmentOf(buffer: ArrayBufferLike): number;
  /**
   * Makes the garbage collector count the bytes of a new SharedArrayBuffer, which it does not by itself, and asks
   * the system for huge pages where it is large.
   */
  track(buffer: SharedArrayBuffer): void;
  readonly Program: new (plan: Uint8Array, regions: readonly NumericArray[], isa?: string) => NativeProgram;
}

export interface LoadedBinding {
  readonly binding?: NativeBinding;
  /** Why there is no binding. */
  readonly error?: Error;
}

function tryLoad(): LoadedBinding {
  try {
    const require = createRequire(import.meta.url);
    const load = require("node-gyp-build") as (directory: string) => NativeBinding;
    return { binding: load(fileURLToPath(new URL("../..", import.meta.url))) };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

let loaded: LoadedBinding | undefined;

/** The addon, loaded once a process: a prebuild, or what was compiled on this machine. */
export function loadBinding(): LoadedBinding {
  loaded ??= tryLoad();
  return loaded;
}

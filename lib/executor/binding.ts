import { type Addon, type LoadedAddon, loadAddon } from "../addon.ts";
import type { RandomSource } from "../random.ts";
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
export interface NativeBinding extends Addon, RandomSource {
  /** Variants that this machine can run, the best first. */
  readonly isas: readonly string[];
  /** The variant in use unless a program asks for another. */
  readonly isa: string;
  kernelNames(): string[];
  setThreads(count: number): void;
  getThreads(): number;
  /** The buffer's address modulo 2 MiB, the size of a huge page. */
  alignmentOf(buffer: ArrayBufferLike): number;
  /**
   * Makes the garbage collector count the bytes of a new SharedArrayBuffer, which it does not by itself, where more
   * than 32 MiB are held; and asks the system for huge pages where it is large.
   */
  track(buffer: SharedArrayBuffer): void;
  readonly Program: new (plan: Uint8Array, regions: readonly NumericArray[], isa?: string) => NativeProgram;
}

/** The addon with all that it exports. */
export function loadBinding(): LoadedAddon<NativeBinding> {
  return loadAddon() as LoadedAddon<NativeBinding>;
}

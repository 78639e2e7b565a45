import { isMainThread } from "node:worker_threads";
import { BusyError, DataError, NativeError, OptionError } from "../errors.ts";
import { encodePlan } from "../plan/encode.ts";
import { type Plan, REGIONS } from "../plan/plan.ts";
import { loadBinding, type NativeBinding, type NativeProgram } from "./binding.ts";
import type { Executor, Job, Program, Regions, RunResult } from "./executor.ts";
import { referenceExecutor } from "./reference.ts";
import { share, shareJob } from "./share.ts";

const CACHE_LINE = 64;
const HUGE_PAGE = 2 ** 21;

function translate(error: unknown): Error {
  if (!(error instanceof Error)) return new NativeError(String(error));
  if (/ is busy/.test(error.message)) return new BusyError(error.message, { cause: error });
  // Data are checked when they are bound: that they are too short now has one reason.
  if (/^columns\[\d+\] .* rows of /.test(error.message)) {
    return new DataError(`${error.message}: its ArrayBuffer was transferred or resized`, { cause: error });
  }
  return new NativeError(error.message, { cause: error });
}

class NativeBackedProgram implements Program {
  readonly #program: NativeProgram;
  readonly #share: Executor["share"];

  constructor(program: NativeProgram, share: Executor["share"]) {
    this.#program = program;
    this.#share = share;
  }

  async run(job: Job): Promise<RunResult> {
    const shared = shareJob(job, this.#share);
    let result: RunResult;
    try {
      result = await this.#program.run(shared.job);
    } catch (error) {
      throw translate(error);
    }
    shared.finish();
    return result;
  }

  runSync(job: Job): RunResult {
    try {
      return this.#program.runSync(job);
    } catch (error) {
      throw translate(error);
    }
  }

  step(batch: number, counter: number, learningRate: number, seedLow: number, seedHigh: number): boolean {
    return this.#program.step(batch, counter, learningRate, seedLow, seedHigh);
  }

  cancel(): void {
    this.#program.cancel();
  }
}

/** The C++ kernels, in one instruction-set variant or the best there is. */
export function nativeExecutor(binding: NativeBinding, isa?: string): Executor {
  const allocateBytes = (bytes: number): SharedArrayBuffer => {
    const buffer = new SharedArrayBuffer(bytes);
    binding.track(buffer);
    return buffer;
  };
  const shareArray: Executor["share"] = (array) => share(array, allocateBytes);
  return {
    kind: "native",
    share: shareArray,
    allocate: (elements) => {
      // What is skipped to align is never touched, and so takes no memory.
      const alignment = elements * 4 < HUGE_PAGE ? CACHE_LINE : HUGE_PAGE;
      const buffer = allocateBytes(elements * 4 + alignment);
      const misaligned = binding.alignmentOf(buffer) % alignment;
      return new Float32Array(buffer, misaligned === 0 ? 0 : alignment - misaligned, elements);
    },
    random: binding,
    load: (plan: Plan, regions: Regions): Program => {
      try {
        const arrays = REGIONS.map((region) => regions[region]);
        return new NativeBackedProgram(new binding.Program(encodePlan(plan), arrays, isa), shareArray);
      } catch (error) {
        throw translate(error);
      }
    },
  };
}

let warned = false;

function warnOnce(error: Error): void {
  if (warned || !isMainThread) return;
  warned = true;
  process.emitWarning(`${missing(error)} The reference executor (plain TypeScript) is used instead.`, {
    code: "MYELIN_NO_NATIVE",
  });
}

/** The addon is there, but refused a setting such as MYELIN_ISA. */
const isWrongSetting = (error: Error): boolean => /^MYELIN_[A-Z_]+ must be /.test(error.message);

function missing(error: Error): string {
  if (isWrongSetting(error)) return error.message;
  const cause = error.message.split("\n")[0] ?? "";
  return (
    `the native addon of myelin did not load (${cause}). ` +
    "Install a C++ compiler and run `npm rebuild myelin` (where install scripts are blocked: " +
    "`npm install-scripts approve myelin && npm rebuild myelin`)."
  );
}

export type ExecutorName = "native" | "reference";

/**
 * The executor of that name; without a name the native one where it loads, else the reference with a warning.
 * @throws NativeError where "native" does not load; OptionError for a wrong MYELIN_ISA or MYELIN_NUM_THREADS
 */
export function chooseExecutor(name?: ExecutorName): Executor {
  if (name === "reference") return referenceExecutor;
  const { binding, error } = loadBinding();
  if (binding !== undefined) return nativeExecutor(binding);
  const cause = error ?? new Error("unknown cause");
  if (isWrongSetting(cause)) throw new OptionError(cause.message, { cause });
  if (name === "native") throw new NativeError(missing(cause), { cause });
  warnOnce(cause);
  return referenceExecutor;
}

export interface ExecutorStatus {
  readonly available: boolean;
  /** Instruction-set variant in use. */
  readonly isa?: string;
  /** Variants that this machine can run, the best first. */
  readonly isas?: readonly string[];
  /** Why it is not available. */
  readonly reason?: string;
}

/** What executors there are, and why not where one is missing. */
export const executors: Readonly<Record<ExecutorName, ExecutorStatus>> = {
  get native(): ExecutorStatus {
    const { binding, error } = loadBinding();
    if (binding === undefined)
      return { available: false, reason: missing(error ?? new Error("unknown cause")) };
    return { available: true, isa: binding.isa, isas: binding.isas };
  },
  reference: { available: true },
};

/** Threads that native kernels may use in this process (default: the CPUs it may run on). */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new RangeError(`setThreads: the count must be an integer from 1 to 1024, got ${String(count)}`);
  }
  loadBinding().binding?.setThreads(count);
}

/** Threads that native kernels may use; 1 without the native addon. */
export function getThreads(): number {
  return loadBinding().binding?.getThreads() ?? 1;
}

import { OptionError } from "../errors.ts";
import type { Job, Program, RunResult } from "../executor/executor.ts";

/**
 * What a training process waits for: steps of a program, a promise (of a callback or a source of batches), or
 * the news whether JavaScript goes on while steps run.
 */
export type Wait =
  | { readonly kind: "mode" }
  | { readonly kind: "run"; readonly program: Program; readonly job: Job }
  | { readonly kind: "await"; readonly promise: Promise<unknown> };

/** A process written once that runs synchronously or asynchronously, as whoever drives it decides. */
export type Process<T> = Generator<Wait, T, unknown>;

/** Runs steps until the budget of the job ends. */
export function* runSteps(program: Program, job: Job): Process<RunResult> {
  return (yield { kind: "run", program, job }) as RunResult;
}

/** True where JavaScript goes on, and may take data away, while steps run. */
export function* isAsynchronous(): Process<boolean> {
  return (yield { kind: "mode" }) as boolean;
}

/** Waits for a value that may be a promise. */
export function* settle<T>(value: T | Promise<T>): Process<T> {
  if (!(value instanceof Promise)) return value;
  return (yield { kind: "await", promise: value }) as T;
}

function next<T>(
  process: Process<T>,
  answer: { value: unknown } | { error: unknown },
): IteratorResult<Wait, T> {
  return "error" in answer ? process.throw(answer.error) : process.next(answer.value);
}

/**
 * Drives a process with the event loop free while steps run.
 * @param note told when steps begin to run (true) and when they rest (false)
 */
export async function drive<T>(process: Process<T>, note: (running: boolean) => void = () => {}): Promise<T> {
  let answer: { value: unknown } | { error: unknown } = { value: undefined };
  for (;;) {
    const result: IteratorResult<Wait, T> = next(process, answer);
    if (result.done === true) return result.value;
    const wait: Wait = result.value;
    if (wait.kind === "mode") {
      answer = { value: true };
      continue;
    }
    try {
      note(wait.kind === "run");
      answer = { value: await (wait.kind === "run" ? wait.program.run(wait.job) : wait.promise) };
    } catch (error) {
      answer = { error };
    }
    note(false);
  }
}

/** Drives a process on the calling thread. */
export function driveSync<T>(process: Process<T>): T {
  let answer: { value: unknown } | { error: unknown } = { value: undefined };
  for (;;) {
    const result: IteratorResult<Wait, T> = next(process, answer);
    if (result.done === true) return result.value;
    const wait: Wait = result.value;
    if (wait.kind === "mode") {
      answer = { value: false };
      continue;
    }
    try {
      if (wait.kind === "await") {
        wait.promise.catch(() => {});
        throw new OptionError(
          "fitSync cannot wait for a promise: use fit with asynchronous callbacks and sources",
        );
      }
      answer = { value: wait.program.runSync(wait.job) };
    } catch (error) {
      answer = { error };
    }
  }
}

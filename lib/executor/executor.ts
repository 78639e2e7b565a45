import type { Plan, Region } from "../plan/plan.ts";
import type { RandomSource } from "../random.ts";
import type { FloatArray, NumericArray } from "../tensor.ts";

/** The arrays a program runs on, one a region; programs of one network share some of them. */
export type Regions = Readonly<Record<Region, FloatArray>>;

/** Rows of data for one input of a plan: row r starts at r · size; value = data · scale + offset. */
export interface BoundColumn {
  readonly data: NumericArray;
  readonly scale: number;
  readonly offset: number;
  /** No element of `data` was of larger magnitude when it was bound; absent: not known. */
  readonly largest?: number;
}

/** Many steps over bound data. */
export interface Job {
  /** One a plan input. */
  readonly columns: readonly BoundColumn[];
  /** Rows in reading order, `epochRows` an epoch; null: 0, 1, 2, ... in every epoch. */
  readonly indices: Uint32Array | null;
  readonly epochRows: number;
  readonly epochs: number;
  /** The last batch of an epoch may be smaller. */
  readonly batchSize: number;
  /** Steps of this job that are done already. */
  readonly firstStep: number;
  /** Optimizer steps done before the job, over the network's life. */
  readonly counter: number;
  /** One a step of the job, or a single one for all. */
  readonly learningRates: Float32Array;
  readonly seed: readonly [number, number];
  /** One a plan output: rows of a batched output, else one row a step. */
  readonly outputs: readonly FloatArray[];
  /** Milliseconds after which the run pauses at a step; Infinity: none. */
  readonly budget: number;
  /** Ends the job when an epoch's mean of output 0 is below; NaN: never. */
  readonly stopBelow: number;
}

export type Outcome = "done" | "budget" | "cancelled" | "stopped" | "notFinite";

/** Steps of the job done in all, and why the run ended. */
export type RunResult = readonly [steps: number, outcome: Outcome];

/** A plan loaded into an executor. One run at a time. */
export interface Program {
  /** On a thread of its own; the event loop stays free. Arrays that `share` would copy are copied for the run. */
  run(job: Job): Promise<RunResult>;
  runSync(job: Job): RunResult;
  /** One step of `batch` samples on what the input region holds; false when a guard failed. */
  step(batch: number, counter: number, learningRate: number, seedLow: number, seedHigh: number): boolean;
  /** Asks the run in progress to end after the current step. */
  cancel(): void;
}

/** Runs plans. */
export interface Executor {
  readonly kind: "native" | "reference";
  /** Memory for a region: zeros, aligned for the executor. */
  allocate(elements: number): Float32Array;
  /**
   * The same array where nobody can take its memory away while an asynchronous run reads it, else a copy.
   * For data of many runs, so that it is copied once.
   */
  share<T extends NumericArray>(array: T): T;
  /** Makes random numbers faster than TypeScript does, the same bits; undefined: it does not. */
  readonly random?: RandomSource;
  load(plan: Plan, regions: Regions): Program;
}

/** Steps of one epoch. */
export function stepsPerEpoch(job: Pick<Job, "epochRows" | "batchSize">): number {
  return Math.ceil(job.epochRows / job.batchSize);
}

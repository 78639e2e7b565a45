import { checkNumber, checkOptions } from "../errors.ts";
import type { Job } from "../executor/executor.ts";
import { sizeOf } from "../tensor.ts";
import type { Bound } from "./bind.ts";
import { type Process, runSteps } from "./drive.ts";
import { EpochSums } from "./epoch.ts";
import type { Loaded } from "./fit.ts";

export interface EvaluateOptions {
  /** Samples of a step. Default 128. */
  batchSize?: number;
}

/** The checked batch size of an evaluation. */
export function evaluationBatch(options: EvaluateOptions): number {
  checkOptions("evaluate", options, ["batchSize"]);
  return checkNumber("evaluate: batchSize", options.batchSize ?? 128, {
    min: 1,
    max: 2 ** 24,
    integer: true,
  });
}

/** Runs all samples in order through a program that evaluates, at most `capacity` a step. */
export function* evaluateSteps(
  { plan, program, statistics }: Loaded,
  bound: Bound,
  capacity: number,
  seed: readonly [number, number],
): Process<EpochSums> {
  const steps = Math.ceil(bound.length / capacity);
  const job: Job = {
    columns: bound.columns,
    indices: bound.rows ?? null,
    epochRows: bound.length,
    epochs: 1,
    batchSize: capacity,
    firstStep: 0,
    counter: 0,
    learningRates: new Float32Array(1),
    seed,
    outputs: plan.outputs.map(({ buffer }) => new Float32Array(steps * sizeOf(buffer.type.shape))),
    budget: Number.POSITIVE_INFINITY,
    stopBelow: Number.NaN,
  };
  yield* runSteps(program, job);
  const sums = new EpochSums(statistics);
  sums.add(job.outputs, 0, steps, capacity, bound.length);
  return sums;
}

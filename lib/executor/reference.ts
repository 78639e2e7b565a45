import { BusyError, DataError } from "../errors.ts";
import { elementsOf } from "../graph/graph.ts";
import type { KernelCall, Operand } from "../ops/op.ts";
import type { Buffer, Instruction, Plan } from "../plan/plan.ts";
import { type FloatArray, sizeOf } from "../tensor.ts";
import {
  type Executor,
  type Job,
  type Program,
  type Regions,
  type RunResult,
  stepsPerEpoch,
} from "./executor.ts";
import { share, shareJob } from "./share.ts";

/** An operand whose element count follows the batch. */
interface LiveOperand extends Operand {
  count: number;
}

interface BoundInstruction {
  readonly instruction: Instruction;
  readonly inputs: readonly LiveOperand[];
  readonly outputs: readonly LiveOperand[];
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Between turns of the event loop while an asynchronous run computes. */
const TURN_MS = 10;

/**
 * Plain TypeScript, over float32 or float64 arrays: the definition of what a plan means. Each function
 * has its twin of the same name in native/executor.cc.
 */
class ReferenceProgram implements Program {
  readonly #plan: Plan;
  readonly #inputs: readonly LiveOperand[];
  readonly #outputs: readonly LiveOperand[];
  readonly #instructions: readonly BoundInstruction[];
  #running = false;
  #cancelled = false;

  constructor(plan: Plan, regions: Regions) {
    this.#plan = plan;
    const bind = (buffer: Buffer): LiveOperand => bindBuffer(buffer, plan.capacity, regions);
    this.#inputs = plan.inputs.map(({ buffer }) => bind(buffer));
    this.#outputs = plan.outputs.map(({ buffer }) => bind(buffer));
    this.#instructions = plan.instructions.map((instruction) => ({
      instruction,
      inputs: instruction.inputs.map(bind),
      outputs: instruction.outputs.map(bind),
    }));
  }

  async run(job: Job): Promise<RunResult> {
    const shared = shareJob(job, shareArray);
    const result = await this.#run(shared.job);
    shared.finish();
    return result;
  }

  async #run(job: Job): Promise<RunResult> {
    this.#enter();
    try {
      this.#check(job);
      const started = performance.now();
      let done = job.firstStep;
      for (;;) {
        const left = job.budget - (performance.now() - started);
        const slice: Job = { ...job, firstStep: done, budget: Math.max(0, Math.min(left, TURN_MS)) };
        const [steps, outcome] = this.#runSteps(slice);
        done = steps;
        await nextTurn();
        if (outcome !== "budget" || performance.now() - started >= job.budget) return [done, outcome];
      }
    } finally {
      this.#running = false;
    }
  }

  runSync(job: Job): RunResult {
    this.#enter();
    try {
      this.#check(job);
      return this.#runSteps(job);
    } finally {
      this.#running = false;
    }
  }

  step(batch: number, counter: number, learningRate: number, seedLow: number, seedHigh: number): boolean {
    this.#enter();
    try {
      return this.#runStep(batch, counter, learningRate, [seedLow, seedHigh]);
    } finally {
      this.#running = false;
    }
  }

  cancel(): void {
    this.#cancelled = true;
  }

  #enter(): void {
    if (this.#running) throw new BusyError(`the ${this.#plan.name} program is busy`);
    this.#running = true;
    this.#cancelled = false;
  }

  /** What lies past the end of an array reads as NaN, and would spoil results without a word. */
  #check(job: Job): void {
    let rows = job.epochRows;
    if (job.indices !== null) rows = job.indices.reduce((most, row) => Math.max(most, row + 1), 0);
    this.#inputs.forEach((input, i) => {
      const length = job.columns[i]?.data.length ?? 0;
      if (length >= rows * input.size) return;
      const name = `columns[${i}] (${this.#plan.inputs[i]?.name})`;
      throw new DataError(
        `${name} must be at least ${rows} rows of ${input.size} elements long, got ${length}: ` +
          "its ArrayBuffer was transferred or resized",
      );
    });
  }

  #runSteps(job: Job): RunResult {
    const perEpoch = stepsPerEpoch(job);
    const total = perEpoch * job.epochs;
    const deadline = performance.now() + job.budget;
    for (let step = job.firstStep; step < total; step++) {
      if (this.#cancelled) return [step, "cancelled"];
      const epoch = Math.floor(step / perEpoch);
      const first = (step % perEpoch) * job.batchSize;
      const batch = Math.min(job.batchSize, job.epochRows - first);
      this.#gather(job, epoch * job.epochRows, first, batch);
      const rate = job.learningRates[job.learningRates.length === 1 ? 0 : step] as number;
      if (!this.#runStep(batch, job.counter + step, rate, job.seed)) return [step, "notFinite"];
      this.#emit(job, step, epoch * job.epochRows + first, batch);
      const endsEpoch = (step + 1) % perEpoch === 0;
      if (endsEpoch && this.#epochMean(job, step, perEpoch) < job.stopBelow) return [step + 1, "stopped"];
      if (performance.now() >= deadline && step + 1 < total) return [step + 1, "budget"];
    }
    return [total, "done"];
  }

  /** Reads `batch` rows into the input region; `epochStart` is the epoch's place among the indices. */
  #gather(job: Job, epochStart: number, first: number, batch: number): void {
    this.#inputs.forEach((input, i) => {
      const column = job.columns[i];
      if (column === undefined) return;
      const { data, scale, offset } = column;
      for (let sample = 0; sample < batch; sample++) {
        const row =
          job.indices === null ? first + sample : (job.indices[epochStart + first + sample] as number);
        for (let j = 0; j < input.size; j++) {
          input.data[sample * input.size + j] = (data[row * input.size + j] as number) * scale + offset;
        }
      }
    });
  }

  #runStep(batch: number, step: number, learningRate: number, seed: readonly [number, number]): boolean {
    let failed = false;
    const fail = (): void => {
      failed = true;
    };
    for (const { instruction, inputs, outputs } of this.#instructions) {
      for (const operand of inputs) operand.count = elementsOf(operand.type, batch);
      for (const operand of outputs) operand.count = elementsOf(operand.type, batch);
      const { attributes, op } = instruction;
      const call: KernelCall = { inputs, outputs, attributes, batch, step, seed, learningRate, fail };
      op.run(call);
      if (failed) return false;
    }
    return true;
  }

  /** Copies the outputs of a step to their place in the job's arrays. */
  #emit(job: Job, step: number, row: number, batch: number): void {
    this.#outputs.forEach((output, i) => {
      const target = job.outputs[i];
      const start = (output.type.batched ? row : step) * output.size;
      target?.set(output.data.subarray(0, elementsOf(output.type, batch)), start);
    });
  }

  /** Mean of output 0 over the samples of the epoch that ended with `step`. */
  #epochMean(job: Job, step: number, perEpoch: number): number {
    let sum = 0;
    for (let i = 0; i < perEpoch; i++) {
      const batch = Math.min(job.batchSize, job.epochRows - i * job.batchSize);
      sum += (job.outputs[0]?.[step - perEpoch + 1 + i] as number) * batch;
    }
    return sum / job.epochRows;
  }
}

function bindBuffer(buffer: Buffer, capacity: number, regions: Regions): LiveOperand {
  const count = elementsOf(buffer.type, capacity);
  const data: FloatArray = regions[buffer.region].subarray(buffer.offset, buffer.offset + count);
  return { data, type: buffer.type, size: sizeOf(buffer.type.shape), count };
}

const shareArray: Executor["share"] = (array) => share(array, (bytes) => new SharedArrayBuffer(bytes));

export const referenceExecutor: Executor = {
  kind: "reference",
  share: shareArray,
  allocate: (elements) => new Float32Array(new SharedArrayBuffer(elements * 4)),
  load: (plan, regions) => new ReferenceProgram(plan, regions),
};

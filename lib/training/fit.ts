import type { Callback, Logs, TrainingContext } from "../callbacks/callback.ts";
import { expected, NonFiniteError, OptionError } from "../errors.ts";
import { type Job, type Program, stepsPerEpoch } from "../executor/executor.ts";
import type { Plan } from "../plan/plan.ts";
import { fillPermutations, type Seed, streams } from "../random.ts";
import { sizeOf } from "../tensor.ts";
import type { Bound } from "./bind.ts";
import { type Process, runSteps, settle } from "./drive.ts";
import { EpochSums } from "./epoch.ts";
import type { Statistic } from "./head.ts";
import { holdData, JobArrays } from "./hold.ts";
import { COPY_INTERVAL_MS, type Snapshot } from "./snapshot.ts";

/**
 * Milliseconds of native work until callbacks are told of it; where none waits for that, until the next copy of the
 * weights is due. A slice costs as much as cutting matrices for several threads and joining them again.
 */
const SLICE_MS = 20;
const UNWATCHED_SLICE_MS = COPY_INTERVAL_MS;
/** Most rows and steps that are prepared ahead when epochs are short: about a millisecond, in arrays that stay in cache. */
const MAX_ROWS_AHEAD = 1 << 16;
const MAX_STEPS_AHEAD = 1 << 14;

/** Position of a training, shared with the trainer that owns it. */
export interface Position {
  /** Optimizer steps over the network's life. */
  step: number;
  /** Epochs done. */
  epoch: number;
  /** Batches done of the epoch in progress. */
  batch: number;
  /** Where the weights are already while callbacks are told of earlier steps: what a checkpoint saves. */
  reached?: Readonly<Omit<Position, "reached">> | undefined;
}

export interface Loaded {
  readonly plan: Plan;
  readonly program: Program;
  readonly statistics: readonly Statistic[];
}

export interface FitRequest {
  readonly loaded: Loaded;
  readonly bound: Bound;
  readonly position: Position;
  /** Index of the epoch after the last. */
  readonly endEpoch: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: Seed;
  readonly words: readonly [number, number];
  /** The learning rate of a global step. */
  rate(step: number): number;
  readonly constantRate: boolean;
  readonly stopBelow: number;
  readonly callbacks: readonly Callback[];
  readonly context: TrainingContext;
  readonly signal: AbortSignal | undefined;
  /** Evaluates the validation data at the end of an epoch. */
  validate: (() => Process<Logs>) | undefined;
  /** True once a callback has asked to stop. */
  stopped(): boolean;
  /** Called with the logs of each finished epoch. */
  record(logs: Logs): void;
  /** The mean loss of each epoch so far. */
  readonly losses: number[];
  readonly snapshot: Snapshot;
}

interface HeldRequest extends FitRequest {
  readonly arrays: JobArrays;
}

/** Trains until the last epoch; returns why it ended. */
export function* fitEpochs(asked: FitRequest): Process<"done" | "targetLoss" | "callback"> {
  const { position, endEpoch } = asked;
  const { executor } = asked.context.network;
  const bound = yield* holdData(asked.bound, executor);
  const request: HeldRequest = { ...asked, bound, arrays: new JobArrays(executor) };
  const sums = new EpochSums(request.loaded.statistics);
  while (position.epoch < endEpoch) {
    const epochs = epochsAhead(request);
    if (position.batch === 0) yield* notify(request, "onEpochBegin", position.epoch);
    const reached = yield* runChunk(request, epochs, sums);
    if (reached) return "targetLoss";
    if (request.stopped()) return "callback";
  }
  return "done";
}

/** How many epochs run without a look from TypeScript: one where somebody may steer, many where epochs are short. */
function epochsAhead({ bound, batchSize, position, endEpoch, callbacks, validate }: FitRequest): number {
  const steered = validate !== undefined || callbacks.some((callback) => callback.passive !== true);
  if (steered || position.batch > 0) return 1;
  const byRows = Math.floor(MAX_ROWS_AHEAD / bound.length);
  const bySteps = Math.floor(MAX_STEPS_AHEAD / Math.ceil(bound.length / batchSize));
  return Math.max(1, Math.min(byRows, bySteps, endEpoch - position.epoch));
}

/** Runs whole epochs as one job in slices; true when the loss has fallen below the threshold. */
function* runChunk(request: HeldRequest, epochs: number, sums: EpochSums): Process<boolean> {
  const { position, loaded, signal } = request;
  const job = makeJob(request, epochs);
  const perEpoch = stepsPerEpoch(job);
  const firstEpoch = position.epoch;
  const cancel = (): void => loaded.program.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    for (let done = position.batch; ; ) {
      signal?.throwIfAborted();
      const [steps, outcome] = yield* runSteps(loaded.program, { ...job, firstStep: done });
      if (steps === perEpoch * epochs || outcome === "stopped") requireFinite(request, job.counter + steps);
      yield* report(request, job, done, steps, sums);
      done = steps;
      if (outcome === "notFinite") throw notFinite(request, firstEpoch, steps, perEpoch);
      if (outcome === "done") return false;
      if (outcome === "stopped") return true;
      if (request.stopped() && position.batch === 0) return false;
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function makeJob(request: HeldRequest, epochs: number): Job {
  const { bound, batchSize, loaded, position, constantRate, arrays, callbacks } = request;
  // Of several epochs in a job callbacks are told at the end of a slice.
  const watched = callbacks.some(({ onProgress, onBatchEnd }) => epochs > 1 || onProgress || onBatchEnd);
  const steps = Math.ceil(bound.length / batchSize) * epochs;
  const first = position.step - position.batch;
  const rates = arrays.floats("rates", constantRate ? 1 : steps);
  for (let i = 0; i < rates.length; i++) rates[i] = checkedRate(request.rate(first + i), first + i);
  return {
    columns: bound.columns,
    indices: readingOrder(request, epochs),
    epochRows: bound.length,
    epochs,
    batchSize,
    firstStep: 0,
    counter: first,
    learningRates: rates,
    seed: request.words,
    outputs: loaded.plan.outputs.map(({ buffer }, i) =>
      arrays.floats(`output ${i}`, steps * sizeOf(buffer.type.shape)),
    ),
    budget: watched ? SLICE_MS : UNWATCHED_SLICE_MS,
    // Of an epoch that an earlier training began, the mean loss is not known.
    stopBelow: position.batch > 0 ? Number.NaN : request.stopBelow,
  };
}

/** The rate that a schedule or a user's function gave for a step. */
export function checkedRate(rate: number, step: number): number {
  if (Number.isFinite(rate) && rate >= 0) return rate;
  throw new OptionError(
    expected(`fit: the learning rate of step ${step}`, "a finite number of at least 0", rate),
  );
}

/**
 * Rows of the data in the order in which the epochs read them; null for their own order. An epoch's
 * order belongs to the number of its first step, so that a second `fit` does not repeat the first one's.
 */
function readingOrder(
  { bound, position, batchSize, shuffle, seed, arrays }: HeldRequest,
  epochs: number,
): Uint32Array | null {
  const { rows, length } = bound;
  const first = position.step - position.batch;
  const perEpoch = Math.ceil(length / batchSize);
  if (!shuffle && (rows === undefined || epochs === 1)) return rows ?? null;
  const order = arrays.words("order", length * epochs);
  if (shuffle) fillPermutations(order, length, seed, streams.shuffle, first >>> 0, perEpoch);
  else for (let i = 0; i < order.length; i++) order[i] = i % length;
  if (rows !== undefined)
    for (let i = 0; i < order.length; i++) order[i] = rows[order[i] as number] as number;
  return order;
}

/** Takes over what the steps from `from` to `to` of the job reported, epoch by epoch. */
function* report(request: FitRequest, job: Job, from: number, to: number, sums: EpochSums): Process<void> {
  const { position } = request;
  const perEpoch = stepsPerEpoch(job);
  const epoch = position.epoch + Math.floor(to / perEpoch) - Math.floor(from / perEpoch);
  const reached = { step: job.counter + to, epoch, batch: to % perEpoch };
  position.reached = reached;
  try {
    yield* reportSteps(request, job, from, to, sums);
    if (position.batch > 0) yield* progress(request, sums);
    request.snapshot.offer();
  } finally {
    // Also after an error of a callback the position says where the weights are.
    Object.assign(position, reached, { reached: undefined });
  }
}

/** Adds the mean losses of whole epochs, of which nobody wants more: those of a tiny network take less than a look. */
function addMeanLosses(
  means: number[],
  losses: Float32Array,
  from: number,
  epochs: number,
  { batchSize, epochRows }: Job,
): void {
  let step = from;
  for (let epoch = 0; epoch < epochs; epoch++) {
    let sum = 0;
    let rows = epochRows;
    for (; rows > batchSize; rows -= batchSize) sum += (losses[step++] as number) * batchSize;
    means.push((sum + (losses[step++] as number) * rows) / epochRows);
  }
}

/** Step by step only where a callback wants each batch: epochs of a tiny network take less than a look at them. */
function* reportSteps(
  request: FitRequest,
  job: Job,
  from: number,
  to: number,
  sums: EpochSums,
): Process<void> {
  const { position, callbacks } = request;
  const { outputs, batchSize, epochRows } = job;
  const perEpoch = stepsPerEpoch(job);
  const eachBatch = callbacks.some((callback) => callback.onBatchEnd !== undefined);
  const lossAlone = sums.lossAlone && callbacks.length === 0 && request.validate === undefined;
  for (let step = from; step < to; ) {
    const first = step % perEpoch;
    if (lossAlone && first === 0) {
      const epochs = Math.floor((to - step) / perEpoch);
      addMeanLosses(request.losses, outputs[0] as Float32Array, step, epochs, job);
      step += epochs * perEpoch;
      position.epoch += epochs;
      if (step === to) break;
    }
    const end = eachBatch ? first + 1 : Math.min(perEpoch, first + to - step);
    const begin = step;
    step += end - first;
    sums.add(outputs, begin, step, batchSize, Math.min(epochRows, end * batchSize) - first * batchSize);
    position.step = job.counter + step;
    position.batch = end;
    if (eachBatch) yield* notify(request, "onBatchEnd", end - 1, sums.logs());
    if (end < perEpoch) continue;
    yield* finishEpoch(request, sums, step === perEpoch * job.epochs);
  }
}

function* progress(request: FitRequest, sums: EpochSums): Process<void> {
  const { position, bound, batchSize } = request;
  if (!request.callbacks.some((callback) => callback.onProgress !== undefined)) return;
  const { epoch, batch } = position;
  const batches = Math.ceil(bound.length / batchSize);
  const logs = sums.logs();
  for (const callback of request.callbacks) {
    yield* settle(
      callback.onProgress?.({ epoch, batch, batches, samples: sums.samples, logs }, request.context),
    );
  }
}

function* finishEpoch(request: FitRequest, sums: EpochSums, lastOfChunk: boolean): Process<void> {
  const { position } = request;
  const watched = request.callbacks.length > 0;
  if (watched) yield* progress(request, sums);
  const epoch = position.epoch;
  let logs = sums.logs();
  sums.reset();
  position.epoch = epoch + 1;
  position.batch = 0;
  if (request.validate !== undefined) logs = { ...logs, ...(yield* request.validate()) };
  request.record(logs);
  if (watched) yield* notify(request, "onEpochEnd", epoch, logs);
  if (watched && !lastOfChunk) yield* notify(request, "onEpochBegin", epoch + 1);
}

type EpochEvent = "onEpochBegin" | "onEpochEnd" | "onBatchEnd";

function* notify(request: FitRequest, event: EpochEvent, index: number, logs: Logs = {}): Process<void> {
  for (const callback of request.callbacks) {
    const { context } = request;
    const call =
      event === "onEpochBegin"
        ? callback.onEpochBegin?.(index, context)
        : callback[event]?.(index, logs, context);
    yield* settle(call);
  }
}

/** A training that goes on in mid-epoch needs the batches that it was interrupted in. */
export function checkPosition({ batch }: Position, perEpoch: number): void {
  if (batch < perEpoch) return;
  const wanted = `more than ${batch} batches in an epoch, as many as when the training was interrupted`;
  throw new OptionError(`fit: resume needs ${wanted}; with this data and batchSize there are ${perEpoch}`);
}

/** An update may overflow in the last step before anybody looks: no loss would tell. */
export function requireFinite(request: Pick<FitRequest, "position" | "snapshot">, steps: number): void {
  const { position, snapshot } = request;
  if (snapshot.intact()) return;
  const message =
    `an update before step ${steps + 1} made weights NaN or infinite; the network keeps its weights ` +
    `${snapshot.rescue()}. A lower learning rate, gradient clipping (globalClipNorm) or scaled inputs usually help.`;
  throw new NonFiniteError(message, position.epoch, steps);
}

function notFinite(request: FitRequest, firstEpoch: number, steps: number, perEpoch: number): NonFiniteError {
  const kept = request.snapshot.rescue();
  const epoch = firstEpoch + Math.floor(steps / perEpoch);
  const message =
    `the loss or a gradient became NaN or infinite at epoch ${epoch + 1}, batch ${(steps % perEpoch) + 1} ` +
    `(step ${request.position.step + 1}); the network keeps its weights ${kept}. ` +
    "A lower learning rate, gradient clipping (globalClipNorm) or scaled inputs usually help.";
  return new NonFiniteError(message, epoch, request.position.step);
}

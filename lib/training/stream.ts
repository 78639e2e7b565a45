import type { Dataset } from "../data/dataset.ts";
import { type BatchSource, batchStream } from "../data/stream.ts";
import { DataError, NonFiniteError } from "../errors.ts";
import type { Job } from "../executor/executor.ts";
import { sizeOf } from "../tensor.ts";
import type { Bound } from "./bind.ts";
import { type Process, runSteps, settle } from "./drive.ts";
import { EpochSums } from "./epoch.ts";
import { checkedRate, type FitRequest, type Loaded, requireFinite } from "./fit.ts";

export interface StreamRequest
  extends Omit<FitRequest, "loaded" | "bound" | "batchSize" | "shuffle" | "stopBelow"> {
  readonly source: BatchSource;
  bind(batch: Dataset): Bound;
  load(bound: Bound): Loaded;
}

/** Trains on batches as they come, one step each; the source is asked anew for every epoch. */
export function* fitStream(request: StreamRequest): Process<"done" | "callback"> {
  const { position, context, callbacks } = request;
  while (position.epoch < request.endEpoch) {
    const epoch = position.epoch;
    for (const callback of callbacks) yield* settle(callback.onEpochBegin?.(epoch, context));
    let logs = yield* streamEpoch(request);
    requireFinite(request, position.step);
    position.epoch = epoch + 1;
    position.batch = 0;
    if (request.validate !== undefined) logs = { ...logs, ...(yield* request.validate()) };
    request.snapshot.offer();
    request.record(logs);
    for (const callback of callbacks) yield* settle(callback.onEpochEnd?.(epoch, logs, context));
    if (request.stopped()) return "callback";
  }
  return "done";
}

function* streamEpoch(request: StreamRequest): Process<Readonly<Record<string, number>>> {
  const { position, context, callbacks, signal } = request;
  const batches = batchStream(request.source);
  let sums: EpochSums | undefined;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { value, done } = yield* settle(batches.next());
      if (done === true) break;
      const bound = request.bind(value as Dataset);
      const loaded = request.load(bound);
      sums ??= new EpochSums(loaded.statistics);
      yield* trainBatch(request, loaded, bound, sums);
      const logs = sums.logs();
      const { epoch, batch } = position;
      for (const callback of callbacks) {
        yield* settle(callback.onBatchEnd?.(batch - 1, logs, context));
        yield* settle(
          callback.onProgress?.({ epoch, batch, batches: undefined, samples: sums.samples, logs }, context),
        );
      }
    }
  } finally {
    yield* settle(batches.return());
  }
  if (sums === undefined) throw new DataError(`epoch ${position.epoch + 1}: the source of batches gave none`);
  return sums.logs();
}

function* trainBatch(request: StreamRequest, loaded: Loaded, bound: Bound, sums: EpochSums): Process<void> {
  const { position } = request;
  const job: Job = {
    columns: bound.columns,
    indices: bound.rows ?? null,
    epochRows: bound.length,
    epochs: 1,
    batchSize: bound.length,
    firstStep: 0,
    counter: position.step,
    learningRates: Float32Array.of(checkedRate(request.rate(position.step), position.step)),
    seed: request.words,
    outputs: loaded.plan.outputs.map(({ buffer }) => new Float32Array(sizeOf(buffer.type.shape))),
    budget: Number.POSITIVE_INFINITY,
    stopBelow: Number.NaN,
  };
  const [steps, outcome] = yield* runSteps(loaded.program, job);
  if (outcome === "notFinite") {
    const kept = request.snapshot.rescue();
    const where = `epoch ${position.epoch + 1}, batch ${position.batch + 1}`;
    throw new NonFiniteError(
      `the loss or a gradient became NaN or infinite at ${where}; the network keeps its weights ${kept}`,
      position.epoch,
      position.step,
    );
  }
  if (steps === 0) return;
  sums.add(job.outputs, 0, 1, bound.length, bound.length);
  position.step += 1;
  position.batch += 1;
}

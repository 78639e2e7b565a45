import type { Callback, Logs } from "../callbacks/callback.ts";
import { progressBar } from "../callbacks/progress-bar.ts";
import { Stopwatch } from "../callbacks/stopwatch.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Trainer } from "../trainer.ts";
import type { Terminal } from "./terminal.ts";

export interface TrainingRequest {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly epochs: number;
  readonly batchSize: number;
  readonly signal: AbortSignal;
}

/** What came of a training, however it ended. */
export interface TrainingRecord {
  /** Loss and metrics by name, an entry an epoch that was finished. */
  readonly logs: Readonly<Record<string, readonly number[]>>;
  readonly seconds: number;
  /** Training samples a second, validation not counted. */
  readonly rate: number;
  readonly interrupted: boolean;
}

/** A callback that takes the speed of training. */
export class Speedometer implements Callback {
  readonly name = "speedometer";
  readonly passive = true;
  readonly #watch = new Stopwatch();

  /** Samples a second. */
  get rate(): number {
    return this.#watch.rate;
  }

  onTrainBegin(): void {
    this.#watch.begin(0);
  }

  onEpochBegin(): void {
    this.#watch.beginEpoch();
  }

  onProgress({ samples }: { readonly samples: number }): void {
    this.#watch.sampled(samples);
  }
}

/** Trains with a progress bar, or a line an epoch without a terminal; an abort is an end like another. */
export async function train(
  trainer: Trainer,
  request: TrainingRequest,
  terminal: Terminal,
): Promise<TrainingRecord> {
  const { epochs, batchSize, validation, signal } = request;
  const logs: Record<string, number[]> = {};
  const recorder: Callback = {
    passive: true,
    onEpochEnd: (_epoch: number, entries: Logs) => {
      for (const [name, value] of Object.entries(entries)) {
        logs[name] ??= [];
        logs[name].push(value);
      }
    },
  };
  const speed = new Speedometer();
  const bar = progressBar({ stream: terminal.output, lines: true });
  const start = performance.now();
  try {
    const callbacks = [bar, speed, recorder];
    await trainer.fit(request.train, { epochs, batchSize, validationData: validation, callbacks, signal });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
  const seconds = (performance.now() - start) / 1000;
  return { logs, seconds, rate: speed.rate, interrupted: signal.aborted };
}

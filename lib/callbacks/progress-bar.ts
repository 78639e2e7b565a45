import type { Options, SingleBar } from "cli-progress";
import { checkOptions, expected, OptionError } from "../errors.ts";
import { loadCliProgress } from "../lazy.ts";
import type { Callback, Logs, Progress, TrainingContext } from "./callback.ts";
import { checkFlag } from "./checks.ts";
import { finishedLine, type ProgressView, runningLine } from "./progress-line.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Where progress is shown: `process.stderr`, `process.stdout` or anything alike. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
  write(text: string): unknown;
}

export interface ProgressBarOptions {
  /** Default `process.stderr`, so that a program's own output stays clean. */
  stream?: OutputStream;
  /** Without a terminal: true gives a line an epoch, false nothing at all. Default false. */
  lines?: boolean;
  /** On a terminal: a line for each epoch, or one for the whole training. Default: up to 50 epochs. */
  perEpoch?: boolean;
}

const WHERE = "callbacks.progressBar";
const MOST_EPOCH_LINES = 50;
/** The bar counts in these, as cli-progress wants whole numbers. */
const UNITS = 10_000;

class ProgressBarCallback implements Callback {
  readonly name = "progressBar";
  readonly passive = true;
  readonly #stream: OutputStream;
  readonly #terminal: boolean;
  readonly #lines: boolean;
  readonly #perEpochOption: boolean | undefined;
  readonly #watch = new Stopwatch();
  #perEpoch = true;
  #bar: SingleBar | undefined;
  #view: ProgressView | undefined;
  /** Known of a source of batches once it has ended. */
  #samplesPerEpoch: number | undefined;
  #samples = 0;

  constructor(options: ProgressBarOptions) {
    checkOptions(WHERE, options, ["stream", "lines", "perEpoch"]);
    const { stream = process.stderr, lines = false, perEpoch } = options;
    if (typeof stream?.write !== "function") {
      throw new OptionError(expected(`${WHERE}: stream`, "a stream to write to", stream));
    }
    this.#stream = stream;
    this.#terminal = stream.isTTY === true;
    this.#lines = checkFlag(`${WHERE}: lines`, lines);
    this.#perEpochOption = perEpoch === undefined ? undefined : checkFlag(`${WHERE}: perEpoch`, perEpoch);
  }

  onTrainBegin(context: TrainingContext): void {
    this.#perEpoch = this.#perEpochOption ?? context.epochs <= MOST_EPOCH_LINES;
    this.#samplesPerEpoch = context.samples;
    this.#watch.begin(context.trainer.epoch);
  }

  onEpochBegin(epoch: number, context: TrainingContext): void {
    this.#watch.beginEpoch();
    this.#samples = 0;
    this.#show(epoch, this.#samplesPerEpoch === undefined ? undefined : 0, {}, context);
  }

  onProgress(progress: Progress, context: TrainingContext): void {
    const { epoch, batch, batches, samples, logs } = progress;
    this.#samples = samples;
    this.#watch.sampled(samples);
    const share = this.#samplesPerEpoch === undefined ? undefined : samples / this.#samplesPerEpoch;
    this.#show(epoch, batches === undefined ? share : batch / batches, logs, context);
  }

  onEpochEnd(epoch: number, logs: Logs, context: TrainingContext): void {
    this.#samplesPerEpoch ??= this.#samples;
    this.#show(epoch, 1, logs, context);
    const perEpoch = this.#terminal ? this.#perEpoch : this.#lines;
    if (perEpoch) this.#finish(this.#watch.epochSeconds);
  }

  onTrainEnd(): void {
    if (this.#bar !== undefined) this.#finish(this.#watch.trainingSeconds);
  }

  onClose(): void {
    this.#clear();
  }

  #show(epoch: number, fraction: number | undefined, logs: Logs, context: TrainingContext): void {
    const { epochs } = context;
    const done = fraction === undefined ? undefined : epoch + fraction;
    const width = String(epochs).length;
    this.#view = {
      label: `epoch ${String(epoch + 1).padStart(width)}/${epochs}`,
      fraction: this.#perEpoch || done === undefined ? fraction : done / epochs,
      samples: this.#samples,
      rate: this.#watch.rate,
      remaining: done === undefined ? undefined : this.#watch.remaining(done, epochs),
      elapsed: this.#watch.epochSeconds,
      logs,
    };
    if (!this.#terminal) return;
    const value = Math.round((this.#view.fraction ?? 0) * UNITS);
    if (this.#bar === undefined) {
      this.#bar = this.#newBar();
      this.#bar.start(UNITS, value);
    } else {
      this.#bar.update(value);
    }
  }

  #newBar(): SingleBar {
    const colors = this.#stream.hasColors?.() === true;
    const options: Options = {
      stream: this.#stream as NodeJS.WritableStream,
      format: (_options, { maxWidth }) =>
        this.#view === undefined ? "" : runningLine(this.#view, maxWidth as number, colors),
      // The line that stays is written when the bar is gone, and may be longer than the terminal is wide.
      clearOnComplete: true,
      // An interrupted process must leave the terminal as it was.
      linewrap: true,
      gracefulExit: false,
    };
    const { SingleBar } = loadCliProgress();
    return new SingleBar(options);
  }

  #finish(elapsed: number): void {
    this.#clear();
    if (this.#view === undefined) return;
    const columns = this.#terminal ? this.#stream.columns : undefined;
    this.#stream.write(`${finishedLine({ ...this.#view, elapsed }, columns)}\n`);
  }

  #clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/**
 * Shows the training on a terminal: epoch, a bar, samples a second, the time that is left, loss and
 * metrics. Elsewhere it is silent unless `lines` is true. It only watches: short epochs do not wait for it.
 */
export function progressBar(options: ProgressBarOptions = {}): Callback {
  return new ProgressBarCallback(options);
}

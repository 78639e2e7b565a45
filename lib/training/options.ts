import { CALLBACK_METHODS, type Callback } from "../callbacks/callback.ts";
import { Dataset, type DatasetSource } from "../data/dataset.ts";
import { type BatchSource, isBatchSource } from "../data/stream.ts";
import { checkNumber, checkOptions, expected, OptionError } from "../errors.ts";
import type { ClassWeight } from "./bind.ts";

/** Samples in memory, or batches from an iterable. */
export type TrainingData = DatasetSource | Dataset | BatchSource;

export interface FitOptions<V = DatasetSource | Dataset> {
  /** Passes over the data. Default 1. */
  epochs?: number;
  /** Samples of a step. Default 32, or all where there are fewer. */
  batchSize?: number;
  /** A new random order every epoch. Default true. */
  shuffle?: boolean;
  /** Share of the data, from its end, that validates instead of training. Default 0. */
  validationSplit?: number;
  validationData?: V;
  callbacks?: readonly Callback[];
  /** Ends the training at the next step; `fit` then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Weight of each class in the loss; 1 for classes that are not named. */
  classWeight?: ClassWeight;
  /** Ends the training when an epoch's mean loss is below. */
  targetLoss?: number;
  /** Go on from where a restored or aborted training stood; `epochs` then counts from its beginning. Default false. */
  resume?: boolean;
}

const OPTIONS = [
  "epochs",
  "batchSize",
  "shuffle",
  "validationSplit",
  "validationData",
  "callbacks",
  "signal",
  "classWeight",
  "targetLoss",
  "resume",
] as const;

export interface CheckedFit {
  readonly epochs: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly resume: boolean;
  readonly targetLoss: number;
  readonly callbacks: readonly Callback[];
  readonly signal: AbortSignal | undefined;
  readonly classWeight: ClassWeight | undefined;
  readonly training: Dataset | BatchSource;
  readonly validation: Dataset | undefined;
}

function flag(where: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === "boolean") return value;
  throw new OptionError(expected(where, "true or false", value));
}

function checkMethods(callback: Callback, where: string): void {
  for (const name of CALLBACK_METHODS) {
    const method: unknown = callback[name];
    if (method === undefined || typeof method === "function") continue;
    throw new OptionError(expected(`${where}.${name}`, "a function", method));
  }
}

function checkCallbacks(callbacks: unknown): void {
  if (!Array.isArray(callbacks)) throw new OptionError(expected("fit: callbacks", "a list", callbacks));
  callbacks.forEach((callback: unknown, i) => {
    if (typeof callback === "object" && callback !== null) {
      checkMethods(callback, `fit: callbacks[${i}]`);
      return;
    }
    throw new OptionError(
      expected(`fit: callbacks[${i}]`, "an object with methods such as onEpochEnd", callback),
    );
  });
}

/** Checks the options of `fit` and separates training from validation data. */
export function checkFit(data: TrainingData, options: FitOptions): CheckedFit {
  checkOptions("fit", options, OPTIONS);
  const { validationSplit = 0, validationData, signal, callbacks = [] } = options;
  checkNumber("fit: validationSplit", validationSplit, { min: 0, max: 0.999 });
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError(expected("fit: signal", "an AbortSignal", signal));
  }
  signal?.throwIfAborted();
  checkCallbacks(callbacks);
  const checked = {
    epochs: checkNumber("fit: epochs", options.epochs ?? 1, { min: 0, integer: true }),
    batchSize: checkNumber("fit: batchSize", options.batchSize ?? 32, {
      min: 1,
      max: 2 ** 24,
      integer: true,
    }),
    shuffle: flag("fit: shuffle", options.shuffle, true),
    resume: flag("fit: resume", options.resume, false),
    targetLoss:
      options.targetLoss === undefined ? Number.NaN : checkNumber("fit: targetLoss", options.targetLoss),
    callbacks: callbacks.toSorted((a, b) => Number(a.last ?? false) - Number(b.last ?? false)),
    signal,
    classWeight: options.classWeight,
  };
  const validation = validationData === undefined ? undefined : Dataset.from(validationData);
  if (isBatchSource(data)) {
    if (validationSplit > 0)
      throw new OptionError("fit: validationSplit needs data in memory; give validationData");
    if (options.targetLoss !== undefined) throw new OptionError("fit: targetLoss needs data in memory");
    return { ...checked, training: data, validation };
  }
  const dataset = Dataset.from(data);
  if (options.batchSize !== undefined && options.batchSize > dataset.length) {
    throw new OptionError(
      `fit: batchSize must be at most the number of samples (${dataset.length}), got ${options.batchSize}`,
    );
  }
  const within = (training: Dataset): number => Math.min(checked.batchSize, training.length);
  if (validationSplit === 0) return { ...checked, batchSize: within(dataset), training: dataset, validation };
  if (validation !== undefined)
    throw new OptionError("fit: give validationSplit or validationData, not both");
  const [training, held] = dataset.split(1 - validationSplit, { shuffle: false });
  return { ...checked, batchSize: within(training), training, validation: held };
}

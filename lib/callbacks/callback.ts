import type { Network } from "../network.ts";

/** Numbers of an epoch or a part of it: `loss`, metrics by name, `valLoss` and so on. */
export type Logs = Readonly<Record<string, number>>;

/** How far a training is. */
export interface Progress {
  /** From 0. */
  readonly epoch: number;
  /** Batches of this epoch that are done. */
  readonly batch: number;
  /** Batches of an epoch; undefined while a source of batches has not ended once. */
  readonly batches: number | undefined;
  /** Samples of this epoch that are done. */
  readonly samples: number;
  /** Means so far in this epoch. */
  readonly logs: Logs;
}

/** What a trainer can keep in a checkpoint and go on from. */
export interface Resumable {
  readonly epoch: number;
  /** Multiplies every learning rate; reduce-on-plateau lowers it. */
  learningRateFactor: number;
  /** The rate of the next step. */
  readonly learningRate: number;
  /** Writes weights, optimizer state, schedule position and random state. */
  save(path: string): Promise<void>;
}

/** What callbacks see of the training they are in. */
export interface TrainingContext {
  readonly network: Network;
  readonly trainer: Resumable;
  /** Epochs that were asked for. */
  readonly epochs: number;
  readonly batchSize: number;
  /** Samples of an epoch; undefined for a source of batches. */
  readonly samples: number | undefined;
  /** Ends the training after this epoch. */
  stop(reason: string): void;
}

/**
 * Watches or steers a training. Every method is optional and may be asynchronous in `fit`; in
 * `fitSync` a method that returns a promise is an error.
 */
export interface Callback {
  readonly name?: string;
  /**
   * True when the callback only watches: short epochs may then run ahead and be reported in groups.
   * Otherwise the training waits for the callback at the end of each epoch. Default false.
   */
  readonly passive?: boolean;
  /**
   * True when the others come first at each event, whatever the order in the list: a checkpoint keeps
   * what they remember of the very epoch that it saves. Default false.
   */
  readonly last?: boolean;
  onTrainBegin?(context: TrainingContext): void | Promise<void>;
  onEpochBegin?(epoch: number, context: TrainingContext): void | Promise<void>;
  /** About every 20 ms, and at the end of each epoch. */
  onProgress?(progress: Progress, context: TrainingContext): void | Promise<void>;
  /** For each batch, in order, up to 20 ms after it; the logs are means of the epoch so far. */
  onBatchEnd?(batch: number, logs: Logs, context: TrainingContext): void | Promise<void>;
  onEpochEnd?(epoch: number, logs: Logs, context: TrainingContext): void | Promise<void>;
  onTrainEnd?(logs: Logs, context: TrainingContext): void | Promise<void>;
  /** Called whatever ends the training, errors included; for giving back what `onTrainBegin` took. */
  onClose?(context: TrainingContext): void | Promise<void>;
  /** JSON that a checkpoint keeps, so that a resumed training decides alike. */
  state?(): unknown;
  restore?(state: unknown): void;
}

/** The methods that a callback may have. */
export const CALLBACK_METHODS = [
  "onTrainBegin",
  "onEpochBegin",
  "onProgress",
  "onBatchEnd",
  "onEpochEnd",
  "onTrainEnd",
  "onClose",
  "state",
  "restore",
] as const satisfies readonly (keyof Callback)[];

import { checkNumber, checkOptions } from "../errors.ts";
import type { Callback, Logs, TrainingContext } from "./callback.ts";
import { checkFlag, StateReader } from "./checks.ts";
import { type Monitor, type MonitorMode, makeMonitor } from "./monitor.ts";

export interface EarlyStoppingOptions {
  /** A quantity of the logs. Default "valLoss". */
  monitor?: string;
  /** Epochs without progress after which the training ends. Default 0: at the first. */
  patience?: number;
  /** A smaller change is no progress. Default 0. */
  minDelta?: number;
  /** Default "auto", by the monitor's name. */
  mode?: MonitorMode;
  /** Puts the weights of the best epoch back at the end, stopped early or not. Default false. */
  restoreBestWeights?: boolean;
  /** Only what is better than this counts as progress. Default: none. */
  baseline?: number;
  /** Epochs (from 0) before this one are not looked at. Default 0. */
  startFromEpoch?: number;
}

export interface EarlyStopping extends Callback {
  /** The best value so far; undefined before the first epoch. */
  readonly best: number | undefined;
  /** Its epoch, from 0. */
  readonly bestEpoch: number | undefined;
  /** The epoch after which the training was ended; undefined when it ran to its end. */
  readonly stoppedEpoch: number | undefined;
}

const OPTIONS = [
  "monitor",
  "patience",
  "minDelta",
  "mode",
  "restoreBestWeights",
  "baseline",
  "startFromEpoch",
] as const;

const WHERE = "callbacks.earlyStopping";
const COUNT = { min: 0, integer: true };

class EarlyStoppingCallback implements EarlyStopping {
  readonly name: string;
  stoppedEpoch: number | undefined;
  readonly #monitor: Monitor;
  readonly #patience: number;
  readonly #minDelta: number;
  readonly #baseline: number | null;
  readonly #startFromEpoch: number;
  readonly #restoresWeights: boolean;
  #best: number | null = null;
  #bestEpoch: number | null = null;
  #wait = 0;
  #weights: Float32Array | undefined;
  /** Kept weights of a checkpoint; their size is known only when the training begins. */
  #restored: StateReader | undefined;

  constructor(options: EarlyStoppingOptions) {
    checkOptions(WHERE, options, OPTIONS);
    this.#monitor = makeMonitor(WHERE, options.monitor ?? "valLoss", options.mode);
    this.#patience = checkNumber(`${WHERE}: patience`, options.patience ?? 0, COUNT);
    this.#minDelta = checkNumber(`${WHERE}: minDelta`, options.minDelta ?? 0, { min: 0 });
    this.#restoresWeights = checkFlag(`${WHERE}: restoreBestWeights`, options.restoreBestWeights ?? false);
    this.#startFromEpoch = checkNumber(`${WHERE}: startFromEpoch`, options.startFromEpoch ?? 0, COUNT);
    this.#baseline =
      options.baseline === undefined ? null : checkNumber(`${WHERE}: baseline`, options.baseline);
    this.name = `earlyStopping(${this.#monitor.name})`;
  }

  get best(): number | undefined {
    return this.#best ?? undefined;
  }

  get bestEpoch(): number | undefined {
    return this.#bestEpoch ?? undefined;
  }

  onTrainBegin(context: TrainingContext): void {
    this.stoppedEpoch = undefined;
    if (context.trainer.epoch === 0) this.#reset();
    const { state } = context.network;
    const bytes = this.#restored?.bytesOrNull("weights", state.byteLength) ?? null;
    if (bytes !== null) this.#weights = new Float32Array(Uint8Array.from(bytes).buffer);
    this.#restored = undefined;
  }

  onEpochEnd(epoch: number, logs: Logs, context: TrainingContext): void {
    const value = this.#monitor.read(logs);
    if (epoch < this.#startFromEpoch) return;
    this.#wait += 1;
    if (this.#monitor.improves(value, this.#best, this.#minDelta)) {
      this.#best = value;
      this.#bestEpoch = epoch;
      if (this.#restoresWeights) this.#keepWeights(context);
      const passes = this.#baseline === null || this.#monitor.improves(value, this.#baseline, this.#minDelta);
      if (passes) this.#wait = 0;
    }
    if (this.#wait === 0 || this.#wait < this.#patience) return;
    this.stoppedEpoch = epoch;
    context.stop(`${this.#monitor.name} has not improved for ${this.#wait} epochs`);
  }

  onTrainEnd(_logs: Logs, { network }: TrainingContext): void {
    if (this.#weights !== undefined) network.state.set(this.#weights);
  }

  state(): unknown {
    const { buffer, byteOffset, byteLength } = this.#weights ?? new Float32Array(0);
    const weights = this.#weights && Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    return { best: this.#best, bestEpoch: this.#bestEpoch, wait: this.#wait, weights: weights ?? null };
  }

  restore(state: unknown): void {
    const reader = new StateReader(this.name, state);
    this.#best = reader.numberOrNull("best");
    this.#bestEpoch = reader.numberOrNull("bestEpoch");
    this.#wait = reader.number("wait");
    if (this.#restoresWeights) this.#restored = reader;
  }

  #keepWeights({ network }: TrainingContext): void {
    if (this.#weights?.length === network.state.length) this.#weights.set(network.state);
    else this.#weights = Float32Array.from(network.state);
  }

  #reset(): void {
    this.#best = null;
    this.#bestEpoch = null;
    this.#wait = 0;
    this.#weights = undefined;
    this.#restored = undefined;
  }
}

/**
 * Ends the training when a quantity has stopped improving. A checkpoint keeps its state, the best
 * weights included where they are to be restored (as base64: about 1.3 times the model's size).
 * @throws OptionError at the first epoch's end when the logs have no such quantity
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): EarlyStopping {
  return new EarlyStoppingCallback(options);
}

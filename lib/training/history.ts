import type { Logs } from "../callbacks/callback.ts";

export interface History {
  /** The mean training loss of each epoch. */
  readonly loss: readonly number[];
  /** Every quantity by name, an entry an epoch: loss, accuracy, valLoss, valAccuracy, ... */
  readonly logs: Readonly<Record<string, readonly number[]>>;
  readonly epochs: number;
  readonly stopReason: "done" | "targetLoss" | "callback";
  readonly seconds: number;
}

/** A training's history as it grows. */
export class Recorder {
  readonly #started = performance.now();
  readonly losses: number[] = [];
  readonly #logs: Record<string, number[]> = { loss: this.losses };
  /** Of the latest epoch. */
  last: Logs = {};

  /** Takes over what an epoch has to tell. */
  record(logs: Logs): void {
    this.last = logs;
    for (const [name, value] of Object.entries(logs)) {
      const series = this.#logs[name];
      if (series === undefined) this.#logs[name] = [value];
      else series.push(value);
    }
  }

  history(stopReason: History["stopReason"]): History {
    const seconds = (performance.now() - this.#started) / 1000;
    return { loss: this.losses, logs: this.#logs, epochs: this.losses.length, stopReason, seconds };
  }
}

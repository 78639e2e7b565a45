import type { Logs } from "../callbacks/callback.ts";
import { sizeOf } from "../tensor.ts";
import type { Statistic } from "./head.ts";

/** Adds up what the steps of one epoch report, in double precision. */
export class EpochSums {
  readonly #statistics: readonly Statistic[];
  readonly #sums: Float64Array[];
  #loss = 0;
  samples = 0;

  constructor(statistics: readonly Statistic[]) {
    this.#statistics = statistics;
    this.#sums = statistics.map(({ value }) => new Float64Array(sizeOf(value.shape)));
  }

  /**
   * Adds what the steps from `from` to before `to` reported: the first entry is the loss, then the statistics;
   * rows by step. Together they had `samples` samples, `batchSize` each but for the last.
   */
  add(
    reports: readonly ArrayLike<number>[],
    from: number,
    to: number,
    batchSize: number,
    samples: number,
  ): void {
    const losses = reports[0] as ArrayLike<number>;
    const last = to - 1;
    let loss = this.#loss;
    for (let step = from; step < last; step++) loss += (losses[step] as number) * batchSize;
    this.#loss = loss + (losses[last] as number) * (samples - (last - from) * batchSize);
    this.samples += samples;
    for (let i = 0; i < this.#sums.length; i++) {
      const sums = this.#sums[i] as Float64Array;
      const report = reports[i + 1] as ArrayLike<number>;
      for (let step = from; step < to; step++) {
        for (let j = 0; j < sums.length; j++) {
          sums[j] = (sums[j] as number) + (report[step * sums.length + j] as number);
        }
      }
    }
  }

  /** True where there are no metrics. */
  get lossAlone(): boolean {
    return this.#statistics.length === 0;
  }

  /** Loss and metrics so far; metrics that are matrices are left out. */
  logs(prefix = ""): Logs {
    const logs: Record<string, number> = {};
    const name = (key: string): string =>
      prefix === "" ? key : prefix + key.charAt(0).toUpperCase() + key.slice(1);
    logs[name("loss")] = this.#loss / this.samples;
    this.#statistics.forEach(({ name: key, metric }, i) => {
      const result = metric.result(this.#sums[i] as Float64Array);
      if (typeof result === "number") logs[name(key)] = result;
    });
    return logs;
  }

  /** The result of a metric that may be a matrix. */
  result(index: number): number | number[][] {
    const statistic = this.#statistics[index] as Statistic;
    return statistic.metric.result(this.#sums[index] as Float64Array);
  }

  reset(): void {
    this.#loss = 0;
    this.samples = 0;
    for (const sums of this.#sums) sums.fill(0);
  }
}

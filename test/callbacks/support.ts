import type { Callback, Logs, OutputStream, TrainingContext } from "../../lib/callbacks/index.ts";
import { Dataset } from "../../lib/data/dataset.ts";
import { dense } from "../../lib/layers/index.ts";
import { Network } from "../../lib/network.ts";
import { sgd } from "../../lib/optimizers.ts";
import { Trainer } from "../../lib/trainer.ts";

/** A training without a trainer: what callbacks asked of it. */
export interface FakeTraining {
  readonly context: TrainingContext & { trainer: { epoch: number; learningRate: number } };
  readonly network: Network;
  readonly saved: string[];
  stopReason: string | undefined;
  /** Gives the callback one epoch end after the other until it stops the training. */
  run(callback: Callback, logs: readonly Logs[]): Promise<void>;
}

export function tinyNetwork(): Network {
  return new Network({ input: [2], layers: [dense({ units: 1 })], seed: 1, executor: "reference" });
}

/** A training of `epochs` epochs with this base learning rate. */
export function fakeTraining(
  options: { epochs?: number; rate?: number; firstEpoch?: number } = {},
): FakeTraining {
  const { epochs = 100, rate = 0.1, firstEpoch = 0 } = options;
  const network = tinyNetwork();
  const saved: string[] = [];
  const trainer = {
    epoch: firstEpoch,
    learningRateFactor: 1,
    get learningRate(): number {
      return rate * this.learningRateFactor;
    },
    save: async (path: string) => {
      saved.push(path);
    },
  };
  const training: FakeTraining = {
    context: {
      network,
      trainer,
      epochs,
      batchSize: 4,
      samples: 8,
      stop: (reason) => {
        training.stopReason = reason;
      },
    },
    network,
    saved,
    stopReason: undefined,
    run: async (callback, logs) => {
      const { context } = training;
      await callback.onTrainBegin?.(context);
      for (const entry of logs) {
        const epoch = trainer.epoch;
        await callback.onEpochBegin?.(epoch, context);
        trainer.epoch = epoch + 1;
        await callback.onEpochEnd?.(epoch, entry, context);
        if (training.stopReason !== undefined) break;
      }
      await callback.onTrainEnd?.(logs.at(-1) ?? {}, context);
      await callback.onClose?.(context);
    },
  };
  return training;
}

/** A stream that keeps what is written to it. */
export class FakeStream implements OutputStream {
  readonly isTTY: boolean;
  readonly columns: number;
  text = "";

  constructor(isTTY: boolean, columns = 100) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

/** Eight samples of a straight line, and a trainer for them. */
export function tinyTraining(): { trainer: Trainer; data: Dataset } {
  const x = Array.from({ length: 8 }, (_, i) => [i / 8, 1 - i / 4]);
  const data = Dataset.from({ x, y: x.map(([a, b]) => [2 * (a as number) - (b as number)]) });
  const trainer = new Trainer(tinyNetwork(), {
    loss: "meanSquaredError",
    metrics: ["mae"],
    optimizer: sgd({ learningRate: 0.1 }),
  });
  return { trainer, data };
}

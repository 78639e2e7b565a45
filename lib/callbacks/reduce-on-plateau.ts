import { checkNumber, checkOptions } from "../errors.ts";
import type { Callback, Logs, TrainingContext } from "./callback.ts";
import { StateReader } from "./checks.ts";
import { type MonitorMode, makeMonitor } from "./monitor.ts";

export interface ReduceOnPlateauOptions {
  /** A quantity of the logs. Default "valLoss". */
  monitor?: string;
  /** What a reduction multiplies the learning rate by. Default 0.1. */
  factor?: number;
  /** Epochs without progress before a reduction. Default 10. */
  patience?: number;
  /** A smaller change is no progress. Default 1e-4. */
  minDelta?: number;
  /** Epochs after a reduction in which none is counted. Default 0. */
  cooldown?: number;
  /** The rate is not reduced below. Default 0. */
  minLearningRate?: number;
  /** Default "auto", by the monitor's name. */
  mode?: MonitorMode;
}

const OPTIONS = ["monitor", "factor", "patience", "minDelta", "cooldown", "minLearningRate", "mode"] as const;
const WHERE = "callbacks.reduceOnPlateau";

/**
 * Lowers the learning rate when a quantity has stopped improving (Keras's ReduceLROnPlateau). It
 * multiplies whatever the optimizer's schedule says, through `trainer.learningRateFactor`.
 * @throws OptionError at the first epoch's end when the logs have no such quantity
 */
export function reduceOnPlateau(options: ReduceOnPlateauOptions = {}): Callback {
  checkOptions(WHERE, options, OPTIONS);
  const monitor = makeMonitor(WHERE, options.monitor ?? "valLoss", options.mode);
  const factor = checkNumber(`${WHERE}: factor`, options.factor ?? 0.1, { min: 0, max: 1, exclusive: true });
  const patience = checkNumber(`${WHERE}: patience`, options.patience ?? 10, { min: 0, integer: true });
  const minDelta = checkNumber(`${WHERE}: minDelta`, options.minDelta ?? 1e-4, { min: 0 });
  const cooldown = checkNumber(`${WHERE}: cooldown`, options.cooldown ?? 0, { min: 0, integer: true });
  const lowest = checkNumber(`${WHERE}: minLearningRate`, options.minLearningRate ?? 0, { min: 0 });
  const name = `reduceOnPlateau(${monitor.name})`;
  let best: number | null = null;
  let wait = 0;
  let resting = 0;

  const reduce = ({ trainer }: TrainingContext): void => {
    const rate = trainer.learningRate;
    if (rate <= lowest) return;
    trainer.learningRateFactor *= Math.max(factor, lowest / rate);
    resting = cooldown;
    wait = 0;
  };

  return {
    name,
    onTrainBegin: ({ trainer }) => {
      if (trainer.epoch > 0) return;
      best = null;
      wait = 0;
      resting = 0;
    },
    onEpochEnd: (_epoch: number, logs: Logs, context: TrainingContext) => {
      const value = monitor.read(logs);
      if (resting > 0) {
        resting -= 1;
        wait = 0;
      }
      if (monitor.improves(value, best, minDelta)) {
        best = value;
        wait = 0;
      } else if (resting === 0) {
        wait += 1;
        if (wait >= patience) reduce(context);
      }
    },
    state: () => ({ best, wait, resting }),
    restore: (state) => {
      const reader = new StateReader(name, state);
      best = reader.numberOrNull("best");
      wait = reader.number("wait");
      resting = reader.number("resting");
    },
  };
}

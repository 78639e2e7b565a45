import { checkOptions, expected, OptionError } from "../errors.ts";
import type { Callback, TrainingContext } from "./callback.ts";
import { StateReader } from "./checks.ts";

export interface LearningRateLoggerOptions {
  /** Prints a line an epoch to the console, or hands it to this function. Default false. */
  print?: boolean | ((line: string) => void);
}

export interface LearningRateLogger extends Callback {
  /** The rate of each epoch's first step. */
  readonly rates: readonly number[];
}

/** Records the learning rate at the beginning of each epoch, whoever sets it. */
export function learningRateLogger(options: LearningRateLoggerOptions = {}): LearningRateLogger {
  const where = "callbacks.learningRateLogger";
  checkOptions(where, options, ["print"]);
  const { print = false } = options;
  if (typeof print !== "boolean" && typeof print !== "function") {
    throw new OptionError(expected(`${where}: print`, "true, false or a function", print));
  }
  const write = print === true ? console.log : print === false ? () => {} : print;
  const rates: number[] = [];
  return {
    name: "learningRateLogger",
    passive: true,
    rates,
    onTrainBegin: ({ trainer }) => {
      if (trainer.epoch === 0) rates.length = 0;
    },
    onEpochBegin: (epoch: number, { trainer }: TrainingContext) => {
      // An epoch that a checkpoint saw begin begins once more when the training resumes.
      rates.splice(epoch, Number.POSITIVE_INFINITY, trainer.learningRate);
      write(`epoch ${epoch + 1}: learning rate ${Number(trainer.learningRate.toPrecision(6))}`);
    },
    state: () => ({ rates }),
    restore: (state) => {
      rates.splice(
        0,
        Number.POSITIVE_INFINITY,
        ...new StateReader("learningRateLogger", state).numbers("rates"),
      );
    },
  };
}

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { checkNumber, checkOptions, FileError, OptionError, unknownName } from "../errors.ts";
import type { Callback, Logs, TrainingContext } from "./callback.ts";
import { checkFlag, checkPath, StateReader } from "./checks.ts";
import { type MonitorMode, makeMonitor } from "./monitor.ts";

export interface CheckpointOptions {
  /** The file; `{epoch}` becomes the number of epochs done. Missing folders are made. */
  path: string;
  /** A quantity of the logs; looked at with `saveBestOnly` alone. Default "valLoss". */
  monitor?: string;
  /** Saves only when the monitor is better than ever before. Default false. */
  saveBestOnly?: boolean;
  /** Default "auto", by the monitor's name. */
  mode?: MonitorMode;
  /** Epochs from one save to the next. Default 1. */
  every?: number;
}

const OPTIONS = ["path", "monitor", "saveBestOnly", "mode", "every"] as const;
const WHERE = "callbacks.checkpoint";

function checkTemplate(path: string): string {
  for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
    if (name !== "epoch")
      throw new OptionError(`${WHERE}: path: ${unknownName("placeholder", name, ["epoch"]).message}`);
  }
  return path;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw new FileError(`${WHERE}: cannot make the folder of ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Saves the training as it goes: weights, optimizer state, schedule position, random state and
 * what callbacks remember, each file whole or not there. `trainer.restore(path)` and
 * `fit(data, { resume: true })` go on from it. Needs `fit`: writing does not block.
 */
export function checkpoint(options: CheckpointOptions): Callback {
  checkOptions(WHERE, options, OPTIONS);
  const template = checkTemplate(checkPath(`${WHERE}: path`, options.path));
  const bestOnly = checkFlag(`${WHERE}: saveBestOnly`, options.saveBestOnly ?? false);
  const monitor = bestOnly ? makeMonitor(WHERE, options.monitor ?? "valLoss", options.mode) : undefined;
  const every = checkNumber(`${WHERE}: every`, options.every ?? 1, { min: 1, integer: true });
  const name = `checkpoint(${template})`;
  let best: number | null = null;

  return {
    name,
    last: true,
    onTrainBegin: ({ trainer }) => {
      if (trainer.epoch === 0) best = null;
    },
    onEpochEnd: async (epoch: number, logs: Logs, { trainer }: TrainingContext) => {
      const value = monitor?.read(logs);
      if ((epoch + 1) % every !== 0) return;
      if (monitor !== undefined && value !== undefined) {
        if (!monitor.improves(value, best)) return;
        best = value;
      }
      const path = template.replaceAll("{epoch}", String(epoch + 1));
      await makeFolder(path);
      await trainer.save(path);
    },
    state: () => ({ best }),
    restore: (state) => {
      best = new StateReader(name, state).numberOrNull("best");
    },
  };
}

import { expected, OptionError, unknownName } from "../errors.ts";
import { LOSSES } from "../losses.ts";
import type { Logs } from "./callback.ts";

/** Which way is better: "auto" knows losses, errors and the metrics of Myelin by their names. */
export type MonitorMode = "auto" | "min" | "max";

/** A quantity of the logs and what counts as progress in it. */
export interface Monitor {
  readonly name: string;
  /** @throws OptionError that lists the quantities there are when this one is missing */
  read(logs: Logs): number;
  /** True when `value` is better than `best` by more than `minDelta`; null: there is none yet. */
  improves(value: number, best: number | null, minDelta?: number): boolean;
}

const MORE_IS_BETTER = /(accuracy|^acc|precision|recall|^f1(score)?|^auc|^r2(score)?)$/i;
const LESS_IS_BETTER = /(loss|error|^mae|^mse|^rmse)$/i;

/** `valLoss` -> `loss`, `valDigits.accuracy` -> `accuracy` */
function quantityOf(monitor: string): string {
  const last = monitor.slice(monitor.lastIndexOf(".") + 1);
  const bare = last.replace(/^val(?=[A-Z])/, "");
  return bare.charAt(0).toLowerCase() + bare.slice(1);
}

function direction(where: string, monitor: string, mode: MonitorMode): "min" | "max" {
  if (mode !== "auto") return mode;
  const quantity = quantityOf(monitor);
  if (MORE_IS_BETTER.test(quantity)) return "max";
  if (LESS_IS_BETTER.test(quantity) || Object.hasOwn(LOSSES, quantity)) return "min";
  throw new OptionError(
    `${where}: mode must be "min" or "max" for the monitor "${monitor}": its name does not tell whether more is better`,
  );
}

/** Checks the options `monitor` and `mode` of a callback. */
export function makeMonitor(where: string, name: unknown, mode: unknown = "auto"): Monitor {
  if (typeof name !== "string" || name === "") {
    throw new OptionError(expected(`${where}: monitor`, 'a name from the logs such as "valLoss"', name));
  }
  if (mode !== "auto" && mode !== "min" && mode !== "max") {
    throw new OptionError(expected(`${where}: mode`, '"auto", "min" or "max"', mode));
  }
  const sign = direction(where, name, mode) === "min" ? -1 : 1;
  return {
    name,
    read: (logs) => {
      const value = logs[name];
      if (value !== undefined) return value;
      const hint = /^val[A-Z]/.test(name)
        ? ". Quantities of validation need validationData or validationSplit"
        : "";
      throw new OptionError(`${where}: ${unknownName("monitor", name, Object.keys(logs)).message}${hint}`);
    },
    improves: (value, best, minDelta = 0) =>
      best === null ? !Number.isNaN(value) : sign * (value - best) > minDelta,
  };
}

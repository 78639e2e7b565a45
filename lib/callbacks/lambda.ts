import { checkOptions, expected, OptionError } from "../errors.ts";
import { CALLBACK_METHODS, type Callback } from "./callback.ts";
import { checkFlag } from "./checks.ts";

/**
 * A callback of your own from functions, checked: a misspelled method would otherwise never be
 * called. With `passive: true` it only watches, and short epochs need not wait for it.
 */
export function lambda(methods: Callback): Callback {
  const where = "callbacks.lambda";
  checkOptions(where, methods, ["name", "passive", "last", ...CALLBACK_METHODS]);
  if (methods.name !== undefined && typeof methods.name !== "string") {
    throw new OptionError(expected(`${where}: name`, "a string", methods.name));
  }
  if (methods.passive !== undefined) checkFlag(`${where}: passive`, methods.passive);
  if (methods.last !== undefined) checkFlag(`${where}: last`, methods.last);
  for (const method of CALLBACK_METHODS) {
    const value = methods[method];
    if (value === undefined || typeof value === "function") continue;
    throw new OptionError(expected(`${where}: ${method}`, "a function", value));
  }
  return { name: "lambda", ...methods };
}

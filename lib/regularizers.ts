import { checkNumber, checkOptions, expected, OptionError } from "./errors.ts";
import type { Value } from "./graph/graph.ts";
import { byName, type FunctionConfig, isFunctionConfig, remember } from "./names.ts";
import { add, affine, reduce, unary } from "./ops/functions.ts";

/** A scalar penalty of a parameter, built from ops; it is added to the training loss. */
export type Regularizer = (parameter: Value) => Value;

/** A regularizer's name, its name with options (as in model files), or a function that builds the penalty. */
export type RegularizerLike = RegularizerName | FunctionConfig | Regularizer;

const absolutes = (factor: number, parameter: Value): Value =>
  affine(reduce("sum", unary("abs", parameter)), factor);
const squares = (factor: number, parameter: Value): Value =>
  affine(reduce("sum", unary("square", parameter)), factor);

/** `l1` (default 0.01) times the sum of |w|: drives weights to zero. */
export function l1(options: { l1?: number } = {}): Regularizer {
  checkOptions("regularizers.l1", options, ["l1"]);
  const factor = checkNumber("regularizers.l1: l1", options.l1 ?? 0.01, { min: 0 });
  return remember("l1", { l1: factor }, (parameter: Value) => absolutes(factor, parameter));
}

/** `l2` (default 0.01) times the sum of w²: keeps weights small. */
export function l2(options: { l2?: number } = {}): Regularizer {
  checkOptions("regularizers.l2", options, ["l2"]);
  const factor = checkNumber("regularizers.l2: l2", options.l2 ?? 0.01, { min: 0 });
  return remember("l2", { l2: factor }, (parameter: Value) => squares(factor, parameter));
}

/** `l1` (default 0) times the sum of |w| plus `l2` (default 0) times the sum of w². */
export function l1l2(options: { l1?: number; l2?: number } = {}): Regularizer {
  checkOptions("regularizers.l1l2", options, ["l1", "l2"]);
  const first = checkNumber("regularizers.l1l2: l1", options.l1 ?? 0, { min: 0 });
  const second = checkNumber("regularizers.l1l2: l2", options.l2 ?? 0, { min: 0 });
  const penalty: Regularizer = (parameter) => add(absolutes(first, parameter), squares(second, parameter));
  return remember("l1l2", { l1: first, l2: second }, penalty);
}

const FACTORIES = {
  l1,
  l2,
  // Both of Keras's defaults are 0; the name alone must still do something.
  l1l2: (options = { l1: 0.01, l2: 0.01 }) => l1l2(options),
} satisfies Record<string, (options?: object) => Regularizer>;

type FactoryTable = Readonly<Record<string, (options?: object) => Regularizer>>;

export type RegularizerName = keyof typeof FACTORIES;

/**
 * The regularizer that a name ("l1", "l2", "l1l2", each with factor 0.01) stands for, or the function itself.
 * @param where the option it was given for, for messages: `dense: kernelRegularizer`
 * @internal
 */
export function resolveRegularizer(
  where: string,
  value: RegularizerLike | string | undefined,
): Regularizer | undefined {
  if (value === undefined || typeof value === "function") return value;
  if (typeof value === "string") return byName(where, "regularizer", value, FACTORIES)();
  if (isFunctionConfig(value))
    return byName(where, "regularizer", value.name, FACTORIES as FactoryTable)(value.options);
  throw new OptionError(expected(where, "the name of a regularizer or a function", value));
}

import { checkNumber, checkOptions, unknownName } from "../errors.ts";
import type { Value } from "../graph/graph.ts";
import { logSoftmax, softmax, unary } from "../ops/functions.ts";
import { type UnaryFunction, unaryRule } from "../ops/unary.ts";

/** An elementwise function of ops/unary.ts with its constants. */
interface Elementwise {
  readonly function: UnaryFunction;
  readonly alpha?: number;
  readonly beta?: number;
}

type Definition = Elementwise | ((x: Value) => Value);

const DEFINITIONS = {
  linear: { function: "linear" },
  step: { function: "step" },
  threshold: { function: "step" },
  sigmoid: { function: "sigmoid" },
  hardSigmoid: { function: "hardSigmoid" },
  tanh: { function: "tanh" },
  relu: { function: "relu" },
  relu6: { function: "relu6" },
  leakyRelu: { function: "leakyRelu", alpha: 0.2 },
  elu: { function: "elu", alpha: 1 },
  selu: { function: "selu" },
  gelu: { function: "gelu" },
  geluTanh: { function: "geluTanh" },
  silu: { function: "silu" },
  swish: { function: "silu" },
  mish: { function: "mish" },
  softplus: { function: "softplus" },
  softsign: { function: "softsign" },
  exponential: { function: "exponential" },
  softmax,
  logSoftmax,
} satisfies Record<string, Definition>;

export type ActivationName = keyof typeof DEFINITIONS;

/** A name, a name with its constant, or a function of values. */
export type ActivationLike =
  | ActivationName
  | { readonly name: ActivationName; readonly alpha?: number }
  | ((x: Value) => Value);

export interface ResolvedActivation {
  /** Present where the function can be the last act of a `linear` instruction. */
  readonly fused?: Elementwise;
  apply(x: Value): Value;
}

export const ACTIVATION_NAMES: readonly string[] = Object.keys(DEFINITIONS);

/**
 * The activation that a layer's option means. Keras 3's definitions: `hardSigmoid` is x / 6 + 0.5
 * clipped to [0, 1], `gelu` is exact, `leakyRelu` has slope 0.2, `elu` alpha 1.
 * @throws OptionError for an unknown name or a negative alpha
 */
export function resolveActivation(where: string, activation: ActivationLike = "linear"): ResolvedActivation {
  if (typeof activation === "function") return { apply: activation };
  const { name, alpha } =
    typeof activation === "string" ? { name: activation, alpha: undefined } : activation;
  if (typeof activation === "object") checkOptions(where, activation, ["name", "alpha"]);
  if (!Object.hasOwn(DEFINITIONS, name)) throw unknownName(`activation (${where})`, name, ACTIVATION_NAMES);
  const definition: Definition = DEFINITIONS[name];
  if (typeof definition === "function") return { apply: definition };
  const elementwise: Elementwise =
    alpha === undefined
      ? definition
      : { ...definition, alpha: checkNumber(`${where}: alpha`, alpha, { min: 0 }) };
  const apply = (x: Value): Value =>
    elementwise.function === "linear"
      ? x
      : unary(elementwise.function, x, elementwise.alpha, elementwise.beta);
  return unaryRule(elementwise.function).saves === "input" ? { apply } : { apply, fused: elementwise };
}

import { unknownName } from "../errors.ts";
import type { Value } from "../graph/graph.ts";
import { at, number, type OpDefinition, requireSame, single, text } from "./op.ts";

/** An elementwise function and its derivative, written in terms of what backward reads. */
export interface UnaryRule {
  /** What `derivative` takes: the function's input, its output, or nothing. */
  readonly saves: "input" | "output" | "none";
  value(x: number, alpha: number, beta: number): number;
  derivative(saved: number, alpha: number, beta: number): number;
}

const SELU_SCALE = 1.0507009873554805; // Klambauer et al. 2017, "Self-Normalizing Neural Networks"
const SELU_ALPHA = 1.6732632423543772;
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Error function by its Maclaurin series near 0 and a continued fraction of erfc beyond, to 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

function geluTanhInner(x: number): number {
  return Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x));
}

/** Every elementwise function of one argument; adding one is a line here and one in the native list. */
export const UNARY = {
  linear: { saves: "none", value: (x) => x, derivative: () => 1 },
  step: { saves: "none", value: (x) => (Number.isNaN(x) ? x : x >= 0 ? 1 : 0), derivative: () => 0 },
  sigmoid: { saves: "output", value: sigmoid, derivative: (y) => y * (1 - y) },
  hardSigmoid: {
    saves: "output",
    value: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
    derivative: (y) => (y > 0 && y < 1 ? 1 / 6 : 0),
  },
  tanh: { saves: "output", value: Math.tanh, derivative: (y) => 1 - y * y },
  relu: { saves: "output", value: (x) => Math.max(x, 0), derivative: (y) => (y > 0 ? 1 : 0) },
  relu6: {
    saves: "output",
    value: (x) => Math.min(Math.max(x, 0), 6),
    derivative: (y) => (y > 0 && y < 6 ? 1 : 0),
  },
  leakyRelu: { saves: "output", value: (x, a) => (x > 0 ? x : a * x), derivative: (y, a) => (y > 0 ? 1 : a) },
  elu: {
    saves: "output",
    value: (x, a) => (x > 0 ? x : a * Math.expm1(x)),
    derivative: (y, a) => (y > 0 ? 1 : y + a),
  },
  selu: {
    saves: "output",
    value: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    derivative: (y) => (y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA),
  },
  gelu: {
    saves: "input",
    value: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    derivative: (x) =>
      0.5 * (1 + erf(x * Math.SQRT1_2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  },
  geluTanh: {
    saves: "input",
    value: (x) => 0.5 * x * (1 + geluTanhInner(x)),
    derivative: (x) => {
      const t = geluTanhInner(x);
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x);
    },
  },
  silu: {
    saves: "input",
    value: (x) => x * sigmoid(x),
    derivative: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  mish: {
    saves: "input",
    value: (x) => x * Math.tanh(softplus(x)),
    derivative: (x) => {
      const t = Math.tanh(softplus(x));
      return t + x * sigmoid(x) * (1 - t * t);
    },
  },
  softplus: { saves: "output", value: softplus, derivative: (y) => -Math.expm1(-y) },
  softsign: {
    saves: "output",
    value: (x) => x / (1 + Math.abs(x)),
    derivative: (y) => (1 - Math.abs(y)) ** 2,
  },
  exponential: { saves: "output", value: Math.exp, derivative: (y) => y },
  affine: { saves: "none", value: (x, a, b) => a * x + b, derivative: (_, a) => a },
  square: { saves: "input", value: (x) => x * x, derivative: (x) => 2 * x },
  sqrt: { saves: "output", value: Math.sqrt, derivative: (y) => 0.5 / y },
  rsqrt: { saves: "output", value: (x) => 1 / Math.sqrt(x), derivative: (y) => -0.5 * y * y * y },
  reciprocal: { saves: "output", value: (x) => 1 / x, derivative: (y) => -y * y },
  log: { saves: "input", value: Math.log, derivative: (x) => 1 / x },
  abs: { saves: "input", value: Math.abs, derivative: Math.sign },
  sign: { saves: "none", value: Math.sign, derivative: () => 0 },
  clip: {
    saves: "input",
    value: (x, a, b) => Math.min(Math.max(x, a), b),
    derivative: (x, a, b) => (x >= a && x <= b ? 1 : 0),
  },
} satisfies Record<string, UnaryRule>;

export type UnaryFunction = keyof typeof UNARY;

export const UNARY_NAMES: readonly string[] = Object.keys(UNARY);

/** The rule of a function's name, or an error that lists the names. */
export function unaryRule(name: string): UnaryRule {
  const rule = (UNARY as Record<string, UnaryRule>)[name];
  if (rule === undefined || !Object.hasOwn(UNARY, name))
    throw unknownName("elementwise function", name, UNARY_NAMES);
  return rule;
}

export const unaryOp: OpDefinition = {
  name: "unary",
  attributes: ["function", "alpha", "beta"],
  functions: UNARY_NAMES,
  overwrites: true,
  infer: (inputs) => [at(inputs, 0)],
  vjp: (node, [dy]) => {
    if (dy === undefined) return [undefined];
    const { alpha, beta } = node.attributes;
    const name = text(node.attributes, "function");
    const saved = unaryRule(name).saves === "input" ? at(node.inputs, 0) : at(node.outputs, 0);
    return [unaryGradient(name, dy, saved, alpha as number, beta as number)];
  },
  preactivation: (node) => ({
    activation: text(node.attributes, "function"),
    value: () => at(node.inputs, 0),
  }),
  run: ({ inputs, outputs, attributes }) => {
    const { value } = unaryRule(text(attributes, "function"));
    const [alpha, beta] = [number(attributes, "alpha"), number(attributes, "beta")];
    const x = at(inputs, 0);
    const y = at(outputs, 0).data;
    for (let i = 0; i < x.count; i++) y[i] = value(x.data[i] as number, alpha, beta);
  },
};

export const unaryGradOp: OpDefinition = {
  name: "unaryGrad",
  attributes: ["function", "alpha", "beta"],
  functions: UNARY_NAMES,
  overwrites: true,
  infer: ([dy, saved]) => {
    requireSame("gradient and saved value", dy as NonNullable<typeof dy>, saved as NonNullable<typeof saved>);
    return [dy as NonNullable<typeof dy>];
  },
  run: ({ inputs, outputs, attributes }) => {
    const { derivative } = unaryRule(text(attributes, "function"));
    const [alpha, beta] = [number(attributes, "alpha"), number(attributes, "beta")];
    const dy = at(inputs, 0);
    const saved = at(inputs, 1).data;
    const dx = at(outputs, 0).data;
    for (let i = 0; i < dy.count; i++)
      dx[i] = (dy.data[i] as number) * derivative(saved[i] as number, alpha, beta);
  },
};

/** y = f(x), elementwise. `alpha` and `beta` are the function's constants where it has any. */
export function unary(name: UnaryFunction, x: Value, alpha = 0, beta = 0): Value {
  return single(x.graph.add(unaryOp, [x], { function: name, alpha, beta }));
}

/** dy * f'(saved); no node for the identity. */
export function unaryGradient(name: string, dy: Value, saved: Value, alpha: number, beta: number): Value {
  if (name === ("linear" satisfies UnaryFunction)) return dy;
  return single(dy.graph.add(unaryGradOp, [dy, saved], { function: name, alpha, beta }));
}

/** scale * x + shift */
export function affine(x: Value, scale: number, shift = 0): Value {
  return unary("affine", x, scale, shift);
}

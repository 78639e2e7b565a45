import { checkNumber, checkOptions, expected, OptionError } from "../errors.ts";
import type { GraphBuilder, Node, Value } from "../graph/graph.ts";
import {
  affine,
  linearGradients,
  linearGradKernel,
  multiply,
  reduce,
  subtract,
  unary,
} from "../ops/functions.ts";
import { isLinear } from "../ops/linear.ts";

export interface RuleContext {
  readonly graph: GraphBuilder;
  readonly output: Value;
  readonly target: Value;
}

/**
 * A learning rule without backpropagation, for a network of one dense layer. Gives what the optimizer
 * subtracts, by the parameter's path: minus the change that the rule names, before the learning rate.
 */
export interface LearningRule {
  readonly name: string;
  readonly learningRate: number;
  gradients(context: RuleContext): Map<string, Value>;
}

export interface RuleOptions {
  /** Size of a step. Default 1 for the perceptron, 0.01 for the others. */
  learningRate?: number;
}

/** @throws OptionError unless the value has the form of a learning rule */
export function checkRule(rule: LearningRule): void {
  if (typeof rule === "object" && rule !== null && typeof rule.gradients === "function") return;
  throw new OptionError(expected("Trainer: rule", "what a factory of `rules` returned", rule));
}

interface DenseParts {
  readonly x: Value;
  readonly kernel: Value;
  readonly bias: Value | undefined;
  /** Output before the activation. */
  readonly net: Value;
}

/** The one dense layer that gives the output. */
function densePartsOf(rule: string, output: Value): DenseParts {
  const node = output.source.kind === "node" ? output.source : undefined;
  const linear = node === undefined ? undefined : findLinear(node);
  if (linear === undefined || linear.inputs.slice(1).some(({ source }) => source.kind !== "state")) {
    throw new OptionError(`rules.${rule}: the network must end in a dense layer`);
  }
  const [x, kernel, bias] = linear.inputs as [Value, Value, Value | undefined];
  const hidden = [...output.graph.states.values()].filter(
    ({ source }) => source.kind === "state" && source.state.kind === "parameter",
  );
  if (hidden.length > linear.inputs.length - 1)
    throw new OptionError(`rules.${rule}: the network must have one dense layer only`);
  const before = linear.op.preactivation?.(linear);
  return { x, kernel, bias, net: before?.value() ?? output };
}

function findLinear(node: Node): Node | undefined {
  if (isLinear(node.op)) return node;
  const [input] = node.inputs;
  return input?.source.kind === "node" ? findLinear(input.source) : undefined;
}

function pathOf(parameter: Value): string {
  return parameter.source.kind === "state" ? parameter.source.state.path : "";
}

/** kernel: xᵀ · delta, bias: sum of delta, over the batch. */
function outerProduct({ x, kernel, bias }: DenseParts, delta: Value): Map<string, Value> {
  const parameters = bias === undefined ? [kernel] : [kernel, bias];
  const gradients = linearGradients(x, delta, bias !== undefined);
  return new Map(parameters.map((parameter, i) => [pathOf(parameter), gradients[i] as Value]));
}

function rateOf(where: string, options: RuleOptions, fallback: number): number {
  checkOptions(where, options, ["learningRate"]);
  return checkNumber(`${where}: learningRate`, options.learningRate ?? fallback, { min: 0, exclusive: true });
}

/**
 * Rosenblatt 1958: weights move by rate · x · (target - output) with the output of a threshold unit, so
 * only mistakes teach. Use `activation: "step"` and `batchSize: 1`.
 */
export function perceptron(options: RuleOptions = {}): LearningRule {
  return {
    name: "perceptron",
    learningRate: rateOf("rules.perceptron", options, 1),
    gradients: ({ output, target }) =>
      outerProduct(densePartsOf("perceptron", output), subtract(output, target)),
  };
}

/**
 * Widrow & Hoff 1960 (least mean squares): as the perceptron's, with the error of the weighted sum
 * before the threshold.
 */
export function deltaRule(options: RuleOptions = {}): LearningRule {
  return {
    name: "deltaRule",
    learningRate: rateOf("rules.deltaRule", options, 0.01),
    gradients: ({ output, target }) => {
      const parts = densePartsOf("deltaRule", output);
      return outerProduct(parts, subtract(parts.net, target));
    },
  };
}

/** Hebb 1949: weights grow by rate · x · y, with y the target: what fires together wires together. */
export function hebbian(options: RuleOptions = {}): LearningRule {
  return {
    name: "hebbian",
    learningRate: rateOf("rules.hebbian", options, 0.01),
    gradients: ({ output, target }) => outerProduct(densePartsOf("hebbian", output), affine(target, -1)),
  };
}

/**
 * Oja 1982: Hebb's rule on the unit's own output y with decay, rate · y · (x - y · w): the weights tend
 * to the first principal component, with length 1. The target is not used; the bias stays.
 */
export function oja(options: RuleOptions = {}): LearningRule {
  return {
    name: "oja",
    learningRate: rateOf("rules.oja", options, 0.01),
    gradients: ({ output }) => {
      const { x, kernel, net } = densePartsOf("oja", output);
      const decay = multiply(kernel, reduce("sum", unary("square", net), { axes: [], batch: true }));
      return new Map([[pathOf(kernel), subtract(decay, linearGradKernel(x, net))]]);
    },
  };
}

import { ShapeError } from "../errors.ts";
import { formatType, type Node, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { sizeOf } from "../tensor.ts";
import { multiply } from "./binary.ts";
import { LOSS_FUNCTIONS, type LossFunction, type LossRow, type LossRule } from "./loss-functions.ts";
import { at, type KernelCall, lastDimension, number, type OpDefinition, single, text } from "./op.ts";

const ATTRIBUTES = ["function", "alpha", "beta", "sum", "gradient"] as const;
const NAMES = Object.keys(LOSS_FUNCTIONS);

export function lossRule(name: string): LossRule {
  return LOSS_FUNCTIONS[name as LossFunction];
}

/** Prediction and target must match: the same shape, or one label a row for sparse functions. */
export function requireTarget(sparse: boolean, prediction: ValueType, target: ValueType): void {
  const wanted = sparse ? prediction.shape.slice(0, -1) : prediction.shape;
  const fits = target.batched && prediction.batched && sizeOf(target.shape) === sizeOf(wanted);
  if (fits) return;
  const expected = formatType(valueType(true, wanted));
  throw new ShapeError(
    `the target must have shape ${expected} for predictions ${formatType(prediction)}, got ${formatType(target)}`,
  );
}

export function requireWeight(weight: ValueType | undefined): void {
  if (weight === undefined || (weight.batched && sizeOf(weight.shape) === 1)) return;
  throw new ShapeError(`weights must be one number a sample, got ${formatType(weight)}`);
}

/** Calls `visit` for each row with the sample it belongs to. */
function forEachRow(call: KernelCall, visit: (row: LossRow, sample: number) => void): void {
  const [prediction, target] = [at(call.inputs, 0), at(call.inputs, 1)];
  const { sparse } = lossRule(text(call.attributes, "function"));
  const [alpha, beta] = [number(call.attributes, "alpha"), number(call.attributes, "beta")];
  const width = lastDimension(prediction.type);
  const rows = prediction.size / width;
  for (let sample = 0; sample < call.batch; sample++) {
    for (let r = 0; r < rows; r++) {
      const index = sample * rows + r;
      const [p, t] = [index * width, sparse === true ? index : index * width];
      visit({ prediction: prediction.data, target: target.data, p, t, width, alpha, beta }, sample);
    }
  }
}

/** Weight of each row of a sample in the result. */
function rowWeight(call: KernelCall, weights: ArrayLike<number> | undefined): (sample: number) => number {
  const prediction = at(call.inputs, 0);
  const rows = prediction.size / lastDimension(prediction.type);
  const divisor = rows * (number(call.attributes, "sum") === 1 ? 1 : call.batch);
  return (sample) => (weights === undefined ? 1 : (weights[sample] as number)) / divisor;
}

/**
 * Mean (or sum) over samples of weight times the mean over the sample's rows of the row loss; where `gradient` is
 * 1 also its gradient by the prediction, which costs little beside the value.
 */
export const lossOp: OpDefinition = {
  name: "loss",
  attributes: ATTRIBUTES,
  functions: NAMES,
  infer: (inputs, attributes) => {
    const [prediction, target, weight] = inputs as [ValueType, ValueType, ValueType | undefined];
    requireTarget(lossRule(text(attributes, "function")).sparse === true, prediction, target);
    requireWeight(weight);
    const loss = valueType(false, []);
    return number(attributes, "gradient") === 1 ? [loss, prediction] : [loss];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const gradient = at(withGradient(node), 1);
    return [dy === dy.graph.one() ? gradient : multiply(gradient, dy)];
  },
  run: (call) => {
    const { value, gradient } = lossRule(text(call.attributes, "function"));
    const weight = rowWeight(call, call.inputs[2]?.data);
    const slopes = call.outputs[1]?.data;
    let total = 0;
    forEachRow(call, (row, sample) => {
      const factor = weight(sample);
      total += factor * value(row);
      if (slopes === undefined) return;
      gradient(row, (i, derivative) => {
        slopes[row.p + i] = factor * derivative;
      });
    });
    at(call.outputs, 0).data[0] = total;
  },
};

/** The loss and its gradient, of a node that may have the loss alone. */
function withGradient({ op, inputs, outputs, attributes }: Node): readonly Value[] {
  if (outputs.length === 2) return outputs;
  return at(inputs, 0).graph.add(op, inputs, { ...attributes, gradient: 1 });
}

export interface LossOptions {
  alpha?: number;
  beta?: number;
  /** Sum over samples instead of the mean. */
  sum?: boolean;
  /** One number a sample. */
  weight?: Value | undefined;
}

/** The scalar loss of predictions against targets. */
export function loss(name: LossFunction, prediction: Value, target: Value, options: LossOptions = {}): Value {
  const { alpha = 0, beta = 0, sum = false, weight } = options;
  const inputs = weight === undefined ? [prediction, target] : [prediction, target, weight];
  const { graph } = prediction;
  const attributes = { function: name, alpha, beta, sum: sum ? 1 : 0, gradient: graph.training ? 1 : 0 };
  return single(graph.add(lossOp, inputs, attributes));
}

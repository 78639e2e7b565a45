import { ShapeError } from "../errors.ts";
import { formatType, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { sizeOf } from "../tensor.ts";
import { LOSS_FUNCTIONS, type LossFunction, type LossRow, type LossRule } from "./loss-functions.ts";
import {
  at,
  type KernelCall,
  lastDimension,
  number,
  type OpDefinition,
  requireSame,
  single,
  text,
} from "./op.ts";

const ATTRIBUTES = ["function", "alpha", "beta", "sum"] as const;
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

/** Mean (or sum) over samples of weight times the mean over the sample's rows of the row loss. */
export const lossOp: OpDefinition = {
  name: "loss",
  attributes: ATTRIBUTES,
  functions: NAMES,
  infer: (inputs, attributes) => {
    const [prediction, target, weight] = inputs as [ValueType, ValueType, ValueType | undefined];
    requireTarget(lossRule(text(attributes, "function")).sparse === true, prediction, target);
    requireWeight(weight);
    return [valueType(false, [])];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const [prediction, target, weight] = node.inputs as [Value, Value, Value | undefined];
    const inputs = weight === undefined ? [prediction, target, dy] : [prediction, target, dy, weight];
    return [single(dy.graph.add(lossGradOp, inputs, node.attributes))];
  },
  run: (call) => {
    const { value } = lossRule(text(call.attributes, "function"));
    const weight = rowWeight(call, call.inputs[2]?.data);
    let total = 0;
    forEachRow(call, (row, sample) => {
      total += weight(sample) * value(row);
    });
    at(call.outputs, 0).data[0] = total;
  },
};

export const lossGradOp: OpDefinition = {
  name: "lossGrad",
  attributes: ATTRIBUTES,
  functions: NAMES,
  infer: (inputs, attributes) => {
    const [prediction, target, dy, weight] = inputs as [
      ValueType,
      ValueType,
      ValueType,
      ValueType | undefined,
    ];
    requireTarget(lossRule(text(attributes, "function")).sparse === true, prediction, target);
    requireSame("the loss and its gradient", dy, valueType(false, []));
    requireWeight(weight);
    return [prediction];
  },
  run: (call) => {
    const { gradient } = lossRule(text(call.attributes, "function"));
    const weight = rowWeight(call, call.inputs[3]?.data);
    const scale = at(call.inputs, 2).data[0] as number;
    const dx = at(call.outputs, 0).data;
    forEachRow(call, (row, sample) => {
      const factor = scale * weight(sample);
      gradient(row, (i, derivative) => {
        dx[row.p + i] = factor * derivative;
      });
    });
  },
};

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
  return single(prediction.graph.add(lossOp, inputs, { function: name, alpha, beta, sum: sum ? 1 : 0 }));
}

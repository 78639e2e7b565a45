import type { Value } from "../graph/graph.ts";
import { at, type KernelCall, lastDimension, type OpDefinition, requireSame, single } from "./op.ts";

/** Calls `row(start, width)` for every row of the first operand. */
function forEachRow(call: KernelCall, row: (start: number, width: number) => void): void {
  const x = at(call.inputs, 0);
  const width = lastDimension(x.type);
  for (let start = 0; start < x.count; start += width) row(start, width);
}

function rowMaximum(data: ArrayLike<number>, start: number, width: number): number {
  let maximum = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + width; i++) maximum = Math.max(maximum, data[i] as number);
  return maximum;
}

function rowExpSum(data: ArrayLike<number>, start: number, width: number, maximum: number): number {
  let sum = 0;
  for (let i = start; i < start + width; i++) sum += Math.exp((data[i] as number) - maximum);
  return sum;
}

const gradient = (name: string, run: OpDefinition["run"]): OpDefinition => ({
  name,
  attributes: [],
  infer: (inputs) => {
    requireSame("gradient and output", at(inputs, 0), at(inputs, 1));
    return [at(inputs, 0)];
  },
  run,
});

/** dx = y (dy - sum(dy y)) over each row. */
export const softmaxGradOp: OpDefinition = gradient("softmaxGrad", (call) => {
  const [dy, y, dx] = [at(call.inputs, 0).data, at(call.inputs, 1).data, at(call.outputs, 0).data];
  forEachRow(call, (start, width) => {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += (dy[i] as number) * (y[i] as number);
    for (let i = start; i < start + width; i++) dx[i] = (y[i] as number) * ((dy[i] as number) - sum);
  });
});

/** dx = dy - exp(y) sum(dy) over each row. */
export const logSoftmaxGradOp: OpDefinition = gradient("logSoftmaxGrad", (call) => {
  const [dy, y, dx] = [at(call.inputs, 0).data, at(call.inputs, 1).data, at(call.outputs, 0).data];
  forEachRow(call, (start, width) => {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += dy[i] as number;
    for (let i = start; i < start + width; i++) dx[i] = (dy[i] as number) - Math.exp(y[i] as number) * sum;
  });
});

/** Softmax over the last axis. */
export const softmaxOp: OpDefinition = {
  name: "softmax",
  attributes: [],
  infer: (inputs) => [at(inputs, 0)],
  vjp: (node, [dy]) =>
    dy === undefined ? [] : [single(dy.graph.add(softmaxGradOp, [dy, at(node.outputs, 0)]))],
  preactivation: (node) => ({ activation: "softmax", value: () => at(node.inputs, 0) }),
  run: (call) => {
    const [x, y] = [at(call.inputs, 0).data, at(call.outputs, 0).data];
    forEachRow(call, (start, width) => {
      const maximum = rowMaximum(x, start, width);
      const sum = rowExpSum(x, start, width, maximum);
      for (let i = start; i < start + width; i++) y[i] = Math.exp((x[i] as number) - maximum) / sum;
    });
  },
};

/** Logarithm of the softmax over the last axis. */
export const logSoftmaxOp: OpDefinition = {
  name: "logSoftmax",
  attributes: [],
  infer: (inputs) => [at(inputs, 0)],
  vjp: (node, [dy]) =>
    dy === undefined ? [] : [single(dy.graph.add(logSoftmaxGradOp, [dy, at(node.outputs, 0)]))],
  run: (call) => {
    const [x, y] = [at(call.inputs, 0).data, at(call.outputs, 0).data];
    forEachRow(call, (start, width) => {
      const maximum = rowMaximum(x, start, width);
      const logSum = maximum + Math.log(rowExpSum(x, start, width, maximum));
      for (let i = start; i < start + width; i++) y[i] = (x[i] as number) - logSum;
    });
  },
};

/** Softmax over the last axis: each row is positive and sums to 1. */
export function softmax(x: Value): Value {
  return single(x.graph.add(softmaxOp, [x]));
}

/** Logarithm of the softmax over the last axis, without overflow. */
export function logSoftmax(x: Value): Value {
  return single(x.graph.add(logSoftmaxOp, [x]));
}

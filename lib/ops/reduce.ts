import { OptionError, ShapeError } from "../errors.ts";
import { formatType, sameType, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { sizeOf } from "../tensor.ts";
import { broadcastIndices } from "./broadcasting.ts";
import { at, type KernelCall, number, type OpDefinition, requireSame, single, text } from "./op.ts";
import { reshape } from "./shape.ts";

const REDUCTIONS = ["sum", "mean", "max"] as const;
const SPREADS = ["sum", "mean"] as const;

export type Reduction = (typeof REDUCTIONS)[number];

function axesOf(mask: number, rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => (mask >> axis) & 1);
}

/** The reduced type with reduced axes kept as 1. */
function keptType(x: ValueType, batch: number, mask: number): ValueType {
  const shape = x.shape.map((dimension, axis) => ((mask >> axis) & 1 ? 1 : dimension));
  return valueType(x.batched && batch === 0, shape);
}

function forEachReduced(
  call: KernelCall,
  x: ValueType,
  mask: number,
  visit: (from: number, to: number) => void,
): void {
  const kept = keptType(x, 0, mask);
  const indices = broadcastIndices(kept.shape, x.shape);
  const [size, keptSize] = [sizeOf(x.shape), sizeOf(kept.shape)];
  const overBatch = number(call.attributes, "batch") === 1;
  for (let sample = 0; sample < (x.batched ? call.batch : 1); sample++) {
    const to = overBatch ? 0 : sample * keptSize;
    for (let i = 0; i < size; i++) visit(sample * size + i, to + (indices[i] as number));
  }
}

/** Sum, mean or maximum over axes of the shape, and over the batch where `batch` is 1. */
export const reduceOp: OpDefinition = {
  name: "reduce",
  attributes: ["function", "batch", "axes"],
  functions: REDUCTIONS,
  infer: (inputs, attributes) => {
    const x = at(inputs, 0);
    const mask = number(attributes, "axes");
    if (mask >> x.shape.length !== 0) throw new ShapeError(`an axis to reduce is beyond ${formatType(x)}`);
    if (number(attributes, "batch") === 1 && !x.batched)
      throw new ShapeError("there is no batch to reduce over");
    const shape = x.shape.filter((_, axis) => !((mask >> axis) & 1));
    return [valueType(x.batched && number(attributes, "batch") === 0, shape)];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const x = at(node.inputs, 0);
    const { batch, axes } = node.attributes as { batch: number; axes: number };
    const name = text(node.attributes, "function") as Reduction;
    if (name === "max")
      return [single(dy.graph.add(reduceMaxGradOp, [x, at(node.outputs, 0), dy], { batch, axes }))];
    return [broadcast(reshape(dy, keptType(x.type, batch, axes).shape), x.type, name)];
  },
  run: (call) => {
    const [x, y] = [at(call.inputs, 0), at(call.outputs, 0)];
    const name = text(call.attributes, "function") as Reduction;
    const totals = new Float64Array(y.count).fill(name === "max" ? Number.NEGATIVE_INFINITY : 0);
    forEachReduced(call, x.type, number(call.attributes, "axes"), (from, to) => {
      const [value, total] = [x.data[from] as number, totals[to] as number];
      totals[to] = name === "max" ? Math.max(total, value) : total + value;
    });
    const divisor = name === "mean" ? x.count / y.count : 1;
    for (let i = 0; i < y.count; i++) y.data[i] = (totals[i] as number) / divisor;
  },
};

/** Gradient of the maximum: shared evenly among the elements that attain it. */
export const reduceMaxGradOp: OpDefinition = {
  name: "reduceMaxGrad",
  attributes: ["batch", "axes"],
  infer: (inputs) => {
    requireSame("maximum and its gradient", at(inputs, 1), at(inputs, 2));
    return [at(inputs, 0)];
  },
  run: (call) => {
    const [x, y, dy] = [at(call.inputs, 0), at(call.inputs, 1), at(call.inputs, 2)];
    const dx = at(call.outputs, 0).data;
    const mask = number(call.attributes, "axes");
    const ties = new Float64Array(y.count);
    forEachReduced(call, x.type, mask, (from, to) => {
      if (x.data[from] === y.data[to]) ties[to] = (ties[to] as number) + 1;
    });
    forEachReduced(call, x.type, mask, (from, to) => {
      dx[from] = x.data[from] === y.data[to] ? (dy.data[to] as number) / (ties[to] as number) : 0;
    });
  },
};

/** x repeated to a larger type; `mean` also divides by the number of repetitions. */
export const broadcastOp: OpDefinition = {
  name: "broadcast",
  attributes: ["function"],
  functions: SPREADS,
  infer: (inputs, _, as) => {
    const x = at(inputs, 0);
    if (as === undefined) throw new ShapeError("broadcast needs a type to broadcast to");
    const fits = x.shape.every((d, i) => d === 1 || d === as.shape[as.shape.length - x.shape.length + i]);
    if (!fits || x.shape.length > as.shape.length || (x.batched && !as.batched)) {
      throw new ShapeError(`${formatType(x)} cannot be repeated to ${formatType(as)}`);
    }
    return [as];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    if (text(node.attributes, "function") !== "sum")
      throw new OptionError("broadcast by mean has no gradient of its own");
    return [sumTo(dy, at(node.inputs, 0).type)];
  },
  run: ({ inputs, outputs, attributes, batch }) => {
    const [x, y] = [at(inputs, 0), at(outputs, 0)];
    const indices = broadcastIndices(x.type.shape, y.type.shape);
    const divisor = text(attributes, "function") === "mean" ? y.count / x.count : 1;
    for (let sample = 0; sample < (y.type.batched ? batch : 1); sample++) {
      const x0 = x.type.batched ? sample * x.size : 0;
      for (let i = 0; i < y.size; i++) {
        y.data[sample * y.size + i] = (x.data[x0 + (indices[i] as number)] as number) / divisor;
      }
    }
  },
};

function emitReduce(name: Reduction, x: Value, batch: number, axes: readonly number[]): Value {
  let mask = 0;
  for (const axis of axes) mask |= 1 << axis;
  return single(x.graph.add(reduceOp, [x], { function: name, batch, axes: mask }));
}

export interface ReduceOptions {
  /** Axes of the shape without the batch; negative ones count from the end. Default: all. */
  axes?: readonly number[];
  /** Keep reduced axes with size 1. Default false. */
  keepDims?: boolean;
  /** Reduce over the batch as well. Default false. */
  batch?: boolean;
}

/** Reduces x over axes of its shape (and over the batch on request). */
export function reduce(name: Reduction, x: Value, options: ReduceOptions = {}): Value {
  const rank = x.shape.length;
  const axes = (options.axes ?? axesOf(-1, rank)).map((axis) => (axis < 0 ? axis + rank : axis));
  for (const axis of axes) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
      throw new ShapeError(`reduce: axis ${axis} is not an axis of ${formatType(x.type)}`);
    }
  }
  const y = emitReduce(name, x, options.batch === true ? 1 : 0, axes);
  if (options.keepDims !== true) return y;
  return reshape(
    y,
    x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension)),
  );
}

/** Sum over the batch and all axes but the last. */
export function reduceRows(x: Value): Value {
  return emitReduce("sum", x, x.batched ? 1 : 0, axesOf(-1, x.shape.length - 1));
}

/** x repeated to `type`. */
export function broadcast(x: Value, type: ValueType, name: (typeof SPREADS)[number] = "sum"): Value {
  if (sameType(x.type, type)) return x;
  return single(x.graph.add(broadcastOp, [x], { function: name }, type));
}

/** The gradient of a broadcast: x summed to a smaller type. */
export function sumTo(x: Value, type: ValueType): Value {
  if (sameType(x.type, type)) return x;
  const lead = x.shape.length - type.shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((a) => a < lead || (type.shape[a - lead] === 1 && x.shape[a] !== 1));
  const summed = emitReduce("sum", x, x.batched && !type.batched ? 1 : 0, axes);
  return reshape(summed, type.shape);
}

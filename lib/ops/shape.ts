import { ShapeError } from "../errors.ts";
import { formatType, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { formatShape, sameShape, sizeOf } from "../tensor.ts";
import { at, type KernelCall, number, type OpDefinition, single } from "./op.ts";

/** The same elements under another shape; a view, so no instruction. */
export const reshapeOp: OpDefinition = {
  name: "reshape",
  attributes: [],
  view: true,
  infer: (inputs, _, as) => {
    const x = at(inputs, 0);
    if (as === undefined || as.batched !== x.batched || sizeOf(as.shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `cannot reshape ${formatType(x)} to ${as === undefined ? "nothing" : formatType(as)}`,
      );
    }
    return [as];
  },
  vjp: (node, [dy]) => [dy === undefined ? undefined : reshape(dy, at(node.inputs, 0).shape)],
  run: () => {},
};

const PERMUTATION = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"] as const;

/** Axis i of the output is axis p_i of the input. */
export const permuteOp: OpDefinition = {
  name: "permute",
  attributes: PERMUTATION,
  infer: (inputs, attributes) => {
    const x = at(inputs, 0);
    const order = permutationOf(attributes, x.shape.length);
    if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new ShapeError(`${formatShape(order)} is not an order of the axes of ${formatType(x)}`);
    }
    return [
      valueType(
        x.batched,
        order.map((axis) => at(x.shape, axis)),
      ),
    ];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const order = permutationOf(node.attributes, dy.shape.length);
    return [
      permute(
        dy,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  run: ({ inputs, outputs, attributes }) => {
    const [x, y] = [at(inputs, 0), at(outputs, 0)];
    const rank = x.type.shape.length;
    const order = permutationOf(attributes, rank);
    const strides = x.type.shape.map((_, axis) => sizeOf(x.type.shape.slice(axis + 1)));
    for (let element = 0; element < y.count; element++) {
      let rest = element % x.size;
      let from = element - rest;
      for (let axis = rank - 1; axis >= 0; axis--) {
        const dimension = at(y.type.shape, axis);
        from += (rest % dimension) * at(strides, at(order, axis));
        rest = Math.floor(rest / dimension);
      }
      y.data[element] = x.data[from] as number;
    }
  },
};

function permutationOf(attributes: Readonly<Record<string, number | string>>, rank: number): number[] {
  return PERMUTATION.slice(0, rank).map((name) => number(attributes, name));
}

/** Calls `copy(outer, length)` geometry for an axis: blocks of `inner` elements, `outer` of them. */
function geometry(type: ValueType, axis: number, batch: number): { outer: number; inner: number } {
  return {
    outer: (type.batched ? batch : 1) * sizeOf(type.shape.slice(0, axis)),
    inner: sizeOf(type.shape.slice(axis + 1)),
  };
}

function checkAxis(type: ValueType, axis: number): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= type.shape.length) {
    throw new ShapeError(`axis ${axis} is not an axis of ${formatType(type)}`);
  }
}

function withAxis(type: ValueType, axis: number, length: number): ValueType {
  return valueType(
    type.batched,
    type.shape.map((dimension, i) => (i === axis ? length : dimension)),
  );
}

export const concatenateOp: OpDefinition = {
  name: "concatenate",
  attributes: ["axis"],
  infer: (inputs, attributes) => {
    const axis = number(attributes, "axis");
    const first = at(inputs, 0);
    checkAxis(first, axis);
    let length = 0;
    for (const input of inputs) {
      const dimension = input.shape[axis] ?? 0;
      if (
        input.batched !== first.batched ||
        !sameShape(input.shape, withAxis(first, axis, dimension).shape)
      ) {
        throw new ShapeError(
          `inputs must agree in all axes but ${axis}, got ${inputs.map((type) => formatType(type)).join(" and ")}`,
        );
      }
      length += dimension;
    }
    return [withAxis(first, axis, length)];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const axis = number(node.attributes, "axis");
    let start = 0;
    return node.inputs.map((input) => {
      const length = at(input.shape, axis);
      start += length;
      return slice(dy, axis, start - length, length);
    });
  },
  run: ({ inputs, outputs, attributes, batch }) => {
    const axis = number(attributes, "axis");
    const y = at(outputs, 0);
    const { outer, inner } = geometry(y.type, axis, batch);
    const width = at(y.type.shape, axis) * inner;
    let start = 0;
    for (const x of inputs) {
      const length = at(x.type.shape, axis) * inner;
      for (let o = 0; o < outer; o++)
        y.data.set(x.data.subarray(o * length, (o + 1) * length), o * width + start);
      start += length;
    }
  },
};

function copyWindow(call: KernelCall, small: "input" | "output"): void {
  const [x, y] = [at(call.inputs, 0), at(call.outputs, 0)];
  const axis = number(call.attributes, "axis");
  const { outer, inner } = geometry(x.type, axis, call.batch);
  const [from, to] = [at(x.type.shape, axis) * inner, at(y.type.shape, axis) * inner];
  const start = number(call.attributes, "start") * inner;
  if (small === "input") y.data.fill(0, 0, y.count);
  for (let o = 0; o < outer; o++) {
    if (small === "input") y.data.set(x.data.subarray(o * from, (o + 1) * from), o * to + start);
    else y.data.set(x.data.subarray(o * from + start, o * from + start + to), o * to);
  }
}

function inferWindow(small: ValueType, large: ValueType, axis: number, start: number): void {
  checkAxis(large, axis);
  const length = small.shape[axis] ?? 0;
  const fits =
    Number.isInteger(start) && start >= 0 && length >= 1 && start + length <= at(large.shape, axis);
  if (
    !fits ||
    !sameShape(small.shape, withAxis(large, axis, length).shape) ||
    small.batched !== large.batched
  ) {
    throw new ShapeError(
      `${formatType(small)} is no part of ${formatType(large)} from ${start} along axis ${axis}`,
    );
  }
}

export const sliceOp: OpDefinition = {
  name: "slice",
  attributes: ["axis", "start"],
  infer: (inputs, attributes, as) => {
    if (as === undefined) throw new ShapeError("slice needs an output type");
    inferWindow(as, at(inputs, 0), number(attributes, "axis"), number(attributes, "start"));
    return [as];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const { axis, start } = node.attributes as { axis: number; start: number };
    return [single(dy.graph.add(padOp, [dy], { axis, start }, at(node.inputs, 0).type))];
  },
  run: (call) => copyWindow(call, "output"),
};

/** Zeros with x at `start` along an axis: the gradient of slice. */
export const padOp: OpDefinition = {
  name: "pad",
  attributes: ["axis", "start"],
  infer: (inputs, attributes, as) => {
    if (as === undefined) throw new ShapeError("pad needs an output type");
    inferWindow(at(inputs, 0), as, number(attributes, "axis"), number(attributes, "start"));
    return [as];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const { axis, start } = node.attributes as { axis: number; start: number };
    return [slice(dy, axis, start, at(at(node.inputs, 0).shape, axis))];
  },
  run: (call) => copyWindow(call, "input"),
};

/** The same elements under another shape (without the batch). */
export function reshape(x: Value, shape: readonly number[]): Value {
  if (sameShape(x.shape, shape)) return x;
  return single(x.graph.add(reshapeOp, [x], {}, valueType(x.batched, shape)));
}

/** Reorders the axes of the shape: axis i of the result is axis `order[i]` of x. */
export function permute(x: Value, order: readonly number[]): Value {
  if (order.length !== x.shape.length) {
    throw new ShapeError(`permute: ${formatShape(order)} must name each axis of ${formatType(x.type)} once`);
  }
  const attributes = Object.fromEntries(PERMUTATION.map((name, i) => [name, order[i] ?? i]));
  return single(x.graph.add(permuteOp, [x], attributes));
}

/** Joins values along an axis of the shape (negative: from the end). */
export function concatenate(values: readonly Value[], axis = -1): Value {
  const first = at(values, 0);
  if (values.length === 1) return first;
  const position = axis < 0 ? axis + first.shape.length : axis;
  // A kernel takes eight operands; more are joined in groups.
  if (values.length > 8)
    return concatenate([concatenate(values.slice(0, 8), position), ...values.slice(8)], position);
  return single(first.graph.add(concatenateOp, values, { axis: position }));
}

/** `length` entries from `start` along an axis of the shape. */
export function slice(x: Value, axis: number, start: number, length: number): Value {
  const position = axis < 0 ? axis + x.shape.length : axis;
  checkAxis(x.type, position);
  return single(x.graph.add(sliceOp, [x], { axis: position, start }, withAxis(x.type, position, length)));
}

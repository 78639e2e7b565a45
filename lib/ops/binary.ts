import type { Value } from "../graph/graph.ts";
import { broadcastIndices, broadcastTypes } from "./broadcasting.ts";
import { at, type OpDefinition, type Operand, single, text } from "./op.ts";
import { sumTo } from "./reduce.ts";
import { affine, unary } from "./unary.ts";

interface BinaryRule {
  value(a: number, b: number): number;
  /** Gradients of a and b before they are summed to their shapes; none for comparisons. */
  vjp?(dy: Value, a: Value, b: Value): readonly [Value, Value];
}

/** Elementwise functions of two arguments. */
const BINARY = {
  add: { value: (a, b) => a + b, vjp: (dy) => [dy, dy] },
  subtract: { value: (a, b) => a - b, vjp: (dy) => [dy, affine(dy, -1)] },
  multiply: { value: (a, b) => a * b, vjp: (dy, a, b) => [multiply(dy, b), multiply(dy, a)] },
  divide: {
    value: (a, b) => a / b,
    vjp: (dy, a, b) => {
      const da = divide(dy, b);
      return [da, affine(multiply(da, divide(a, b)), -1)];
    },
  },
  // At a tie the gradient goes to a, so that nothing is counted twice.
  maximum: {
    value: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)),
    vjp: (dy, a, b) => [multiply(dy, greaterEqual(a, b)), multiply(dy, greater(b, a))],
  },
  minimum: {
    value: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)),
    vjp: (dy, a, b) => [multiply(dy, greaterEqual(b, a)), multiply(dy, greater(a, b))],
  },
  equal: { value: (a, b) => (a === b ? 1 : 0) },
  greater: { value: (a, b) => (a > b ? 1 : 0) },
  greaterEqual: { value: (a, b) => (a >= b ? 1 : 0) },
} satisfies Record<string, BinaryRule>;

export type BinaryFunction = keyof typeof BINARY;

function binaryRule(name: string): BinaryRule {
  return BINARY[name as BinaryFunction];
}

export const binaryOp: OpDefinition = {
  name: "binary",
  attributes: ["function"],
  functions: Object.keys(BINARY),
  infer: (inputs) => [broadcastTypes(at(inputs, 0), at(inputs, 1))],
  vjp: (node, [dy]) => {
    const rule = binaryRule(text(node.attributes, "function"));
    if (dy === undefined || rule.vjp === undefined) return [];
    const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
    const [da, db] = rule.vjp(dy, a, b);
    return [sumTo(da, a.type), sumTo(db, b.type)];
  },
  run: ({ inputs, outputs, attributes, batch }) => {
    const { value } = binaryRule(text(attributes, "function"));
    const [a, b, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
    const [ia, ib] = [
      broadcastIndices(a.type.shape, y.type.shape),
      broadcastIndices(b.type.shape, y.type.shape),
    ];
    const start = (operand: Operand, sample: number): number =>
      operand.type.batched ? sample * operand.size : 0;
    for (let sample = 0; sample < (y.type.batched ? batch : 1); sample++) {
      const [a0, b0, y0] = [start(a, sample), start(b, sample), sample * y.size];
      for (let i = 0; i < y.size; i++) {
        y.data[y0 + i] = value(
          a.data[a0 + (ia[i] as number)] as number,
          b.data[b0 + (ib[i] as number)] as number,
        );
      }
    }
  },
};

function binary(name: BinaryFunction, a: Value, b: Value): Value {
  return single(a.graph.add(binaryOp, [a, b], { function: name }));
}

/** a + b, shapes broadcast from the right. */
export function add(a: Value, b: Value): Value {
  return binary("add", a, b);
}
/** a - b, shapes broadcast from the right. */
export function subtract(a: Value, b: Value): Value {
  return binary("subtract", a, b);
}
/** a · b elementwise, shapes broadcast from the right. */
export function multiply(a: Value, b: Value): Value {
  return binary("multiply", a, b);
}
/** a / b, shapes broadcast from the right. */
export function divide(a: Value, b: Value): Value {
  return binary("divide", a, b);
}
/** The larger of a and b; NaN where either is. */
export function maximum(a: Value, b: Value): Value {
  return binary("maximum", a, b);
}
/** The smaller of a and b; NaN where either is. */
export function minimum(a: Value, b: Value): Value {
  return binary("minimum", a, b);
}
/** 1 where a = b, else 0. */
export function equal(a: Value, b: Value): Value {
  return binary("equal", a, b);
}
/** 1 where a > b, else 0. */
export function greater(a: Value, b: Value): Value {
  return binary("greater", a, b);
}
/** 1 where a >= b, else 0. */
export function greaterEqual(a: Value, b: Value): Value {
  return binary("greaterEqual", a, b);
}

/** x where it is negative, else 0: what a learned slope multiplies. */
export function negativePart(x: Value): Value {
  return subtract(x, unary("relu", x));
}

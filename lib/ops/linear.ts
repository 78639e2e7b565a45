import { OptionError, ShapeError } from "../errors.ts";
import { formatType, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { at, lastDimension, number, type OpDefinition, requireRank, single, text } from "./op.ts";
import { reduceRows } from "./reduce.ts";
import { UNARY_NAMES, type UnaryFunction, unaryGradient, unaryRule } from "./unary.ts";

function withLast(type: ValueType, width: number): ValueType {
  return valueType(type.batched, [...type.shape.slice(0, -1), width]);
}

function requireFeatures(x: ValueType): void {
  if (x.shape.length === 0) throw new ShapeError(`the input must have a feature axis, got ${formatType(x)}`);
}

function requireWidth(what: string, type: ValueType, width: number): void {
  if (lastDimension(type) !== width) {
    throw new ShapeError(`${what} must have a last dimension of ${width}, got ${formatType(type)}`);
  }
}

/** y = f(x · kernel + bias) over the last axis. */
export const linearOp: OpDefinition = {
  name: "linear",
  attributes: ["function", "alpha", "beta"],
  functions: UNARY_NAMES,
  infer: (inputs, attributes) => {
    const [x, kernel, bias] = inputs as [ValueType, ValueType, ValueType | undefined];
    const name = text(attributes, "function");
    if (unaryRule(name).saves === "input")
      throw new OptionError(`linear cannot fuse ${name}: its gradient needs its input`);
    requireRank("kernel", kernel, 2);
    requireFeatures(x);
    requireWidth("the input", x, at(kernel.shape, 0));
    if (bias !== undefined) {
      requireRank("bias", bias, 1);
      requireWidth("bias", bias, at(kernel.shape, 1));
    }
    return [withLast(x, at(kernel.shape, 1))];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const [x, kernel, bias] = node.inputs as [Value, Value, Value | undefined];
    const { function: name, alpha, beta } = node.attributes;
    const dz = unaryGradient(name as string, dy, at(node.outputs, 0), alpha as number, beta as number);
    const dx = single(dz.graph.add(linearGradInputOp, [dz, kernel]));
    const dkernel = linearGradKernel(x, dz);
    return [dx, dkernel, bias === undefined ? undefined : reduceRows(dz)];
  },
  preactivation: (node) => ({
    activation: text(node.attributes, "function"),
    value: () =>
      single(at(node.inputs, 0).graph.add(linearOp, node.inputs, { function: "linear", alpha: 0, beta: 0 })),
  }),
  run: ({ inputs, outputs, attributes }) => {
    const [x, kernel, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const { value } = unaryRule(text(attributes, "function"));
    const [alpha, beta] = [number(attributes, "alpha"), number(attributes, "beta")];
    const [k, n] = kernel.type.shape as [number, number];
    const [xs, ws, ys] = [x.data, kernel.data, at(outputs, 0).data];
    const rows = at(outputs, 0).count / n;
    const sums = new Float64Array(n);
    for (let row = 0; row < rows; row++) {
      if (bias === undefined) sums.fill(0);
      else sums.set(bias.data);
      for (let i = 0; i < k; i++) {
        const xi = xs[row * k + i] as number;
        for (let j = 0; j < n; j++) sums[j] = (sums[j] as number) + xi * (ws[i * n + j] as number);
      }
      for (let j = 0; j < n; j++) ys[row * n + j] = value(sums[j] as number, alpha, beta);
    }
  },
};

/** dx = dz · kernelᵀ */
export const linearGradInputOp: OpDefinition = {
  name: "linearGradInput",
  attributes: [],
  infer: (inputs) => {
    const [dz, kernel] = inputs as [ValueType, ValueType];
    requireRank("kernel", kernel, 2);
    requireFeatures(dz);
    requireWidth("the gradient", dz, at(kernel.shape, 1));
    return [withLast(dz, at(kernel.shape, 0))];
  },
  run: ({ inputs, outputs }) => {
    const [dz, kernel] = [at(inputs, 0), at(inputs, 1)];
    const [k, n] = kernel.type.shape as [number, number];
    const [ds, ws, dx] = [dz.data, kernel.data, at(outputs, 0).data];
    const rows = at(outputs, 0).count / k;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < k; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += (ds[row * n + j] as number) * (ws[i * n + j] as number);
        dx[row * k + i] = sum;
      }
    }
  },
};

/** dkernel = xᵀ · dz, summed over the batch and all leading axes. */
export const linearGradKernelOp: OpDefinition = {
  name: "linearGradKernel",
  attributes: [],
  infer: (inputs) => {
    const [x, dz] = inputs as [ValueType, ValueType];
    requireFeatures(x);
    requireFeatures(dz);
    const [a, b] = [x.shape.slice(0, -1).join(), dz.shape.slice(0, -1).join()];
    if (x.batched !== dz.batched || a !== b) {
      throw new ShapeError(
        `input and gradient must have the same rows, got ${formatType(x)} and ${formatType(dz)}`,
      );
    }
    return [valueType(false, [lastDimension(x), lastDimension(dz)])];
  },
  run: ({ inputs, outputs }) => {
    const [x, dz] = [at(inputs, 0), at(inputs, 1)];
    const [k, n] = at(outputs, 0).type.shape as [number, number];
    const [xs, ds, dw] = [x.data, dz.data, at(outputs, 0).data];
    const rows = x.count / k;
    const sums = new Float64Array(n);
    for (let i = 0; i < k; i++) {
      sums.fill(0);
      for (let row = 0; row < rows; row++) {
        const xi = xs[row * k + i] as number;
        for (let j = 0; j < n; j++) sums[j] = (sums[j] as number) + xi * (ds[row * n + j] as number);
      }
      dw.set(sums, i * n);
    }
  },
};

/** f(x · kernel + bias): x [..., K], kernel [K, N], bias [N] -> [..., N]. The function's gradient must not need its input. */
export function linear(
  x: Value,
  kernel: Value,
  bias?: Value,
  activation: { function: UnaryFunction; alpha?: number; beta?: number } = { function: "linear" },
): Value {
  const attributes = {
    function: activation.function,
    alpha: activation.alpha ?? 0,
    beta: activation.beta ?? 0,
  };
  return single(x.graph.add(linearOp, bias === undefined ? [x, kernel] : [x, kernel, bias], attributes));
}

/** xᵀ · dz over all rows of the batch: [K, N]. */
export function linearGradKernel(x: Value, dz: Value): Value {
  return single(x.graph.add(linearGradKernelOp, [x, dz]));
}

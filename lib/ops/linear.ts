import { OptionError, ShapeError } from "../errors.ts";
import { formatType, type Precision, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { roundOperand } from "./bf16.ts";
import { linearDescent } from "./linear-update.ts";
import {
  at,
  lastDimension,
  number,
  type OpDefinition,
  type Operand,
  requireRank,
  requireSame,
  single,
  text,
} from "./op.ts";
import { addProducts, addRows, kernelType, requireFeatures } from "./products.ts";
import { UNARY_NAMES, type UnaryFunction, unaryGradient, unaryGradOp, unaryRule } from "./unary.ts";

function withLast(type: ValueType, width: number): ValueType {
  return valueType(type.batched, [...type.shape.slice(0, -1), width]);
}

function requireWidth(what: string, type: ValueType, width: number): void {
  if (lastDimension(type) !== width) {
    throw new ShapeError(`${what} must have a last dimension of ${width}, got ${formatType(type)}`);
  }
}

const NO_FUNCTION = { function: "linear" satisfies UnaryFunction, alpha: 0, beta: 0 };

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
    const { gradInput } = LINEAR_OPS[dz.graph.precision];
    const dx = single(dz.graph.add(gradInput, [dz, kernel], NO_FUNCTION));
    return [dx, ...linearGradients(x, dz, bias !== undefined)];
  },
  preactivation: (node) => ({
    activation: text(node.attributes, "function"),
    value: () => single(at(node.inputs, 0).graph.add(node.op, node.inputs, NO_FUNCTION)),
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

/** dx = dz · kernelᵀ, times f'(saved) where the function is not the identity: the gradient before an activation. */
export const linearGradInputOp: OpDefinition = {
  name: "linearGradInput",
  attributes: ["function", "alpha", "beta"],
  functions: UNARY_NAMES,
  infer: (inputs, attributes) => {
    const [dz, kernel, saved] = inputs as [ValueType, ValueType, ValueType | undefined];
    requireRank("kernel", kernel, 2);
    requireFeatures(dz);
    requireWidth("the gradient", dz, at(kernel.shape, 1));
    const dx = withLast(dz, at(kernel.shape, 0));
    if ((saved === undefined) !== (text(attributes, "function") === NO_FUNCTION.function))
      throw new ShapeError("a function, and no other, needs a saved value");
    if (saved !== undefined) requireSame("the gradient and the saved value", dx, saved);
    return [dx];
  },
  absorbs: (node, next) => {
    const [dx, saved] = next.inputs as [Value, Value];
    const fits = next.op === unaryGradOp && dx === node.outputs[0] && node.inputs.length === 2;
    if (!fits) return undefined;
    return { op: node.op, inputs: [...node.inputs, saved], attributes: next.attributes };
  },
  run: ({ inputs, outputs, attributes }) => {
    const [dz, kernel, saved] = [at(inputs, 0), at(inputs, 1), inputs[2]?.data];
    const { derivative } = unaryRule(text(attributes, "function"));
    const [alpha, beta] = [number(attributes, "alpha"), number(attributes, "beta")];
    const [k, n] = kernel.type.shape as [number, number];
    const [ds, ws, dx] = [dz.data, kernel.data, at(outputs, 0).data];
    const rows = at(outputs, 0).count / k;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < k; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += (ds[row * n + j] as number) * (ws[i * n + j] as number);
        const slope = saved === undefined ? 1 : derivative(saved[row * k + i] as number, alpha, beta);
        dx[row * k + i] = sum * slope;
      }
    }
  },
};

/** dkernel = xᵀ · dz and, where `bias` is 1, dbias = the sum of dz, over the batch and all leading axes. */
export const linearGradKernelOp: OpDefinition = {
  name: "linearGradKernel",
  attributes: ["bias"],
  infer: (inputs, attributes) => {
    const [x, dz] = inputs as [ValueType, ValueType];
    const kernel = kernelType(x, dz);
    return number(attributes, "bias") === 1 ? [kernel, valueType(false, [lastDimension(dz)])] : [kernel];
  },
  descent: linearDescent("float32"),
  run: gradKernelRun((factor) => factor),
};

function gradKernelRun(factor: (operand: Operand) => Operand): OpDefinition["run"] {
  return ({ inputs, outputs }) => {
    const [x, dz] = [at(inputs, 0), at(inputs, 1)];
    addProducts(factor(x), factor(dz), (i, sums) => at(outputs, 0).data.set(sums, i * sums.length));
    if (outputs[1] !== undefined) outputs[1].data.set(addRows(dz));
  };
}

/** The op with both factors of its product, the first two inputs, rounded to bf16. */
function withRoundedFactors(op: OpDefinition): OpDefinition {
  return {
    ...op,
    name: `${op.name}Bf16`,
    run: (call) => op.run({ ...call, inputs: call.inputs.map((x, i) => (i < 2 ? roundOperand(x) : x)) }),
  };
}

export const linearBf16Op = withRoundedFactors(linearOp);
export const linearGradInputBf16Op = withRoundedFactors(linearGradInputOp);
export const linearGradKernelBf16Op: OpDefinition = {
  name: "linearGradKernelBf16",
  attributes: linearGradKernelOp.attributes,
  infer: linearGradKernelOp.infer,
  descent: linearDescent("bf16"),
  run: gradKernelRun(roundOperand),
};

const LINEAR_OPS: Record<
  Precision,
  { forward: OpDefinition; gradInput: OpDefinition; gradKernel: OpDefinition }
> = {
  float32: { forward: linearOp, gradInput: linearGradInputOp, gradKernel: linearGradKernelOp },
  bf16: { forward: linearBf16Op, gradInput: linearGradInputBf16Op, gradKernel: linearGradKernelBf16Op },
};

/** Whether a node of this op is a dense layer. */
export function isLinear(op: OpDefinition): boolean {
  return Object.values(LINEAR_OPS).some(({ forward }) => forward === op);
}

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
  const { forward } = LINEAR_OPS[x.graph.precision];
  return single(x.graph.add(forward, bias === undefined ? [x, kernel] : [x, kernel, bias], attributes));
}

/** xᵀ · dz over all rows of the batch, [K, N], and the sum of the rows of dz, [N]. */
export function linearGradients(x: Value, dz: Value, bias: boolean): readonly Value[] {
  return x.graph.add(LINEAR_OPS[x.graph.precision].gradKernel, [x, dz], { bias: bias ? 1 : 0 });
}

/** xᵀ · dz over all rows of the batch: [K, N]. */
export function linearGradKernel(x: Value, dz: Value): Value {
  return single(linearGradients(x, dz, false));
}

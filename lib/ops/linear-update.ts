import type { Precision, ValueType } from "../graph/graph.ts";
import { valueType } from "../graph/graph.ts";
import type { FloatArray } from "../tensor.ts";
import { roundOperand } from "./bf16.ts";
import {
  at,
  type Descent,
  lastDimension,
  number,
  type OpDefinition,
  type Operand,
  requireSame,
} from "./op.ts";
import { OPTIMIZERS } from "./optimizer.ts";
import { addProducts, addRows, kernelType } from "./products.ts";

/** How the factors of the gradient's product are rounded, and how the ops' names say so. */
interface Rounding {
  readonly suffix: string;
  factor(operand: Operand): Operand;
}

/** Ends the step before it writes state when an element of xᵀ · dz, or of the sum of dz, is not finite. */
function linearGuard({ suffix, factor }: Rounding): OpDefinition {
  return {
    name: `linearGuard${suffix}`,
    attributes: [],
    infer: (inputs) => {
      const [x, dz] = inputs as [ValueType, ValueType];
      kernelType(x, dz);
      return [];
    },
    run: ({ inputs, fail }) => {
      const [x, dz] = [at(inputs, 0), at(inputs, 1)];
      const finite = (sums: Float64Array): boolean => sums.every((sum) => Number.isFinite(Math.fround(sum)));
      let good = finite(addRows(dz));
      addProducts(factor(x), factor(dz), (_row, sums) => {
        good &&= finite(sums);
      });
      if (!good) fail();
    },
  };
}

/**
 * Plain gradient descent on a dense layer: kernel - rate · xᵀ · dz and, where there is a bias, bias - rate · the
 * sum of dz, in place. The gradient is summed up first, so the result is that of an `sgd` on it.
 */
function linearUpdate({ suffix, factor }: Rounding): OpDefinition {
  return {
    name: `linearUpdate${suffix}`,
    attributes: ["scale"],
    inPlace: [2, 3],
    infer: (inputs) => {
      const [x, dz, kernel, bias] = inputs as [ValueType, ValueType, ValueType, ValueType | undefined];
      requireSame("the kernel and its gradient", kernel, kernelType(x, dz));
      if (bias === undefined) return [kernel];
      requireSame("the bias and its gradient", bias, valueType(false, [lastDimension(dz)]));
      return [kernel, bias];
    },
    run: ({ inputs, outputs, attributes, learningRate }) => {
      const [x, dz] = [at(inputs, 0), at(inputs, 1)];
      const rate = learningRate * number(attributes, "scale");
      const descend = (parameters: FloatArray, start: number, gradient: Float64Array): void => {
        gradient.forEach((g, i) => {
          parameters[start + i] = (parameters[start + i] as number) - rate * g;
        });
      };
      addProducts(factor(x), factor(dz), (i, sums) => descend(at(outputs, 0).data, i * sums.length, sums));
      if (outputs[1] !== undefined) descend(outputs[1].data, 0, addRows(dz));
    },
  };
}

/**
 * An optimizer's step on a dense layer, kernel and bias, each with its slots behind it, in place: what the
 * optimizer does to them with the gradients xᵀ · dz and, where `bias` is 1, the sum of dz.
 */
function linearOptimizer(op: OpDefinition, { suffix, factor }: Rounding): OpDefinition {
  const own = (inputs: readonly unknown[], bias: boolean): number => (inputs.length - 2) / (bias ? 2 : 1);
  return {
    name: `linear${op.name.charAt(0).toUpperCase()}${op.name.slice(1)}${suffix}`,
    attributes: [...op.attributes, "bias"],
    inPlace: [2, 3, 4, 5, 6, 7, 8, 9],
    infer: (inputs, attributes) => {
      const [x, dz] = inputs as [ValueType, ValueType];
      const bias = number(attributes, "bias") === 1;
      const gradients = [kernelType(x, dz), ...(bias ? [valueType(false, [lastDimension(dz)])] : [])];
      const each = own(inputs, bias);
      return gradients.flatMap((gradient, i) => {
        const [parameter, ...slots] = inputs.slice(2 + i * each, 2 + (i + 1) * each);
        return op.infer([parameter as ValueType, gradient, ...slots], attributes);
      });
    },
    run: (call) => {
      const [x, dz] = [at(call.inputs, 0), at(call.inputs, 1)];
      const bias = number(call.attributes, "bias") === 1;
      const each = own(call.inputs, bias);
      const descend = (first: number, data: FloatArray): void => {
        const outputs = call.outputs.slice(first, first + each);
        const parameter = at(outputs, 0);
        op.run({ ...call, inputs: [parameter, { ...parameter, data }, ...outputs.slice(1)], outputs });
      };
      const kernel = new Float64Array(at(call.outputs, 0).count);
      addProducts(factor(x), factor(dz), (i, sums) => kernel.set(sums, i * sums.length));
      descend(0, kernel);
      if (bias) descend(each, addRows(dz));
    },
  };
}

/** Gradient descent on a dense layer, and all ops that it may take. */
function descentBy(rounding: Rounding): { descent: Descent; ops: readonly OpDefinition[] } {
  const [guard, update] = [linearGuard(rounding), linearUpdate(rounding)];
  const byOptimizer = new Map(OPTIMIZERS.map((op) => [op, linearOptimizer(op, rounding)]));
  return {
    descent: { guard, update, updateBy: (optimizer) => byOptimizer.get(optimizer) as OpDefinition },
    ops: [guard, update, ...byOptimizer.values()],
  };
}

const BY_PRECISION = {
  float32: descentBy({ suffix: "", factor: (operand) => operand }),
  bf16: descentBy({ suffix: "Bf16", factor: roundOperand }),
};

export const linearDescentOps: readonly OpDefinition[] = [
  ...BY_PRECISION.float32.ops,
  ...BY_PRECISION.bf16.ops,
];

/** Gradient descent on a dense layer whose products have this precision. */
export function linearDescent(precision: Precision): Descent {
  return BY_PRECISION[precision].descent;
}

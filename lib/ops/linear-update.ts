import type { ValueType } from "../graph/graph.ts";
import { valueType } from "../graph/graph.ts";
import type { FloatArray } from "../tensor.ts";
import { at, lastDimension, number, type OpDefinition, requireSame } from "./op.ts";
import { addProducts, addRows, kernelType } from "./products.ts";

/** Ends the step before it writes state when an element of xᵀ · dz, or of the sum of dz, is not finite. */
export const linearGuardOp: OpDefinition = {
  name: "linearGuard",
  attributes: [],
  infer: (inputs) => {
    const [x, dz] = inputs as [ValueType, ValueType];
    kernelType(x, dz);
    return [];
  },
  run: ({ inputs, outputs: _, fail }) => {
    const [x, dz] = [at(inputs, 0), at(inputs, 1)];
    const finite = (sums: Float64Array): boolean => sums.every((sum) => Number.isFinite(Math.fround(sum)));
    let good = finite(addRows(dz));
    addProducts(x, dz, (_row, sums) => {
      good &&= finite(sums);
    });
    if (!good) fail();
  },
};

/**
 * Plain gradient descent on a dense layer: kernel - rate · xᵀ · dz and, where there is a bias, bias - rate · the
 * sum of dz, in place. The gradient is summed up first, so the result is that of an `sgd` on it.
 */
export const linearUpdateOp: OpDefinition = {
  name: "linearUpdate",
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
    addProducts(x, dz, (i, sums) => descend(at(outputs, 0).data, i * sums.length, sums));
    if (outputs[1] !== undefined) descend(outputs[1].data, 0, addRows(dz));
  },
};

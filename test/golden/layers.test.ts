import { describe, test } from "vitest";
import { unaryRule } from "../../lib/ops/unary.ts";
import { expectClose, type Input, readGolden, runOp } from "./golden.ts";

interface Tensor {
  shape: number[];
  data: number[];
}

type Tensors<Names extends string> = Record<Names, Tensor>;
type Normalization = { epsilon: number; momentum: number } & Tensors<
  "x" | "gamma" | "beta" | "dy" | "y" | "mean" | "dx" | "dgamma" | "dbeta"
>;
type Batch = Normalization & Tensors<"variance" | "secondX" | "movingMean" | "movingVariance">;
type LayerNorm = Normalization & Tensors<"rstd">;
type Dense = { activation: string } & Tensors<
  "x" | "kernel" | "bias" | "dy" | "y" | "dx" | "dkernel" | "dbias"
>;

const golden = readGolden<{
  batchNormalization: Batch[];
  layerNormalization: LayerNorm[];
  dense: Dense[];
}>("layers");

const TOLERANCE = 1e-13;

const batched = ({ data, shape }: Tensor): Input => ({ data, shape: shape.slice(1), batched: true });
const sizeOfBatch = (x: Tensor): { batch: number } => ({ batch: x.shape[0] as number });

/** Compares outputs with the tensors of these names. */
function expectAll(outputs: Float64Array[], tensors: Record<string, Tensor>): void {
  for (const [i, [name, { data }]] of Object.entries(tensors).entries()) {
    expectClose(outputs[i] as Float64Array, data, TOLERANCE, name);
  }
}

describe("layers are PyTorch's", () => {
  test.each(golden.batchNormalization)("batch normalization of $x.shape", (layer) => {
    const { epsilon, x, gamma, beta, dy, y, mean, variance, dx, dgamma, dbeta } = layer;
    const outputs = runOp("batchNormalization", [batched(x), gamma, beta], { epsilon }, sizeOfBatch(x));
    expectAll(outputs, { y, mean, variance });
    const saved = [batched(dy), batched(x), gamma, mean, variance];
    const gradients = runOp("batchNormalizationGrad", saved, { epsilon }, sizeOfBatch(x));
    expectAll(gradients, { dx, dgamma, dbeta });
  });

  test.each(golden.batchNormalization)("moving averages of $x.shape", (layer) => {
    const { epsilon, momentum, x, secondX, gamma, beta, movingMean, movingVariance } = layer;
    const { shape } = gamma;
    let averages = [0, 1].map((start): Input => ({ data: gamma.data.map(() => start), shape }));
    for (const batch of [x, secondX]) {
      const inputs = [batched(batch), gamma, beta];
      const [, ...statistics] = runOp("batchNormalization", inputs, { epsilon }, sizeOfBatch(batch));
      averages = averages.map((average, i) => {
        const value = { data: statistics[i] as Float64Array, shape };
        return { data: runOp("movingAverage", [average, value], { momentum })[0] as Float64Array, shape };
      });
    }
    expectAll(
      averages.map(({ data }) => data as Float64Array),
      { movingMean, movingVariance },
    );
  });

  test.each(golden.layerNormalization)("layer normalization of $x.shape", (layer) => {
    const { epsilon, x, gamma, beta, dy, y, mean, rstd, dx, dgamma, dbeta } = layer;
    const outputs = runOp("layerNormalization", [batched(x), gamma, beta], { epsilon }, sizeOfBatch(x));
    expectAll(outputs, { y, mean, rstd });
    const saved = [batched(dy), batched(x), gamma, batched(mean), batched(rstd)];
    expectAll(runOp("layerNormalizationGrad", saved, {}, sizeOfBatch(x)), { dx, dgamma, dbeta });
  });

  test.each(golden.dense)("dense, $activation, of $x.shape", (layer) => {
    const { activation, x, kernel, bias, dy, y, dx, dkernel, dbias } = layer;
    const attributes = { function: activation, alpha: 0, beta: 0 };
    const size = sizeOfBatch(x);
    expectAll(runOp("linear", [batched(x), kernel, bias], attributes, size), { y });
    // The derivative by the sum before the activation.
    const slope = unaryRule(activation);
    const dz = {
      shape: dy.shape,
      data: dy.data.map((d, i) => d * slope.derivative(y.data[i] as number, 0, 0)),
    };
    const identity = { function: "linear", alpha: 0, beta: 0 };
    expectAll(runOp("linearGradInput", [batched(dz), kernel], identity, size), { dx });
    expectAll(runOp("linearGradKernel", [batched(x), batched(dz)], { bias: 1 }, size), { dkernel, dbias });
  });
});

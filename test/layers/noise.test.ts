import { describe, expect, test } from "vitest";
import { type Layer, layers, Network, ops, optimizers, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";

const WIDTH = 1000;

/**
 * What a layer makes of ones in training: the rate is 0 and the loss -sum of (output · bias), so that one
 * step leaves the masks as the gradient; they are read from a step with rate 1 from a bias of 0.
 */
function inTraining(
  layer: Layer,
  executor: "reference" | "native",
  options: { seed?: number; steps?: number } = {},
): number[] {
  const { seed = 11, steps = 1 } = options;
  const bias = layers.dense({
    units: WIDTH,
    kernelInitializer: "zeros",
    biasInitializer: "zeros",
    name: "bias",
  });
  const x = layers.input({ shape: [1] });
  const ones = layers
    .dense({ units: WIDTH, kernelInitializer: "zeros", biasInitializer: "ones", trainable: false })
    .apply(x);
  const product = layers.multiply().apply([layer.apply(ones), bias.apply(x)]);
  const network = new Network({ inputs: [x], outputs: [product], seed, executor });
  const trainer = new Trainer(network, {
    loss: (p) => ops.affine(ops.reduce("sum", p), -1),
    optimizer: optimizers.sgd({ learningRate: (step) => (step === steps - 1 ? 1 : 0) }),
  });
  trainer.fitSync({ x: [[0]], y: { data: new Float32Array(WIDTH), shape: [1, WIDTH] } }, { epochs: steps });
  return [...(network.layer("bias").weights[1]?.data ?? [])];
}

describe.each(EXECUTORS)("noise in training, %s", (executor) => {
  test("dropout zeroes about the rate and scales the rest", () => {
    const mask = inTraining(layers.dropout({ rate: 0.25 }), executor);
    const kept = mask.filter((value) => value !== 0);
    for (const value of kept) expect(value).toBe(Math.fround(1 / 0.75));
    expect(Math.abs(kept.length / WIDTH - 0.75)).toBeLessThan(0.05);
  });

  test("gaussian noise has its deviation", () => {
    const noise = inTraining(layers.gaussianNoise({ stddev: 0.5 }), executor).map((value) => value - 1);
    const mean = noise.reduce((sum, value) => sum + value, 0) / WIDTH;
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / WIDTH);
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.05);
  });

  test("each seed and each step has its own", () => {
    const layer = layers.dropout({ rate: 0.5 });
    const mask = inTraining(layer, executor);
    expect(inTraining(layer, executor)).toEqual(mask);
    expect(inTraining(layer, executor, { seed: 12 })).not.toEqual(mask);
    expect(inTraining(layer, executor, { steps: 2 })).not.toEqual(mask);
  });

  test("rates of 0 are no noise", () => {
    const ones = Array.from({ length: WIDTH }, () => 1);
    expect(inTraining(layers.dropout({ rate: 0 }), executor)).toEqual(ones);
    expect(inTraining(layers.gaussianNoise({ stddev: 0 }), executor)).toEqual(ones);
  });
});

test.each(EXECUTORS)("dropout masks are the same bits as the reference's, %s", (executor) => {
  for (const rate of [0.1, 0.5, 0.999]) {
    const layer = layers.dropout({ rate });
    expect(inTraining(layer, executor)).toEqual(inTraining(layer, "reference"));
  }
});

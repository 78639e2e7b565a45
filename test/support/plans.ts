import * as layers from "../../lib/layers/index.ts";
import type { LossLike } from "../../lib/losses.ts";
import type { MetricLike } from "../../lib/metrics.ts";
import { Network } from "../../lib/network.ts";
import type { Optimizer } from "../../lib/optimizers.ts";
import * as optimizers from "../../lib/optimizers.ts";
import { encodePlan } from "../../lib/plan/encode.ts";
import { compileTraining } from "../../lib/training/compile.ts";
import { objectiveFor } from "../../lib/training/head.ts";

interface Recipe {
  network: Network;
  loss: LossLike;
  optimizer: Optimizer;
  metrics: readonly MetricLike[];
}

function branches(): Network {
  const x = layers.input({ shape: [3, 4] });
  const flat = layers.flatten().apply(x);
  const a = layers.dense({ units: 6, activation: "gelu" }).apply(flat);
  const b = layers.prelu().apply(layers.dense({ units: 6 }).apply(flat));
  const merged = layers
    .concatenate()
    .apply([a, layers.multiply().apply([a, b]), layers.average().apply([a, b])]);
  const normal = layers.batchNormalization().apply(layers.gaussianNoise({ stddev: 0.1 }).apply(merged));
  const output = layers.dense({ units: 5, activation: "softmax", kernelRegularizer: "l2" }).apply(normal);
  return new Network({ inputs: [x], outputs: [output], seed: 1, executor: "native" });
}

const chain = (activation: layers.ActivationName, last: layers.ActivationName, units: number): Network =>
  new Network({
    input: [7],
    layers: [
      layers.dense({ units: 9, activation }),
      layers.layerNormalization(),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units, activation: last }),
    ],
    seed: 2,
    executor: "native",
  });

const recipes: Record<string, () => Recipe> = {
  "classes by index": () => ({
    network: chain("relu", "softmax", 4),
    loss: "sparseCategoricalCrossentropy",
    optimizer: optimizers.adam({ amsgrad: true, globalClipNorm: 1 }),
    metrics: ["accuracy", "confusionMatrix"],
  }),
  "one-hot classes, a graph with branches": () => ({
    network: branches(),
    loss: "categoricalCrossentropy",
    optimizer: optimizers.rmsprop({ centered: true, momentum: 0.9, clipValue: 0.5 }),
    metrics: ["accuracy"],
  }),
  "two classes": () => ({
    network: chain("tanh", "sigmoid", 1),
    loss: "binaryCrossentropy",
    optimizer: optimizers.sgd({ momentum: 0.9, nesterov: true, clipNorm: 1 }),
    metrics: ["accuracy", "precision", "auc"],
  }),
  regression: () => ({
    network: chain("elu", "linear", 3),
    loss: "huber",
    optimizer: optimizers.nadam(),
    metrics: ["meanAbsoluteError", "r2"],
  }),
};

/** Encoded training plans of several kinds, by what they learn. */
export const TRAINING_PLANS: readonly (readonly [string, Uint8Array])[] = Object.entries(recipes).map(
  ([name, recipe]) => {
    const { network, loss, optimizer, metrics } = recipe();
    const options = { objective: objectiveFor(network, { loss, metrics }), optimizer, groups: [] };
    return [name, encodePlan(compileTraining(network, options, 6, true).plan)];
  },
);

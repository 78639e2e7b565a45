import type { ExecutorName } from "../../lib/executor/native.ts";
import { type Layer, layers, Network, optimizers, Trainer, type TrainerOptions } from "../../lib/index.ts";
import { Random } from "../../lib/random.ts";

export interface Samples {
  x: number[][];
  y: number[];
}

/** Points of the plane: 1 inside a circle, else 0. */
export function circle(count: number, seed = 5): Samples {
  const random = new Random(seed, 0);
  const x = Array.from({ length: count }, () => [random.uniform() * 4 - 2, random.uniform() * 4 - 2]);
  return { x, y: x.map(([a = 0, b = 0]) => (a * a + b * b < 1.5 ? 1 : 0)) };
}

export interface TaskOptions extends Partial<TrainerOptions> {
  executor?: ExecutorName | undefined;
  networkSeed?: number;
  layers?: readonly Layer[];
}

/** A small classifier of points, with its trainer. */
export function classifier(options: TaskOptions = {}): { network: Network; trainer: Trainer } {
  const { executor, networkSeed = 7, layers: list, ...rest } = options;
  const network = new Network({
    input: [2],
    layers: list ?? [
      layers.dense({ units: 8, activation: "tanh", name: "hidden" }),
      layers.dense({ units: 1, activation: "sigmoid", name: "out" }),
    ],
    seed: networkSeed,
    executor,
  });
  const optimizer = optimizers.adam({ learningRate: 0.01 });
  return { network, trainer: new Trainer(network, { loss: "binaryCrossentropy", optimizer, ...rest }) };
}

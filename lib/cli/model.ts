import type { ExecutorName } from "../executor/native.ts";
import { dense, dropout, flatten } from "../layers/index.ts";
import { Network } from "../network.ts";
import { adam } from "../optimizers.ts";
import { cosineDecay } from "../schedules.ts";
import { Trainer } from "../trainer.ts";

export interface ModelRequest {
  readonly executor: ExecutorName | undefined;
  readonly seed: number;
  /** Optimizer steps that the learning rate decays over. */
  readonly steps: number;
}

const HIDDEN = [256, 128] as const;
const DROPOUT = 0.2;

/** A dense classifier of 28 x 28 images with its trainer: Adam, a short warm-up, then half a cosine down. */
export function makeTrainer({ executor, seed, steps }: ModelRequest): Trainer {
  const network = new Network({
    name: "digits",
    input: [28, 28, 1],
    layers: [
      flatten(),
      ...HIDDEN.flatMap((units) => [dense({ units, activation: "relu" }), dropout({ rate: DROPOUT })]),
      dense({ units: 10, activation: "softmax" }),
    ],
    seed,
    executor,
  });
  const warmupSteps = Math.floor(steps / 20);
  const learningRate = cosineDecay({
    initialLearningRate: 5e-4,
    warmupSteps,
    warmupTarget: 2e-3,
    decaySteps: Math.max(1, steps - warmupSteps),
  });
  return new Trainer(network, {
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
    optimizer: adam({ learningRate }),
  });
}

/** `784 → 256 → 128 → 10, 235,146 parameters` */
export function describeModel(network: Network): string {
  const widths = network.layers
    .filter(({ kind }) => kind === "dense")
    .map(({ outputShape }) => outputShape.at(-1));
  const parameters = network.weights.reduce((sum, { data }) => sum + data.length, 0);
  return `784 → ${widths.join(" → ")}, ${parameters.toLocaleString("en-US")} parameters`;
}

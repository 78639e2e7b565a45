/** Four people by weight and height, each as its difference from a mean; one sample a step, as by hand. */
import { layers, Network, optimizers, Trainer } from "myelin";
import { isScript } from "./script.ts";

export const PEOPLE = {
  // Pounds above 135, inches above 66; 1: female.
  x: [
    [-2, -1],
    [25, 6],
    [17, 4],
    [-15, -6],
  ],
  y: [1, 0, 0, 1],
};

export interface WeightHeightResult {
  /** 128 pounds, 63 inches. */
  emily: number;
  /** 155 pounds, 68 inches. */
  frank: number;
  /** Of every epoch. */
  loss: readonly number[];
}

export function weightHeight(seed = 1): WeightHeightResult {
  const network = new Network({
    input: [2],
    layers: [
      layers.dense({ units: 2, activation: "sigmoid" }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
    seed,
  });
  const trainer = new Trainer(network, {
    loss: "meanSquaredError",
    optimizer: optimizers.sgd({ learningRate: 0.1 }),
  });
  const { loss } = trainer.fitSync(PEOPLE, { epochs: 1000, batchSize: 1, shuffle: false });
  const [emily, frank] = network.predict([
    [-7, -3],
    [20, 2],
  ]).data;
  return { emily: emily as number, frank: frank as number, loss };
}

if (isScript(import.meta.url)) {
  const { emily, frank, loss } = weightHeight();
  for (const epoch of [0, 10, 100, 999]) console.log(`epoch ${epoch}: loss ${loss[epoch]?.toFixed(4)}`);
  console.log(`Emily ${emily.toFixed(3)} (female is 1), Frank ${frank.toFixed(3)}`);
}

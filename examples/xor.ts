/** XOR, which one neuron cannot learn and a hidden layer of four can. */
import { layers, Network, optimizers, Trainer } from "myelin";
import { isScript } from "./script.ts";

export const XOR = {
  x: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  y: [0, 1, 1, 0],
};

export interface XorResult {
  /** For each of the four cases. */
  predictions: number[];
  /** At the end. */
  loss: number;
  epochs: number;
}

/** @param seed another seed, other first weights */
export function xor(seed = 1): XorResult {
  const network = new Network({
    input: [2],
    layers: [
      layers.dense({ units: 4, activation: "sigmoid" }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
    seed,
  });
  const trainer = new Trainer(network, {
    loss: "meanSquaredError",
    optimizer: optimizers.adam({ learningRate: 0.1 }),
  });
  const { loss, epochs } = trainer.fitSync(XOR, { epochs: 5000, batchSize: 4, targetLoss: 1e-3 });
  return { predictions: [...network.predict(XOR.x).data], loss: loss.at(-1) as number, epochs };
}

if (isScript(import.meta.url)) {
  const { predictions, loss, epochs } = xor();
  for (const [i, [a, b]] of XOR.x.entries()) console.log(`${a} xor ${b} = ${predictions[i]?.toFixed(3)}`);
  console.log(`loss ${loss.toExponential(2)} after ${epochs} epochs`);
}

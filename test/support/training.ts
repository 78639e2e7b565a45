import * as layers from "../../lib/layers/index.ts";
import { Network } from "../../lib/network.ts";
import { Trainer } from "../../lib/trainer.ts";

/** A small regression: 8 numbers a sample, typed arrays over ArrayBuffers of their own. */
export function sineData(samples: number): { x: { data: Float32Array; shape: number[] }; y: Float32Array } {
  return {
    x: { data: Float32Array.from({ length: samples * 8 }, (_, i) => Math.sin(i)), shape: [samples, 8] },
    y: Float32Array.from({ length: samples }, (_, i) => Math.cos(i)),
  };
}

/** A network for `sineData` with dropout, and its trainer. */
export function sineTraining(units = 32, seed = 1): { network: Network; trainer: Trainer } {
  const network = new Network({
    input: [8],
    layers: [
      layers.dense({ units, activation: "tanh" }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 1 }),
    ],
    seed,
    executor: "native",
  });
  return { network, trainer: new Trainer(network, { loss: "meanSquaredError" }) };
}

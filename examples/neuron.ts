/**
 * A neuron, then two in a hidden layer, and the gradient of a loss: the numbers that one can check with
 * pencil and paper.
 */
import { layers, Network, optimizers, Trainer } from "myelin";
import { isScript } from "./script.ts";

export interface NeuronResult {
  /** One neuron: sigmoid(0 · 2 + 1 · 3 + 4). */
  neuron: number;
  /** Two hidden neurons with weights [0, 1], and one that reads them. */
  hidden: number;
  /** The 2-2-1 network with all weights 1 on [-2, -1]. */
  output: number;
  /** How the squared error of that output, which should be 1, changes with the first weight. */
  gradient: number;
}

function sigmoidNetwork(...units: number[]): Network {
  return new Network({
    input: [2],
    layers: units.map((width) => layers.dense({ units: width, activation: "sigmoid" })),
  });
}

/** Weights of the layers in order: kernel, bias, kernel, bias, ... Kernels are [inputs, units]. */
function setWeights(network: Network, ...values: number[][]): void {
  for (const [i, { data }] of network.weights.entries()) data.set(values[i] as number[]);
}

export function neurons(): NeuronResult {
  const one = sigmoidNetwork(1);
  setWeights(one, [0, 1], [4]);
  const two = sigmoidNetwork(2, 1);
  setWeights(two, [0, 0, 1, 1], [0, 0], [0, 1], [0]);
  const ones = sigmoidNetwork(2, 1);
  setWeights(ones, [1, 1, 1, 1], [0, 0], [1, 1], [0]);
  const output = ones.predict([-2, -1]).data[0] as number;
  // Gradient descent with rate 1 takes the gradient itself off each weight.
  const trainer = new Trainer(ones, {
    loss: "meanSquaredError",
    optimizer: optimizers.sgd({ learningRate: 1 }),
  });
  trainer.fitSync({ x: [[-2, -1]], y: [1] });
  return {
    neuron: one.predict([2, 3]).data[0] as number,
    hidden: two.predict([2, 3]).data[0] as number,
    output,
    gradient: 1 - (ones.layer("dense").weights[0]?.data[0] as number),
  };
}

if (isScript(import.meta.url)) {
  const { neuron, hidden, output, gradient } = neurons();
  console.log(`one neuron, weights [0, 1], bias 4, input [2, 3]:   ${neuron.toFixed(6)}`);
  console.log(`two hidden neurons, weights [0, 1], input [2, 3]:   ${hidden.toFixed(6)}`);
  console.log(`2-2-1, all weights 1, input [-2, -1]:               ${output.toFixed(6)}`);
  console.log(`its error by the first weight:                      ${gradient.toFixed(6)}`);
}

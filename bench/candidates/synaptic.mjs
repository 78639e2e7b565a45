// synaptic: writes out a function for the whole network, which only pays for tiny ones.
import { peerVersion, requirePeer } from "../adapters/peers.mjs";
import { inputOf, lossOf } from "../harness/evaluate.mjs";

/** The connections into neuron `j` of layer `l`, by the neuron that they come from. */
function connectionsInto(layers, l, j) {
  const from = layers[l].list;
  const inputs = Object.values(layers[l + 1].list[j].connections.inputs);
  return from.map((neuron) => inputs.find((connection) => connection.from === neuron));
}

function setWeights(layers, initial) {
  for (const [l, { kernel, bias }] of initial.entries()) {
    for (const [j, value] of bias.entries()) {
      layers[l + 1].list[j].bias = value;
      for (const [i, connection] of connectionsInto(layers, l, j).entries()) {
        connection.weight = kernel[i * bias.length + j];
      }
    }
  }
}

function getWeights(layers) {
  return layers.slice(1).map(({ list }, l) => {
    const kernel = new Float32Array(layers[l].list.length * list.length);
    for (const j of list.keys()) {
      for (const [i, connection] of connectionsInto(layers, l, j).entries()) {
        kernel[i * list.length + j] = connection.weight;
      }
    }
    return { kernel, bias: Float32Array.from(list, (neuron) => neuron.bias) };
  });
}

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "synaptic",
  runs: ({ layers }) => layers[0].inputs < 10,
  async load() {
    const { Architect } = requirePeer("synaptic");
    return {
      version: peerVersion("synaptic"),
      async prepare(workload) {
        const { batchSize, samples, y, learningRate } = workload;
        const sizes = [workload.layers[0].inputs, ...workload.layers.map(({ units }) => units)];
        const net = new Architect.Perceptron(...sizes);
        const layers = [net.layers.input, ...net.layers.hidden, net.layers.output];
        setWeights(layers, workload.initial);
        const inputs = Array.from({ length: samples }, (_, n) => Array.from(inputOf(workload, n)));
        const targets = Array.from(y, (value) => [value]);
        let position = 0;
        return {
          note: "per sample, and the output's gradient is crossentropy's, not squared error's",
          step(steps) {
            for (let i = 0; i < steps * batchSize; i++) {
              net.activate(inputs[position]);
              net.propagate(learningRate, targets[position]);
              position = (position + 1) % samples;
            }
          },
          loss() {
            net.restore();
            return lossOf(workload, getWeights(layers));
          },
        };
      },
    };
  },
};

// brain.js: per sample only, sigmoid on every layer, half the summed squared error.
import { lossOf } from "../harness/evaluate.mjs";
import { passes } from "../harness/workloads.mjs";
import { peerVersion, requirePeer } from "./peers.mjs";

/** The nearest that brain.js can do where it cannot do the workload's mathematics. */
function nearest(workload) {
  if (workload.loss === "meanSquaredError") {
    return { model: workload, note: workload.batchSize === 1 ? undefined : "per sample: it has no batches" };
  }
  const layers = workload.layers.map((layer) => ({ ...layer, activation: "sigmoid" }));
  return {
    model: { ...workload, layers, loss: "meanSquaredError", learningRate: 0.5 },
    note: "per sample, sigmoid, squared error: it has no batches and no softmax",
  };
}

function setWeights(net, layers, initial) {
  for (const [l, { inputs, units }] of layers.entries()) {
    for (let j = 0; j < units; j++) {
      net.biases[l + 1][j] = initial[l].bias[j];
      for (let i = 0; i < inputs; i++) net.weights[l + 1][j][i] = initial[l].kernel[i * units + j];
    }
  }
}

function getWeights(net, layers) {
  return layers.map(({ inputs, units }, l) => {
    const kernel = new Float32Array(inputs * units);
    for (let j = 0; j < units; j++) {
      for (let i = 0; i < inputs; i++) kernel[i * units + j] = net.weights[l + 1][j][i];
    }
    return { kernel, bias: Float32Array.from(net.biases[l + 1]) };
  });
}

function samplesOf({ layers, samples, x, y }) {
  const inputs = layers[0].inputs;
  const outputs = layers[layers.length - 1].units;
  return Array.from({ length: samples }, (_, n) => ({
    input: Array.from(x.subarray(n * inputs, (n + 1) * inputs)),
    output: Array.from(y.subarray(n * outputs, (n + 1) * outputs)),
  }));
}

function trainOptions(model, outputs) {
  const adam = model.optimizer === "adam";
  return {
    activation: "sigmoid",
    // The gradient of half the sum, where the workload's loss is the mean.
    learningRate: adam ? 0.001 : (model.learningRate * 2) / outputs,
    // brain.js always does the work of momentum but refuses 0: so small that it changes nothing.
    momentum: 1e-12,
    // It stops below this error and refuses 0.
    errorThresh: 1e-300,
    ...(adam ? { praxis: "adam" } : {}),
  };
}

/**
 * A candidate for one version of brain.js, by the name of its package in the peers' folder.
 * @param {string} packageName
 * @param {string} title
 * @param {(workload: import("../harness/workloads.mjs").Workload) => boolean} runs
 * @returns {import("../harness/worker.mjs").Candidate}
 */
export function brainCandidate(packageName, title, runs) {
  return {
    title,
    runs,
    async load() {
      const { NeuralNetwork } = requirePeer(packageName);
      return {
        version: peerVersion(packageName),
        async prepare(workload) {
          const { model, note } = nearest(workload);
          const { layers, batchSize, stepsPerEpoch } = workload;
          const options = trainOptions(model, layers[layers.length - 1].units);
          const net = new NeuralNetwork({ hiddenLayers: layers.slice(0, -1).map((layer) => layer.units) });
          net.updateTrainingOptions(options);
          net.sizes = [layers[0].inputs, ...layers.map((layer) => layer.units)];
          net.initialize();
          setWeights(net, layers, workload.initial);
          if (workload.kind === "predict") return { note, predict: (x) => net.run(x) };
          const samples = samplesOf(workload);
          let position = 0;
          return {
            note,
            step(steps) {
              for (const { from, to, epochs } of passes(position, steps, stepsPerEpoch)) {
                net.train(samples.slice(from * batchSize, to * batchSize), {
                  ...options,
                  iterations: epochs,
                });
              }
              position = (position + steps) % stepsPerEpoch;
            },
            loss: () => lossOf(model, getWeights(net, layers)),
          };
        },
      };
    },
  };
}

// Myelin by its public interface, as a user would write it.
import { readFileSync } from "node:fs";
import { lossOf } from "../evaluate.mjs";
import { passes } from "../workloads.mjs";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

function createTrainer(myelin, workload, executor) {
  const { Network, Trainer, layers, optimizers } = myelin;
  const network = new Network({
    input: [workload.layers[0].inputs],
    layers: workload.layers.map(({ units, activation }) => layers.dense({ units, activation })),
    executor,
  });
  const { learningRate, loss } = workload;
  const optimizer =
    workload.optimizer === "adam" ? optimizers.adam({ learningRate }) : optimizers.sgd({ learningRate });
  return { network, trainer: new Trainer(network, { optimizer, loss }) };
}

/** The live kernels and biases of the dense layers. */
function weightsOf(network) {
  const dense = network.layers.filter((layer) => layer.weights.length > 0);
  return dense.map((layer) => {
    const [kernel, bias] = layer.weights;
    return { kernel: kernel.data, bias: bias.data };
  });
}

/** Batches `from` to `to` as data to fit, without a copy. */
function rows({ layers, batchSize, x, y }, from, to) {
  const samples = (to - from) * batchSize;
  const part = (data, width) => ({
    data: data.subarray(from * batchSize * width, to * batchSize * width),
    shape: [samples, width],
  });
  return { x: part(x, layers[0].inputs), y: part(y, layers[layers.length - 1].units) };
}

/**
 * @param {"native" | "reference"} executor
 * @param {string} title
 * @returns {import("../worker.mjs").Candidate}
 */
export function myelinCandidate(executor, title) {
  return {
    title,
    async load() {
      const myelin = await import("../../dist/index.js");
      return {
        version,
        async prepare(workload) {
          const { network, trainer } = createTrainer(myelin, workload, executor);
          for (const [l, { kernel, bias }] of weightsOf(network).entries()) {
            kernel.set(workload.initial[l].kernel);
            bias.set(workload.initial[l].bias);
          }
          const { batchSize, stepsPerEpoch } = workload;
          let position = 0;
          return {
            step(steps) {
              for (const { from, to, epochs } of passes(position, steps, stepsPerEpoch)) {
                trainer.fitSync(rows(workload, from, to), { epochs, batchSize, shuffle: false });
              }
              position = (position + steps) % stepsPerEpoch;
            },
            loss: () => lossOf(workload, weightsOf(network)),
          };
        },
      };
    },
  };
}

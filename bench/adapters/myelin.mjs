// Myelin by its public interface, as a user would write it.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { lossOf } from "../harness/evaluate.mjs";
import { passes } from "../harness/workloads.mjs";
import { absent } from "./absent.mjs";

/** The tree that is measured: this one, or another commit's that is compared with it. */
const TREE = process.env.MYELIN_BENCH_TREE
  ? pathToFileURL(`${process.env.MYELIN_BENCH_TREE}/`)
  : new URL("../../", import.meta.url);

function createTrainer(myelin, workload, options) {
  const { Network, Trainer, layers, optimizers } = myelin;
  const network = new Network({
    input: [workload.layers[0].inputs],
    layers: workload.layers.map(({ units, activation }) => layers.dense({ units, activation })),
    ...options,
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

function prepare(myelin, workload, options) {
  const { network, trainer } = createTrainer(myelin, workload, options);
  for (const [l, { kernel, bias }] of weightsOf(network).entries()) {
    kernel.set(workload.initial[l].kernel);
    bias.set(workload.initial[l].bias);
  }
  if (workload.kind === "predict") return { predict: (x) => network.predict(x).data };
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
}

/**
 * What `load` of a candidate gives.
 * @param {object} options of the network besides its layers
 * @returns {Promise<import("../harness/worker.mjs").Loaded>}
 */
export async function loadMyelin(options) {
  const myelin = await import(new URL("dist/index.js", TREE).href);
  const { version } = JSON.parse(readFileSync(new URL("package.json", TREE), "utf8"));
  try {
    new myelin.Network({ input: [1], layers: [myelin.layers.dense({ units: 1 })], ...options });
  } catch (error) {
    throw absent(error.message);
  }
  return { version, prepare: async (workload) => prepare(myelin, workload, options) };
}

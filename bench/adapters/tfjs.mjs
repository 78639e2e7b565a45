// TensorFlow.js layers models, trained with trainOnBatch on tensors made before: its fastest way.
import { lossOf } from "../harness/evaluate.mjs";
import { peerVersion, requirePeer } from "./peers.mjs";

function createModel(tf, layersApi, workload) {
  const { layers, optimizer, learningRate, loss } = workload;
  const model = layersApi.sequential({
    layers: layers.map(({ inputs, units, activation }, i) =>
      layersApi.layers.dense({ units, activation, ...(i === 0 ? { inputShape: [inputs] } : {}) }),
    ),
  });
  const rule =
    optimizer === "adam" ? tf.train.adam(learningRate, 0.9, 0.999, 1e-7) : tf.train.sgd(learningRate);
  model.compile({ optimizer: rule, loss });
  return model;
}

function setWeights(tf, model, { layers, initial }) {
  const tensors = layers.flatMap(({ inputs, units }, l) => [
    tf.tensor2d(initial[l].kernel, [inputs, units]),
    tf.tensor1d(initial[l].bias),
  ]);
  model.setWeights(tensors);
  tf.dispose(tensors);
}

function getWeights(model, { layers }) {
  const values = model.getWeights().map((tensor) => tensor.dataSync());
  return layers.map((_, l) => ({ kernel: values[2 * l], bias: values[2 * l + 1] }));
}

function createBatches(tf, { layers, batchSize, stepsPerEpoch, x, y }) {
  const part = (data, i, width) =>
    tf.tensor2d(data.slice(i * batchSize * width, (i + 1) * batchSize * width), [batchSize, width]);
  return Array.from({ length: stepsPerEpoch }, (_, i) => [
    part(x, i, layers[0].inputs),
    part(y, i, layers[layers.length - 1].units),
  ]);
}

/** From an array to an array. */
function predict(tf, model, x) {
  const input = tf.tensor2d(x, [1, x.length]);
  const output = model.predict(input);
  const values = output.dataSync();
  tf.dispose([input, output]);
  return values;
}

/** tfjs-node is one package with a core of its own; the others share theirs. */
async function start(backend) {
  const whole = backend === "tensorflow";
  const name = whole ? "@tensorflow/tfjs-node" : "@tensorflow/tfjs-core";
  const tf = requirePeer(name);
  const layersApi = whole ? tf : requirePeer("@tensorflow/tfjs-layers");
  if (!whole) requirePeer(`@tensorflow/tfjs-backend-${backend}`);
  await tf.setBackend(backend);
  await tf.ready();
  if (tf.getBackend() !== backend) throw new Error(`the ${backend} backend did not start`);
  return { tf, layersApi, version: peerVersion(name) };
}

/**
 * @param {"cpu" | "wasm" | "tensorflow"} backend
 * @param {string} title
 * @returns {import("../harness/worker.mjs").Candidate}
 */
export function tfjsCandidate(backend, title) {
  return {
    title,
    spreads: backend === "tensorflow",
    runs: ({ bf16 }) => !bf16,
    async load() {
      const { tf, layersApi, version } = await start(backend);
      return {
        version,
        async prepare(workload) {
          const model = createModel(tf, layersApi, workload);
          setWeights(tf, model, workload);
          if (workload.kind === "predict") return { predict: (x) => predict(tf, model, x) };
          const batches = createBatches(tf, workload);
          let position = 0;
          return {
            async step(steps) {
              for (let i = 0; i < steps; i++) {
                await model.trainOnBatch(...batches[position]);
                position = (position + 1) % batches.length;
              }
            },
            loss: () => lossOf(workload, getWeights(model, workload)),
          };
        },
      };
    },
  };
}

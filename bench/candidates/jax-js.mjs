// jax-js on WebAssembly: one jitted function a step. Every function takes its arguments' references with it;
// `.ref` keeps one.
import { peerVersion, requirePeer } from "../adapters/peers.mjs";
import { lossOf } from "../harness/evaluate.mjs";

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-7];

/** A batch's logits, or its outputs where the last activation is a sigmoid. */
function forward({ numpy: np, nn }, layers, parameters, x) {
  return layers.reduce((input, { activation }, l) => {
    const { kernel, bias } = parameters[l];
    const z = np.matmul(input, kernel).add(bias);
    return activation === "relu" ? nn.relu(z) : activation === "sigmoid" ? nn.sigmoid(z) : z;
  }, x);
}

function lossFunction(jax, { layers, loss, batchSize }) {
  const { numpy: np, nn } = jax;
  return (parameters, x, y) => {
    const outputs = forward(jax, layers, parameters, x);
    if (loss === "meanSquaredError") return np.square(outputs.sub(y)).mean();
    return nn
      .logSoftmax(outputs)
      .mul(y)
      .sum()
      .mul(-1 / batchSize);
  };
}

/** One step: new parameters and slots from the old ones; `rates` are the learning rate and Adam's corrections. */
function stepFunction(jax, workload) {
  const { grad, numpy: np, tree } = jax;
  const gradient = grad(lossFunction(jax, workload));
  if (workload.optimizer === "sgd") {
    return ({ parameters }, x, y, rates) => {
      const gradients = gradient(tree.ref(parameters), x, y);
      return { parameters: tree.map((p, g) => p.sub(g.mul(rates.ref)), parameters, gradients) };
    };
  }
  return ({ parameters, m, v }, x, y, rates, root) => {
    const g = gradient(tree.ref(parameters), x, y);
    const first = tree.map((a, b) => a.mul(BETA1).add(b.ref.mul(1 - BETA1)), m, g);
    const second = tree.map((a, b) => a.mul(BETA2).add(np.square(b).mul(1 - BETA2)), v, g);
    const moved = tree.map(
      (p, a, b) => p.sub(a.ref.mul(rates.ref).div(np.sqrt(b.ref).mul(root.ref).add(EPSILON))),
      parameters,
      first,
      second,
    );
    return { parameters: moved, m: first, v: second };
  };
}

function createParameters({ numpy: np }, { layers, initial }, value) {
  return layers.map(({ inputs, units }, l) => ({
    kernel: np.array(value(initial[l].kernel)).reshape([inputs, units]),
    bias: np.array(value(initial[l].bias)),
  }));
}

function createBatches({ numpy: np }, { layers, batchSize, stepsPerEpoch, x, y }) {
  const part = (data, i, width) =>
    np.array(data.slice(i * batchSize * width, (i + 1) * batchSize * width)).reshape([batchSize, width]);
  return Array.from({ length: stepsPerEpoch }, (_, i) => [
    part(x, i, layers[0].inputs),
    part(y, i, layers[layers.length - 1].units),
  ]);
}

function prepareTraining(jax, workload) {
  const { numpy: np, blockUntilReady, jit } = jax;
  const { learningRate, optimizer } = workload;
  const zeros = (values) => new Float32Array(values.length);
  let state = { parameters: createParameters(jax, workload, (values) => values.slice()) };
  if (optimizer === "adam") {
    state.m = createParameters(jax, workload, zeros);
    state.v = createParameters(jax, workload, zeros);
  }
  const batches = createBatches(jax, workload);
  const step = jit(stepFunction(jax, workload));
  const rate = np.array(learningRate);
  let done = 0;
  return {
    async step(steps) {
      for (let i = 0; i < steps; i++) {
        const [x, y] = batches[done % batches.length];
        done++;
        const rates =
          optimizer === "adam"
            ? [np.array(learningRate / (1 - BETA1 ** done)), np.array(1 / Math.sqrt(1 - BETA2 ** done))]
            : [rate.ref];
        state = step(state, x.ref, y.ref, ...rates);
      }
      await blockUntilReady(state);
    },
    async loss() {
      const parameters = [];
      for (const { kernel, bias } of state.parameters) {
        parameters.push({ kernel: await kernel.ref.data(), bias: await bias.ref.data() });
      }
      return lossOf(workload, parameters);
    },
  };
}

function preparePrediction(jax, workload) {
  const { numpy: np, nn, jit, tree } = jax;
  const parameters = createParameters(jax, workload, (values) => values.slice());
  const run = jit((weights, x) => nn.softmax(forward(jax, workload.layers, weights, x)));
  return {
    predict: (x) => run(tree.ref(parameters), np.array(x.slice()).reshape([1, x.length])).dataSync(),
  };
}

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "jax-js wasm",
  runs: ({ bf16 }) => !bf16,
  async load() {
    const jax = requirePeer("@jax-js/jax");
    await jax.init("wasm");
    jax.defaultDevice("wasm");
    return {
      version: peerVersion("@jax-js/jax"),
      prepare: async (workload) =>
        workload.kind === "predict" ? preparePrediction(jax, workload) : prepareTraining(jax, workload),
    };
  },
};

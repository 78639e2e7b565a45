// What is trained: networks, data and initial weights, the same numbers for every candidate.

/**
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} units
 * @property {"sigmoid" | "relu" | "softmax"} activation
 *
 * @typedef {object} Parameters kernel is [inputs, units], row by row.
 * @property {Float32Array} kernel
 * @property {Float32Array} bias
 *
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} short for a table's row
 * @property {string} title
 * @property {"train" | "predict"} kind predict: one sample at a time, from an array to an array
 * @property {boolean} [bf16] wide enough for mixed precision to pay, and too wide for JavaScript
 * @property {Layer[]} layers
 * @property {"meanSquaredError" | "categoricalCrossentropy"} loss
 * @property {"sgd" | "adam"} optimizer
 * @property {number} learningRate
 * @property {number} batchSize
 * @property {number} samples
 * @property {number} stepsPerEpoch
 * @property {number} checkSteps steps after which the loss of every candidate must be the same; none are done
 *   where it predicts
 * @property {Float32Array} x samples by inputs
 * @property {Float32Array} y samples by outputs: one-hot, or 0 and 1
 * @property {Parameters[]} initial
 */

const SPECS = [
  {
    name: "xor",
    short: "XOR, per sample",
    title: "XOR 2-3-1, sigmoid, squared error, SGD per sample",
    units: [2, 3, 1],
    activations: ["sigmoid", "sigmoid"],
    loss: "meanSquaredError",
    optimizer: "sgd",
    learningRate: 0.15,
    batchSize: 1,
    samples: 4,
    checkSteps: 400,
  },
  {
    name: "xor-b4",
    short: "XOR, batch 4",
    title: "XOR 2-4-1, sigmoid, squared error, SGD, batch 4",
    units: [2, 4, 1],
    activations: ["sigmoid", "sigmoid"],
    loss: "meanSquaredError",
    optimizer: "sgd",
    learningRate: 0.4,
    batchSize: 4,
    samples: 4,
    checkSteps: 400,
  },
  {
    name: "sigmoid-b1",
    short: "784-128-10 sigmoid, per sample",
    title: "784-128-10, sigmoid, squared error, SGD per sample",
    units: [784, 128, 10],
    activations: ["sigmoid", "sigmoid"],
    loss: "meanSquaredError",
    optimizer: "sgd",
    learningRate: 0.5,
    batchSize: 1,
    samples: 128,
    checkSteps: 32,
  },
  ...[1, 32, 128].map((batchSize) => ({
    name: `mlp-b${batchSize}`,
    short: `784-128-10, batch ${batchSize}`,
    title: `784-128-10, ReLU, softmax, crossentropy, SGD, batch ${batchSize}`,
    units: [784, 128, 10],
    activations: ["relu", "softmax"],
    loss: "categoricalCrossentropy",
    optimizer: "sgd",
    learningRate: batchSize === 1 ? 0.01 : 0.05,
    batchSize,
    samples: batchSize === 1 ? 128 : 1024,
    checkSteps: batchSize === 1 ? 32 : 4,
  })),
  {
    name: "deep-b128",
    short: "784-512-256-10, Adam, batch 128",
    title: "784-512-256-10, ReLU, softmax, crossentropy, Adam, batch 128",
    units: [784, 512, 256, 10],
    activations: ["relu", "relu", "softmax"],
    loss: "categoricalCrossentropy",
    optimizer: "adam",
    learningRate: 0.001,
    batchSize: 128,
    samples: 1024,
    checkSteps: 2,
  },
  {
    name: "wide-b128",
    short: "1024-1024-1024-10, Adam, batch 128",
    title: "1024-1024-1024-10, ReLU, softmax, crossentropy, Adam, batch 128",
    units: [1024, 1024, 1024, 10],
    activations: ["relu", "relu", "softmax"],
    loss: "categoricalCrossentropy",
    optimizer: "adam",
    learningRate: 0.001,
    batchSize: 128,
    samples: 1024,
    checkSteps: 1,
    bf16: true,
  },
  {
    name: "predict",
    short: "784-128-10 predicts one sample",
    title: "784-128-10 predicts one sample, array to array (median of the calls)",
    kind: "predict",
    units: [784, 128, 10],
    activations: ["relu", "softmax"],
    loss: "categoricalCrossentropy",
    optimizer: "sgd",
    learningRate: 0,
    batchSize: 1,
    samples: 128,
    checkSteps: 0,
  },
];

/** What can be chosen by name. @type {{ name: string, short: string, title: string }[]} */
export const workloads = SPECS.map(({ name, short, title }) => ({ name, short, title }));

/** Uniform numbers in [0, 1): xorshift32, so that the data need no library. @param {number} seed */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function xorData() {
  return { x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), y: Float32Array.of(0, 1, 1, 0) };
}

/** Images of a pattern for each class with noise: learnable, and as dense as the arithmetic needs. */
function patternData(samples, inputs, classes) {
  const random = randomNumbers(12345);
  const patterns = Float32Array.from({ length: classes * inputs }, () => (random() < 0.2 ? random() : 0));
  const x = new Float32Array(samples * inputs);
  const y = new Float32Array(samples * classes);
  for (let i = 0; i < samples; i++) {
    const label = Math.floor(random() * classes);
    y[i * classes + label] = 1;
    for (let k = 0; k < inputs; k++) {
      x[i * inputs + k] = Math.round(255 * (0.7 * patterns[label * inputs + k] + 0.3 * random())) / 255;
    }
  }
  return { x, y };
}

/** Glorot uniform; biases are zero except in XOR, which needs some to start from. */
function initialParameters(layers) {
  const random = randomNumbers(67890);
  return layers.map(({ inputs, units }) => {
    const limit = Math.sqrt(6 / (inputs + units));
    return {
      kernel: Float32Array.from({ length: inputs * units }, () => (2 * random() - 1) * limit),
      bias: Float32Array.from({ length: units }, () => (inputs < 10 ? random() - 0.5 : 0)),
    };
  });
}

/**
 * The workload of this name with its data.
 * @param {string} name
 * @returns {Workload}
 */
export function createWorkload(name) {
  const spec = SPECS.find((candidate) => candidate.name === name);
  if (spec === undefined) {
    throw new Error(`unknown workload "${name}", known: ${SPECS.map((known) => known.name).join(", ")}`);
  }
  const { units, activations, ...rest } = spec;
  const layers = activations.map((activation, i) => ({ inputs: units[i], units: units[i + 1], activation }));
  const data = units[0] === 2 ? xorData() : patternData(spec.samples, units[0], units[units.length - 1]);
  const stepsPerEpoch = spec.samples / spec.batchSize;
  return { kind: "train", ...rest, layers, stepsPerEpoch, ...data, initial: initialParameters(layers) };
}

/** The most epochs asked for in one call: brain.js's default. Nobody trains a billion epochs at once. */
const EPOCHS_IN_A_CALL = 20000;

/**
 * Splits `steps` from step `start` of an epoch into runs over consecutive batches, each repeated: what a
 * library that trains whole data sets can be asked for.
 * @param {number} start
 * @param {number} steps
 * @param {number} stepsPerEpoch
 * @returns {{ from: number, to: number, epochs: number }[]}
 */
export function passes(start, steps, stepsPerEpoch) {
  const result = [];
  let left = steps;
  let from = start;
  while (left > 0) {
    const whole = from === 0 ? Math.min(EPOCHS_IN_A_CALL, Math.floor(left / stepsPerEpoch)) : 0;
    const to = Math.min(stepsPerEpoch, from + left);
    const epochs = Math.max(1, whole);
    result.push({ from, to, epochs });
    left -= (to - from) * epochs;
    from = to % stepsPerEpoch;
  }
  return result;
}

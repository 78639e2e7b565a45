// The loss of given weights, computed one way for every candidate, so that a loss means the same for all.

/** @param {Float64Array} z @param {string} activation */
function activate(z, activation) {
  if (activation === "relu") {
    for (let i = 0; i < z.length; i++) z[i] = Math.max(0, z[i]);
  } else if (activation === "sigmoid") {
    for (let i = 0; i < z.length; i++) z[i] = 1 / (1 + Math.exp(-z[i]));
  } else {
    const largest = z.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    for (let i = 0; i < z.length; i++) {
      z[i] = Math.exp(z[i] - largest);
      sum += z[i];
    }
    for (let i = 0; i < z.length; i++) z[i] /= sum;
  }
}

/**
 * The output of every layer for one sample, the input first.
 * @param {import("./workloads.mjs").Layer[]} layers
 * @param {import("./workloads.mjs").Parameters[]} parameters
 * @param {ArrayLike<number>} input
 * @returns {ArrayLike<number>[]}
 */
export function forward(layers, parameters, input) {
  const outputs = [input];
  for (const [l, { inputs, units, activation }] of layers.entries()) {
    const { kernel, bias } = parameters[l];
    const x = outputs[l];
    const z = Float64Array.from(bias);
    for (let i = 0; i < inputs; i++) {
      const value = x[i];
      for (let j = 0, k = i * units; j < units; j++, k++) z[j] += value * kernel[k];
    }
    activate(z, activation);
    outputs.push(z);
  }
  return outputs;
}

/** @param {ArrayLike<number>} p @param {ArrayLike<number>} t @param {string} loss */
function sampleLoss(p, t, loss) {
  let sum = 0;
  for (let c = 0; c < p.length; c++) {
    sum +=
      loss === "meanSquaredError" ? (p[c] - t[c]) ** 2 / p.length : -t[c] * Math.log(Math.max(p[c], 1e-7));
  }
  return sum;
}

/** Enough samples to see that a loss falls, and few enough to wait for. */
function judged({ samples, layers }) {
  const weights = layers.reduce((sum, { inputs, units }) => sum + inputs * units, 0);
  return Math.min(samples, Math.max(16, Math.min(256, Math.floor(5e7 / weights))));
}

/** @param {import("./workloads.mjs").Workload} workload @param {number} n */
export function inputOf({ layers, x }, n) {
  return x.subarray(n * layers[0].inputs, (n + 1) * layers[0].inputs);
}

/** The mean loss of outputs for the first samples. */
function meanLoss(workload, outputs) {
  const width = workload.layers[workload.layers.length - 1].units;
  const losses = outputs.map((output, n) =>
    sampleLoss(output, workload.y.subarray(n * width, (n + 1) * width), workload.loss),
  );
  return losses.reduce((a, b) => a + b) / losses.length;
}

/**
 * The mean loss of the first samples of a workload with these weights.
 * @param {import("./workloads.mjs").Workload} workload
 * @param {import("./workloads.mjs").Parameters[]} parameters
 * @returns {number}
 */
export function lossOf(workload, parameters) {
  const outputs = Array.from({ length: judged(workload) }, (_, n) =>
    forward(workload.layers, parameters, inputOf(workload, n)).at(-1),
  );
  return meanLoss(workload, outputs);
}

/**
 * The mean loss of what `predict` says to the first samples.
 * @param {import("./workloads.mjs").Workload} workload
 * @param {(x: Float32Array) => ArrayLike<number> | Promise<ArrayLike<number>>} predict
 * @returns {Promise<number>}
 */
export async function lossOfPredictions(workload, predict) {
  const outputs = [];
  // A prediction may be overwritten by the next.
  for (let n = 0; n < judged(workload); n++) outputs.push(Array.from(await predict(inputOf(workload, n))));
  return meanLoss(workload, outputs);
}

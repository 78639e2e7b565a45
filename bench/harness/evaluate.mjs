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

/**
 * The mean loss of the first samples of a workload (256 at most: enough to see that it falls).
 * @param {import("./workloads.mjs").Workload} workload
 * @param {import("./workloads.mjs").Parameters[]} parameters
 * @returns {number}
 */
export function lossOf(workload, parameters) {
  const { layers, x, y, loss } = workload;
  const inputs = layers[0].inputs;
  const outputs = layers[layers.length - 1].units;
  const samples = Math.min(256, workload.samples);
  let sum = 0;
  for (let n = 0; n < samples; n++) {
    const all = forward(layers, parameters, x.subarray(n * inputs, (n + 1) * inputs));
    sum += sampleLoss(all[layers.length], y.subarray(n * outputs, (n + 1) * outputs), loss);
  }
  return sum / samples;
}

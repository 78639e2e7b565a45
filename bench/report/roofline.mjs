// The least that a step must do, and how long that takes at best on this machine.

/** Floats that a step touches with every parameter and a rule: the update reads and writes what it must. */
const UPDATES = {
  // Reads and writes the parameter; its gradient can be added while it is computed.
  sgd: 2,
  // Reads and writes the parameter and two slots; the gradient is written first and read then.
  adam: 8,
};
const SLOTS = { sgd: 0, adam: 2 };
const FLOAT = 4;

/** @param {import("../harness/workloads.mjs").Layer[]} layers */
export function parameterCount(layers) {
  return layers.reduce((sum, { inputs, units }) => sum + (inputs + 1) * units, 0);
}

/**
 * @typedef {object} Work
 * @property {number} flops multiplications and additions of matrix products
 * @property {number} bytes the least memory traffic, every pass over an array counted
 * @property {number} footprint bytes of all that is touched
 *
 * @param {import("../harness/workloads.mjs").Workload} workload
 * @returns {Work} of one step: an update, or one sample's prediction
 */
export function workOf({ kind, layers, batchSize, optimizer }) {
  const parameters = parameterCount(layers);
  const inputs = layers[0].inputs * batchSize;
  const outputs = layers.reduce((sum, { units }) => sum + units * batchSize, 0);
  const products = layers.map((layer) => 2 * batchSize * layer.inputs * layer.units);
  const forward = products.reduce((a, b) => a + b);
  if (kind === "predict") {
    const floats = parameters + inputs + outputs;
    return { flops: forward, bytes: FLOAT * floats, footprint: FLOAT * floats };
  }
  // The first layer needs no gradient of its input.
  const flops = 3 * forward - products[0];
  const readBack = parameters - (layers[0].inputs + 1) * layers[0].units;
  // Activations and their gradients are written once and read twice: by the next layer and by the kernel's gradient.
  const floats = 2 * inputs + 6 * outputs + parameters + readBack + UPDATES[optimizer] * parameters;
  const held = inputs + 2 * outputs + (1 + SLOTS[optimizer] + (optimizer === "adam" ? 1 : 0)) * parameters;
  return { flops, bytes: FLOAT * floats, footprint: FLOAT * held };
}

/**
 * @typedef {object} Peaks What the machine did at best in this run.
 * @property {number} flops multiplications and additions a second
 * @property {number} bandwidth bytes a second, from as much memory as the work touches
 *
 * @param {Work} work
 * @param {Peaks} peaks
 * @param {number} seconds that the work took
 */
export function rooflineOf(work, peaks, seconds) {
  const byFlops = work.flops / peaks.flops;
  const byBytes = work.bytes / peaks.bandwidth;
  const floor = Math.max(byFlops, byBytes);
  return {
    ...work,
    floor,
    bound: byFlops >= byBytes ? "FLOPs" : "bytes",
    ofFloor: floor / seconds,
    ofPeak: byFlops / seconds,
  };
}

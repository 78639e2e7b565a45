// The network of a workload with Myelin's own initial weights, as a user would make it.
import { createWorkload } from "../harness/workloads.mjs";

/** Large enough that what a step costs besides arithmetic shows. */
export const WORKLOAD = createWorkload("deep-b128");

/** Rows of the workload as data to fit; in shared memory, where Myelin's readers put them too. */
export function dataOf({ layers, x, y }, rows) {
  const part = (values, width) => {
    const data = new Float32Array(new SharedArrayBuffer(4 * rows * width));
    data.set(values.subarray(0, data.length));
    return { data, shape: [rows, width] };
  };
  return { x: part(x, layers[0].inputs), y: part(y, layers[layers.length - 1].units) };
}

export function createNetwork({ Network, layers }, workload) {
  return new Network({
    input: [workload.layers[0].inputs],
    layers: workload.layers.map(({ units, activation }) => layers.dense({ units, activation })),
    executor: "native",
  });
}

export function createTrainer({ Trainer, optimizers }, network, { loss, learningRate }) {
  return new Trainer(network, { optimizer: optimizers.adam({ learningRate }), loss });
}

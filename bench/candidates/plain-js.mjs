// Plain loops over typed arrays, written to be read, not to be fast: the oracle for everybody's loss.
import { forward, lossOf } from "../harness/evaluate.mjs";

/** dLoss/dz of the last layer: for softmax with crossentropy p - t, for sigmoid with squared error by the chain. */
function outputDelta(p, t, activation) {
  return Float64Array.from(p, (value, c) =>
    activation === "softmax" ? value - t[c] : ((2 * (value - t[c])) / p.length) * value * (1 - value),
  );
}

function hiddenDelta(layer, next, kernel, delta, output) {
  const result = new Float64Array(layer.units);
  for (let i = 0; i < layer.units; i++) {
    let sum = 0;
    for (let j = 0, k = i * next.units; j < next.units; j++, k++) sum += kernel[k] * delta[j];
    const slope = layer.activation === "relu" ? Number(output[i] > 0) : output[i] * (1 - output[i]);
    result[i] = sum * slope;
  }
  return result;
}

function addGradient(layer, gradient, input, delta, scale) {
  const { inputs, units } = layer;
  for (let j = 0; j < units; j++) gradient.bias[j] += delta[j] * scale;
  for (let i = 0; i < inputs; i++) {
    const value = input[i] * scale;
    for (let j = 0, k = i * units; j < units; j++, k++) gradient.kernel[k] += value * delta[j];
  }
}

function sgd({ learningRate }) {
  return (block) => {
    const { parameter, gradient } = block;
    for (let i = 0; i < parameter.length; i++) parameter[i] -= learningRate * gradient[i];
  };
}

function adam({ learningRate }) {
  return ({ parameter, gradient, m, v }, t) => {
    const rate = learningRate / (1 - 0.9 ** t);
    const correction = 1 / Math.sqrt(1 - 0.999 ** t);
    for (let i = 0; i < parameter.length; i++) {
      const g = gradient[i];
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      parameter[i] -= (rate * m[i]) / (Math.sqrt(v[i]) * correction + 1e-7);
    }
  };
}

class Trainer {
  constructor(workload) {
    this.workload = workload;
    this.parameters = workload.initial.map(({ kernel, bias }) => ({
      kernel: kernel.slice(),
      bias: bias.slice(),
    }));
    this.gradients = workload.initial.map(({ kernel, bias }) => ({
      kernel: new Float32Array(kernel.length),
      bias: new Float32Array(bias.length),
    }));
    this.blocks = this.parameters.flatMap((parameters, l) =>
      ["kernel", "bias"].map((name) => ({
        parameter: parameters[name],
        gradient: this.gradients[l][name],
        m: new Float32Array(parameters[name].length),
        v: new Float32Array(parameters[name].length),
      })),
    );
    this.update = workload.optimizer === "adam" ? adam(workload) : sgd(workload);
    this.steps = 0;
  }

  /** Adds one sample's gradient, divided by the batch size. */
  backward(sample) {
    const { layers, x, y, batchSize } = this.workload;
    const inputs = layers[0].inputs;
    const last = layers.length - 1;
    const outputs = forward(layers, this.parameters, x.subarray(sample * inputs, (sample + 1) * inputs));
    const target = y.subarray(sample * layers[last].units, (sample + 1) * layers[last].units);
    let delta = outputDelta(outputs[last + 1], target, layers[last].activation);
    for (let l = last; l >= 0; l--) {
      addGradient(layers[l], this.gradients[l], outputs[l], delta, 1 / batchSize);
      if (l > 0) delta = hiddenDelta(layers[l - 1], layers[l], this.parameters[l].kernel, delta, outputs[l]);
    }
  }

  step() {
    const { batchSize, stepsPerEpoch } = this.workload;
    for (const { gradient } of this.blocks) gradient.fill(0);
    const first = (this.steps % stepsPerEpoch) * batchSize;
    for (let i = first; i < first + batchSize; i++) this.backward(i);
    this.steps++;
    for (const block of this.blocks) this.update(block, this.steps);
  }
}

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "plain JavaScript",
  runs: ({ bf16 }) => !bf16,
  async load() {
    return {
      version: process.version,
      async prepare(workload) {
        const { kind, layers, initial } = workload;
        if (kind === "predict") return { predict: (x) => forward(layers, initial, x).at(-1) };
        const trainer = new Trainer(workload);
        return {
          step(steps) {
            for (let i = 0; i < steps; i++) trainer.step();
          },
          loss: () => lossOf(workload, trainer.parameters),
        };
      },
    };
  },
};

import { describe, expect, test } from "vitest";
import { losses, optimizers, Trainer } from "../../lib/index.ts";
import type { Network } from "../../lib/network.ts";
import { EXECUTORS } from "../support/executors.ts";
import { denseNet, gradients64, predict64, setWeights, weightsOf } from "../support/networks.ts";

const XOR = {
  x: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  y: [0, 1, 1, 0],
};

/** How many of the four cases of XOR are on the right side of 0.5. */
function rightOf(network: Network): number {
  const { data } = network.predict(XOR.x);
  return XOR.y.filter((y, i) => (data[i] as number) > 0.5 === (y === 1)).length;
}

const neuron = (executor: "reference" | "native"): Network => {
  const network = denseNet({ input: 2, units: [1], activations: ["sigmoid"], executor });
  setWeights(network, { "dense/kernel": [0, 1], "dense/bias": [4] });
  return network;
};

const twoHidden = (executor: "reference" | "native"): Network => {
  const network = denseNet({ input: 2, units: [2, 1], activations: ["sigmoid", "sigmoid"], executor });
  // Kernels are [in, out]: each unit has the weights [0, 1].
  setWeights(network, { "dense/kernel": [0, 0, 1, 1], "dense_1/kernel": [0, 1] });
  return network;
};

const allOnes = (executor: "reference" | "native"): Network => {
  const network = denseNet({ input: 2, units: [2, 1], activations: ["sigmoid", "sigmoid"], executor });
  setWeights(network, { "dense/kernel": [1, 1, 1, 1], "dense_1/kernel": [1, 1] });
  return network;
};

describe("the neuron tutorial in float64", () => {
  test("a neuron", () => {
    expect(predict64(neuron("reference"), [2, 3])[0]).toBeCloseTo(0.9990889488055994, 15);
  });

  test("two hidden neurons", () => {
    expect(predict64(twoHidden("reference"), [2, 3])[0]).toBeCloseTo(0.7216325609518421, 15);
  });

  test("output and gradient of the 2-2-1 network", () => {
    const network = allOnes("reference");
    expect(predict64(network, [-2, -1])[0]).toBeCloseTo(0.524, 3);
    const gradients = gradients64(network, "meanSquaredError", [-2, -1], [1]);
    expect(Math.abs((gradients["dense/kernel"]?.[0] as number) - 0.0214)).toBeLessThan(1e-4);
    // The chain rule by hand: h = sigmoid(-3), p = sigmoid(2 h), dL/dw1 = -2 (1 - p) p (1 - p) h (1 - h) (-2).
    const h = 1 / (1 + Math.exp(3));
    const p = 1 / (1 + Math.exp(-2 * h));
    expect(gradients["dense/kernel"]?.[0]).toBeCloseTo(-2 * (1 - p) * p * (1 - p) * h * (1 - h) * -2, 15);
  });
});

describe.each(EXECUTORS)("the numbers of the tutorials, %s", (executor) => {
  test("a neuron: weights [0, 1], bias 4, input [2, 3]", () => {
    expect(Math.abs((neuron(executor).predict([2, 3]).data[0] as number) - 0.9990889488055994)).toBeLessThan(
      1e-6,
    );
  });

  test("two hidden neurons, weights [0, 1], biases 0, input [2, 3]", () => {
    const output = twoHidden(executor).predict([2, 3]).data[0] as number;
    expect(Math.abs(output - 0.7216325609518421)).toBeLessThan(1e-6);
  });

  test("mean squared error of [1, 0, 0, 1] against [0, 0, 0, 0] is 0.5", () => {
    const network = denseNet({ input: 1, units: [1], activations: ["linear"], executor });
    setWeights(network, { "dense/kernel": [1], "dense/bias": [0] });
    const trainer = new Trainer(network, { loss: "meanSquaredError" });
    expect(trainer.evaluateSync({ x: [[1], [0], [0], [1]], y: [0, 0, 0, 0] }).loss).toBe(0.5);
  });

  test("the 2-2-1 network: output 0.524, dL/dw1 0.0214", () => {
    const network = allOnes(executor);
    expect(network.predict([-2, -1]).data[0]).toBeCloseTo(0.524, 3);
    // With rate 1 a step of gradient descent takes the gradient itself off the weights.
    const trainer = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 1 }) });
    const { loss } = trainer.fitSync({ x: [[-2, -1]], y: [1] });
    const gradient = 1 - (weightsOf(network)["dense/kernel"]?.[0] as number);
    expect(Math.abs(gradient - 0.0214)).toBeLessThan(1e-4);
    expect(loss[0]).toBeCloseTo((1 - 0.5237) ** 2, 3);
  });

  test.each([1, 2, 3, 4, 5])("weight and height to sex, one sample a step, seed %i", (seed) => {
    const network = denseNet({
      input: 2,
      units: [2, 1],
      activations: ["sigmoid", "sigmoid"],
      seed,
      executor,
    });
    const data = {
      x: [
        [-2, -1],
        [25, 6],
        [17, 4],
        [-15, -6],
      ],
      y: [1, 0, 0, 1],
    };
    const trainer = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 0.1 }) });
    trainer.fitSync(data, { epochs: 1000, batchSize: 1, shuffle: false });
    expect(network.predict([-7, -3]).data[0]).toBeGreaterThan(0.9);
    expect(network.predict([20, 2]).data[0]).toBeLessThan(0.1);
  });
});

describe.each(EXECUTORS)("XOR, %s", (executor) => {
  const xorNet = (hidden: number, seed: number): Network =>
    denseNet({ input: 2, units: [hidden, 1], activations: ["sigmoid", "sigmoid"], seed, executor });

  test.each([4, 3])("2-%i-1 by sums of gradients with rate 0.1 and means with rate 0.4", (hidden) => {
    const runs = [
      { loss: losses.meanSquaredError({ reduction: "sum" }), learningRate: 0.1, scale: 1 },
      { loss: losses.meanSquaredError(), learningRate: 0.4, scale: 4 },
    ].map(({ loss, learningRate, scale }) => {
      const network = xorNet(hidden, 3);
      const trainer = new Trainer(network, { loss, optimizer: optimizers.sgd({ learningRate }) });
      const history = trainer.fitSync(XOR, { epochs: 10_000, batchSize: 4, shuffle: false });
      return { network, losses: history.loss.map((value) => value * scale) };
    });
    const [sum, mean] = runs as [(typeof runs)[0], (typeof runs)[0]];
    expect(rightOf(sum.network)).toBe(4);
    expect(rightOf(mean.network)).toBe(4);
    // The same descent, up to rounding.
    for (const epoch of [0, 10, 100]) expect(mean.losses[epoch]).toBeCloseTo(sum.losses[epoch] as number, 5);
    expect(sum.losses.at(-1)).toBeLessThan(0.2);
  });

  test("2-4-1 in batches of 2", () => {
    const network = xorNet(4, 3);
    const trainer = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 0.5 }) });
    trainer.fitSync(XOR, { epochs: 10_000, batchSize: 2 });
    expect(rightOf(network)).toBe(4);
  });
});

describe("XOR with Adam is learned by at least 95 of 100 seeds", () => {
  // Full batches leave some 2-3-1 networks in a local minimum; the noise of single samples shakes them out.
  test.each([
    { hidden: 4, batchSize: 4, epochs: 500 },
    { hidden: 3, batchSize: 1, epochs: 1000 },
  ])("2-$hidden-1 in batches of $batchSize", ({ hidden, batchSize, epochs }) => {
    const executor = EXECUTORS.at(-1);
    const learned = Array.from({ length: 100 }, (_, seed) => {
      const network = denseNet({
        input: 2,
        units: [hidden, 1],
        activations: ["sigmoid", "sigmoid"],
        seed,
        executor,
      });
      const trainer = new Trainer(network, {
        loss: "mse",
        optimizer: optimizers.adam({ learningRate: 0.1 }),
      });
      trainer.fitSync(XOR, { epochs, batchSize });
      return rightOf(network) === 4;
    });
    expect(learned.filter(Boolean).length).toBeGreaterThanOrEqual(95);
  });
});

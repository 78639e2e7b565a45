import { describe, expect, test } from "vitest";
import { layers, Network, optimizers, rules, Trainer } from "../../lib/index.ts";
import { Random } from "../../lib/random.ts";
import { EXECUTORS } from "../support/executors.ts";
import { setWeights, weightsOf } from "../support/networks.ts";

const AND = {
  x: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  y: [0, 0, 0, 1],
};

describe.each(EXECUTORS)("classic learning rules, %s", (executor) => {
  const unit = (activation: layers.ActivationName, units = 1, useBias = true): Network =>
    new Network({ input: [2], layers: [layers.dense({ units, activation, useBias })], seed: 1, executor });

  test("the perceptron's rule by hand: rate · x · (target - output)", () => {
    const network = unit("step");
    setWeights(network, { "dense/kernel": [0.5, -1], "dense/bias": [0.25] });
    const trainer = new Trainer(network, { rule: rules.perceptron({ learningRate: 0.5 }) });
    // The sum 0.5 · 1 - 2 + 0.25 is below 0, so the output is 0; it should be 1.
    trainer.fitSync({ x: [[1, 2]], y: [1] });
    expect(weightsOf(network)).toEqual({ "dense/kernel": [1, 0], "dense/bias": [0.75] });
    // Now right: nothing changes.
    trainer.fitSync({ x: [[1, 2]], y: [1] });
    expect(weightsOf(network)).toEqual({ "dense/kernel": [1, 0], "dense/bias": [0.75] });
  });

  test("the perceptron learns AND, and its loss is then 0", async () => {
    const network = unit("step");
    const trainer = new Trainer(network, { rule: rules.perceptron(), metrics: ["accuracy"] });
    const history = await trainer.fit(AND, { epochs: 50, batchSize: 1 });
    expect([...network.predict(AND.x).data]).toEqual(AND.y);
    expect(history.loss.at(-1)).toBe(0);
    expect(history.logs.accuracy?.at(-1)).toBe(1);
  });

  test("the delta rule by hand: the error of the sum before the threshold", () => {
    const network = unit("step");
    setWeights(network, { "dense/kernel": [0.5, -1], "dense/bias": [0.25] });
    const trainer = new Trainer(network, { rule: rules.deltaRule({ learningRate: 0.5 }) });
    trainer.fitSync({ x: [[1, 2]], y: [1] });
    // Sum -1.25, error 2.25: kernel + 0.5 · 2.25 · x.
    expect(weightsOf(network)).toEqual({ "dense/kernel": [1.625, 1.25], "dense/bias": [1.375] });
  });

  test("the delta rule finds the line of least squares", async () => {
    const network = new Network({ input: [1], layers: [layers.dense({ units: 1 })], seed: 2, executor });
    const trainer = new Trainer(network, { rule: rules.deltaRule({ learningRate: 0.05 }) });
    const x = [-1, -0.5, 0, 0.5, 1].map((value) => [value]);
    const y = [-2.9, -2.1, -0.9, 0.1, 0.8];
    await trainer.fit({ x, y }, { epochs: 2000, batchSize: 5 });
    const { "dense/kernel": kernel, "dense/bias": bias } = weightsOf(network);
    expect(kernel?.[0]).toBeCloseTo(1.92, 3);
    expect(bias?.[0]).toBeCloseTo(-1, 3);
  });

  test("Hebb's rule by hand, several units: rate · x · target, over the batch", () => {
    const network = unit("linear", 2, false);
    setWeights(network, { "dense/kernel": [0, 0, 0, 0] });
    const trainer = new Trainer(network, { rule: rules.hebbian({ learningRate: 1 }) });
    trainer.fitSync(
      {
        x: [
          [1, 2],
          [3, 4],
        ],
        y: [
          [1, -1],
          [1, 0],
        ],
      },
      { batchSize: 2 },
    );
    expect(weightsOf(network)).toEqual({ "dense/kernel": [4, -1, 6, -2] });
  });

  test("Oja's rule finds the first principal component, with length 1", async () => {
    const network = unit("linear", 1, false);
    const random = new Random(3, 0);
    // Long along (3, 4) / 5, short across it.
    const x = Array.from({ length: 400 }, () => {
      const [along, across] = [2 * random.normal(), 0.3 * random.normal()];
      return [0.6 * along - 0.8 * across, 0.8 * along + 0.6 * across];
    });
    const trainer = new Trainer(network, { rule: rules.oja({ learningRate: 0.005 }) });
    await trainer.fit({ x, y: x.map(() => 0) }, { epochs: 20, batchSize: 1 });
    const [a = 0, b = 0] = weightsOf(network)["dense/kernel"] ?? [];
    expect(Math.hypot(a, b)).toBeCloseTo(1, 1);
    expect(Math.abs(0.6 * a + 0.8 * b)).toBeGreaterThan(0.99);
  });

  test("Oja's rule leaves the bias, and takes any optimizer", () => {
    const network = unit("linear");
    setWeights(network, { "dense/kernel": [1, 0], "dense/bias": [0] });
    const trainer = new Trainer(network, {
      rule: rules.oja(),
      optimizer: optimizers.sgd({ learningRate: 0.5 }),
    });
    trainer.fitSync({ x: [[2, 1]], y: [0] });
    // y = 2: kernel + 0.5 · 2 · (x - 2 w).
    expect(weightsOf(network)).toEqual({ "dense/kernel": [1, 1], "dense/bias": [0] });
  });

  test("an activation of its own layer is seen through", () => {
    const network = new Network({
      input: [2],
      layers: [layers.dense({ units: 1 }), layers.activation({ activation: "step" })],
      seed: 1,
      executor,
    });
    new Trainer(network, { rule: rules.perceptron() }).fitSync(AND, { epochs: 50, batchSize: 1 });
    expect([...network.predict(AND.x).data]).toEqual(AND.y);
  });
});

import { describe, expect, test } from "vitest";
import { layers, Network, optimizers, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { weightsOf } from "../support/networks.ts";

const x = [
  [1, 10],
  [2, 20],
  [3, 30],
  [6, 60],
];

describe.each(EXECUTORS)("batch normalization, %s", (executor) => {
  const build = (momentum: number): { network: Network; trainer: Trainer } => {
    const network = new Network({
      input: [2],
      layers: [layers.batchNormalization({ momentum, epsilon: 0, name: "norm" })],
      executor,
    });
    return {
      network,
      trainer: new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 0 }) }),
    };
  };
  // Mean 3 and 30, biased variance 3.5 and 350.
  const normal = x.map(([a = 0]) => (a - 3) / Math.sqrt(3.5));

  test("uses the batch in training and moves the running statistics", () => {
    const { network, trainer } = build(0.75);
    const { loss } = trainer.fitSync({ x, y: normal.map((value) => [value, value]) }, { batchSize: 4 });
    expect(loss[0]).toBeLessThan(1e-10);
    const { "norm/movingMean": mean = [], "norm/movingVariance": variance = [] } = weightsOf(network);
    [0.25 * 3, 0.25 * 30].forEach((value, i) => {
      expect(mean[i]).toBeCloseTo(value, 5);
    });
    [0.75 + 0.25 * 3.5, 0.75 + 0.25 * 350].forEach((value, i) => {
      expect(variance[i]).toBeCloseTo(value, 4);
    });
  });

  test("predicts and evaluates by the running statistics, which that leaves alone", () => {
    const { network, trainer } = build(0.5);
    const fresh = network.predict([[2, 4]]).data;
    expect([...fresh]).toEqual([2, 4]);
    trainer.fitSync({ x, y: x }, { batchSize: 4, epochs: 60 });
    const before = weightsOf(network);
    const { data } = network.predict(x);
    for (const [i, value] of normal.entries()) {
      expect(data[2 * i]).toBeCloseTo(value, 4);
      expect(data[2 * i + 1]).toBeCloseTo(value, 4);
    }
    expect(trainer.evaluateSync({ x, y: normal.map((value) => [value, value]) }).loss).toBeLessThan(1e-8);
    expect(weightsOf(network)).toEqual(before);
  });
});

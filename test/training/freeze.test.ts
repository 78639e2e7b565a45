import { describe, expect, test } from "vitest";
import { layers, optimizers, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { weightsOf } from "../support/networks.ts";
import { circle, classifier } from "../support/tasks.ts";

const data = circle(40);

describe.each(EXECUTORS)("frozen layers, %s", (executor) => {
  test("keep their weights and those of others change; freed, they change, too", () => {
    const { network, trainer } = classifier({ executor });
    const before = weightsOf(network);
    network.setTrainable("hidden", false);
    expect(network.layer("hidden").trainable).toBe(false);
    expect(network.summary()).toContain("hidden (dense) frozen");
    trainer.fitSync(data, { epochs: 3 });
    const frozen = weightsOf(network);
    expect(frozen["hidden/kernel"]).toEqual(before["hidden/kernel"]);
    expect(frozen["hidden/bias"]).toEqual(before["hidden/bias"]);
    expect(frozen["out/kernel"]).not.toEqual(before["out/kernel"]);
    network.setTrainable("hidden", true);
    trainer.fitSync(data, { epochs: 1 });
    expect(weightsOf(network)["hidden/kernel"]).not.toEqual(before["hidden/kernel"]);
  });

  test("by the layer's own option", () => {
    const list = [
      layers.dense({ units: 4, trainable: false }),
      layers.prelu({ trainable: false }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ];
    const { network, trainer } = classifier({ executor, layers: list });
    const before = weightsOf(network);
    trainer.fitSync(data, { epochs: 2 });
    const after = weightsOf(network);
    const changed = Object.keys(after).filter((path) => String(after[path]) !== String(before[path]));
    expect(changed).toEqual(["dense_1/kernel", "dense_1/bias"]);
    expect(network.summary()).toMatch(/Parameters: 21 .*, trained: 5$/);
  });

  test("weight decay and momentum do not move them either", () => {
    const optimizer = optimizers.sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 });
    const { network, trainer } = classifier({ executor, optimizer });
    trainer.fitSync(data, { epochs: 2 });
    const before = weightsOf(network);
    network.setTrainable("hidden", false);
    trainer.fitSync(data, { epochs: 2 });
    expect(weightsOf(network)["hidden/kernel"]).toEqual(before["hidden/kernel"]);
  });

  test("a frozen batch normalization keeps its running statistics and uses them", () => {
    const list = [
      layers.batchNormalization({ name: "norm" }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ];
    const { network, trainer } = classifier({ executor, layers: list });
    trainer.fitSync(data, { epochs: 2 });
    const before = weightsOf(network);
    network.setTrainable("norm", false);
    trainer.fitSync(data, { epochs: 2 });
    const after = weightsOf(network);
    for (const name of ["gamma", "beta", "movingMean", "movingVariance"])
      expect(after[`norm/${name}`]).toEqual(before[`norm/${name}`]);
    // In training it then does what it does in evaluation.
    const still = new Trainer(network, {
      loss: "binaryCrossentropy",
      optimizer: optimizers.sgd({ learningRate: 0 }),
    });
    expect(still.fitSync(data, { batchSize: 10 }).loss[0]).toBeCloseTo(still.evaluateSync(data).loss, 5);
  });
});

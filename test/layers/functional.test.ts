import { describe, expect, test } from "vitest";
import { layers, Network, optimizers, type SymbolicTensor, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { setWeights, weightsOf } from "../support/networks.ts";
import { circle } from "../support/tasks.ts";

describe.each(EXECUTORS)("the functional form, %s", (executor) => {
  const inputs = (...shapes: number[][]): SymbolicTensor[] => shapes.map((shape) => layers.input({ shape }));

  test("merge layers", () => {
    const run = (merge: { apply(x: readonly SymbolicTensor[]): SymbolicTensor }): number[] => {
      const ends = inputs([2], [2], [2]);
      const network = new Network({ inputs: ends, outputs: [merge.apply(ends)], executor });
      return [
        ...network.predict([
          [1, 2],
          [3, 4],
          [5, 12],
        ]).data,
      ];
    };
    expect(run(layers.add())).toEqual([9, 18]);
    expect(run(layers.multiply())).toEqual([15, 96]);
    expect(run(layers.average())).toEqual([3, 6]);
    expect(run(layers.concatenate())).toEqual([1, 2, 3, 4, 5, 12]);
  });

  test("concatenate along other axes", () => {
    const [a, b] = inputs([2, 2], [1, 2]) as [SymbolicTensor, SymbolicTensor];
    const network = new Network({
      inputs: [a, b],
      outputs: [layers.concatenate({ axis: 1 }).apply([a, b])],
      executor,
    });
    expect(network.outputShapes).toEqual([[3, 2]]);
    expect([
      ...network.predict([
        [
          [1, 2],
          [3, 4],
        ],
        [[5, 6]],
      ]).data,
    ]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => new Network({ inputs: [a, b], outputs: [layers.concatenate().apply([a, b])] })).toThrow(
      /layer "concatenate": concatenate/,
    );
    expect(() => new Network({ inputs: [a, b], outputs: [layers.add().apply([a, b])] })).toThrow(
      /layer "add": add needs inputs of one shape, got \[batch, 2, 2\], \[batch, 1, 2\]/,
    );
  });

  test("a shared layer has one set of weights and gets the gradients of both uses", () => {
    const ends = inputs([2], [2]) as [SymbolicTensor, SymbolicTensor];
    const shared = layers.dense({ units: 1, useBias: false, name: "shared" });
    const sum = layers.add().apply(ends.map((end) => shared.apply(end)));
    const network = new Network({ inputs: ends, outputs: [sum], executor });
    expect(network.layers.map(({ name }) => name)).toEqual(["shared", "add"]);
    setWeights(network, { "shared/kernel": [1, 10] });
    expect([
      ...network.predict([
        [1, 2],
        [3, 4],
      ]).data,
    ]).toEqual([64]);
    const trainer = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 0.5 }) });
    trainer.fitSync({ x: [{ data: [[1, 2]] }, { data: [[3, 4]] }], y: [63] });
    // dL/dw = 2 · (64 - 63) · (x1 + x2).
    expect(weightsOf(network)["shared/kernel"]).toEqual([1 - 4, 10 - 6]);
  });

  test("a residual network learns", async () => {
    const x = layers.input({ shape: [2], name: "point" });
    let hidden = layers.dense({ units: 8, activation: "tanh" }).apply(x);
    for (let i = 0; i < 3; i++) {
      const inner = layers
        .dense({ units: 8, activation: "relu" })
        .apply(layers.layerNormalization().apply(hidden));
      hidden = layers.add().apply([hidden, inner]);
    }
    const y = layers.dense({ units: 1, activation: "sigmoid" }).apply(hidden);
    const network = new Network({ inputs: [x], outputs: [y], seed: 4, executor });
    const trainer = new Trainer(network, {
      loss: "binaryCrossentropy",
      metrics: ["accuracy"],
      optimizer: optimizers.adam({ learningRate: 0.01 }),
    });
    const history = await trainer.fit(circle(200), { epochs: 60 });
    expect(history.logs.accuracy?.at(-1)).toBeGreaterThan(0.93);
  });

  test("several inputs and outputs, an output inside the network and an input as an output", () => {
    const [a, b] = inputs([1], [1]) as [SymbolicTensor, SymbolicTensor];
    const sum = layers.add().apply([a, b]);
    const product = layers.multiply().apply([sum, a]);
    const network = new Network({ inputs: [a, b], outputs: [product, sum, b], executor });
    expect(network.predictAll([[2], [3]]).map(({ data }) => [...data])).toEqual([[10], [5], [3]]);
    const many = network.predictAll([
      [[2], [0]],
      [[3], [1]],
    ]);
    expect(many.map(({ shape }) => shape)).toEqual([
      [2, 1],
      [2, 1],
      [2, 1],
    ]);
    expect(many.map(({ data }) => [...data])).toEqual([
      [10, 0],
      [5, 1],
      [3, 1],
    ]);
  });

  test("predictions of more samples than one step takes", () => {
    const network = new Network({
      input: [3],
      layers: [layers.dense({ units: 2, activation: "tanh" })],
      seed: 2,
      executor,
    });
    const data = Float32Array.from({ length: 3 * 300 }, (_, i) => Math.sin(i));
    const all = network.predict({ data, shape: [300, 3] });
    expect(all.shape).toEqual([300, 2]);
    for (const i of [0, 127, 128, 299]) {
      const one = network.predict(data.subarray(3 * i, 3 * i + 3));
      expect([...one.data]).toEqual([...all.data.subarray(2 * i, 2 * i + 2)]);
    }
  });

  test("weights are live", () => {
    const network = new Network({
      input: [1],
      layers: [layers.dense({ units: 1, useBias: false })],
      executor,
    });
    const kernel = network.layer("dense").weights[0];
    kernel?.data.fill(3);
    expect(network.predict([2]).data[0]).toBe(6);
    network.initialize(5);
    const first = kernel?.data[0];
    network.initialize(6);
    expect(kernel?.data[0]).not.toBe(first);
    network.initialize(5);
    expect(kernel?.data[0]).toBe(first);
  });
});

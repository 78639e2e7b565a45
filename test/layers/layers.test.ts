import { describe, expect, test } from "vitest";
import { type Layer, layers, Network, ShapeError } from "../../lib/index.ts";
import { createLayer } from "../../lib/layers/registry.ts";
import { EXECUTORS } from "../support/executors.ts";

interface Case {
  layer: Layer;
  input: number[];
  output: number[];
  /** Arrays by name with their shapes. */
  weights?: Record<string, number[]>;
}

const l2 = { name: "l2", options: { l2: 0.01 } };

const CASES: Record<string, Case> = {
  dense: {
    layer: layers.dense({ units: 3, activation: "relu" }),
    input: [4],
    output: [3],
    weights: { kernel: [4, 3], bias: [3] },
  },
  "dense over the last axis": {
    layer: layers.dense({ units: 3, useBias: false }),
    input: [5, 4],
    output: [5, 3],
    weights: { kernel: [4, 3] },
  },
  "dense with everything": {
    layer: layers.dense({
      units: 2,
      activation: { name: "leakyRelu", alpha: 0.1 },
      kernelInitializer: "heNormal",
      biasInitializer: { name: "constant", options: { value: 0.5 } },
      kernelRegularizer: l2 as never,
      biasRegularizer: "l1",
      trainable: false,
      name: "wide",
    }),
    input: [4],
    output: [2],
    weights: { kernel: [4, 2], bias: [2] },
  },
  "dense, gelu": {
    layer: layers.dense({ units: 2, activation: "gelu" }),
    input: [4],
    output: [2],
    weights: { kernel: [4, 2], bias: [2] },
  },
  activation: { layer: layers.activation({ activation: "softmax" }), input: [2, 3], output: [2, 3] },
  prelu: { layer: layers.prelu(), input: [2, 3], output: [2, 3], weights: { alpha: [2, 3] } },
  "prelu, shared": {
    layer: layers.prelu({ sharedAxes: [1], alphaInitializer: "ones" }),
    input: [2, 3],
    output: [2, 3],
    weights: { alpha: [1, 3] },
  },
  dropout: { layer: layers.dropout({ rate: 0.5 }), input: [2, 3], output: [2, 3] },
  gaussianNoise: { layer: layers.gaussianNoise({ stddev: 0.5 }), input: [2, 3], output: [2, 3] },
  batchNormalization: {
    layer: layers.batchNormalization({ momentum: 0.5, epsilon: 0.1 }),
    input: [2, 3],
    output: [2, 3],
    weights: { gamma: [3], beta: [3], movingMean: [3], movingVariance: [3] },
  },
  "batchNormalization without scale": {
    layer: layers.batchNormalization({ scale: false, center: false }),
    input: [3],
    output: [3],
    weights: { movingMean: [3], movingVariance: [3] },
  },
  layerNormalization: {
    layer: layers.layerNormalization({ epsilon: 0.1 }),
    input: [2, 3],
    output: [2, 3],
    weights: { gamma: [3], beta: [3] },
  },
  flatten: { layer: layers.flatten(), input: [2, 3, 4], output: [24] },
  reshape: { layer: layers.reshape({ targetShape: [4, -1] }), input: [2, 3, 4], output: [4, 6] },
};

const networkOf = (layer: Layer, input: number[]): Network =>
  new Network({ input, layers: [layer], seed: 3, executor: "reference" });

describe("layers", () => {
  test.each(Object.entries(CASES))(
    "%s: shapes, weights, and the same from its config",
    (_, { layer, input, output, weights = {} }) => {
      const network = networkOf(layer, input);
      expect(network.outputShapes).toEqual([output]);
      const [described] = network.layers;
      expect(described?.outputShape).toEqual(output);
      expect(Object.fromEntries(described?.weights.map(({ name, shape }) => [name, shape]) ?? [])).toEqual(
        weights,
      );
      const sample = new Float32Array(input.reduce((size, n) => size * n, 1)).map((_, i) => Math.sin(i + 1));
      const result = network.predict(sample);
      expect(result.shape).toEqual(output);
      // What a model file holds: JSON.
      const config = JSON.parse(
        JSON.stringify({ ...layer.config(), name: layer.name, trainable: layer.trainable }),
      );
      const again = createLayer(layer.kind, config);
      expect(again.trainable).toBe(layer.trainable);
      const other = networkOf(again, input);
      expect(other.layers[0]?.name).toBe(described?.name);
      expect([...other.state]).toEqual([...network.state]);
      expect(other.predict(sample)).toEqual(result);
      expect(other.explain()).toBe(network.explain());
    },
  );

  test("a chain may contain one layer twice: it is shared", () => {
    const dense = layers.dense({ units: 4, activation: "tanh", name: "again" });
    const network = new Network({ input: [4], layers: [dense, dense], executor: "reference" });
    expect(network.layers.map(({ name }) => name)).toEqual(["again"]);
    expect(network.weights.map(({ path }) => path)).toEqual(["again/kernel", "again/bias"]);
  });

  test("names are given by kind and number", () => {
    const list = [1, 2, 3].map((units) => layers.dense({ units }));
    const network = new Network({ input: [4], layers: [...list, layers.flatten()], executor: "reference" });
    expect(network.layers.map(({ name }) => name)).toEqual(["dense", "dense_1", "dense_2", "flatten"]);
  });

  test.each<[string, Layer, number[], RegExp]>([
    [
      "reshape to another size",
      layers.reshape({ targetShape: [5] }),
      [2, 3],
      /layer "reshape": reshape: \[2, 3\] cannot become \[5\]/,
    ],
    [
      "reshape to what does not divide",
      layers.reshape({ targetShape: [4, -1] }),
      [2, 3],
      /layer "reshape": reshape: \[2, 3\] cannot become \[4, -1\]/,
    ],
    [
      "a merge of one",
      layers.add(),
      [2],
      /layer "add": add needs at least two inputs, got 1: layers\.add\(\)\.apply\(\[a, b\]\)/,
    ],
    ["dense on a scalar", layers.dense({ units: 1 }), [], /layer "dense": /],
  ])("%s names the layer", (_, layer, input, message) => {
    expect(() => networkOf(layer, input)).toThrow(ShapeError);
    expect(() => networkOf(layer, input)).toThrow(message);
  });

  test("two inputs where one is wanted", () => {
    const x = layers.input({ shape: [2] });
    const two = layers.dense({ units: 1, name: "narrow" }).apply([x, x]);
    expect(() => new Network({ inputs: [x], outputs: [two] })).toThrow(
      /layer "narrow": dense takes one input, got 2/,
    );
  });
});

describe.each(EXECUTORS)("what layers compute, %s", (executor) => {
  const run = (layer: Layer, x: number[], shape = [x.length]): number[] => [
    ...new Network({ input: shape, layers: [layer], executor }).predict(Float32Array.from(x)).data,
  ];

  test("dense with its activation, fused or after", () => {
    const dense = (activation: layers.ActivationName): number[] =>
      run(
        layers.dense({ units: 2, activation, kernelInitializer: "ones", biasInitializer: "ones" }),
        [-3, 1],
      );
    expect(dense("linear")).toEqual([-1, -1]);
    expect(dense("relu")).toEqual([0, 0]);
    expect(dense("softmax")).toEqual([0.5, 0.5]);
    expect(dense("gelu")[0]).toBeCloseTo(-0.15866, 4);
    expect(dense("step")).toEqual([0, 0]);
  });

  test("an activation of one's own", () => {
    const doubled = layers.activation({ activation: (x) => x });
    expect(run(doubled, [1, -2])).toEqual([1, -2]);
  });

  test("prelu", () => {
    const alphaInitializer = { name: "constant", options: { value: 0.25 } };
    expect(run(layers.prelu({ alphaInitializer }), [-4, 0, 4])).toEqual([-1, 0, 4]);
    expect(run(layers.prelu(), [-4, 4])).toEqual([0, 4]);
  });

  test("layerNormalization brings a row to mean 0 and variance 1", () => {
    const y = run(layers.layerNormalization({ epsilon: 0 }), [1, 3, 5, 7]);
    [-3, -1, 1, 3].forEach((value, i) => {
      expect(y[i]).toBeCloseTo(value / Math.sqrt(5), 5);
    });
  });

  test("noise is for training only", () => {
    expect(run(layers.dropout({ rate: 0.9 }), [1, 2, 3])).toEqual([1, 2, 3]);
    expect(run(layers.gaussianNoise({ stddev: 9 }), [1, 2, 3])).toEqual([1, 2, 3]);
  });

  test("flatten and reshape keep the order", () => {
    expect(run(layers.flatten(), [1, 2, 3, 4, 5, 6], [3, 2])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(run(layers.reshape({ targetShape: [-1, 3] }), [1, 2, 3, 4, 5, 6], [3, 2])).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });
});

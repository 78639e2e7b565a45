import { describe, expect, test } from "vitest";
import {
  DataError,
  Dataset,
  layers,
  type losses,
  MyelinError,
  Network,
  ShapeError,
  Trainer,
} from "../../lib/index.ts";
import { checkThrows, type ErrorClass } from "../support/throws.ts";

const pair = (output = 1, loss: losses.LossLike = "meanSquaredError"): Trainer => {
  const network = new Network({
    input: [2],
    layers: [layers.dense({ units: output, activation: "sigmoid" })],
    seed: 1,
    executor: "reference",
  });
  return new Trainer(network, { loss });
};

const fine = {
  x: [
    [0, 1],
    [2, 3],
    [4, 5],
  ],
  y: [0, 1, 0],
};

describe("data that cannot be trained on", () => {
  test.each<[string, unknown, ErrorClass, RegExp]>([
    [
      "nothing",
      undefined,
      DataError,
      /Dataset\.from: the data must be \{ x, y, sampleWeight\? \}, got undefined/,
    ],
    ["a number", 7, DataError, /the data must be \{ x, y, sampleWeight\? \}, got 7/],
    ["no x", { y: [1] }, DataError, /x is missing/],
    [
      "a misspelled key",
      { x: [[0, 1]], target: [1] },
      MyelinError,
      /unknown option "target".*Known: x, y, sampleWeight/,
    ],
    ["no samples", { x: [], y: [] }, DataError, /x is empty: at least one sample/],
    ["samples without numbers", { x: [[]], y: [1] }, DataError, /x\[0\] is empty/],
    ["no targets", { x: [[0, 1]] }, ShapeError, /fit: every sample needs a target y, got 0/],
    [
      "NaN in x",
      {
        x: [
          [0, 1],
          [2, Number.NaN],
        ],
        y: [0, 1],
      },
      DataError,
      /x\[1\]\[1\] must be a finite number, got NaN/,
    ],
    [
      "infinity in x",
      { x: [[0, Infinity]], y: [0] },
      DataError,
      /x\[0\]\[1\] must be a finite number, got Infinity/,
    ],
    [
      "NaN in a typed array",
      { x: { data: Float32Array.of(0, Number.NaN), shape: [1, 2] }, y: [0] },
      DataError,
      /x.*\[1\] must be a finite number, got NaN/,
    ],
    ["NaN in y", { x: [[0, 1]], y: [Number.NaN] }, DataError, /y\[0\] must be a finite number, got NaN/],
    [
      "infinity in y",
      { x: [[0, 1]], y: Float64Array.of(-Infinity) },
      DataError,
      /y\[0\] must be a finite number, got -Infinity/,
    ],
    ["text", { x: [["0", 1]], y: [0] }, DataError, /x\[0\]\[0\] must be a finite number, got "0"/],
    [
      "ragged samples",
      { x: [[0, 1], [2]], y: [0, 1] },
      ShapeError,
      /x\[1\] must be an array of length 2, as x\[0\] is, got an array of length 1/,
    ],
    [
      "samples too wide",
      { x: [[0, 1, 2]], y: [0] },
      ShapeError,
      /fit: each sample of x must have shape \[2\] as the network's input, got \[3\]/,
    ],
    [
      "samples of a higher rank",
      { x: [[[0, 1]]], y: [0] },
      ShapeError,
      /each sample of x must have shape \[2\].*got \[1, 2\]/,
    ],
    [
      "a shape that does not fit its numbers",
      { x: { data: new Float32Array(5), shape: [2, 2] }, y: [0, 1] },
      ShapeError,
      /x: shape \[2, 2\] needs 4 elements, got a Float32Array of length 5/,
    ],
    [
      "fewer targets than samples",
      {
        x: [
          [0, 1],
          [2, 3],
        ],
        y: [0],
      },
      ShapeError,
      /y has 1 samples, but x has 2/,
    ],
    [
      "targets too wide",
      { x: [[0, 1]], y: [[0, 1]] },
      ShapeError,
      /fit: y must have shape \[batch, 1\] for loss meanSquaredError and output \[1\], got \[batch, 2\]/,
    ],
    [
      "two inputs",
      { x: [{ data: [[0, 1]] }, { data: [[0, 1]] }], y: [0] },
      ShapeError,
      /the network has 1 inputs, got data for 2/,
    ],
    [
      "a negative weight",
      { ...fine, sampleWeight: [1, -1, 1] },
      DataError,
      /sampleWeight\[1\] must be a number of at least 0, got -1/,
    ],
    [
      "too few weights",
      { ...fine, sampleWeight: [1] },
      ShapeError,
      /sampleWeight has 1 samples, but x has 3/,
    ],
  ])("%s", async (_, data, type, message) => {
    const trainer = pair();
    const before = [...trainer.network.state];
    await checkThrows(() => trainer.fitSync(data as typeof fine), type, message);
    await checkThrows(() => trainer.fit(data as typeof fine), type, message);
    expect([...trainer.network.state]).toEqual(before);
    // The network is not left busy.
    expect(trainer.fitSync(fine).epochs).toBe(1);
  });

  test("evaluate names itself", async () => {
    await checkThrows(
      () => pair().evaluate({ x: [[0, 1]] }),
      ShapeError,
      /evaluate: every sample needs a target y/,
    );
    await checkThrows(
      () => pair().evaluateSync({ x: [[1]], y: [1] }),
      ShapeError,
      /evaluate: each sample of x/,
    );
  });

  test("a dataset of none", () => {
    expect(() => Dataset.from(fine).slice(3)).toThrow(DataError);
    expect(() => Dataset.from(fine).select([])).toThrow(/the dataset is empty/);
  });

  test("validation data are checked as well", async () => {
    const trainer = pair();
    const options = { validationData: { x: [[1, 2, 3]], y: [1] } };
    await checkThrows(
      () => trainer.fit(fine, options),
      ShapeError,
      /fit: validationData: each sample of x must have shape \[2\]/,
    );
    expect(trainer.step).toBe(0);
  });
});

describe("labels out of range", () => {
  test.each<[string, number, losses.LossLike, unknown, RegExp]>([
    [
      "a class too large",
      3,
      "sparseCategoricalCrossentropy",
      [0, 3, 1],
      /fit: y\[1\] must be a class index from 0 to 2 for loss sparseCategoricalCrossentropy, got 3/,
    ],
    [
      "a negative class",
      3,
      "sparseCategoricalCrossentropy",
      [0, 1, -1],
      /y\[2\] must be a class index from 0 to 2.*got -1/,
    ],
    [
      "half a class",
      3,
      "sparseCategoricalCrossentropy",
      [0.5, 1, 1],
      /y\[0\] must be a class index.*got 0\.5/,
    ],
    [
      "a probability above 1",
      1,
      "binaryCrossentropy",
      [0, 1.5, 1],
      /y\[1\] must be from 0 to 1 for loss binaryCrossentropy, got 1\.5/,
    ],
    [
      "a negative probability",
      3,
      "categoricalCrossentropy",
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, -1, 0],
      ],
      /y\[2\]\[1\] must be from 0 to 1 .*got -1/,
    ],
    [
      "classes where rows are wanted",
      3,
      "categoricalCrossentropy",
      [0, 1, 2],
      /y must have shape \[batch, 3\].*got \[batch\].*use sparseCategoricalCrossentropy/,
    ],
    [
      "rows where classes are wanted",
      3,
      "sparseCategoricalCrossentropy",
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
      ],
      /got \[batch, 3\] \(these look one-hot: use the loss without "sparse"\)/,
    ],
  ])("%s", async (_, units, loss, y, message) => {
    const data = { x: fine.x, y: y as number[] };
    await checkThrows(() => pair(units, loss as losses.LossLike).fitSync(data), MyelinError, message);
    await checkThrows(() => pair(units, loss as losses.LossLike).evaluate(data), MyelinError, /^evaluate: y/);
  });

  test("of selected rows only, by the number that they have in the data", () => {
    const data = Dataset.from({ x: fine.x, y: [0, 1, 7] });
    const trainer = pair(3, "sparseCategoricalCrossentropy");
    expect(trainer.fitSync(data.select([1, 0])).epochs).toBe(1);
    expect(() => trainer.fitSync(data.select([0, 2]))).toThrow(/y\[2\] must be a class index from 0 to 2/);
  });
});

describe("input that cannot be predicted on", () => {
  test.each<[string, unknown, RegExp]>([
    [
      "nothing",
      undefined,
      /x must be an array of samples, a typed array, or \{ data, shape \}, got undefined/,
    ],
    ["an empty array", [], /x(\[0\])? is empty/],
    [
      "too few numbers",
      [1],
      /predict: each sample of x must have shape \[2\] as the network's input, got \[1\]/,
    ],
    ["too many numbers", [1, 2, 3], /must have shape \[2\].*got \[3\]/],
    ["rows too wide", [[1, 2, 3]], /must have shape \[2\].*got \[3\]/],
    ["a rank too high", [[[1, 2]]], /must have shape \[2\].*got \[1, 2\]/],
    [
      "half a sample",
      Float32Array.of(1, 2, 3),
      /x: a flat array must hold whole samples of \[2\], got 3 numbers/,
    ],
    ["NaN", [1, Number.NaN], /x(\[0\])?\[1\] must be a finite number, got NaN/],
    [
      "NaN in a batch",
      [
        [1, 2],
        [Number.NaN, 1],
      ],
      /x\[1\]\[0\] must be a finite number, got NaN/,
    ],
    [
      "infinity in a typed array",
      Float32Array.of(Infinity, 1),
      /x(\[0\])?\[0\] must be a finite number, got Infinity/,
    ],
    [
      "a number too large for float32",
      Float64Array.of(1, 1e39),
      /x(\[0\])?\[1\] must be a finite number in float32, got 1e\+39/,
    ],
    ["text", ["a", "b"], /must be a finite number, got "a"/],
    ["a hole", [1, undefined], /must be a finite number, got undefined/],
  ])("%s", async (_, input, message) => {
    const { network } = pair();
    await checkThrows(() => network.predict(input as number[]), MyelinError, message);
    await checkThrows(() => network.predictAsync(input as number[]), MyelinError, message);
    expect(network.predict([0, 0]).data).toEqual(Float32Array.of(0.5));
  });

  test("several inputs", () => {
    const [a, b] = [layers.input({ shape: [2] }), layers.input({ shape: [2] })];
    const network = new Network({
      inputs: [a, b],
      outputs: [layers.add().apply([a, b])],
      executor: "reference",
    });
    expect(() => network.predict([[1, 2]])).toThrow(
      /predict: the input must be a list of 2 inputs, got an array of length 1/,
    );
    expect(() =>
      network.predict([
        [[1, 2]],
        [
          [1, 2],
          [3, 4],
        ],
      ]),
    ).toThrow(/predict: every input must have as many samples, got 1 and 2/);
    expect(
      network.predict([
        [1, 2],
        [3, 4],
      ]).data,
    ).toEqual(Float32Array.of(4, 6));
  });

  test("the one output of a network with two", () => {
    const x = layers.input({ shape: [2] });
    const outputs = [layers.dense({ units: 1 }).apply(x), layers.dense({ units: 1 }).apply(x)];
    const network = new Network({ inputs: [x], outputs, executor: "reference" });
    expect(() => network.predict([1, 2])).toThrow(/the network has 2 outputs: use predictAll/);
    expect(network.predictAll([1, 2])).toHaveLength(2);
  });
});

import { describe, expect, test } from "vitest";
import { layers, Network } from "../../lib/index.ts";
import { checkThrows } from "../support/throws.ts";

/** Calls with arguments that the compiler would refuse. */
type Loose = (...args: unknown[]) => unknown;

const network = (): Network =>
  new Network({
    input: [2],
    layers: [layers.dense({ units: 1, activation: "sigmoid" })],
    executor: "reference",
  });

describe("a network", () => {
  const make = ((options: never) => new Network(options)) as Loose;
  const dense = layers.dense({ units: 1 });

  test.each<[string, unknown, RegExp]>([
    ["no options", undefined, /Network: options must be an object, got undefined/],
    [
      "a misspelled option",
      { input: [2], layer: [dense] },
      /Network: unknown option "layer"\. Did you mean "layers"\?/,
    ],
    [
      "no layers",
      { input: [2], layers: [] },
      /Network: layers must be a list of at least one layer, got an array of length 0/,
    ],
    [
      "layers that are none",
      { input: [2], layers: ["dense"] },
      /Network: layers\[0\] must be a layer, got "dense"/,
    ],
    ["no input", { layers: [dense] }, /Network: input must be an array of positive integers, got undefined/],
    [
      "a number as input",
      { input: 2, layers: [dense] },
      /Network: input must be an array of positive integers, got 2/,
    ],
    [
      "a dimension of zero",
      { input: [0], layers: [dense] },
      /Network: input must be an array of positive integers/,
    ],
    [
      "both forms",
      { input: [2], layers: [dense], outputs: [] },
      /give either `input` and `layers`, or `inputs` and `outputs`/,
    ],
    ["neither form", { seed: 1 }, /give either `input` and `layers`, or `inputs` and `outputs`/],
    ["no inputs", { inputs: [], outputs: [] }, /at least one input and one output/],
    [
      "shapes as inputs",
      { inputs: [[2]], outputs: [[2]] },
      /inputs come from layers\.input\(\), outputs from layer\.apply\(\)/,
    ],
    [
      "an unknown executor",
      { input: [2], layers: [dense], executor: "gpu" },
      /Network: executor must be "native" or "reference", got "gpu"/,
    ],
    ["a seed of text", { input: [2], layers: [dense], seed: "seven" }, /Network: seed must be/],
  ])("%s", (_, options, message) => checkThrows(() => make(options), Error, message));

  test("an output whose input is not listed", () => {
    const [a, b] = [layers.input({ shape: [2] }), layers.input({ shape: [2] })];
    const sum = layers.add().apply([a, b]);
    expect(() => new Network({ inputs: [a], outputs: [sum] })).toThrow(
      /an output depends on an input that is not listed/,
    );
    expect(() => new Network({ inputs: [a, b], outputs: [dense.apply(a)] })).toThrow(
      /inputs\[1\] does not lead to any output/,
    );
    expect(() => new Network({ inputs: [sum], outputs: [sum] })).toThrow(
      /inputs\[0\] is the output of a layer/,
    );
  });

  test("names that are taken, or no names", () => {
    const twice = [layers.dense({ units: 1, name: "a" }), layers.dense({ units: 1, name: "a" })];
    expect(() => new Network({ input: [2], layers: twice })).toThrow(/two layers are named "a"/);
    expect(() => layers.dense({ units: 1, name: "a/b" })).toThrow(
      /layer name must be made of letters, digits/,
    );
    const x = [layers.input({ shape: [2], name: "x" }), layers.input({ shape: [2], name: "x" })];
    expect(() => new Network({ inputs: x, outputs: [layers.add().apply(x)] })).toThrow(
      /the name "x" of an input is taken/,
    );
    expect(() => network().layer("dens")).toThrow(/the network has no layer "dens"\. Layers: dense/);
  });

  test("a network that does not fit into memory", () => {
    const huge = layers.dense({ units: 2 ** 40 });
    expect(() => new Network({ input: [2 ** 12], layers: [huge], executor: "reference" })).toThrow(
      /there is no memory for weights of \d+\.\d MiB/,
    );
    const wide = new Network({
      input: [2 ** 20, 2 ** 20],
      layers: [layers.flatten()],
      executor: "reference",
    });
    expect(() => wide.explain()).not.toThrow();
    expect(() => wide.predict(new Float32Array(2 ** 10))).toThrow(/there is no memory for a batch of/);
  });

  test("a shared layer whose weights cannot fit both uses", () => {
    const ends = [layers.input({ shape: [2] }), layers.input({ shape: [1] })];
    const shared = layers.prelu({ name: "shared" });
    expect(() => new Network({ inputs: ends, outputs: ends.map((end) => shared.apply(end)) })).toThrow(
      /layer "shared": "shared\/alpha" has shape \[2\] already, and cannot have \[1\] too: a shared layer needs inputs of one shape/,
    );
  });

  test("a capacity and a flag of the wrong kind", () => {
    expect(() => network().predictPlan(0)).toThrow(/capacity must be an integer of at least 1, got 0/);
    expect(() => (network().setTrainable as Loose)("dense", "no")).toThrow(/Trainable/);
  });
});

describe("layers", () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      "no units",
      () => (layers.dense as Loose)({}),
      /layers\.dense: units must be an integer of at least 1, got undefined/,
    ],
    [
      "half a unit",
      () => layers.dense({ units: 1.5 }),
      /layers\.dense: units must be an integer of at least 1, got 1\.5/,
    ],
    [
      "a misspelled option",
      () => (layers.dense as Loose)({ units: 1, activaton: "relu" }),
      /layers\.dense: unknown option "activaton"\. Did you mean "activation"\?/,
    ],
    [
      "an unknown activation",
      () => (layers.dense as Loose)({ units: 1, activation: "rellu" }),
      /unknown activation \(layers\.dense: activation\) "rellu"\. Did you mean "relu"\?/,
    ],
    [
      "a slope below zero",
      () => layers.dense({ units: 1, activation: { name: "leakyRelu", alpha: -1 } }),
      /alpha must be a finite number of at least 0, got -1/,
    ],
    [
      "an unknown initializer",
      () => layers.dense({ units: 1, kernelInitializer: "glorot" as "zeros" }),
      /layers\.dense: kernelInitializer.*"glorot"/,
    ],
    [
      "an unknown regularizer",
      () => (layers.dense as Loose)({ units: 1, kernelRegularizer: "l3" }),
      /layers\.dense: kernelRegularizer.*"l3".*Did you mean/,
    ],
    [
      "a bias that is no flag",
      () => (layers.dense as Loose)({ units: 1, useBias: 1 }),
      /layers\.dense: useBias must be true or false, got 1/,
    ],
    [
      "an activation that is missing",
      () => (layers.activation as Loose)({}),
      /layers\.activation: activation must be a name or a function, got undefined/,
    ],
    [
      "dropout of everything",
      () => layers.dropout({ rate: 1 }),
      /layers\.dropout: rate must be a finite number of at least 0 and at most/,
    ],
    ["dropout below zero", () => layers.dropout({ rate: -0.1 }), /layers\.dropout: rate .* got -0\.1/],
    [
      "noise below zero",
      () => layers.gaussianNoise({ stddev: -1 }),
      /layers\.gaussianNoise: stddev must be .* got -1/,
    ],
    [
      "a momentum above 1",
      () => layers.batchNormalization({ momentum: 2 }),
      /layers\.batchNormalization: momentum .* got 2/,
    ],
    [
      "an option of another layer",
      () => (layers.flatten as Loose)({ units: 1 }),
      /layers\.flatten: unknown option "units"/,
    ],
    [
      "two dimensions that follow",
      () => layers.reshape({ targetShape: [-1, -1] }),
      /layers\.reshape: targetShape must be positive integers with at most one -1/,
    ],
    [
      "the batch as an axis",
      () => layers.concatenate({ axis: 0 }),
      /layers\.concatenate: axis must be a nonzero integer \(0 is the batch\), got 0/,
    ],
    [
      "a shape that is missing",
      () => (layers.input as Loose)({}),
      /layers\.input: shape must be an array of positive integers, got undefined/,
    ],
    [
      "trainable that is no flag",
      () => (layers.dense as Loose)({ units: 1, trainable: 0 }),
      /trainable must be true or false, got 0/,
    ],
    [
      "applied to a shape",
      () => (layers.dense({ units: 1 }).apply as Loose)([2]),
      /dense\.apply: the input must be a result of layers\.input\(\) or apply\(\), got 2/,
    ],
  ])("%s", (_, act, message) => checkThrows(act, Error, message));
});

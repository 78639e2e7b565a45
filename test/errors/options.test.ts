import { describe, expect, test } from "vitest";
import {
  layers,
  losses,
  metrics,
  Network,
  OptionError,
  optimizers,
  rules,
  schedules,
  Trainer,
} from "../../lib/index.ts";
import { checkThrows } from "../support/throws.ts";

/** Calls with arguments that the compiler would refuse. */
type Loose = (...args: unknown[]) => unknown;

const network = (): Network =>
  new Network({
    input: [2],
    layers: [layers.dense({ units: 1, activation: "sigmoid" })],
    executor: "reference",
  });
const data = {
  x: [
    [0, 1],
    [2, 3],
  ],
  y: [0, 1],
};

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

describe("a trainer", () => {
  const make =
    (options: unknown): (() => unknown) =>
    () =>
      (((o: never) => new Trainer(network(), o)) as Loose)(options);

  test.each<[string, unknown, RegExp]>([
    ["no options", undefined, /Trainer: options must be an object, got undefined/],
    ["no loss", {}, /Trainer: loss is missing, for example "meanSquaredError"/],
    [
      "a misspelled option",
      { loss: "mse", optimiser: "sgd" },
      /Trainer: unknown option "optimiser"\. Did you mean "optimizer"\?/,
    ],
    [
      "an unknown loss",
      { loss: "meanSquareError" },
      /Trainer: loss: unknown loss "meanSquareError"\. Did you mean "meanSquaredError"\?/,
    ],
    [
      "a number as loss",
      { loss: 3 },
      /Trainer: loss must be a name, a function or what a factory of `losses` returned, got 3/,
    ],
    [
      "two losses for one output",
      { loss: ["mse", "mse"] },
      /loss must have one entry an output \(1\), got 2/,
    ],
    [
      "an unknown optimizer",
      { loss: "mse", optimizer: "adamm" },
      /unknown optimizer "adamm"\. Did you mean "adam"\?/,
    ],
    ["a number as optimizer", { loss: "mse", optimizer: 0.1 }, /optimizer must be .* got 0\.1/],
    [
      "an unknown metric",
      { loss: "mse", metrics: ["acuracy"] },
      /Trainer: metrics: unknown metric "acuracy"\. Did you mean "accuracy"\?/,
    ],
    [
      "one metric without its list",
      { loss: "mse", metrics: "accuracy" },
      /Trainer: metrics must be a list, got "accuracy"/,
    ],
    ["a metric twice", { loss: "mse", metrics: ["mae", "mae"] }, /two quantities are named "mae"/],
    [
      "a weight of text",
      { loss: "mse", lossWeights: ["1"] },
      /Trainer: lossWeights must be 1 finite numbers/,
    ],
    [
      "one weight without its list",
      { loss: "mse", lossWeights: 1 },
      /Trainer: lossWeights must be a list, got 1/,
    ],
    [
      "one group without its list",
      { loss: "mse", groups: { layers: ["dense"] } },
      /Trainer: groups must be a list, got an object with keys layers/,
    ],
    [
      "a group of an unknown layer",
      { loss: "mse", groups: [{ layers: ["denser"] }] },
      /unknown layer \(Trainer: groups\[0\]\) "denser"\. Did you mean "dense"\?/,
    ],
    [
      "a group's rate below zero",
      { loss: "mse", groups: [{ layers: ["dense"], learningRateScale: -1 }] },
      /Trainer: groups\[0\]: learningRateScale must be a finite number of at least 0, got -1/,
    ],
    [
      "a group's misspelled option",
      { loss: "mse", groups: [{ layers: ["dense"], learningRate: 1 }] },
      /Trainer: groups\[0\]: unknown option "learningRate"/,
    ],
    [
      "a layer in two groups",
      { loss: "mse", groups: [{ layers: ["dense"] }, { layers: ["dense"] }] },
      /Trainer: groups\[1\]: layer "dense" is in two groups/,
    ],
    [
      "a rule by name",
      { rule: "hebbian" },
      /Trainer: rule must be what a factory of `rules` returned, got "hebbian"/,
    ],
    ["a seed that is none", { loss: "mse", seed: 0.5 }, /Trainer: seed must be/],
  ])("%s", (_, options, message) => checkThrows(make(options), OptionError, message));

  test("a loss of one's own that is not made of ops", () => {
    expect(make({ loss: () => 3 })).toThrow(/what the function returns must be a value made of ops, got 3/);
  });

  test("no network", () => {
    expect(() => (((n: never) => new Trainer(n, { loss: "mse" })) as Loose)({})).toThrow(
      /the first argument must be a Network/,
    );
  });

  test("nothing to train", () => {
    const frozen = network();
    frozen.setTrainable("dense", false);
    expect(() => new Trainer(frozen, { loss: "mse" }).fitSync(data)).toThrow(
      /no parameter to train: every layer is frozen or has none/,
    );
  });

  test("rules for other networks", () => {
    const deep = new Network({
      input: [2],
      layers: [layers.dense({ units: 2 }), layers.dense({ units: 1 })],
      executor: "reference",
    });
    expect(() => new Trainer(deep, { rule: rules.hebbian() }).fitSync(data)).toThrow(
      /rules\.hebbian: the network must have one dense layer only/,
    );
    const none = new Network({ input: [2], layers: [layers.prelu()], executor: "reference" });
    expect(() => new Trainer(none, { rule: rules.perceptron() }).fitSync({ x: data.x, y: data.x })).toThrow(
      /rules\.perceptron: the network must end in a dense layer/,
    );
    expect(() => rules.oja({ learningRate: 0 })).toThrow(
      /rules\.oja: learningRate must be a finite number above 0, got 0/,
    );
  });
});

describe("fit and evaluate", () => {
  const trainer = new Trainer(network(), { loss: "mse" });
  const fitWith = trainer.fit.bind(trainer) as Loose;

  test.each<[string, unknown, RegExp]>([
    ["a misspelled option", { epoch: 3 }, /fit: unknown option "epoch"\. Did you mean "epochs"\?/],
    ["epochs below zero", { epochs: -1 }, /fit: epochs must be an integer of at least 0, got -1/],
    ["half an epoch", { epochs: 0.5 }, /fit: epochs must be an integer of at least 0, got 0\.5/],
    [
      "a batch of none",
      { batchSize: 0 },
      /fit: batchSize must be an integer of at least 1 and at most 16777216, got 0/,
    ],
    [
      "a batch larger than the data",
      { batchSize: 3 },
      /fit: batchSize must be at most the number of samples \(2\), got 3/,
    ],
    [
      "a split of everything",
      { validationSplit: 1 },
      /fit: validationSplit must be a finite number of at least 0 and at most 0\.999, got 1/,
    ],
    [
      "a split and data",
      { validationSplit: 0.5, validationData: data },
      /fit: give validationSplit or validationData, not both/,
    ],
    ["a shuffle that is no flag", { shuffle: "yes" }, /fit: shuffle must be true or false, got "yes"/],
    ["a callback without its list", { callbacks: { onEpochEnd() {} } }, /fit: callbacks must be a list/],
    [
      "a callback's method that is none",
      { callbacks: [{ onEpochEnd: 3 }] },
      /fit: callbacks\[0\]\.onEpochEnd must be a function, got 3/,
    ],
    [
      "a callback that is a function",
      { callbacks: [() => {}] },
      /fit: callbacks\[0\] must be an object with methods such as onEpochEnd, got a function/,
    ],
    ["a signal that is none", { signal: {} }, /fit: signal must be an AbortSignal, got an object/],
    ["a target of NaN", { targetLoss: Number.NaN }, /fit: targetLoss must be a finite number, got NaN/],
    [
      "a class that is not there",
      { classWeight: { 2: 1 } },
      /fit: class in classWeight must be an integer of at least 0 and at most 1, got 2/,
    ],
    [
      "a class weight below zero",
      { classWeight: { 0: -1 } },
      /fit: classWeight\[0\] must be a finite number of at least 0, got -1/,
    ],
    [
      "class weights that are none",
      { classWeight: 3 },
      /fit: classWeight must be an object such as \{ 0: 1, 1: 5 \}, got 3/,
    ],
  ])("%s", (_, options, message) => checkThrows(() => fitWith(data, options), OptionError, message));

  test("evaluate", async () => {
    const evaluate = trainer.evaluate.bind(trainer) as Loose;
    await checkThrows(
      () => evaluate(data, { batchsize: 1 }),
      OptionError,
      /evaluate: unknown option "batchsize"\. Did you mean "batchSize"\?/,
    );
    await checkThrows(
      () => evaluate(data, { batchSize: -1 }),
      OptionError,
      /evaluate: batchSize must be an integer of at least 1/,
    );
    expect((await trainer.evaluate(data, { batchSize: 100 })).loss).toBeGreaterThan(0);
    expect(() => trainer.explain(0)).toThrow(/explain: batchSize must be an integer of at least 1, got 0/);
  });

  test("a promise in fitSync", () => {
    const callbacks = [{ onEpochEnd: async (): Promise<void> => {} }];
    expect(() => trainer.fitSync(data, { callbacks })).toThrow(/fitSync cannot wait for a promise: use fit/);
    expect(trainer.fitSync(data).epochs).toBe(1);
  });
});

describe("rates", () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      "of sgd",
      () => optimizers.sgd({ learningRate: -0.1 }),
      /optimizers\.sgd: learningRate must be .*, got -0\.1/,
    ],
    [
      "of adam",
      () => optimizers.adam({ learningRate: Number.NaN }),
      /optimizers\.adam: learningRate must be .*, got NaN/,
    ],
    [
      "of a rule",
      () => rules.perceptron({ learningRate: -1 }),
      /rules\.perceptron: learningRate must be a finite number above 0, got -1/,
    ],
    [
      "of a schedule",
      () => schedules.exponentialDecay({ initialLearningRate: -1, decaySteps: 1, decayRate: 0.5 }),
      /initialLearningRate must be .*, got -1/,
    ],
    ["momentum", () => optimizers.sgd({ momentum: 2 }), /optimizers\.sgd: momentum must be .*, got 2/],
    [
      "weight decay",
      () => optimizers.adamw({ weightDecay: -1 }),
      /optimizers\.adamw: weightDecay must be .*, got -1/,
    ],
    ["two clips", () => optimizers.adam({ clipNorm: 1, clipValue: 1 }), /exclude each other/],
    [
      "an unknown loss option",
      () => (losses.huber as Loose)({ detla: 1 }),
      /losses\.huber: unknown option "detla"\. Did you mean "delta"\?/,
    ],
    [
      "an unknown metric option",
      () => (metrics.auc as Loose)({ thresholds: 3 }),
      /metrics\.auc: unknown option "thresholds"/,
    ],
  ])("%s", (_, act, message) => checkThrows(act, OptionError, message));

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])(
    "%d from a function is found at its step",
    async (rate) => {
      const trainer = new Trainer(network(), {
        loss: "mse",
        optimizer: optimizers.sgd({ learningRate: (step) => (step < 2 ? 0.1 : rate) }),
      });
      await checkThrows(
        () => trainer.fit(data, { epochs: 3 }),
        OptionError,
        /learningRate of step 2 must be a finite number of at least 0, got (-1|NaN|Infinity)/,
      );
      const batches = (): (typeof data)[] => [data, data, data];
      const other = new Trainer(network(), { loss: "mse", optimizer: trainer.optimizer });
      await checkThrows(() => other.fit(batches), OptionError, /learningRate of step 2/);
      expect(other.step).toBe(2);
    },
  );
});

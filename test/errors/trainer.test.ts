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

import { describe, expect, test } from "vitest";
import type { Callback } from "../../lib/callbacks/callback.ts";
import { Dataset, getThreads, layers, optimizers, schedules, setThreads, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { denseNet, weightsOf } from "../support/networks.ts";
import { circle, classifier } from "../support/tasks.ts";

const data = circle(100);

describe.each(EXECUTORS)("fit, %s", (executor) => {
  test("learns, and its history has a number for each epoch", async () => {
    const { network, trainer } = classifier({
      executor,
      metrics: ["accuracy"],
      optimizer: optimizers.adam({ learningRate: 0.05 }),
    });
    const history = await trainer.fit(data, { epochs: 60, batchSize: 16, validationSplit: 0.2 });
    expect(history.epochs).toBe(60);
    expect(history.stopReason).toBe("done");
    expect(Object.keys(history.logs).sort()).toEqual(["accuracy", "loss", "valAccuracy", "valLoss"]);
    for (const series of Object.values(history.logs)) expect(series).toHaveLength(60);
    expect(history.loss).toBe(history.logs.loss);
    expect(history.logs.accuracy?.at(-1)).toBeGreaterThan(0.9);
    expect(history.seconds).toBeGreaterThan(0);
    expect(trainer.step).toBe(60 * 5);
    const { loss, accuracy } = await trainer.evaluate(data, { batchSize: 7 });
    expect(loss).toBeCloseTo(trainer.evaluateSync(data).loss, 6);
    expect(accuracy).toBe(
      1 - network.predict(data.x).data.filter((p, i) => p > 0.5 !== (data.y[i] === 1)).length / 100,
    );
  });

  test("the loss of an epoch is the mean over its samples, a smaller last batch counted as such", () => {
    const network = denseNet({ input: 1, units: [1], activations: ["linear"], executor });
    const trainer = new Trainer(network, { loss: "mse", optimizer: optimizers.sgd({ learningRate: 0 }) });
    const samples = { x: [[1], [2], [3], [4], [5]], y: [0, 1, 0, 1, 7] };
    const { loss } = trainer.fitSync(samples, { batchSize: 2 });
    expect(loss[0]).toBeCloseTo(trainer.evaluateSync(samples, { batchSize: 5 }).loss, 5);
  });

  test("stops below the target loss, in whole epochs", async () => {
    const options = { epochs: 5000, batchSize: 25, targetLoss: 0.2 };
    const both = [classifier({ executor }), classifier({ executor })] as const;
    const history = await both[0].trainer.fit(data, options);
    expect(history.stopReason).toBe("targetLoss");
    expect(history.loss.at(-1)).toBeLessThan(0.2);
    for (const loss of history.loss.slice(0, -1)) expect(loss).toBeGreaterThanOrEqual(0.2);
    expect(both[0].trainer.step).toBe(history.epochs * 4);
    expect(both[1].trainer.fitSync(data, options).loss).toEqual(history.loss);
    // With somebody who looks at every epoch, too.
    const watched = classifier({ executor }).trainer.fitSync(data, {
      ...options,
      callbacks: [{ onEpochEnd: () => {} }],
    });
    expect(watched.loss).toEqual(history.loss);
  });

  test("callbacks are called in order, and may stop the training", async () => {
    const calls: string[] = [];
    const callback: Callback = {
      onTrainBegin: (context) =>
        void calls.push(`begin ${context.epochs} ${context.batchSize} ${context.samples}`),
      onEpochBegin: (epoch) => void calls.push(`epoch ${epoch}`),
      onBatchEnd: (batch) => void calls.push(`batch ${batch}`),
      onEpochEnd: (epoch, logs, context) => {
        calls.push(`end ${epoch} ${Object.keys(logs)}`);
        if (epoch === 1) context.stop("seen enough");
      },
      onTrainEnd: () => void calls.push("done"),
      onClose: () => void calls.push("close"),
    };
    const history = await classifier({ executor }).trainer.fit(data, {
      epochs: 9,
      batchSize: 50,
      callbacks: [callback],
    });
    expect(history.stopReason).toBe("callback");
    expect(history.epochs).toBe(2);
    const epoch = (i: number): string[] => [`epoch ${i}`, "batch 0", "batch 1", `end ${i} loss`];
    expect(calls).toEqual(["begin 9 50 100", ...epoch(0), ...epoch(1), "done", "close"]);
  });

  test("passive callbacks see every epoch once, and change nothing", () => {
    const seen: number[] = [];
    const passive = { passive: true, onEpochEnd: (epoch: number) => void seen.push(epoch) };
    const [plain, watched] = [classifier({ executor }), classifier({ executor })];
    plain.trainer.fitSync(data, { epochs: 30 });
    watched.trainer.fitSync(data, { epochs: 30, callbacks: [passive] });
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(weightsOf(watched.network)).toEqual(weightsOf(plain.network));
  });

  test("a second fit shuffles anew, and a fit of two epochs equals two fits of one", () => {
    const [twice, once] = [classifier({ executor }), classifier({ executor })];
    twice.trainer.fitSync(data, { epochs: 1 });
    twice.trainer.fitSync(data, { epochs: 1 });
    once.trainer.fitSync(data, { epochs: 2 });
    expect(weightsOf(twice.network)).toEqual(weightsOf(once.network));
  });

  test("the order of the data decides without a shuffle, and only then", () => {
    const reversed = { x: [...data.x].reverse(), y: [...data.y].reverse() };
    const run = (samples: typeof data, shuffle: boolean): number[] => {
      const { network, trainer } = classifier({ executor });
      trainer.fitSync(samples, { epochs: 2, batchSize: 10, shuffle });
      return [...network.state];
    };
    expect(run(data, false)).not.toEqual(run(reversed, false));
    expect(run(data, false)).toEqual(run(data, false));
    expect(run(data, true)).not.toEqual(run(data, false));
  });

  test("selected rows train as copied ones do", () => {
    const rows = [5, 3, 99, 3, 0, 42];
    const copied = {
      x: rows.map((row) => data.x[row] as number[]),
      y: rows.map((row) => data.y[row] as number),
    };
    const run = (samples: Dataset): number[] => {
      const { network, trainer } = classifier({ executor });
      trainer.fitSync(samples, { epochs: 3, batchSize: 4 });
      return [...network.state];
    };
    expect(run(Dataset.from(data).select(rows))).toEqual(run(Dataset.from(copied)));
  });

  test("a schedule is a function of the step", async () => {
    const optimizer = optimizers.sgd({
      learningRate: schedules.exponentialDecay({ initialLearningRate: 0.5, decaySteps: 1, decayRate: 0.5 }),
    });
    const { trainer } = classifier({ executor, optimizer });
    expect(trainer.learningRate).toBe(0.5);
    await trainer.fit(data, { batchSize: 25 });
    expect(trainer.learningRate).toBe(0.5 ** 5);
    trainer.learningRateFactor = 0.1;
    expect(trainer.learningRate).toBeCloseTo(0.5 ** 5 / 10, 12);
  });

  test("no epochs: nothing", async () => {
    const { network, trainer } = classifier({ executor });
    const before = weightsOf(network);
    expect((await trainer.fit(data, { epochs: 0 })).loss).toEqual([]);
    expect(weightsOf(network)).toEqual(before);
  });

  test("a confusion matrix", () => {
    const { trainer, network } = classifier({ executor });
    const matrix = trainer.confusionMatrix(data);
    const positive = [...network.predict(data.x).data].map((p) => (p > 0.5 ? 1 : 0));
    const count = (truth: number, guess: number): number =>
      data.y.filter((y, i) => y === truth && positive[i] === guess).length;
    expect(matrix).toEqual([
      [count(0, 0), count(0, 1)],
      [count(1, 0), count(1, 1)],
    ]);
  });

  test("several outputs have a loss, a weight and metrics each", async () => {
    const { Network } = await import("../../lib/network.ts");
    const x = layers.input({ shape: [2] });
    const hidden = layers.dense({ units: 4, activation: "tanh" }).apply(x);
    const outputs = [
      layers.dense({ units: 1, activation: "sigmoid", name: "inside" }).apply(hidden),
      layers.dense({ units: 2, name: "copy" }).apply(hidden),
    ];
    const network = new Network({ inputs: [x], outputs, seed: 1, executor });
    const trainer = new Trainer(network, {
      loss: ["binaryCrossentropy", "mse"],
      lossWeights: [1, 0.5],
      metrics: [["accuracy"], ["mae"]],
    });
    const samples = { x: data.x, y: [{ data: data.y }, { data: data.x }] };
    const history = await trainer.fit(samples, { epochs: 50 });
    expect(Object.keys(history.logs)).toEqual(["loss", "inside.accuracy", "copy.mae"]);
    expect(history.loss.at(-1)).toBeLessThan((history.loss[0] as number) * 0.8);
    await expect(trainer.fit(data)).rejects.toThrow(/every sample needs 2 targets, got 1/);
  });
});

describe("the same seed gives the same bits", () => {
  const noisy = () => [
    layers.dense({ units: 16, activation: "relu" }),
    layers.dropout({ rate: 0.3 }),
    layers.batchNormalization(),
    layers.gaussianNoise({ stddev: 0.1 }),
    layers.dense({ units: 1, activation: "sigmoid" }),
  ];
  const options = { epochs: 7, batchSize: 16 };

  test.each(EXECUTORS)("with 1 and 2 threads, synchronously and asynchronously, %s", async (executor) => {
    const threads = getThreads();
    const results: number[][] = [];
    for (const count of [1, 2]) {
      setThreads(count);
      const sync = classifier({ executor, layers: noisy() });
      sync.trainer.fitSync(data, options);
      const async = classifier({ executor, layers: noisy() });
      await async.trainer.fit(data, options);
      results.push([...sync.network.state], [...async.network.state]);
    }
    setThreads(threads);
    for (const result of results) expect(result).toEqual(results[0]);
    const other = classifier({ executor, layers: noisy(), networkSeed: 8 });
    other.trainer.fitSync(data, options);
    expect([...other.network.state]).not.toEqual(results[0]);
    // The trainer's seed decides about shuffles and noise.
    const reseeded = classifier({ executor, layers: noisy(), seed: 9 });
    reseeded.trainer.fitSync(data, options);
    expect([...reseeded.network.state]).not.toEqual(results[0]);
  });

  test("wide layers, whose work is shared among threads", () => {
    const executor = EXECUTORS.at(-1);
    const threads = getThreads();
    const run = (count: number): number[] => {
      setThreads(count);
      const wide = [
        layers.dense({ units: 300, activation: "relu" }),
        layers.dense({ units: 1, activation: "sigmoid" }),
      ];
      const { network, trainer } = classifier({ executor, layers: wide });
      trainer.fitSync(circle(512), { epochs: 2, batchSize: 256 });
      return [...network.state];
    };
    const [one, two] = [run(1), run(2)];
    setThreads(threads);
    expect(two).toEqual(one);
  });

  test("initial weights are those of either executor", () => {
    const states = EXECUTORS.map((executor) => [...classifier({ executor }).network.state]);
    for (const state of states) expect(state).toEqual(states[0]);
  });
});

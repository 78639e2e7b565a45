import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, test } from "vitest";
import type { Callback } from "../../lib/callbacks/callback.ts";
import { getThreads, setThreads } from "../../lib/executor/native.ts";
import * as layers from "../../lib/layers/index.ts";
import { Network } from "../../lib/network.ts";
import { NUMERIC_ARRAYS } from "../../lib/tensor.ts";
import { sineData, sineTraining } from "../support/training.ts";

const data = sineData(300);
const options = { epochs: 12, batchSize: 32 };
const threads = getThreads();
afterAll(() => setThreads(threads));

describe("the same bits", () => {
  const { network: wanted, trainer } = sineTraining(256);
  setThreads(1);
  trainer.fitSync(data, options);

  const compare = async (run: (training: ReturnType<typeof sineTraining>) => unknown): Promise<void> => {
    const training = sineTraining(256);
    await run(training);
    expect(training.network.state).toEqual(wanted.state);
  };

  it.each([1, 2, 3, 8])("on %d threads, synchronous and asynchronous", async (count) => {
    setThreads(count);
    await compare(({ trainer }) => trainer.fitSync(data, options));
    await compare(({ trainer }) => trainer.fit(data, options));
    setThreads(1);
  });

  it("with callbacks that look at every epoch, and at every batch", async () => {
    await compare(({ trainer }) => trainer.fit(data, { ...options, callbacks: [{ onEpochEnd() {} }] }));
    await compare(({ trainer }) => trainer.fit(data, { ...options, callbacks: [{ onBatchEnd() {} }] }));
  });

  it("when the number of threads changes in the middle", async () => {
    let count = 1;
    const onEpochEnd = (): void => {
      count = (count % 3) + 1;
      setThreads(count);
    };
    await compare(({ trainer }) => trainer.fit(data, { ...options, callbacks: [{ onEpochEnd }] }));
    setThreads(1);
  });

  it("when other trainings and predictions run at the same time", async () => {
    setThreads(2);
    const others = [2, 3, 4].map((seed) => sineTraining(256, seed));
    await compare(async ({ network, trainer }) => {
      const fits = [trainer, ...others.map((other) => other.trainer)].map((one) => one.fit(data, options));
      const spare = sineTraining(64);
      for (let i = 0; i < 20; i++) {
        spare.network.predict(data.x);
        await spare.network.predictAsync(data.x);
      }
      await Promise.all(fits);
      return network;
    });
    setThreads(1);
  });
});

describe("the event loop", () => {
  it("turns while a training runs", async () => {
    const { trainer } = sineTraining(512);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const { seconds } = await trainer.fit(data, { epochs: 200, batchSize: 32 });
    clearInterval(timer);
    // On a free machine there is a tick every millisecond.
    expect(ticks).toBeGreaterThan(Math.min(10, seconds * 50));
  });

  it("serves files while several trainings run: they use none of libuv's threads", async () => {
    const { readFile } = await import("node:fs/promises");
    const stop = new AbortController();
    const options = { epochs: 100_000, signal: stop.signal };
    const fits = [1, 2, 3, 4, 5, 6].map((seed) => sineTraining(256, seed).trainer.fit(data, options));
    let ended = 0;
    for (const fit of fits) fit.finally(() => ended++).catch(() => {});
    for (let i = 0; i < 10; i++) await readFile(new URL(import.meta.url));
    expect(ended).toBe(0);
    stop.abort();
    await Promise.allSettled(fits);
  });
});

describe("an error in a callback", () => {
  const events = [
    "onTrainBegin",
    "onEpochBegin",
    "onBatchEnd",
    "onProgress",
    "onEpochEnd",
    "onTrainEnd",
  ] as const;
  const kinds = {
    "a thrown error": (error: Error): void => {
      throw error;
    },
    "a rejected promise": (error: Error): Promise<void> => Promise.reject(error),
  };

  it.each(
    events.flatMap((event) => Object.entries(kinds).map(([kind, fail]) => [event, kind, fail] as const)),
  )("%s: %s rejects fit, and the network can be used", async (event, _, fail) => {
    const { network, trainer } = sineTraining();
    const error = new RangeError("mine");
    const callback: Callback = { [event]: () => fail(error) };
    await expect(trainer.fit(data, { epochs: 3, batchSize: 32, callbacks: [callback] })).rejects.toBe(error);
    expect(network.predict(data.x).data.every(Number.isFinite)).toBe(true);
    await trainer.fit(data, { epochs: 1 });
    trainer.fitSync(data, { epochs: 1 });
  });
});

test("threads that have nothing to do use no CPU", async () => {
  setThreads(3);
  const { trainer } = sineTraining(256);
  trainer.fitSync(data, options);
  await sleep(50);
  const before = process.cpuUsage();
  await sleep(300);
  const { user, system } = process.cpuUsage(before);
  // Of 300 ms; a thread that spins takes them all.
  expect((user + system) / 1000).toBeLessThan(100);
  setThreads(1);
});

describe("a prediction for one sample", () => {
  it.each([1, 5, 8])("is the same from every kind of array, for %d numbers", (size) => {
    const units = 300;
    const network = new Network({ input: [size], layers: [layers.dense({ units })], seed: 1 });
    const numbers = Array.from({ length: size }, (_, i) => i + 1);
    const wanted = network.predict([numbers]);
    expect(wanted.shape).toEqual([1, units]);
    for (const sample of [numbers, ...NUMERIC_ARRAYS.map((type) => type.from(numbers))]) {
      expect(network.predict(sample as number[])).toEqual({ shape: [units], data: wanted.data });
    }
  });

  it("owns its result", () => {
    const network = new Network({ input: [2], layers: [layers.dense({ units: 2 })], seed: 1 });
    const first = network.predict([1, 2]);
    const copy = first.data.slice();
    network.predict([3, 4]);
    expect(first.data).toEqual(copy);
  });
});

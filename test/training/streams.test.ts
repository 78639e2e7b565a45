import { describe, expect, test } from "vitest";
import { DataError, Dataset } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { weightsOf } from "../support/networks.ts";
import { circle, classifier, type Samples } from "../support/tasks.ts";

const data = circle(50);

function batchesOf({ x, y }: Samples, size: number): Samples[] {
  return Array.from({ length: Math.ceil(x.length / size) }, (_, i) => ({
    x: x.slice(i * size, (i + 1) * size),
    y: y.slice(i * size, (i + 1) * size),
  }));
}

describe.each(EXECUTORS)("sources of batches, %s", (executor) => {
  test("train as the same batches of a dataset do", async () => {
    const [whole, streamed] = [classifier({ executor }), classifier({ executor })];
    const expected = await whole.trainer.fit(data, { epochs: 3, batchSize: 8, shuffle: false });
    async function* source(): AsyncGenerator<Samples> {
      for (const batch of batchesOf(data, 8)) {
        await new Promise((resolve) => setImmediate(resolve));
        yield batch;
      }
    }
    const history = await streamed.trainer.fit(source, { epochs: 3 });
    expect(weightsOf(streamed.network)).toEqual(weightsOf(whole.network));
    history.loss.forEach((loss, i) => {
      expect(loss).toBeCloseTo(expected.loss[i] as number, 10);
    });
  });

  test("an array of batches is read anew in each epoch; datasets are batches, too; sizes may vary", async () => {
    const { trainer } = classifier({ executor, metrics: ["accuracy"] });
    const all = Dataset.from(data);
    const source = new Set([all.take(3), all.skip(3).take(20), all.skip(23)]);
    const history = await trainer.fit(source, { epochs: 2, validationData: data });
    expect(trainer.step).toBe(6);
    expect(Object.keys(history.logs)).toEqual(["loss", "accuracy", "valLoss", "valAccuracy"]);
  });

  test("callbacks hear of every batch", async () => {
    const seen: [number, number][] = [];
    const callbacks = [
      {
        onProgress: ({ batch, samples }: { batch: number; samples: number }) =>
          void seen.push([batch, samples]),
      },
    ];
    await classifier({ executor }).trainer.fit(() => batchesOf(data, 20), { callbacks });
    expect(seen).toEqual([
      [1, 20],
      [2, 40],
      [3, 50],
    ]);
  });

  test.each<[string, () => Iterable<unknown>, RegExp]>([
    ["no batch", () => [], /^epoch 1: the source of batches gave none$/],
    [
      "a batch of another shape",
      () => [data, { x: [[1, 2, 3]], y: [1] }],
      /^batch 1: x must have samples of shape \[2\] as in batch 0, got \[3\]$/,
    ],
    [
      "a batch with NaN",
      () => [data, { x: [[1, Number.NaN]], y: [1] }],
      /^batch 1: x\[0\]\[1\] must be a finite number, got NaN$/,
    ],
    [
      "a label out of range",
      () => [{ x: [[1, 2]], y: [2] }],
      /y\[0\] must be from 0 to 1 for loss binaryCrossentropy, got 2/,
    ],
    ["something else", () => [data, 3], /^batch 1: .*must be .*got 3$/],
  ])("%s", async (_, source, message) => {
    const { trainer, network } = classifier({ executor });
    await expect(trainer.fit(source as () => Iterable<Samples>)).rejects.toThrow(message);
    expect([...network.state].every(Number.isFinite)).toBe(true);
    expect((await trainer.fit(data)).epochs).toBe(1);
  });

  test("an error of the source itself is the cause", async () => {
    const { trainer } = classifier({ executor });
    const lost = new Error("connection lost");
    function* source(): Generator<Samples> {
      yield data;
      throw lost;
    }
    const failure = trainer.fit(source);
    await expect(failure).rejects.toBeInstanceOf(DataError);
    await expect(failure).rejects.toMatchObject({
      message: expect.stringContaining("batch 1: connection lost"),
      cause: lost,
    });
    expect(trainer.step).toBe(1);
  });

  test("options that need data in memory, and fitSync", async () => {
    const { trainer } = classifier({ executor });
    await expect(trainer.fit(() => [data], { validationSplit: 0.1 })).rejects.toThrow(
      /validationSplit needs data in memory/,
    );
    await expect(trainer.fit(() => [data], { targetLoss: 0.1 })).rejects.toThrow(
      /targetLoss needs data in memory/,
    );
    expect(() => trainer.fitSync(() => [data])).toThrow(/fitSync cannot wait for a promise/);
    expect((await trainer.fit(() => [data])).epochs).toBe(1);
  });
});

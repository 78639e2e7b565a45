import { describe, expect, test } from "vitest";
import type { Callback } from "../../lib/callbacks/callback.ts";
import { EXECUTORS } from "../support/executors.ts";
import { weightsOf } from "../support/networks.ts";
import { circle, classifier } from "../support/tasks.ts";

const data = circle(64);

/** Aborts after so many batches. */
function abortAfter(batches: number, controller: AbortController): Callback {
  let seen = 0;
  return {
    onBatchEnd: () => {
      if (++seen === batches) controller.abort(new Error("enough"));
    },
  };
}

describe.each(EXECUTORS)("aborting, %s", (executor) => {
  test("before the start: nothing happens at all", async () => {
    const { network, trainer } = classifier({ executor });
    const before = weightsOf(network);
    const called: string[] = [];
    const callbacks = [
      { onTrainBegin: () => void called.push("begin"), onClose: () => void called.push("close") },
    ];
    const signal = AbortSignal.abort(new Error("not today"));
    await expect(trainer.fit(data, { signal, callbacks })).rejects.toThrow("not today");
    expect(() => trainer.fitSync(data, { signal })).toThrow("not today");
    expect(called).toEqual([]);
    expect(weightsOf(network)).toEqual(before);
    expect(trainer.step).toBe(0);
  });

  test("in a long epoch: soon, and the network is usable after", async () => {
    const { network, trainer } = classifier({ executor });
    const controller = new AbortController();
    const started = performance.now();
    const timer = setInterval(() => {
      if (trainer.step > 0) controller.abort();
    }, 5);
    const training = trainer.fit(data, { epochs: 10_000_000, batchSize: 1, signal: controller.signal });
    await expect(training).rejects.toMatchObject({ name: "AbortError" });
    clearInterval(timer);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(trainer.step).toBeGreaterThan(0);
    expect([...network.state].every(Number.isFinite)).toBe(true);
    const trained = weightsOf(network);
    expect(network.predict([0, 0]).data[0]).toBeGreaterThan(0);
    expect(weightsOf(network)).toEqual(trained);
    expect((await trainer.fit(data, { epochs: 2 })).epochs).toBe(2);
  });

  test("in mid-epoch: what was done is kept, and resuming ends where a training without a break does", async () => {
    const whole = classifier({ executor });
    await whole.trainer.fit(data, { epochs: 4, batchSize: 8 });
    const broken = classifier({ executor });
    const controller = new AbortController();
    const callbacks = [abortAfter(13, controller)];
    const { signal } = controller;
    await expect(broken.trainer.fit(data, { epochs: 4, batchSize: 8, signal, callbacks })).rejects.toThrow(
      "enough",
    );
    expect(broken.trainer.step).toBeGreaterThanOrEqual(13);
    expect(broken.trainer.step).toBeLessThanOrEqual(16);
    await broken.trainer.fit(data, { epochs: 4, batchSize: 8, resume: true });
    expect(broken.trainer.step).toBe(32);
    expect(weightsOf(broken.network)).toEqual(weightsOf(whole.network));
  });

  test("in fitSync, from a callback", () => {
    const { trainer } = classifier({ executor });
    const controller = new AbortController();
    const callbacks = [{ onEpochEnd: () => controller.abort(new Error("enough")) }];
    expect(() => trainer.fitSync(data, { epochs: 5, signal: controller.signal, callbacks })).toThrow(
      "enough",
    );
    expect(trainer.epoch).toBe(1);
    expect(trainer.fitSync(data, { epochs: 1 }).epochs).toBe(1);
  });

  test("while a callback is awaited", async () => {
    const { trainer } = classifier({ executor });
    const controller = new AbortController();
    const onEpochEnd = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.abort(new Error("enough"));
    };
    const training = trainer.fit(data, { epochs: 3, signal: controller.signal, callbacks: [{ onEpochEnd }] });
    await expect(training).rejects.toThrow("enough");
    expect(trainer.epoch).toBe(1);
  });

  test("a source of batches is closed", async () => {
    const { trainer } = classifier({ executor });
    const controller = new AbortController();
    let closed = false;
    async function* source(): AsyncGenerator<typeof data> {
      try {
        for (;;) yield data;
      } finally {
        closed = true;
      }
    }
    const callbacks = [abortAfter(3, controller)];
    await expect(trainer.fit(source, { signal: controller.signal, callbacks })).rejects.toThrow("enough");
    expect(closed).toBe(true);
    expect(trainer.step).toBe(3);
  });
});

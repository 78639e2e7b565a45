import { describe, expect, test } from "vitest";
import { BusyError, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { circle, classifier } from "../support/tasks.ts";
import { checkThrows } from "../support/throws.ts";

const data = circle(64);

/** A training that goes on until it is told to end. */
function endless(trainer: Trainer): { end(): Promise<void> } {
  const controller = new AbortController();
  const training = trainer.fit(data, { epochs: 10_000_000, signal: controller.signal });
  return {
    end: async () => {
      controller.abort(new Error("end"));
      await expect(training).rejects.toThrow("end");
    },
  };
}

describe.each(EXECUTORS)("a network that trains, %s", (executor) => {
  const busy = /^network "network" is busy training: await its end before/;

  test("refuses everything that reads or writes its weights, until the end", async () => {
    const { network, trainer } = classifier({ executor });
    const other = new Trainer(network, { loss: "mse" });
    const training = endless(trainer);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const uses: [string, () => unknown][] = [
      ["training", () => trainer.fit(data)],
      ["training", () => trainer.fitSync(data)],
      ["training", () => other.fit(data)],
      ["training", () => other.fitSync(data)],
      ["evaluating", () => trainer.evaluate(data)],
      ["evaluate", () => other.evaluateSync(data)],
      ["confusionMatrix", () => trainer.confusionMatrix(data)],
      ["predict", () => network.predict([0, 0])],
      ["predict", () => network.predictAll([0, 0])],
      ["predicting", () => network.predictAsync([0, 0])],
      ["initialize", () => network.initialize()],
      ["setTrainable", () => network.setTrainable("out", false)],
    ];
    for (const [what, use] of uses) {
      await checkThrows(use, BusyError, busy);
      await checkThrows(use, BusyError, new RegExp(`${what}$`));
    }
    await training.end();
    expect(network.predict([0, 0]).shape).toEqual([1]);
    expect((await other.fit(data)).epochs).toBe(1);
  });

  test("two trainings of two networks run at once", async () => {
    const [a, b, alone] = [classifier({ executor }), classifier({ executor }), classifier({ executor })];
    await Promise.all([a.trainer.fit(data, { epochs: 20 }), b.trainer.fit(data, { epochs: 20 })]);
    await alone.trainer.fit(data, { epochs: 20 });
    expect([...a.network.state]).toEqual([...alone.network.state]);
    expect([...b.network.state]).toEqual([...alone.network.state]);
  });

  test("reading is allowed to its callbacks, between two steps", async () => {
    const { network, trainer } = classifier({ executor });
    const seen: number[] = [];
    const onEpochEnd = (): void => {
      seen.push(network.predict([0, 0]).data[0] as number, trainer.evaluateSync(data).loss);
      expect(() => trainer.fitSync(data)).toThrow(busy);
      expect(() => network.initialize()).toThrow(busy);
    };
    const later = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      onEpochEnd();
    };
    trainer.fitSync(data, { epochs: 2, callbacks: [{ onEpochEnd }] });
    await trainer.fit(data, { epochs: 2, callbacks: [{ onEpochEnd }, { onEpochEnd: later }] });
    expect(seen).toHaveLength(12);
    // What a reading in between does not change: the training.
    const plain = classifier({ executor });
    plain.trainer.fitSync(data, { epochs: 2 });
    await plain.trainer.fit(data, { epochs: 2 });
    expect([...network.state]).toEqual([...plain.network.state]);
  });

  test("an asynchronous prediction and evaluation exclude others, too", async () => {
    const { network, trainer } = classifier({ executor });
    const predicting = network.predictAsync(data.x);
    expect(() => network.predict([0, 0])).toThrow(
      /^network "network" is busy predicting: await its end before predict$/,
    );
    expect(() => trainer.fitSync(data)).toThrow(BusyError);
    expect((await predicting).shape).toEqual([64, 1]);
    const evaluating = trainer.evaluate(data);
    expect(() => network.predict([0, 0])).toThrow(/is busy evaluating/);
    await evaluating;
    expect(network.predict([0, 0]).shape).toEqual([1]);
  });

  test("a failed start leaves the network free", async () => {
    const { trainer } = classifier({ executor });
    await expect(trainer.fit({ x: [[1, 2, 3]], y: [1] })).rejects.toThrow(/shape \[2\]/);
    const callbacks = [{ onTrainBegin: () => expect.fail("begun") }];
    await expect(trainer.fit(data, { callbacks })).rejects.toThrow("begun");
    expect((await trainer.fit(data)).epochs).toBe(1);
  });

  test("the event loop stays free", async () => {
    const { trainer } = classifier({ executor });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    const training = endless(trainer);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await training.end();
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
  });
});

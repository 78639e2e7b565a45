import { describe, expect, it } from "vitest";
import { earlyStopping } from "../../lib/callbacks/index.ts";
import { FileError, OptionError } from "../../lib/errors.ts";
import { fakeTraining, tinyTraining } from "./support.ts";

const losses = (...values: number[]) => values.map((valLoss) => ({ loss: 1, valLoss }));

describe("earlyStopping", () => {
  it("stops after `patience` epochs without progress", async () => {
    const training = fakeTraining();
    const callback = earlyStopping({ patience: 2 });
    await training.run(callback, losses(3, 2, 2.5, 2, 1));
    expect(callback.stoppedEpoch).toBe(3);
    expect(callback.best).toBe(2);
    expect(callback.bestEpoch).toBe(1);
    expect(training.stopReason).toBe("valLoss has not improved for 2 epochs");
  });

  it("stops at the first epoch that is no better without patience", async () => {
    const callback = earlyStopping();
    await fakeTraining().run(callback, losses(3, 2, 1, 1, 0));
    expect(callback.stoppedEpoch).toBe(3);
  });

  it("lets a training that improves run to its end", async () => {
    const callback = earlyStopping({ patience: 1 });
    await fakeTraining().run(callback, losses(3, 2, 1));
    expect(callback.stoppedEpoch).toBeUndefined();
    expect(callback.bestEpoch).toBe(2);
  });

  it("takes no smaller change than minDelta for progress", async () => {
    const callback = earlyStopping({ patience: 2, minDelta: 0.5 });
    await fakeTraining().run(callback, losses(3, 2.6, 2.5, 2.4));
    expect(callback.stoppedEpoch).toBe(2);
    expect(callback.best).toBe(3);
  });

  it("knows that more accuracy is better, and follows an explicit mode", async () => {
    const logs = [0.5, 0.6, 0.7].map((accuracy) => ({ loss: 1, accuracy, custom: accuracy }));
    const automatic = earlyStopping({ monitor: "accuracy" });
    await fakeTraining().run(automatic, logs);
    expect(automatic.stoppedEpoch).toBeUndefined();
    const minimum = earlyStopping({ monitor: "custom", mode: "min" });
    await fakeTraining().run(minimum, logs);
    expect(minimum.stoppedEpoch).toBe(1);
  });

  it.each([
    ["valBinaryAccuracy", [0.5, 0.6]],
    ["valDigits.topKCategoricalAccuracy", [0.5, 0.6]],
    ["auc", [0.5, 0.6]],
    ["f1Score", [0.5, 0.6]],
    ["valR2", [0.5, 0.6]],
    ["mae", [0.6, 0.5]],
    ["valRootMeanSquaredError", [0.6, 0.5]],
    ["valCategoricalCrossentropy", [0.6, 0.5]],
    ["cosineSimilarity", [0.6, 0.5]],
  ])("knows which way %s is better", async (monitor, values) => {
    const callback = earlyStopping({ monitor });
    await fakeTraining().run(
      callback,
      values.map((value) => ({ [monitor]: value })),
    );
    expect(callback.bestEpoch).toBe(1);
  });

  it("looks only from startFromEpoch on", async () => {
    const callback = earlyStopping({ startFromEpoch: 3 });
    await fakeTraining().run(callback, losses(1, 2, 3, 4, 3, 5));
    expect(callback.best).toBe(3);
    expect(callback.stoppedEpoch).toBe(5);
  });

  it("counts only what is better than the baseline as progress", async () => {
    const callback = earlyStopping({ patience: 3, baseline: 1 });
    await fakeTraining().run(callback, losses(5, 4, 3, 2, 0.5));
    expect(callback.stoppedEpoch).toBe(2);
    const reached = earlyStopping({ patience: 3, baseline: 1 });
    await fakeTraining().run(reached, losses(5, 4, 0.5, 0.6, 0.7, 0.4));
    expect(reached.stoppedEpoch).toBeUndefined();
  });

  it("does not take NaN for progress", async () => {
    const callback = earlyStopping({ patience: 1 });
    await fakeTraining().run(callback, losses(Number.NaN, 2, Number.NaN));
    expect(callback.stoppedEpoch).toBe(0);
  });

  it.each([true, false])("puts the best weights back at the end (%s)", async (restoreBestWeights) => {
    const training = fakeTraining();
    const callback = earlyStopping({ patience: 5, restoreBestWeights });
    callback.onTrainBegin?.(training.context);
    for (const [epoch, { valLoss }] of losses(3, 1, 2).entries()) {
      training.network.state.fill(epoch);
      callback.onEpochEnd?.(epoch, { valLoss }, training.context);
    }
    callback.onTrainEnd?.({}, training.context);
    expect([...training.network.state]).toEqual(
      Array(training.network.state.length).fill(restoreBestWeights ? 1 : 2),
    );
  });

  it("decides alike after its state went through a checkpoint", async () => {
    const logs = losses(3, 1, 2, 2, 2, 2);
    const first = earlyStopping({ patience: 3, restoreBestWeights: true });
    const before = fakeTraining();
    before.network.state.fill(7);
    await before.run(first, logs.slice(0, 3));
    const kept = JSON.parse(JSON.stringify(first.state?.()));
    const second = earlyStopping({ patience: 3, restoreBestWeights: true });
    second.restore?.(kept);
    const after = fakeTraining({ firstEpoch: 3 });
    after.network.state.fill(9);
    await after.run(second, logs.slice(3));
    expect(second.stoppedEpoch).toBe(4);
    expect(second.bestEpoch).toBe(1);
    expect(after.network.state[0]).toBe(7);
  });

  it("starts anew with each training that is not resumed", async () => {
    const callback = earlyStopping();
    await fakeTraining().run(callback, losses(1, 2));
    await fakeTraining().run(callback, losses(5, 4));
    expect(callback.stoppedEpoch).toBeUndefined();
    expect(callback.best).toBe(4);
  });

  it("refuses a state that is not its own", () => {
    const callback = earlyStopping({ restoreBestWeights: true });
    expect(() => callback.restore?.("nonsense")).toThrow(FileError);
    expect(() => callback.restore?.({ best: 1, bestEpoch: 0, wait: "2" })).toThrow(
      'checkpoint: state of earlyStopping(valLoss).wait must be a finite number, got "2"',
    );
    callback.restore?.({ best: 1, bestEpoch: 0, wait: 2, weights: "AAAA" });
    expect(() => callback.onTrainBegin?.(fakeTraining({ firstEpoch: 1 }).context)).toThrow(
      /weights must be null or base64 text of \d+ bytes, got "AAAA"/,
    );
  });

  it("lists what there is when the monitor is not there", async () => {
    const run = fakeTraining().run(earlyStopping({ monitor: "valLos", mode: "min" }), losses(1));
    await expect(run).rejects.toThrow(OptionError);
    await expect(run).rejects.toThrow(
      /unknown monitor "valLos"\. Did you mean "valLoss"\? Known: loss, valLoss/,
    );
    const noValidation = fakeTraining().run(earlyStopping(), [{ loss: 1 }]);
    await expect(noValidation).rejects.toThrow(/Known: loss\. Quantities of validation need validationData/);
  });

  it.each([
    [{ patience: -1 }, "patience must be an integer of at least 0"],
    [{ patience: 1.5 }, "patience must be an integer"],
    [{ minDelta: Number.NaN }, "minDelta must be a finite number of at least 0"],
    [{ mode: "maximum" }, 'mode must be "auto", "min" or "max", got "maximum"'],
    [{ monitor: 3 }, "monitor must be a name from the logs"],
    [{ monitor: "elegance" }, 'mode must be "min" or "max" for the monitor "elegance"'],
    [{ restoreBestWeights: 1 }, "restoreBestWeights must be true or false"],
    [{ startFromEpoch: -1 }, "startFromEpoch must be an integer"],
    [{ baseline: "1" }, "baseline must be a finite number"],
    [{ patence: 1 }, 'unknown option "patence". Did you mean "patience"?'],
  ])("refuses %j", (options, message) => {
    expect(() => earlyStopping(options as object)).toThrow(OptionError);
    expect(() => earlyStopping(options as object)).toThrow(message);
  });

  it("ends a real training", () => {
    const { trainer, data } = tinyTraining();
    const callback = earlyStopping({ monitor: "loss", patience: 2, minDelta: 0.05 });
    const history = trainer.fitSync(data, { epochs: 500, callbacks: [callback] });
    expect(history.stopReason).toBe("callback");
    expect(history.epochs).toBe((callback.stoppedEpoch as number) + 1);
    expect(history.epochs).toBeLessThan(500);
  });
});

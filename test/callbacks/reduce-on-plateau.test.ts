import { describe, expect, it } from "vitest";
import { reduceOnPlateau } from "../../lib/callbacks/index.ts";
import { FileError, OptionError } from "../../lib/errors.ts";
import { fakeTraining, tinyTraining } from "./support.ts";

const losses = (...values: number[]) => values.map((valLoss) => ({ loss: 1, valLoss }));

describe("reduceOnPlateau", () => {
  it("lowers the rate after `patience` epochs without progress, again and again", async () => {
    const training = fakeTraining({ rate: 0.1 });
    await training.run(reduceOnPlateau({ factor: 0.5, patience: 2 }), losses(2, 1, 1, 1, 1, 1));
    expect(training.context.trainer.learningRateFactor).toBe(0.25);
  });

  it("leaves the rate alone while there is progress", async () => {
    const training = fakeTraining();
    await training.run(reduceOnPlateau({ patience: 1 }), losses(5, 4, 3, 2));
    expect(training.context.trainer.learningRateFactor).toBe(1);
  });

  it("counts no epochs during the cooldown", async () => {
    const training = fakeTraining();
    const flat = losses(1, 1, 1, 1, 1);
    await training.run(reduceOnPlateau({ factor: 0.5, patience: 1, cooldown: 2 }), flat);
    expect(training.context.trainer.learningRateFactor).toBe(0.25);
  });

  it("does not go below the lowest rate", async () => {
    const training = fakeTraining({ rate: 0.1 });
    const callback = reduceOnPlateau({ factor: 0.1, patience: 1, minLearningRate: 0.02 });
    await training.run(callback, losses(1, 1, 1, 1));
    expect(training.context.trainer.learningRate).toBeCloseTo(0.02, 12);
  });

  it("decides alike after its state went through a checkpoint", async () => {
    const first = reduceOnPlateau({ factor: 0.5, patience: 3 });
    await fakeTraining().run(first, losses(1, 1, 1));
    const second = reduceOnPlateau({ factor: 0.5, patience: 3 });
    second.restore?.(JSON.parse(JSON.stringify(first.state?.())));
    const after = fakeTraining({ firstEpoch: 3 });
    await after.run(second, losses(1));
    expect(after.context.trainer.learningRateFactor).toBe(0.5);
    expect(() => second.restore?.({ best: "low" })).toThrow(FileError);
  });

  it("lists what there is when the monitor is not there", async () => {
    await expect(fakeTraining().run(reduceOnPlateau(), [{ loss: 1 }])).rejects.toThrow(/Known: loss/);
  });

  it.each([
    [{ factor: 1 }, "factor must be a finite number above 0 and below 1"],
    [{ factor: 0 }, "factor must be"],
    [{ patience: -1 }, "patience must be an integer of at least 0"],
    [{ cooldown: 0.5 }, "cooldown must be an integer"],
    [{ minLearningRate: -1 }, "minLearningRate must be"],
    [{ minLr: 1 }, 'unknown option "minLr"'],
  ])("refuses %j", (options, message) => {
    expect(() => reduceOnPlateau(options as object)).toThrow(OptionError);
    expect(() => reduceOnPlateau(options as object)).toThrow(message);
  });

  it("lowers the rate of a real training", () => {
    const { trainer, data } = tinyTraining();
    const callback = reduceOnPlateau({ monitor: "loss", patience: 2, minDelta: 10 });
    trainer.fitSync(data, { epochs: 6, callbacks: [callback] });
    expect(trainer.learningRate).toBeCloseTo(0.1 * 0.01, 12);
  });
});

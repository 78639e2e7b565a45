import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { csvLogger, lambda, learningRateLogger, reduceOnPlateau } from "../../lib/callbacks/index.ts";
import { FileError, OptionError } from "../../lib/errors.ts";
import { sgd } from "../../lib/optimizers.ts";
import { exponentialDecay } from "../../lib/schedules.ts";
import { Trainer } from "../../lib/trainer.ts";
import { fakeTraining, tinyNetwork, tinyTraining } from "./support.ts";

describe("csvLogger", () => {
  let folder = "";
  let path = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "myelin-csv-"));
    path = join(folder, "logs", "run.csv");
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const text = (): string => readFileSync(path, "utf8");

  it("writes a line an epoch", async () => {
    await fakeTraining().run(csvLogger({ path }), [
      { loss: 0.5, valLoss: 0.25 },
      { loss: 1e-7, valLoss: Number.NaN },
    ]);
    expect(text()).toBe("epoch,loss,valLoss\n1,0.5,0.25\n2,1e-7,NaN\n");
  });

  it("has each line in the file when the epoch is over", async () => {
    const { context } = fakeTraining();
    const callback = csvLogger({ path });
    await callback.onTrainBegin?.(context);
    await callback.onEpochEnd?.(0, { loss: 1 }, context);
    expect(text()).toBe("epoch,loss\n1,1\n");
    await callback.onEpochEnd?.(1, { loss: 2 }, context);
    expect(text()).toBe("epoch,loss\n1,1\n2,2\n");
    await callback.onClose?.(context);
  });

  it("keeps the columns of the first epoch", async () => {
    await fakeTraining().run(csvLogger({ path }), [
      { loss: 1, mae: 2 },
      { loss: 3, other: 4 },
    ]);
    expect(text()).toBe("epoch,loss,mae\n1,1,2\n2,3,\n");
  });

  it("quotes names that hold commas or quotes", async () => {
    await fakeTraining().run(csvLogger({ path }), [{ 'a,"b"': 1 }]);
    expect(text()).toBe('epoch,"a,""b"""\n1,1\n');
  });

  it("makes no file when there is no epoch", async () => {
    await fakeTraining().run(csvLogger({ path }), []);
    expect(text).toThrow("ENOENT");
  });

  it("replaces an old file, and goes on with it when told to or when the training resumes", async () => {
    const logs = [{ loss: 1 }];
    await fakeTraining().run(csvLogger({ path }), logs);
    await fakeTraining().run(csvLogger({ path }), logs);
    expect(text()).toBe("epoch,loss\n1,1\n");
    await fakeTraining().run(csvLogger({ path, append: true }), logs);
    await fakeTraining({ firstEpoch: 1 }).run(csvLogger({ path }), logs);
    expect(text()).toBe("epoch,loss\n1,1\n1,1\n2,1\n");
    await fakeTraining({ firstEpoch: 1 }).run(csvLogger({ path, append: false }), logs);
    expect(text()).toBe("epoch,loss\n2,1\n");
  });

  it("does not append to a file of other columns or with a torn last line", async () => {
    await fakeTraining().run(csvLogger({ path }), [{ loss: 1 }]);
    const run = fakeTraining().run(csvLogger({ path, append: true }), [{ mae: 1 }]);
    await expect(run).rejects.toThrow("its columns are epoch,loss, not epoch,mae");
    writeFileSync(path, "epoch,loss\n1,0.");
    const torn = fakeTraining().run(csvLogger({ path, append: true }), [{ loss: 1 }]);
    await expect(torn).rejects.toThrow("its last line has no end");
  });

  it("says which file cannot be written", async () => {
    const run = fakeTraining().run(csvLogger({ path: folder }), [{ loss: 1 }]);
    await expect(run).rejects.toThrow(FileError);
    await expect(run).rejects.toThrow(`cannot write ${folder}`);
  });

  it("logs a real training, and is closed when that fails", () => {
    const { trainer, data } = tinyTraining();
    const failing = lambda({
      onEpochEnd: (epoch) => {
        if (epoch === 1) throw new Error("enough");
      },
    });
    expect(() => trainer.fitSync(data, { epochs: 4, callbacks: [csvLogger({ path }), failing] })).toThrow(
      "enough",
    );
    expect(text().split("\n")[0]).toBe("epoch,loss,mae");
    expect(text().trimEnd().split("\n")).toHaveLength(3);
  });

  it.each([
    [{}, "path must be a path"],
    [{ path: "x", append: 1 }, "append must be true or false"],
    [{ path: "x", seperator: ";" }, 'unknown option "seperator"'],
  ])("refuses %j", (options, message) => {
    expect(() => csvLogger(options as never)).toThrow(OptionError);
    expect(() => csvLogger(options as never)).toThrow(message);
  });
});

describe("learningRateLogger", () => {
  it("records the rate of each epoch's first step", () => {
    const { data } = tinyTraining();
    const schedule = exponentialDecay({ initialLearningRate: 0.1, decaySteps: 2, decayRate: 0.5 });
    const trainer = new Trainer(tinyNetwork(), {
      loss: "meanSquaredError",
      optimizer: sgd({ learningRate: schedule }),
    });
    const logger = learningRateLogger();
    trainer.fitSync(data, { epochs: 3, batchSize: 4, callbacks: [logger] });
    expect(logger.rates).toEqual([0.1, 0.05, 0.025]);
  });

  it("sees what another callback does to the rate, wherever it stands", () => {
    const { trainer, data } = tinyTraining();
    const logger = learningRateLogger();
    const plateau = reduceOnPlateau({ monitor: "loss", patience: 1, factor: 0.5, minDelta: 100 });
    trainer.fitSync(data, { epochs: 3, callbacks: [logger, plateau] });
    expect(logger.rates).toEqual([0.1, 0.1, 0.05]);
  });

  it("has all rates after a resumption", async () => {
    const first = learningRateLogger();
    await fakeTraining({ rate: 0.3 }).run(first, [{ loss: 1 }, { loss: 1 }]);
    const second = learningRateLogger();
    second.restore?.(JSON.parse(JSON.stringify(first.state?.())));
    await fakeTraining({ rate: 0.2, firstEpoch: 1 }).run(second, [{ loss: 1 }, { loss: 1 }]);
    expect(second.rates).toEqual([0.3, 0.2, 0.2]);
    await fakeTraining({ rate: 0.1 }).run(second, [{ loss: 1 }]);
    expect(second.rates).toEqual([0.1]);
    expect(() => second.restore?.({ rates: ["a"] })).toThrow(FileError);
  });

  it("prints a line an epoch where it is asked to", async () => {
    const lines: string[] = [];
    await fakeTraining({ rate: 0.125 }).run(learningRateLogger({ print: (line) => lines.push(line) }), [
      {},
      {},
    ]);
    expect(lines).toEqual(["epoch 1: learning rate 0.125", "epoch 2: learning rate 0.125"]);
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    await fakeTraining().run(learningRateLogger({ print: true }), [{}]);
    expect(log).toHaveBeenCalledWith("epoch 1: learning rate 0.1");
    log.mockRestore();
    expect(() => learningRateLogger({ print: 1 as never })).toThrow(
      "print must be true, false or a function",
    );
  });
});

describe("lambda", () => {
  it("calls the functions it is made of", () => {
    const { trainer, data } = tinyTraining();
    const events: string[] = [];
    const callback = lambda({
      onTrainBegin: () => void events.push("begin"),
      onEpochBegin: (epoch) => void events.push(`epoch ${epoch}`),
      onBatchEnd: (batch) => void events.push(`batch ${batch}`),
      onEpochEnd: (_epoch, logs) => void events.push(Object.keys(logs).join()),
      onTrainEnd: () => void events.push("end"),
      onClose: () => void events.push("close"),
    });
    trainer.fitSync(data, { epochs: 2, batchSize: 4, callbacks: [callback] });
    const epoch = (i: number): string[] => [`epoch ${i}`, "batch 0", "batch 1", "loss,mae"];
    expect(events).toEqual(["begin", ...epoch(0), ...epoch(1), "end", "close"]);
    expect(callback.name).toBe("lambda");
  });

  it.each([
    [{ onEpochFinish: () => {} }, 'unknown option "onEpochFinish"'],
    [{ onEpochEnd: 3 }, "onEpochEnd must be a function, got 3"],
    [{ passive: "yes" }, "passive must be true or false"],
    [{ name: 1 }, "name must be a string"],
  ])("refuses %o", (methods, message) => {
    expect(() => lambda(methods as never)).toThrow(OptionError);
    expect(() => lambda(methods as never)).toThrow(message);
  });
});

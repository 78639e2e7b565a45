import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkpoint } from "../../lib/callbacks/index.ts";
import { FileError, OptionError } from "../../lib/errors.ts";
import { fakeTraining, tinyTraining } from "./support.ts";

const losses = (...values: number[]) => values.map((valLoss) => ({ loss: 1, valLoss }));

describe("checkpoint", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "myelin-checkpoint-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("saves each epoch into a file of its own, and makes missing folders", async () => {
    const training = fakeTraining();
    const path = join(folder, "a", "b", "epoch-{epoch}.safetensors");
    await training.run(checkpoint({ path }), losses(3, 2));
    expect(training.saved).toEqual(
      [1, 2].map((epoch) => join(folder, "a", "b", `epoch-${epoch}.safetensors`)),
    );
    expect(existsSync(join(folder, "a", "b"))).toBe(true);
  });

  it("saves every few epochs", async () => {
    const training = fakeTraining();
    await training.run(checkpoint({ path: join(folder, "{epoch}"), every: 2 }), losses(5, 4, 3, 2, 1));
    expect(training.saved).toEqual([join(folder, "2"), join(folder, "4")]);
  });

  it("saves only what is better than ever before", async () => {
    const training = fakeTraining();
    const callback = checkpoint({ path: join(folder, "{epoch}"), saveBestOnly: true });
    await training.run(callback, losses(3, 4, 2, 2, 1));
    expect(training.saved).toEqual([1, 3, 5].map((epoch) => join(folder, String(epoch))));
  });

  it("remembers the best across a resumption", async () => {
    const options = { path: join(folder, "{epoch}"), saveBestOnly: true, monitor: "valAccuracy" };
    const first = checkpoint(options);
    await fakeTraining().run(first, [{ valAccuracy: 0.9 }]);
    const second = checkpoint(options);
    expect(second.name).toBe(first.name);
    second.restore?.(JSON.parse(JSON.stringify(first.state?.())));
    const after = fakeTraining({ firstEpoch: 1 });
    await after.run(second, [{ valAccuracy: 0.8 }, { valAccuracy: 0.95 }]);
    expect(after.saved).toEqual([join(folder, "3")]);
  });

  it("comes after the other callbacks", () => {
    expect(checkpoint({ path: "x" }).last).toBe(true);
    expect(checkpoint({ path: "x" }).passive).not.toBe(true);
  });

  it("says which folder cannot be made", async () => {
    writeFileSync(join(folder, "file"), "");
    const run = fakeTraining().run(checkpoint({ path: join(folder, "file", "deep", "x") }), losses(1));
    await expect(run).rejects.toThrow(FileError);
    await expect(run).rejects.toThrow("callbacks.checkpoint: cannot make the folder of");
  });

  it("lists what there is when the monitor is not there", async () => {
    const run = fakeTraining().run(checkpoint({ path: join(folder, "x"), saveBestOnly: true }), [
      { loss: 1 },
    ]);
    await expect(run).rejects.toThrow(/unknown monitor "valLoss".*Known: loss/);
  });

  it("needs fit, since writing takes time", () => {
    const { trainer, data } = tinyTraining();
    const callbacks = [checkpoint({ path: join(folder, "x") })];
    expect(() => trainer.fitSync(data, { callbacks })).toThrow("fitSync cannot wait for a promise");
  });

  it.each([
    [{}, "path must be a path, got undefined"],
    [{ path: "" }, "path must be a path"],
    [{ path: "x-{epok}" }, 'unknown placeholder "epok". Did you mean "epoch"?'],
    [{ path: "x", every: 0 }, "every must be an integer of at least 1"],
    [{ path: "x", saveBestOnly: "yes" }, "saveBestOnly must be true or false"],
    [{ path: "x", saveBestOnly: true, monitor: "beauty" }, "mode must be"],
    [{ path: "x", savebestonly: true }, 'Did you mean "saveBestOnly"?'],
  ])("refuses %j", (options, message) => {
    expect(() => checkpoint(options as never)).toThrow(OptionError);
    expect(() => checkpoint(options as never)).toThrow(message);
  });
});

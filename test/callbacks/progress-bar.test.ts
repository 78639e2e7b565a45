import { describe, expect, it } from "vitest";
import { lambda, progressBar } from "../../lib/callbacks/index.ts";
import {
  finishedLine,
  formatCount,
  formatSeconds,
  formatValue,
  type ProgressView,
  runningLine,
} from "../../lib/callbacks/progress-line.ts";
import { OptionError } from "../../lib/errors.ts";
import { FakeStream, tinyTraining } from "./support.ts";

const view: ProgressView = {
  label: "epoch  3/12",
  fraction: 0.5,
  samples: 30_000,
  rate: 412_345,
  remaining: 12.3,
  elapsed: 1.234,
  logs: { loss: 0.0421, accuracy: 0.98712 },
};

describe("progress lines", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.00k"],
    [9996, "10.0k"],
    [87_540, "87.5k"],
    [999_600, "1.00M"],
    [412_345, "412k"],
    [1_234_567, "1.23M"],
    [5e12, "5000G"],
  ])("count %d reads %s", (count, text) => expect(formatCount(count)).toBe(text));

  it.each([
    [0.4249, "0.42 s"],
    [9.996, "10.0 s"],
    [12.34, "12.3 s"],
    [59.96, "1:00"],
    [125, "2:05"],
    [3725, "1:02:05"],
  ])("%d seconds read %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [0, "0.000"],
    [0.98712, "0.9871"],
    [12.3456, "12.35"],
    [0.042134, "0.0421"],
    [0.0000123, "1.23e-5"],
    [1234567, "1.23e+6"],
    [-0.5, "-0.5000"],
    [Number.NaN, "NaN"],
  ])("value %d reads %s", (value, text) => expect(formatValue(value)).toBe(text));

  it("shows epoch, bar, rate, remaining time and quantities", () => {
    const bar = `${"━".repeat(10)}${"─".repeat(10)}`;
    const expected = `epoch  3/12  ${bar}  50 %   412k samples/s  ETA 12.3 s  loss 0.0421  accuracy 0.9871`;
    expect(runningLine(view, 110, false)).toBe(expected);
    expect(finishedLine(view)).toBe("epoch  3/12  1.23 s   412k samples/s  loss 0.0421  accuracy 0.9871");
  });

  it("keeps the quantities of a finished epoch in a narrow terminal", () => {
    expect(finishedLine(view, 60)).toBe("epoch  3/12  1.23 s  loss 0.0421  accuracy 0.9871");
    expect(finishedLine(view, 45)).toBe("epoch  3/12  loss 0.0421  accuracy 0.9871");
    expect(finishedLine(view, 20)).toBe(finishedLine(view));
  });

  it("leaves out what does not fit, and never fills the last column", () => {
    for (let columns = 30; columns < 140; columns++) {
      for (const colors of [false, true]) {
        const line = runningLine(view, columns, colors);
        if (columns >= 45) expect(line.length).toBeLessThan(columns);
      }
    }
    expect(runningLine(view, 60, false)).not.toContain("accuracy");
    expect(runningLine(view, 60, true)).toContain("\u001b[32m");
  });

  it("shows samples in place of a bar without an end", () => {
    const line = runningLine({ ...view, fraction: undefined, remaining: undefined, rate: 0 }, 100, false);
    expect(line).toBe("epoch  3/12  30.0k samples  loss 0.0421  accuracy 0.9871");
  });
});

describe("progressBar", () => {
  it("draws on a terminal and leaves a line an epoch", () => {
    const { trainer, data } = tinyTraining();
    const stream = new FakeStream(true, 120);
    trainer.fitSync(data, { epochs: 3, validationData: data, callbacks: [progressBar({ stream })] });
    expect(stream.text).toContain("─");
    const kept = stream.text.split("\n").filter((line) => line.includes("valLoss"));
    expect(kept).toHaveLength(3);
    expect(kept.at(-1)).toMatch(/epoch 3\/3 .* samples\/s {2}loss .* mae .* valLoss .* valMae /);
  });

  it("leaves one line for a training of many epochs", () => {
    const { trainer, data } = tinyTraining();
    const stream = new FakeStream(true);
    trainer.fitSync(data, { epochs: 200, callbacks: [progressBar({ stream })] });
    expect(stream.text.split("\n")).toHaveLength(2);
    expect(stream.text).toMatch(/epoch 200\/200 [^\n]*loss [^\n]*\n$/);
    expect(stream.text.split("epoch").length).toBeLessThan(50);
  });

  it("is silent without a terminal", async () => {
    const { trainer, data } = tinyTraining();
    const stream = new FakeStream(false);
    await trainer.fit(data, { epochs: 3, callbacks: [progressBar({ stream })] });
    expect(stream.text).toBe("");
  });

  it("gives a plain line an epoch without a terminal where lines are wanted", async () => {
    const { trainer, data } = tinyTraining();
    const stream = new FakeStream(false);
    await trainer.fit(data, { epochs: 12, callbacks: [progressBar({ stream, lines: true })] });
    const lines = stream.text.trimEnd().split("\n");
    expect(lines).toHaveLength(12);
    expect(lines[1]).toMatch(/^epoch {2}2\/12 .* loss [\d.e-]+ {2}mae [\d.e-]+$/);
    expect(stream.text).not.toContain("\u001b");
  });

  it("knows how long an epoch of a source of batches is once one has ended", async () => {
    const { trainer, data } = tinyTraining();
    const stream = new FakeStream(true);
    const source = () => [data.take(4), data.skip(4)];
    await trainer.fit(source, { epochs: 2, callbacks: [progressBar({ stream })] });
    expect(stream.text).toContain("0 samples");
    expect(stream.text).toMatch(/epoch 2\/2 [^\n]*loss/);
  });

  it("takes the bar away when the training fails", async () => {
    const { trainer, data } = tinyTraining();
    const stream = new FakeStream(true);
    const failing = lambda({
      onProgress: () => {
        throw new Error("enough");
      },
    });
    const fit = trainer.fit(data, { epochs: 3, callbacks: [progressBar({ stream }), failing] });
    await expect(fit).rejects.toThrow("enough");
    const written = stream.text;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(stream.text).toBe(written);
    expect(stream.text.endsWith("\u001b[2K")).toBe(true);
  });

  it.each([
    [{ stream: {} }, "stream must be a stream to write to"],
    [{ lines: 1 }, "lines must be true or false"],
    [{ perEpoch: "no" }, "perEpoch must be true or false"],
    [{ line: true }, 'Did you mean "lines"?'],
  ])("refuses %j", (options, message) => {
    expect(() => progressBar(options as never)).toThrow(OptionError);
    expect(() => progressBar(options as never)).toThrow(message);
  });
});

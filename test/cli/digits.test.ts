import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { loadDigits } from "../../lib/cli/data.ts";
import { runDigits } from "../../lib/cli/run.ts";
import { DataError, FileError } from "../../lib/errors.ts";
import { executors } from "../../lib/executor/native.ts";
import { Network } from "../../lib/network.ts";
import { FakeStream } from "../callbacks/support.ts";

/** An IDX file of bytes. */
function idx(shape: readonly number[], value: (i: number) => number): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt32BE(0x0800 + shape.length);
  shape.forEach((size, i) => {
    head.writeUInt32BE(size, 4 + 4 * i);
  });
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return Buffer.concat([head, Buffer.from(Uint8Array.from({ length: size }, (_, i) => value(i)))]);
}

/** A folder in MNIST's form with images that a network learns in no time: digit d is a bar in column d. */
function writeFolder(folder: string, side: number, train: number, test: number): void {
  const pixel = (i: number): number => ((i % side) >> 1 === (Math.floor(i / side ** 2) % 10) + 1 ? 255 : 0);
  for (const [prefix, count] of [
    ["train", train],
    ["t10k", test],
  ] as const) {
    writeFileSync(join(folder, `${prefix}-images-idx3-ubyte`), idx([count, side, side], pixel));
    writeFileSync(
      join(folder, `${prefix}-labels-idx1-ubyte`),
      idx([count], (i) => i % 10),
    );
  }
}

const never = new AbortController().signal;

describe("the digit classifier", () => {
  let folder = "";
  let data = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "myelin-digits-"));
    data = mkdtempSync(join(folder, "data-"));
    writeFolder(data, 28, 240, 60);
    vi.stubEnv("MYELIN_CACHE", join(folder, "no-cache"));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it.each(["native", "reference"])("trains, reports and writes with the executor %s", async (executor) => {
    if (executor === "native" && !executors.native.available) return;
    const out = join(folder, executor);
    const stream = new FakeStream(false);
    const line = ["--data", data, "--executor", executor, "--epochs", "6", "--batch", "16", "--out", out];
    expect(await runDigits(line, stream, never)).toBe(0);
    const { text } = stream;
    expect(text).toContain(`MNIST from ${data}`);
    expect(text).toContain("220 to train on, 20 to validate, 60 to test");
    expect(text.match(/^epoch \d\/6 /gm)).toHaveLength(6);
    expect(text).toContain("Test accuracy 100.00 % (0 of 60 images wrong)");
    expect(text).toContain("true 0     6");
    expect(text).toContain("Recognized");
    expect(text).not.toContain("Most confident mistakes");
    expect(text).toMatch(/samples\/s in training/);
    expect(text.includes("times as fast natively")).toBe(executor === "native");
    for (const odd of ["NaN", "undefined", "\u001b"]) expect(text).not.toContain(odd);
    expect(readFileSync(join(out, "digits.svg"), "utf8")).toMatch(/^<svg .*Loss, Accuracy/s);
    const network = await Network.load(join(out, "digits.safetensors"));
    const image = new Float32Array(784).map((_, i) => ((i % 28) >> 1 === 4 ? 1 : 0));
    const { data: probabilities } = network.predict({ data: image, shape: [28, 28, 1] });
    expect(probabilities[3]).toBeGreaterThan(0.5);
  });

  it("keeps and saves what was learned when it is interrupted", async () => {
    const out = join(folder, "interrupted");
    const controller = new AbortController();
    const stream = new FakeStream(false);
    const write = stream.write.bind(stream);
    stream.write = (text) => {
      if (text.startsWith("epoch")) controller.abort();
      return write(text);
    };
    const line = ["--data", data, "--epochs", "5000", "--batch", "16", "--out", out];
    expect(await runDigits(line, stream, controller.signal)).toBe(130);
    expect(stream.text).toMatch(/Stopped after \d+ of 5000 epochs/);
    expect(stream.text).toContain("Test accuracy");
    expect(existsSync(join(out, "digits.svg"))).toBe(true);
    expect(existsSync(join(out, "digits.safetensors"))).toBe(true);
  });

  it("says that digits are drawn where MNIST is not", async () => {
    const { train, validation, test, source } = await loadDigits({ data: undefined, seed: 1, quick: true });
    expect(source).toContain("drawn by the built-in generator");
    expect([train.length, validation.length, test.length]).toEqual([11_000, 1_000, 2_000]);
    const again = await loadDigits({ data: undefined, seed: 1, quick: true });
    expect(again.train.take(5).toTensor()).toEqual(train.take(5).toTensor());
  });

  it("refuses images of another size, and too few", async () => {
    const small = mkdtempSync(join(folder, "small-"));
    writeFolder(small, 14, 100, 10);
    const load = (): Promise<unknown> => loadDigits({ data: small, seed: 1, quick: false });
    await expect(load()).rejects.toThrow(DataError);
    await expect(load()).rejects.toThrow("training images must have the shape [28, 28, 1], got [14, 14, 1]");
    writeFolder(small, 28, 20, 10);
    await expect(load()).rejects.toThrow("at least 24 training images are needed, got 20");
  });

  it.each([
    [["--data", "nowhere"], "neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz is in nowhere"],
    [["--batch", "512"], "--batch must be at most the number of training images (220), got 512"],
  ])("refuses %j", async (args, message) => {
    const line = ["--data", data, "--out", folder, ...args];
    await expect(runDigits(line, new FakeStream(false), never)).rejects.toThrow(message);
  });

  it("says which folder cannot be made", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const run = runDigits(["--out", join(file, "out")], new FakeStream(false), never);
    await expect(run).rejects.toThrow(FileError);
    await expect(run).rejects.toThrow("--out: cannot make the folder");
  });

  it("explains itself", async () => {
    const stream = new FakeStream(false);
    expect(await runDigits(["--help"], stream, never)).toBe(0);
    expect(stream.text).toContain("npm start -- [options]");
    for (const name of ["data", "epochs", "batch", "seed", "threads", "executor", "out", "quick"]) {
      expect(stream.text).toContain(`--${name}`);
    }
  });
});

import { describe, expect, it } from "vitest";
import { readOptions } from "../../lib/cli/options.ts";
import { OptionError } from "../../lib/errors.ts";

describe("readOptions", () => {
  it("has defaults", () => {
    expect(readOptions([])).toEqual({
      data: undefined,
      epochs: 12,
      batch: 128,
      seed: 7,
      threads: undefined,
      executor: undefined,
      out: "out",
      quick: false,
      help: false,
    });
    expect(readOptions(["--quick"]).epochs).toBe(4);
  });

  it("reads every option", () => {
    const line =
      "--data a --epochs 3 --batch=64 --seed 0 --threads 2 --executor reference --out b --quick -h";
    expect(readOptions(line.split(" "))).toEqual({
      data: "a",
      epochs: 3,
      batch: 64,
      seed: 0,
      threads: 2,
      executor: "reference",
      out: "b",
      quick: true,
      help: true,
    });
  });

  it.each([
    [["--epoch", "3"], 'unknown option "--epoch". Did you mean "--epochs"? Known: --data, --epochs'],
    [["-x"], 'unknown option "-x"'],
    [["--epochs", "ten"], '--epochs must be an integer of at least 1 and at most 10000, got "ten"'],
    [["--epochs", "0"], "--epochs must be an integer of at least 1"],
    [["--epochs", "1.5"], "--epochs must be an integer"],
    [["--epochs="], '--epochs must be an integer of at least 1 and at most 10000, got ""'],
    [["--epochs"], "Option '--epochs <value>' needs a value"],
    [["--batch", "1e9"], "--batch must be an integer of at least 1 and at most 8192"],
    [["--seed=-1"], "--seed must be an integer of at least 0"],
    [["--threads", "0"], "--threads must be an integer of at least 1"],
    [["--executor", "gpu"], 'unknown executor "gpu". Known: native, reference'],
    [["--out="], '--out must be a folder, got ""'],
    [["mnist"], "Unexpected argument 'mnist'"],
  ])("refuses %j", (args, message) => {
    expect(() => readOptions(args)).toThrow(OptionError);
    expect(() => readOptions(args)).toThrow(message);
  });
});

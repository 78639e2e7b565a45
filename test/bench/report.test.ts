import { describe, expect, test } from "vitest";
import { load } from "./support.ts";

const { median } = await load<{ median: (values: number[]) => number }>("harness/statistics.mjs");
const markdown = await load<{
  rounded: (value: number) => string;
  times: (value: number) => string;
  percent: (value: number) => string;
  duration: (microseconds: number) => string;
  amount: (value: number, unit: string) => string;
  table: (header: string[], rows: string[][]) => string;
}>("report/markdown.mjs");

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[7], 7],
])("the median of %j is %d", (values, expected) => {
  expect(median(values)).toBe(expected);
});

describe("numbers", () => {
  test.each([
    [0, "0"],
    [0.99999, "1.00"],
    [0.0462, "0.0462"],
    [5.649, "5.65"],
    [56.49, "56.5"],
    [999.7, "1,000"],
    [1_234_567, "1,230,000"],
    [Number.NaN, "-"],
  ])("%d is %s", (value, text) => {
    expect(markdown.rounded(value)).toBe(text);
  });

  test("with units", () => {
    expect(markdown.times(2.5)).toBe("2.50x");
    expect(markdown.percent(0.914)).toBe("91 %");
    expect(markdown.percent(0.0123)).toBe("1.2 %");
    expect(markdown.duration(0.05)).toBe("50.0 ns");
    expect(markdown.duration(12.3)).toBe("12.3 us");
    expect(markdown.duration(4200)).toBe("4.20 ms");
    expect(markdown.amount(238e9, "FLOP/s")).toBe("238 GFLOP/s");
    expect(markdown.amount(42, "")).toBe("42.0");
  });
});

test("a table is aligned Markdown", () => {
  expect(
    markdown.table(
      ["", "n"],
      [
        ["one", "1"],
        ["two", "22"],
      ],
    ),
  ).toBe(["|     |  n |", "|-----|---:|", "| one |  1 |", "| two | 22 |"].join("\n"));
});

interface Result {
  candidate: string;
  title: string;
  threads?: number;
  samplesPerSecond?: number;
  ratio?: number;
  absent?: string;
  failure?: string;
}

const { addRatios, absentees } = await load<{
  addRatios: (results: Result[]) => void;
  absentees: (results: Result[]) => string;
}>("report/workloads.mjs");

describe("workloads", () => {
  const results = (): Result[] => [
    { candidate: "myelin-native", title: "Myelin", threads: 1, samplesPerSecond: 100 },
    { candidate: "myelin-native", title: "Myelin", threads: 2, samplesPerSecond: 180 },
    { candidate: "myelin-bf16", title: "Myelin bf16", threads: 2, samplesPerSecond: 300 },
    { candidate: "brain2", title: "brain.js", samplesPerSecond: 4 },
    { candidate: "torch-eager", title: "PyTorch eager", threads: 2, samplesPerSecond: 60 },
    { candidate: "torch-bf16", title: "PyTorch bf16", threads: 2, samplesPerSecond: 150 },
    { candidate: "tfjs-node", title: "tfjs-node", absent: "not installed\nsee above" },
  ];

  test("are compared on as many threads, mixed precision with mixed precision", () => {
    const measured = results();
    addRatios(measured);
    expect(measured.map(({ ratio }) => ratio)).toEqual([1, 1, 0.6, 25, 3, 2, undefined]);
  });

  test("name who is absent", () => {
    expect(absentees(results())).toBe("Absent: tfjs-node (not installed).\n");
  });
});

describe("the roofline", () => {
  interface Workload {
    kind: "train" | "predict";
    layers: { inputs: number; units: number }[];
    batchSize: number;
    optimizer: "sgd" | "adam";
  }
  interface Work {
    flops: number;
    bytes: number;
    footprint: number;
  }
  const mlp: Workload = {
    kind: "train",
    layers: [
      { inputs: 784, units: 128 },
      { inputs: 128, units: 10 },
    ],
    batchSize: 32,
    optimizer: "sgd",
  };

  test("counts three products a layer, two in the first", async () => {
    const { workOf } = await load<{ workOf: (workload: Workload) => Work }>("report/roofline.mjs");
    expect(workOf(mlp).flops).toBe(2 * 32 * (2 * 784 * 128 + 3 * 128 * 10));
    const prediction = workOf({ ...mlp, kind: "predict", batchSize: 1 });
    expect(prediction.flops).toBe(2 * (784 * 128 + 128 * 10));
    expect(prediction.bytes).toBe(4 * (785 * 128 + 129 * 10 + 784 + 128 + 10));
    const adam = workOf({ ...mlp, optimizer: "adam" });
    expect(adam.flops).toBe(workOf(mlp).flops);
    expect(adam.bytes).toBeGreaterThan(workOf(mlp).bytes);
    expect(adam.footprint).toBeGreaterThan(3 * 4 * (785 * 128 + 129 * 10));
  });

  test("holds a time against the higher floor", async () => {
    const { rooflineOf } = await load<{
      rooflineOf: (work: Work, peaks: { flops: number; bandwidth: number }, seconds: number) => object;
    }>("report/roofline.mjs");
    const work = { flops: 200, bytes: 30, footprint: 10 };
    const far = rooflineOf(work, { flops: 100, bandwidth: 10 }, 6);
    expect(far).toMatchObject({ floor: 3, bound: "bytes", ofFloor: 0.5, ofPeak: 2 / 6 });
    const near = rooflineOf(work, { flops: 100, bandwidth: 100 }, 4);
    expect(near).toMatchObject({ floor: 2, bound: "FLOPs", ofFloor: 0.5, ofPeak: 0.5 });
  });
});

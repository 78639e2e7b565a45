import { describe, test } from "vitest";
import { expectClose, readGolden, runOp } from "./golden.ts";

interface Binary {
  prediction: number[];
  target: number[];
  weight?: number[];
  thresholds: { threshold: number; counts: number[]; accuracy: number }[];
}

interface Categorical {
  shape: [number, number];
  prediction: number[];
  target: number[];
  weight: number[];
  confusion: number[][];
  accuracy: number;
  weightedAccuracy: number;
  topK: number[];
}

interface Regression {
  shape: [number, number];
  prediction: number[];
  target: number[];
  weight?: number[];
  meanAbsoluteError: number;
  meanSquaredError: number;
  r2: number;
}

const golden = readGolden<{ binary: Binary[]; categorical: Categorical[]; regression: Regression[] }>(
  "metrics",
);

const scalar = (data: number[]) => ({ data, shape: [], batched: true });
const wide = (data: number[], width: number) => ({ data, shape: [width], batched: true });
const optional = (weight: number[] | undefined) => (weight === undefined ? [] : [scalar(weight)]);

describe("metrics are numpy's", () => {
  test.each(golden.binary)("binary", ({ prediction, target, weight, thresholds }) => {
    const batch = prediction.length;
    const ends = [wide(prediction, 1), wide(target, 1)];
    const list = { data: thresholds.map(({ threshold }) => threshold), shape: [thresholds.length] };
    const [counts] = runOp("thresholdCounts", [...ends, list, ...optional(weight)], {}, { batch });
    const byKind = [0, 1, 2, 3].flatMap((kind) => thresholds.map((one) => one.counts[kind] as number));
    expectClose(counts as Float64Array, byKind, 1e-14, "counts");
    for (const { threshold, accuracy } of thresholds) {
      const attributes = { function: "binary", threshold, k: 1 };
      const [sums] = runOp("accuracy", [...ends, ...optional(weight)], attributes, { batch }) as [
        Float64Array,
      ];
      expectClose([(sums[0] as number) / (sums[1] as number)], [accuracy], 1e-14, "accuracy");
    }
  });

  test.each(golden.categorical)("categorical", (one) => {
    const { shape, prediction, target, weight, confusion, topK } = one;
    const [batch, width] = shape;
    const ends = [wide(prediction, width), scalar(target)];
    const [counts] = runOp("confusion", ends, { function: "sparse", threshold: 0.5 }, { batch });
    expectClose(counts as Float64Array, confusion.flat(), 0, "confusion");
    const share = (name: string, k: number, weights: number[] | undefined): number => {
      const attributes = { function: name, threshold: 0.5, k };
      const [sums] = runOp("accuracy", [...ends, ...optional(weights)], attributes, { batch }) as [
        Float64Array,
      ];
      return (sums[0] as number) / (sums[1] as number);
    };
    expectClose([share("sparse", 1, undefined)], [one.accuracy], 1e-14, "accuracy");
    expectClose([share("sparse", 1, weight)], [one.weightedAccuracy], 1e-14, "weighted accuracy");
    for (const [i, value] of topK.entries()) {
      expectClose([share("sparseTopK", i + 1, undefined)], [value], 1e-14, `top ${i + 1}`);
    }
  });

  test.each(golden.regression)("regression", ({ shape, prediction, target, weight, ...expected }) => {
    const [batch, width] = shape;
    const inputs = [wide(prediction, width), wide(target, width), ...optional(weight)];
    const sums = runOp("regressionSums", inputs, {}, { batch })[0] as Float64Array;
    const [absolute, squared, t, tt, w] = sums as unknown as [number, number, number, number, number];
    expectClose([absolute / w], [expected.meanAbsoluteError], 1e-14, "MAE");
    expectClose([squared / w], [expected.meanSquaredError], 1e-14, "MSE");
    expectClose([1 - squared / (tt - (t * t) / w)], [expected.r2], 1e-13, "R2");
  });
});

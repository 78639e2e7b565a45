import { describe, expect, it } from "vitest";
import { OptionError } from "../../lib/errors.ts";
import { GraphBuilder, type Value } from "../../lib/graph/graph.ts";
import * as losses from "../../lib/losses.ts";
import * as metrics from "../../lib/metrics.ts";
import { reduce, subtract, unary } from "../../lib/ops/functions.ts";
import { readGolden } from "../golden/golden.ts";
import { evaluate } from "../support/run-graph.ts";

interface Threshold {
  threshold: number;
  accuracy: number;
  precision: number;
  recall: number;
  f1: number;
}

interface Golden {
  binary: {
    prediction: number[];
    target: number[];
    weight?: number[];
    auc: number;
    thresholds: Threshold[];
  }[];
  categorical: {
    shape: [number, number];
    prediction: number[];
    target: number[];
    weight: number[];
    confusion: number[][];
    accuracy: number;
    weightedAccuracy: number;
    topK: number[];
    precision: number[];
    recall: number[];
    macroF1: number;
  }[];
  regression: ({
    shape: [number, number];
    prediction: number[];
    target: number[];
    weight?: number[];
  } & Record<"meanAbsoluteError" | "meanSquaredError" | "rootMeanSquaredError" | "r2", number>)[];
}

const golden = readGolden<Golden>("metrics");
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

interface Data {
  width: number;
  prediction: readonly number[];
  target: readonly number[];
  weight?: readonly number[] | undefined;
}

/** A metric over batches of `batchSize` samples, summed as the trainer does. */
function measure(
  like: metrics.MetricLike | string,
  loss: losses.Loss,
  data: Data,
  batchSize = 7,
): number | number[][] {
  const { width, prediction, target, weight } = data;
  const count = prediction.length / width;
  const sums: number[] = [];
  let result: metrics.Metric["result"] = () => Number.NaN;
  for (let start = 0; start < count; start += batchSize) {
    const end = Math.min(start + batchSize, count);
    const graph = new GraphBuilder({ training: false });
    const p = graph.input("p", [width]);
    const t = graph.input("t", loss.targetType(p.type));
    const w = weight === undefined ? undefined : graph.input("w", []);
    const metric = metrics.resolveMetric(like, { loss, prediction: p.type });
    const statistics: Value = metric.statistics(p, t, w);
    expect(statistics.batched).toBe(false);
    expect(statistics.shape).toHaveLength(1);
    const targetWidth = target.length / count;
    const inputs = {
      p: prediction.slice(start * width, end * width),
      t: target.slice(start * targetWidth, end * targetWidth),
      w: weight?.slice(start, end) ?? [],
    };
    const [found = []] = evaluate(graph, [statistics], { batch: end - start, inputs });
    found.forEach((value, i) => {
      sums[i] = (sums[i] ?? 0) + value;
    });
    result = metric.result;
  }
  return result(Float64Array.from(sums));
}

describe("metrics agree with numpy's and Keras's", () => {
  const binary = losses.binaryCrossentropy();

  it.each(golden.binary)("binary %#", ({ auc, thresholds, ...data }) => {
    const all = { ...data, width: 1 };
    expect(measure("auc", binary, all)).toBeCloseTo(auc, 7);
    for (const { threshold, ...expected } of thresholds) {
      const options = { threshold };
      expect(measure(metrics.accuracy(options), binary, all)).toBeCloseTo(expected.accuracy, 12);
      expect(measure(metrics.binaryAccuracy(options), binary, all)).toBeCloseTo(expected.accuracy, 12);
      expect(measure(metrics.precision(options), binary, all)).toBeCloseTo(expected.precision, 12);
      expect(measure(metrics.recall(options), binary, all)).toBeCloseTo(expected.recall, 12);
      expect(measure(metrics.f1(options), binary, all)).toBeCloseTo(expected.f1, 12);
    }
  });

  it.each(golden.categorical)("categorical %#", ({ shape, confusion, topK, ...one }) => {
    const width = shape[1];
    const data = { width, prediction: one.prediction, target: one.target };
    const oneHot = one.target.flatMap((label) =>
      Array.from({ length: width }, (_, i) => (i === label ? 1 : 0)),
    );
    const sparse = losses.sparseCategoricalCrossentropy();
    const dense = losses.categoricalCrossentropy();
    for (const [loss, all] of [[sparse, data] as const, [dense, { ...data, target: oneHot }] as const]) {
      expect(measure("accuracy", loss, all)).toBeCloseTo(one.accuracy, 12);
      expect(measure("accuracy", loss, { ...all, weight: one.weight })).toBeCloseTo(one.weightedAccuracy, 12);
      expect(measure("confusionMatrix", loss, all)).toEqual(confusion);
      expect(measure("precision", loss, all)).toBeCloseTo(mean(one.precision), 12);
      expect(measure("recall", loss, all)).toBeCloseTo(mean(one.recall), 12);
      expect(measure("f1", loss, all)).toBeCloseTo(one.macroF1, 12);
      for (const [i, expected] of topK.entries()) {
        const options = { k: i + 1 };
        const metric =
          loss === sparse
            ? metrics.sparseTopKCategoricalAccuracy(options)
            : metrics.topKCategoricalAccuracy(options);
        expect(measure(metric, loss, all)).toBeCloseTo(expected, 12);
      }
    }
    expect(measure("auc", sparse, data)).toBeCloseTo(
      measure("auc", dense, { ...data, target: oneHot }) as number,
      12,
    );
  });

  it.each(golden.regression)("regression %#", ({ shape, prediction, target, weight, ...expected }) => {
    const data = { width: shape[1], prediction, target, weight };
    for (const [name, value] of Object.entries(expected)) {
      expect(measure(name, losses.meanSquaredError(), data), name).toBeCloseTo(value, 12);
    }
  });
});

describe("accuracy", () => {
  const kindOf = (loss: losses.Loss, width: number): unknown => {
    const graph = new GraphBuilder({ training: false });
    const p = graph.input("p", [width]);
    const metric = metrics.resolveMetric("accuracy", { loss, prediction: p.type });
    metric.statistics(p, graph.input("t", loss.targetType(p.type)));
    return graph.nodes[0]?.attributes.function;
  };

  it("is of the kind that the loss and the output call for", () => {
    expect(kindOf(losses.sparseCategoricalCrossentropy(), 3)).toBe("sparse");
    expect(kindOf(losses.categoricalCrossentropy(), 3)).toBe("categorical");
    expect(kindOf(losses.binaryCrossentropy(), 3)).toBe("binary");
    expect(kindOf(losses.meanSquaredError(), 1)).toBe("binary");
    expect(kindOf(losses.meanSquaredError(), 3)).toBe("categorical");
  });

  it("splits margins at 0", () => {
    const data = { width: 1, prediction: [0.2, -0.3, 0.4, -2], target: [1, -1, -1, -1] };
    expect(measure("accuracy", losses.hinge(), data)).toBe(0.75);
  });
});

describe("metrics", () => {
  it("take names, aliases, losses and functions; a name is the key", () => {
    const context = {
      loss: losses.meanSquaredError(),
      prediction: new GraphBuilder({ training: false }).input("p", [1]).type,
    };
    const nameOf = (like: metrics.MetricLike | string): string => metrics.resolveMetric(like, context).name;
    expect(["acc", "mae", "mse", "rmse", "mape"].map(nameOf)).toEqual(["acc", "mae", "mse", "rmse", "mape"]);
    expect(nameOf(metrics.meanAbsoluteError())).toBe("meanAbsoluteError");
    expect(nameOf(losses.huber())).toBe("huber");
    expect(
      nameOf(function closeness(p) {
        return p;
      }),
    ).toBe("closeness");
  });

  it("measure any loss over all samples, however they are batched", () => {
    const data = { width: 2, prediction: [1, 2, 3, 4, 5, 6], target: [0, 0, 0, 0, 0, 0] };
    const loss = losses.meanSquaredError();
    const expected = mean([1, 4, 9, 16, 25, 36]);
    for (const batchSize of [1, 2, 3]) {
      expect(measure("mse", loss, data, batchSize)).toBeCloseTo(expected, 12);
      expect(measure(losses.meanSquaredError(), loss, data, batchSize)).toBeCloseTo(expected, 12);
      expect(measure(losses.meanSquaredError({ reduction: "sum" }), loss, data, batchSize)).toBeCloseTo(
        expected,
        12,
      );
      const own: losses.LossCallback = (p, t) => reduce("mean", unary("square", subtract(p, t)));
      expect(measure(own, loss, data, batchSize)).toBeCloseTo(expected, 12);
      const weight = [0, 1, 3];
      expect(measure(losses.meanAbsoluteError(), loss, { ...data, weight }, batchSize)).toBeCloseTo(5, 12);
    }
  });

  it("are 0, not NaN, where there is nothing to divide by", () => {
    const loss = losses.binaryCrossentropy();
    const none = { width: 1, prediction: [0.1, 0.2], target: [0, 0] };
    for (const name of ["precision", "recall", "f1", "auc"]) expect(measure(name, loss, none), name).toBe(0);
    expect(measure("accuracy", loss, { ...none, weight: [0, 0] })).toBe(0);
    const constant = { width: 1, prediction: [1, 2], target: [3, 3] };
    expect(measure("r2", losses.meanSquaredError(), constant)).toBe(0);
    expect(measure("r2", losses.meanSquaredError(), { ...constant, prediction: [3, 3] })).toBe(1);
  });

  it("refuse what they do not know", () => {
    const prediction = new GraphBuilder({ training: false }).input("p", [3]).type;
    const context = { loss: losses.categoricalCrossentropy(), prediction };
    expect(() => metrics.resolveMetric("acuracy", context)).toThrow(OptionError);
    expect(() => metrics.resolveMetric("acuracy", context)).toThrow(
      'Trainer: metrics: unknown metric "acuracy". Did you mean "accuracy"?',
    );
    expect(() => metrics.resolveMetric(5 as unknown as string, context)).toThrow("Trainer: metrics must be");
    expect(() => metrics.resolveMetric(metrics.precision({ threshold: 0.3 }), context)).toThrow(
      "metrics.precision: threshold has no meaning",
    );
    expect(() => metrics.auc({ numThresholds: 1 })).toThrow("metrics.auc: numThresholds must be");
    expect(() => metrics.topKCategoricalAccuracy({ k: 0 })).toThrow(
      "metrics.topKCategoricalAccuracy: k must be",
    );
    expect(() => metrics.accuracy({ treshold: 1 } as object)).toThrow('Did you mean "threshold"?');
  });
});

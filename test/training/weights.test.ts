import { describe, expect, test } from "vitest";
import { layers, metrics, Network, optimizers, Trainer } from "../../lib/index.ts";
import { EXECUTORS } from "../support/executors.ts";
import { weightsOf } from "../support/networks.ts";
import { circle, classifier } from "../support/tasks.ts";

const data = circle(20);
const options = { batchSize: 20, shuffle: false };

describe.each(EXECUTORS)("weights of samples and classes, %s", (executor) => {
  const train = (samples: object, more: object = {}): Record<string, number[]> => {
    const { network, trainer } = classifier({ executor, optimizer: optimizers.sgd({ learningRate: 0.5 }) });
    trainer.fitSync({ ...data, ...samples }, { ...options, ...more });
    return weightsOf(network);
  };

  test("weights of 1 change nothing", () => {
    const ones = train({ sampleWeight: data.x.map(() => 1) });
    const plain = train({});
    for (const [path, values] of Object.entries(ones)) {
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(plain[path]?.[i] as number, 6);
      });
    }
  });

  test("a weight of 0 leaves a sample out, the loss being divided by all samples", () => {
    const { trainer } = classifier({ executor });
    const sampleWeight = data.x.map((_, i) => (i < 10 ? 1 : 0));
    const half = { x: data.x.slice(0, 10), y: data.y.slice(0, 10) };
    const weighted = trainer.evaluateSync({ ...data, sampleWeight }).loss;
    expect(weighted).toBeCloseTo(trainer.evaluateSync(half).loss / 2, 6);
  });

  test("class weights are the weights of each class's samples, 1 where none is given", () => {
    const sampleWeight = data.y.map((y) => (y === 1 ? 3 : 1));
    expect(train({}, { classWeight: { 1: 3 } })).toEqual(train({ sampleWeight }));
    // Together they multiply.
    const doubled = sampleWeight.map((weight) => 2 * weight);
    expect(train({ sampleWeight: data.y.map(() => 2) }, { classWeight: { 1: 3 } })).toEqual(
      train({ sampleWeight: doubled }),
    );
  });

  test("class weights of sparse and of one-hot labels", () => {
    const labels = data.y.map((_, i) => i % 3);
    const classWeight = { 0: 2, 2: 0.5 };
    const runs = [
      { loss: "sparseCategoricalCrossentropy" as const, y: labels },
      {
        loss: "categoricalCrossentropy" as const,
        y: labels.map((label) => [0, 1, 2].map((i) => (i === label ? 1 : 0))),
      },
    ].map(({ loss, y }) => {
      const list = [layers.dense({ units: 3, activation: "softmax" })];
      const network = new Network({ input: [2], layers: list, seed: 1, executor });
      const trainer = new Trainer(network, { loss, optimizer: "sgd" });
      return trainer.fitSync({ x: data.x, y: y as number[] }, { ...options, classWeight }).loss[0] as number;
    });
    expect(runs[0]).toBeCloseTo(runs[1] as number, 5);
  });

  test("metrics are weighted, too", () => {
    const { network, trainer } = classifier({ executor, metrics: ["accuracy", metrics.meanAbsoluteError()] });
    const sampleWeight = data.x.map((_, i) => i + 1);
    const predictions = network.predict(data.x).data;
    const total = sampleWeight.reduce((sum, weight) => sum + weight, 0);
    const mean = (value: (i: number) => number): number =>
      sampleWeight.reduce((sum, weight, i) => sum + weight * value(i), 0) / total;
    const { accuracy, meanAbsoluteError } = trainer.evaluateSync({ ...data, sampleWeight }, { batchSize: 6 });
    expect(accuracy).toBeCloseTo(
      mean((i) => ((predictions[i] as number) > 0.5 === (data.y[i] === 1) ? 1 : 0)),
      5,
    );
    expect(meanAbsoluteError).toBeCloseTo(
      mean((i) => Math.abs((predictions[i] as number) - (data.y[i] as number))),
      5,
    );
  });
});

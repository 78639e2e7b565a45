import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { customLayer } from "../../examples/custom-layer.ts";
import { association, principalComponent } from "../../examples/hebbian.ts";
import { generateFlowers, iris } from "../../examples/iris.ts";
import { neurons } from "../../examples/neuron.ts";
import { NAMES, perceptronPatterns } from "../../examples/perceptron-patterns.ts";
import { regressionCurve } from "../../examples/regression-curve.ts";
import { spamFilter, wordsOf } from "../../examples/spam.ts";
import { weightHeight } from "../../examples/weight-height.ts";
import { XOR, xor } from "../../examples/xor.ts";
import { dataFolder } from "../support/data.ts";

describe("examples", () => {
  test("neuron", () => {
    const { neuron, hidden, output, gradient } = neurons();
    expect(neuron).toBeCloseTo(0.9990889488055994, 6);
    expect(hidden).toBeCloseTo(0.7216325609518421, 6);
    expect(output).toBeCloseTo(0.524, 3);
    expect(Math.abs(gradient - 0.0214)).toBeLessThan(1e-4);
  });

  test.each([1, 2, 3])("xor, seed %i", (seed) => {
    const { predictions, loss } = xor(seed);
    expect(predictions.map(Math.round)).toEqual(XOR.y);
    expect(loss).toBeLessThan(1e-3);
  });

  test.each([1, 2, 3])("weight and height, seed %i", (seed) => {
    const { emily, frank, loss } = weightHeight(seed);
    expect(emily).toBeGreaterThan(0.9);
    expect(frank).toBeLessThan(0.1);
    expect(loss).toHaveLength(1000);
  });

  test("regression with a curve", async () => {
    const { errors, testError, svg, network } = await regressionCurve();
    expect(errors).toHaveLength(20);
    expect(errors.at(-1)).toBeLessThan((errors[0] as number) * 0.7);
    expect(testError).toBeLessThan(0.06);
    expect(svg).toMatch(/^<svg [\s\S]*mean absolute error[\s\S]*<\/svg>\s*$/);
    expect(network.layers.map(({ outputShape }) => outputShape)).toEqual([[4], [4], [1]]);
  });

  test("the perceptron on noisy patterns", () => {
    const { accuracy, epochs, network } = perceptronPatterns();
    expect([network.inputShapes[0], network.outputShapes[0], NAMES.length]).toEqual([[400], [8], 8]);
    expect(accuracy).toBeGreaterThan(0.97);
    expect(epochs).toBeLessThan(200);
  });

  test("Hebb's association", () => {
    expect(association({ pairs: 3 })).toMatchObject({ whole: 1 });
    expect(association({ pairs: 3 }).damaged).toBeGreaterThan(0.97);
    // More than it can hold.
    expect(association({ pairs: 60 }).whole).toBeLessThan(0.97);
  });

  test("Oja's principal component", () => {
    const { alignment, direction } = principalComponent();
    expect(alignment).toBeGreaterThan(0.99);
    expect(Math.hypot(...direction)).toBeCloseTo(1, 1);
  });

  test("the spam filter", async () => {
    const { accuracy, precision, recall, words, classify } = await spamFilter();
    for (const share of [accuracy, precision, recall]) expect(share).toBeGreaterThan(0.95);
    expect(words.slice(0, 40).map(({ word }) => word)).toEqual(
      expect.arrayContaining(["money", "now", "guaranteed"]),
    );
    expect(classify("Click now to claim your free prize!")).toBeGreaterThan(0.9);
    expect(classify("The meeting with Tom is on Monday.")).toBeLessThan(0.3);
    expect(wordsOf("Now, NOW! Really?")).toEqual(["now", "!", "really"]);
  });

  test("iris, generated flowers", async () => {
    const { accuracy, confusion, species, source } = await iris();
    expect(source).toBe("generated flowers");
    expect(species).toEqual(["setosa", "versicolor", "virginica"]);
    expect(accuracy).toBeGreaterThan(0.85);
    expect(confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(30);
    expect(generateFlowers(2, 3)).toBe(generateFlowers(2, 3));
  });

  test("iris, the flowers that Anderson measured, where they are", async () => {
    const folder = dataFolder("tabular");
    const path = folder === undefined ? undefined : join(folder, "iris.csv");
    const { accuracy, confusion } = await iris({
      path: path !== undefined && existsSync(path) ? path : undefined,
    });
    expect(accuracy).toBeGreaterThan(0.85);
    expect(confusion[0]?.slice(1)).toEqual([0, 0]);
  });

  test("a layer of one's own", async () => {
    const { accuracy, weights } = await customLayer();
    expect(accuracy).toBeGreaterThan(0.93);
    expect(weights).toEqual(["centers [24, 2]", "sharpness [24]"]);
  });
});

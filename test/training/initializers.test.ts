import { describe, expect, it } from "vitest";
import { OptionError, ShapeError } from "../../lib/errors.ts";
import type { Initialize } from "../../lib/graph/graph.ts";
import * as initializers from "../../lib/initializers.ts";
import { Random } from "../../lib/random.ts";
import { sizeOf } from "../../lib/tensor.ts";

function fill(initialize: Initialize, shape: readonly number[], seed = 7): Float32Array {
  const target = new Float32Array(sizeOf(shape)).fill(Number.NaN);
  initialize(target, shape, new Random(seed));
  return target;
}

function momentsOf(values: Float32Array): { mean: number; variance: number; largest: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance, largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

const NAMES = [
  ...[
    "zeros",
    "ones",
    "constant",
    "randomNormal",
    "truncatedNormal",
    "randomUniform",
    "identity",
    "orthogonal",
  ],
  ...[
    "varianceScaling",
    "glorotUniform",
    "glorotNormal",
    "heUniform",
    "heNormal",
    "lecunUniform",
    "lecunNormal",
  ],
];

describe("initializers", () => {
  it.each(NAMES)("%s is known by name and gives the same numbers for a seed", (name) => {
    const initialize = initializers.resolveInitializer("dense: kernelInitializer", name);
    const values = fill(initialize, [5, 4]);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(fill(initialize, [5, 4])).toEqual(values);
  });

  it.each(NAMES)("%s is remembered as JSON from which it can be made again", (name) => {
    const initialize = initializers.resolveInitializer("x", name);
    const config = JSON.parse(JSON.stringify(initialize));
    expect(config.name).toBe(name);
    expect(fill(initializers.resolveInitializer("x", config), [5, 4])).toEqual(fill(initialize, [5, 4]));
  });

  it("fills with one value", () => {
    expect([...fill(initializers.zeros(), [3])]).toEqual([0, 0, 0]);
    expect([...fill(initializers.ones(), [3])]).toEqual([1, 1, 1]);
    expect([...fill(initializers.constant({ value: -2.5 }), [2])]).toEqual([-2.5, -2.5]);
  });

  it("puts the gain on the diagonal", () => {
    expect([...fill(initializers.identity({ gain: 3 }), [2, 3])]).toEqual([3, 0, 0, 0, 3, 0]);
    expect(() => fill(initializers.identity(), [2, 3, 4])).toThrow(ShapeError);
  });

  it("draws normal and uniform numbers with the moments that are asked for", () => {
    const normal = momentsOf(fill(initializers.randomNormal({ mean: 2, stddev: 0.5 }), [200, 200]));
    expect(normal.mean).toBeCloseTo(2, 2);
    expect(normal.variance).toBeCloseTo(0.25, 2);
    const uniform = momentsOf(fill(initializers.randomUniform({ minval: -1, maxval: 3 }), [200, 200]));
    expect(uniform.mean).toBeCloseTo(1, 1);
    expect(uniform.variance).toBeCloseTo(16 / 12, 1);
    expect(uniform.largest).toBeLessThanOrEqual(3);
  });

  it("cuts truncated normal numbers at two deviations", () => {
    const { mean, variance, largest } = momentsOf(
      fill(initializers.truncatedNormal({ stddev: 1 }), [300, 300]),
    );
    expect(Math.abs(mean)).toBeLessThan(0.02);
    // Variance of the standard normal between -2 and 2.
    expect(variance).toBeCloseTo(0.774, 1);
    expect(largest).toBeLessThanOrEqual(2);
    expect(largest).toBeGreaterThan(1.95);
  });

  it.each([
    [initializers.glorotUniform(), 2 / (100 + 300)],
    [initializers.glorotNormal(), 2 / (100 + 300)],
    [initializers.heUniform(), 2 / 100],
    [initializers.heNormal(), 2 / 100],
    [initializers.lecunUniform(), 1 / 100],
    [initializers.lecunNormal(), 1 / 100],
    [initializers.varianceScaling({ mode: "fanOut" }), 1 / 300],
    [initializers.varianceScaling({ scale: 3, distribution: "untruncatedNormal" }), 3 / 100],
  ])("scales variances by the fan (%#)", (initialize, variance) => {
    const found = momentsOf(fill(initialize, [100, 300]));
    expect(found.variance / variance).toBeCloseTo(1, 1);
    expect(Math.abs(found.mean)).toBeLessThan(5 * Math.sqrt(variance / 30_000));
  });

  it("limits uniform numbers to the square root of three variances", () => {
    const { largest } = momentsOf(fill(initializers.glorotUniform(), [100, 300]));
    expect(largest).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / 400)));
    expect(largest).toBeGreaterThan(0.99 * Math.sqrt(6 / 400));
  });

  it("counts fans as Keras does", () => {
    expect(initializers.fans([])).toEqual({ fanIn: 1, fanOut: 1 });
    expect(initializers.fans([7])).toEqual({ fanIn: 7, fanOut: 7 });
    expect(initializers.fans([3, 5])).toEqual({ fanIn: 3, fanOut: 5 });
    expect(initializers.fans([3, 3, 16, 32])).toEqual({ fanIn: 144, fanOut: 288 });
  });

  it.each([[[6, 6]], [[9, 4]], [[4, 9]], [[3, 2, 5]]])("gives orthonormal rows or columns: %j", (shape) => {
    const gain = 1.5;
    const matrix = fill(initializers.orthogonal({ gain }), shape);
    const columns = shape.at(-1) as number;
    const rows = matrix.length / columns;
    const entry = (row: number, column: number): number => matrix[row * columns + column] as number;
    const small = Math.min(rows, columns);
    for (let i = 0; i < small; i++) {
      for (let j = 0; j < small; j++) {
        let dot = 0;
        for (let k = 0; k < Math.max(rows, columns); k++) {
          dot += rows < columns ? entry(i, k) * entry(j, k) : entry(k, i) * entry(k, j);
        }
        expect(dot).toBeCloseTo(i === j ? gain * gain : 0, 5);
      }
    }
  });

  it("takes a function of one's own", () => {
    const own: Initialize = (target) => target.fill(4);
    expect(initializers.resolveInitializer("x", own)).toBe(own);
  });

  it("refuses what it does not know, saying where", () => {
    const resolve = (value: unknown) => () =>
      initializers.resolveInitializer("dense: kernelInitializer", value as string);
    expect(resolve("glorotUnifrom")).toThrow(OptionError);
    expect(resolve("glorotUnifrom")).toThrow(
      'dense: kernelInitializer: unknown initializer "glorotUnifrom". Did you mean "glorotUniform"?',
    );
    expect(resolve("toString")).toThrow("unknown initializer");
    expect(resolve(3)).toThrow(
      "dense: kernelInitializer must be the name of an initializer or a function, got 3",
    );
    expect(resolve({ name: "randomNormal", options: { stdev: 1 } })).toThrow('Did you mean "stddev"?');
    expect(() => initializers.randomNormal({ stddev: -1 })).toThrow(
      "initializers.randomNormal: stddev must be",
    );
    expect(() => initializers.randomUniform({ minval: 1, maxval: 0 })).toThrow("maxval must be");
    expect(() => initializers.varianceScaling({ mode: "fan" as "fanIn" })).toThrow('unknown mode "fan"');
    expect(() => fill(initializers.orthogonal(), [4])).toThrow(ShapeError);
  });
});

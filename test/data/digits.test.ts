import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../../lib/data/dataset.ts";
import { syntheticDigits } from "../../lib/data/digits.ts";
import { OptionError } from "../../lib/errors.ts";
import type { NumericArray } from "../../lib/tensor.ts";

function pixelsOf(dataset: Dataset): NumericArray {
  return dataset.inputs[0]?.data ?? new Uint8Array();
}

function labelsOf(dataset: Dataset): NumericArray {
  return dataset.targets[0]?.data ?? new Uint8Array();
}

function image(dataset: Dataset, i: number): number[] {
  return [...pixelsOf(dataset).subarray(784 * i, 784 * (i + 1))];
}

describe("syntheticDigits", () => {
  it("has the form of MNIST", () => {
    const digits = syntheticDigits({ count: 50 });
    expect(digits.length).toBe(50);
    expect(digits.inputs[0]).toMatchObject({ shape: [28, 28, 1], scale: 1 / 255, offset: 0 });
    expect(pixelsOf(digits)).toBeInstanceOf(Uint8Array);
    expect(digits.targets[0]).toMatchObject({ shape: [], scale: 1 });
    expect(digits.toTensor().shape).toEqual([50, 28, 28, 1]);
  });

  it("draws the same images for a seed, on every machine", () => {
    const digits = syntheticDigits({ count: 300, seed: 1 });
    const hash = createHash("sha256").update(pixelsOf(digits)).update(labelsOf(digits)).digest("hex");
    expect(hash).toBe("9e3906a3f64a36c4cc8d114cd93f466fdfab3be1f9964bbf0913a830d876ef87");
  });

  it("adds images when more are asked for, and changes none", () => {
    const many = syntheticDigits({ count: 20, seed: 5 });
    const few = syntheticDigits({ count: 8, seed: 5 });
    expect(pixelsOf(few)).toEqual(pixelsOf(many).subarray(0, 8 * 784));
    expect(labelsOf(few)).toEqual(labelsOf(many).subarray(0, 8));
  });

  it("draws other images for another seed or stream", () => {
    const base = syntheticDigits({ count: 4 });
    for (const other of [syntheticDigits({ count: 4, seed: 1 }), syntheticDigits({ count: 4, stream: 1 })]) {
      expect(pixelsOf(other)).not.toEqual(pixelsOf(base));
    }
  });

  it("draws all digits about equally often, no two images alike", () => {
    const digits = syntheticDigits({ count: 2000, seed: 2 });
    const counts = new Uint32Array(10);
    for (const label of labelsOf(digits)) counts[label] = (counts[label] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(150);
    expect(Math.max(...counts)).toBeLessThan(250);
    expect(new Set(Array.from({ length: 2000 }, (_, i) => image(digits, i).join())).size).toBe(2000);
  });

  it("centres the ink, keeps it inside, and uses about as much of it as MNIST", () => {
    const digits = syntheticDigits({ count: 500, seed: 3 });
    let total = 0;
    for (let i = 0; i < digits.length; i++) {
      let ink = 0;
      let x = 0;
      let y = 0;
      image(digits, i).forEach((value, position) => {
        ink += value;
        x += value * (position % 28);
        y += value * Math.floor(position / 28);
      });
      expect(ink).toBeGreaterThan(255 * 20);
      expect(Math.abs(x / ink - 13.5)).toBeLessThan(2);
      expect(Math.abs(y / ink - 13.5)).toBeLessThan(2);
      total += ink;
    }
    const mean = total / (digits.length * 784 * 255);
    expect(mean).toBeGreaterThan(0.1);
    expect(mean).toBeLessThan(0.16);
  });

  it("draws digits that can be told apart: the nearest of 1500 images shows the right one", () => {
    const known = syntheticDigits({ count: 1500, seed: 4 });
    const unknown = syntheticDigits({ count: 150, seed: 4, stream: 1 });
    const a = pixelsOf(known);
    const b = pixelsOf(unknown);
    let right = 0;
    for (let i = 0; i < unknown.length; i++) {
      let nearest = 0;
      let smallest = Number.POSITIVE_INFINITY;
      for (let j = 0; j < known.length; j++) {
        let distance = 0;
        for (let k = 0; k < 784 && distance < smallest; k++) {
          distance += ((a[j * 784 + k] ?? 0) - (b[i * 784 + k] ?? 0)) ** 2;
        }
        if (distance < smallest) {
          smallest = distance;
          nearest = j;
        }
      }
      if (labelsOf(known)[nearest] === labelsOf(unknown)[i]) right++;
    }
    expect(right / unknown.length).toBeGreaterThan(0.9);
  });

  it("draws 6,000 images in a moment", () => {
    const start = performance.now();
    syntheticDigits({ count: 6000 });
    expect(performance.now() - start).toBeLessThan(3000);
  });

  it("refuses impossible options", () => {
    expect(() => syntheticDigits({ count: 0 })).toThrow(
      "syntheticDigits: count must be an integer of at least 1",
    );
    expect(() => syntheticDigits({ count: 1.5 })).toThrow(OptionError);
    expect(() => syntheticDigits({ count: 1, seed: 0.1 })).toThrow(
      "syntheticDigits: seed must be a safe integer, got 0.1",
    );
    expect(() => syntheticDigits({ count: 1, stream: -1 })).toThrow("syntheticDigits: stream");
    expect(() => syntheticDigits({ count: 1, sed: 1 } as { count: number })).toThrow('Did you mean "seed"?');
  });
});

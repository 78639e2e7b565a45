import { describe, expect, it } from "vitest";
import { linearAxis, logAxis } from "../../lib/plot/axis.ts";

const labels = (axis: { ticks: readonly number[]; label(tick: number): string }): string[] =>
  axis.ticks.map((tick) => axis.label(tick));

describe("linearAxis", () => {
  it.each([
    [0, 1, 6, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]],
    [0.03, 0.38, 6, ["0", "0.1", "0.2", "0.3", "0.4"]],
    [-7.3, 12.1, 5, ["-10", "-5", "0", "5", "10", "15"]],
    [0.981, 0.9874, 5, ["0.980", "0.982", "0.984", "0.986", "0.988"]],
    [0, 54_321, 4, ["0", "20000", "40000", "60000"]],
    [1e7, 3e7, 3, ["1e7", "2e7", "3e7"]],
    [2e-7, 6e-7, 3, ["2e-7", "4e-7", "6e-7"]],
  ])("marks %d to %d at round numbers", (low, high, most, expected) => {
    expect(labels(linearAxis(low, high, most))).toEqual(expected);
  });

  it("places numbers between its ends", () => {
    const axis = linearAxis(0.3, 9.1, 6);
    expect([0, 5, 10].map(axis.place)).toEqual([0, 0.5, 1]);
  });

  it("can end where the data end, at whole numbers only", () => {
    const axis = linearAxis(1, 12, 8, { loose: false, integers: true });
    expect(axis.ticks).toEqual([2, 4, 6, 8, 10, 12]);
    expect([axis.place(1), axis.place(12)]).toEqual([0, 1]);
    expect(linearAxis(1, 3, 9, { loose: false, integers: true }).ticks).toEqual([1, 2, 3]);
  });

  it("has room around a single number", () => {
    for (const value of [0, 5, -0.001, 1e9]) {
      const axis = linearAxis(value, value, 5);
      expect(axis.place(value)).toBeGreaterThan(0);
      expect(axis.place(value)).toBeLessThan(1);
    }
  });
});

describe("logAxis", () => {
  it.each([
    [0.02, 300, 8, ["0.01", "0.1", "1", "10", "100", "1000"]],
    [0.3, 4, 8, ["0.2", "0.5", "1", "2", "5"]],
    [1e-9, 1, 4, ["1e-9", "1e-6", "0.001", "1"]],
    [3, 3, 5, ["2", "5"]],
  ])("marks %d to %d", (low, high, most, expected) => {
    expect(labels(logAxis(low, high, most))).toEqual(expected);
  });

  it("makes equal ratios equal distances", () => {
    const axis = logAxis(0.01, 100, 8);
    expect([0.01, 1, 100].map(axis.place)).toEqual([0, 0.5, 1]);
    expect(axis.place(0)).toBeNaN();
    expect(axis.place(-1)).toBeNaN();
  });

  it("holds every number of the data", () => {
    for (const [low, high] of [
      [0.07, 0.9],
      [1.5, 1.6],
      [3e-7, 4e5],
      [0.1, 0.1],
    ] as const) {
      const axis = logAxis(low, high, 6);
      expect(axis.place(low)).toBeGreaterThanOrEqual(0);
      expect(axis.place(high)).toBeLessThanOrEqual(1);
      expect(axis.ticks.length).toBeGreaterThan(1);
    }
  });
});

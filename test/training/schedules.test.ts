import { describe, expect, it } from "vitest";
import { OptionError } from "../../lib/errors.ts";
import * as schedules from "../../lib/schedules.ts";

function rates(schedule: schedules.Schedule, ...steps: number[]): number[] {
  return steps.map((step) => Number(schedule.rate(step).toPrecision(12)));
}

describe("schedules", () => {
  it("constant stays", () => {
    expect(rates(schedules.constant({ learningRate: 0.3 }), 0, 1e6)).toEqual([0.3, 0.3]);
  });

  it("piecewise constant changes after each boundary, as in Keras", () => {
    const schedule = schedules.piecewiseConstantDecay({ boundaries: [2, 5], values: [1, 0.5, 0.1] });
    expect(rates(schedule, 0, 2, 3, 5, 6, 100)).toEqual([1, 1, 0.5, 0.5, 0.1, 0.1]);
  });

  it("step decay drops every so many steps", () => {
    const schedule = schedules.stepDecay({ initialLearningRate: 1, decaySteps: 10 });
    expect(rates(schedule, 0, 9, 10, 19, 20)).toEqual([1, 1, 0.1, 0.1, 0.01]);
  });

  it("exponential decay is smooth or a staircase", () => {
    const options = { initialLearningRate: 2, decaySteps: 10, decayRate: 0.25 };
    expect(rates(schedules.exponentialDecay(options), 0, 5, 10)).toEqual([2, 1, 0.5]);
    expect(rates(schedules.exponentialDecay({ ...options, staircase: true }), 0, 9, 10)).toEqual([2, 2, 0.5]);
  });

  it("inverse time decay", () => {
    const options = { initialLearningRate: 1, decaySteps: 10, decayRate: 1 };
    expect(rates(schedules.inverseTimeDecay(options), 0, 10, 30)).toEqual([1, 0.5, 0.25]);
  });

  it("cosine decay falls to alpha and stays", () => {
    const schedule = schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 100, alpha: 0.1 });
    expect(rates(schedule, 0, 50, 100, 1000)).toEqual([1, 0.55, 0.1, 0.1]);
  });

  it("cosine decay warms up first", () => {
    const options = { initialLearningRate: 0, warmupTarget: 1, warmupSteps: 10, decaySteps: 100 };
    expect(rates(schedules.cosineDecay(options), 0, 5, 10, 60, 110)).toEqual([0, 0.5, 1, 0.5, 0]);
  });

  it("cosine restarts in longer and lower periods", () => {
    const options = { initialLearningRate: 1, firstDecaySteps: 10, tMul: 2, mMul: 0.5 };
    const schedule = schedules.cosineDecayRestarts(options);
    // Periods start at 0, 10, 30 and 70.
    expect(rates(schedule, 0, 5, 10, 20, 30, 50, 70)).toEqual([1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
    const even = schedules.cosineDecayRestarts({
      ...options,
      tMul: 1,
      mMul: 1,
      warmupTarget: 2,
      warmupSteps: 4,
    });
    expect(rates(even, 0, 2, 4, 9, 14, 19, 24)).toEqual([1, 1.5, 2, 1, 2, 1, 2]);
  });

  it("cosine restarts never leave their period, whatever the rounding", () => {
    for (const tMul of [1, 1.1, 1.5, 2, 3]) {
      const schedule = schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 7, tMul });
      for (let step = 0; step < 5000; step++) {
        const rate = schedule.rate(step);
        expect(rate >= 0 && rate <= 1).toBe(true);
      }
      // A period ends near 0 and the next starts at 1.
      expect(schedule.rate(7)).toBeCloseTo(1, 9);
    }
  });

  it("polynomial decay ends, or cycles", () => {
    const options = { initialLearningRate: 1, endLearningRate: 0.2, decaySteps: 10, power: 2 };
    expect(rates(schedules.polynomialDecay(options), 0, 5, 10, 99)).toEqual([1, 0.4, 0.2, 0.2]);
    const cycling = schedules.polynomialDecay({ ...options, cycle: true });
    expect(rates(cycling, 0, 10, 15, 20)).toEqual([1, 0.2, 0.25, 0.2]);
  });

  it("one cycle goes up and down as PyTorch's does", () => {
    // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10): peak after 2 of 9 steps.
    const schedule = schedules.oneCycle({ maxLearningRate: 1, totalSteps: 10 });
    expect(rates(schedule, 0, 1, 2)).toEqual([0.04, 0.52, 1]);
    expect(schedule.rate(9)).toBeCloseTo(4e-6, 12);
    expect(schedule.rate(50)).toBeCloseTo(4e-6, 12);
    expect(schedule.rate(5.5)).toBeCloseTo((1 + 4e-6) / 2, 9);
    for (const warmupFraction of [0, 0.05, 1]) {
      const edge = schedules.oneCycle({ maxLearningRate: 1, totalSteps: 10, warmupFraction });
      for (let step = 0; step < 12; step++) {
        expect(edge.rate(step) > 0 && edge.rate(step) <= 1).toBe(true);
      }
    }
  });

  it("resolves numbers, schedules and functions", () => {
    expect(schedules.resolveSchedule("x", 0.5).rate(3)).toBe(0.5);
    expect(schedules.resolveSchedule("x", 0).rate(3)).toBe(0);
    expect(schedules.resolveSchedule("x", (step) => 1 / (step + 1)).rate(3)).toBe(0.25);
    expect(schedules.resolveSchedule("x", { name: "own", rate: () => 7 })).toMatchObject({ name: "own" });
  });

  it("refuses rates that are none, saying where and in which step", () => {
    const where = "optimizers.adam: learningRate";
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => schedules.resolveSchedule(where, bad)).toThrow(OptionError);
      expect(() => schedules.resolveSchedule(where, () => bad).rate(5)).toThrow(`${where} of step 5 must be`);
    }
    expect(() => schedules.resolveSchedule(where, "fast" as unknown as number)).toThrow(
      `${where} must be a number, a schedule or a function of the step, got "fast"`,
    );
  });

  it.each<[() => unknown, string]>([
    [() => schedules.constant({ learningRate: -1 }), "schedules.constant: learningRate must be"],
    [
      () => schedules.piecewiseConstantDecay({ boundaries: [5, 2], values: [1, 1, 1] }),
      "boundaries[1] must be",
    ],
    [
      () => schedules.piecewiseConstantDecay({ boundaries: [5], values: [1] }),
      "values must be an array of length 2",
    ],
    [
      () => schedules.piecewiseConstantDecay({ boundaries: 5 as unknown as number[], values: [1] }),
      "boundaries must be an array",
    ],
    [() => schedules.stepDecay({ initialLearningRate: 1, decaySteps: 0 }), "decaySteps must be"],
    [
      () => schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: -1 }),
      "schedules.exponentialDecay: decayRate must be",
    ],
    [
      () =>
        schedules.exponentialDecay({
          initialLearningRate: 1,
          decaySteps: 1,
          decayRate: 1,
          stairs: 1,
        } as never),
      'unknown option "stairs"',
    ],
    [
      () =>
        schedules.inverseTimeDecay({
          initialLearningRate: 1,
          decaySteps: 1,
          decayRate: 1,
          staircase: 1 as never,
        }),
      "staircase must be true or false",
    ],
    [
      () => schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 1, warmupSteps: 3 }),
      "warmupSteps needs a warmupTarget",
    ],
    [() => schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 1, alpha: 2 }), "alpha must be"],
    [
      () => schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 1, tMul: 0.5 }),
      "tMul must be",
    ],
    [() => schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 1, power: 0 }), "power must be"],
    [() => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 1 }), "totalSteps must be"],
  ])("refuses impossible options (%#)", (make, message) => {
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });
});

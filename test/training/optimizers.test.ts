import { describe, expect, it } from "vitest";
import { OptionError } from "../../lib/errors.ts";
import { valueType } from "../../lib/graph/graph.ts";
import * as optimizers from "../../lib/optimizers.ts";
import { exponentialDecay } from "../../lib/schedules.ts";

const NAMES = ["sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "adamax", "nadam", "lion"] as const;

const { sgd, rmsprop, adagrad, adadelta, adam, adamw, adamax, nadam, lion } = optimizers;
const FACTORIES = { sgd, rmsprop, adagrad, adadelta, adam, adamw, adamax, nadam, lion };

describe("optimizers", () => {
  it.each(NAMES)("%s has a schedule, and the attributes and slots of its op", (name) => {
    const optimizer = optimizers.resolveOptimizer(name);
    expect(optimizer.name).toBe(name);
    expect(optimizer.schedule.rate(0)).toBe(name === "sgd" ? 0.01 : 0.001);
    expect(["scale", "weightDecay", ...Object.keys(optimizer.attributes)].sort()).toEqual(
      [...optimizer.op.attributes].sort(),
    );
    expect(Object.values(optimizer.attributes).every(Number.isFinite)).toBe(true);
    const block = valueType(false, [4]);
    const inputs = [block, block, ...optimizer.slots.map(() => block)];
    expect(optimizer.op.infer(inputs, optimizer.attributes)).toHaveLength(1 + optimizer.slots.length);
  });

  it("has Keras's defaults", () => {
    expect(optimizers.sgd()).toMatchObject({
      attributes: { momentum: 0, nesterov: 0 },
      slots: [],
      weightDecay: 0,
    });
    expect(optimizers.rmsprop().attributes).toEqual({ rho: 0.9, epsilon: 1e-7, momentum: 0, centered: 0 });
    expect(optimizers.adagrad().slots).toEqual([{ name: "accumulator", initial: 0.1 }]);
    expect(optimizers.adadelta().attributes).toEqual({ rho: 0.95, epsilon: 1e-7 });
    expect(optimizers.adam().attributes).toEqual({ beta1: 0.9, beta2: 0.999, epsilon: 1e-7 });
    expect(optimizers.adamw().weightDecay).toBe(0.004);
    expect(optimizers.nadam().attributes.decay).toBe(1);
    expect(optimizers.lion().attributes).toEqual({ beta1: 0.9, beta2: 0.99 });
  });

  it("has the slots that its options ask for", () => {
    const names = ({ slots }: optimizers.Optimizer): string[] => slots.map(({ name }) => name);
    expect(names(optimizers.sgd({ momentum: 0.9 }))).toEqual(["velocity"]);
    expect(names(optimizers.rmsprop({ momentum: 0.9, centered: true }))).toEqual([
      "square",
      "velocity",
      "mean",
    ]);
    expect(names(optimizers.rmsprop({ centered: true }))).toEqual(["square", "mean"]);
    expect(names(optimizers.adam({ amsgrad: true }))).toEqual(["m", "v", "vmax"]);
  });

  it("takes schedules, functions, weight decay and one way of clipping", () => {
    const schedule = exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 });
    expect(optimizers.adam({ learningRate: schedule }).schedule.rate(2)).toBe(0.25);
    expect(optimizers.adam({ learningRate: (step) => step }).schedule.rate(2)).toBe(2);
    expect(optimizers.lion({ weightDecay: 0.1 }).weightDecay).toBe(0.1);
    expect(optimizers.sgd({ clipNorm: 2 })).toMatchObject({ clipNorm: 2 });
    expect(optimizers.sgd({ clipNorm: 2 })).not.toHaveProperty("clipValue");
    expect(optimizers.sgd({ globalClipNorm: 2 }).globalClipNorm).toBe(2);
  });

  it("resolves optimizers and aliases", () => {
    const own = optimizers.adam();
    expect(optimizers.resolveOptimizer(own)).toBe(own);
    expect(optimizers.resolveOptimizer("adamW").name).toBe("adamw");
    expect(() => optimizers.resolveOptimizer("adm")).toThrow('unknown optimizer "adm". Did you mean "adam"?');
    expect(() => optimizers.resolveOptimizer({} as optimizers.Optimizer)).toThrow(
      "Trainer: optimizer must be",
    );
  });

  it.each(NAMES)("%s refuses what is wrong", (name) => {
    const make = (options: object) => () => FACTORIES[name](options);
    for (const learningRate of [-1, Number.NaN, Number.POSITIVE_INFINITY, "1"]) {
      expect(make({ learningRate })).toThrow(OptionError);
      expect(make({ learningRate })).toThrow(`optimizers.${name}: learningRate must be`);
    }
    expect(make({ weightDecay: -0.1 })).toThrow(`optimizers.${name}: weightDecay must be`);
    expect(make({ clipNorm: 0 })).toThrow(`optimizers.${name}: clipNorm must be`);
    expect(make({ clipNorm: 1, clipValue: 1 })).toThrow(
      "clipValue and clipNorm exclude each other, give one",
    );
    expect(make({ learningrate: 1 })).toThrow('unknown option "learningrate". Did you mean "learningRate"?');
    expect(() => FACTORIES[name](3 as unknown as object)).toThrow(OptionError);
  });

  it("refuses constants out of range", () => {
    expect(() => optimizers.adam({ beta1: 1 })).toThrow("optimizers.adam: beta1 must be");
    expect(() => optimizers.adam({ beta2: -0.1 })).toThrow("optimizers.adam: beta2 must be");
    expect(() => optimizers.adam({ epsilon: 0 })).toThrow("optimizers.adam: epsilon must be");
    expect(() => optimizers.adam({ amsgrad: 1 as unknown as boolean })).toThrow(
      "amsgrad must be true or false",
    );
    expect(() => optimizers.sgd({ momentum: 1.5 })).toThrow("optimizers.sgd: momentum must be");
    expect(() => optimizers.rmsprop({ rho: 1 })).toThrow("optimizers.rmsprop: rho must be");
    expect(() => optimizers.adagrad({ initialAccumulatorValue: -1 })).toThrow(
      "initialAccumulatorValue must be",
    );
    expect(() => optimizers.nadam({ decay: -1 })).toThrow("optimizers.nadam: decay must be");
  });
});

import { describe, expect, it } from "vitest";
import { OptionError, ShapeError } from "../../lib/errors.ts";
import { backward } from "../../lib/graph/backward.ts";
import { GraphBuilder, type Value, valueType } from "../../lib/graph/graph.ts";
import * as losses from "../../lib/losses.ts";
import { linear, reduce, softmax, subtract, unary } from "../../lib/ops/functions.ts";
import { LOSS_FUNCTIONS } from "../../lib/ops/loss-functions.ts";
import { expectClose, readGolden } from "../golden/golden.ts";
import { evaluate } from "../support/run-graph.ts";

interface GoldenCase {
  loss: string;
  options: Record<string, number>;
  note: string;
  reduction?: "sum";
  shape: number[];
  prediction: number[];
  targetShape: number[];
  target: number[];
  weight?: number[];
  value: number;
  gradient: number[];
}

const golden = readGolden<{ cases: GoldenCase[] }>("losses").cases;

const FACTORIES = { ...losses };

/** The factory and options of a golden case: its "FromLogits" is an option. */
function lossOf({ loss, options, reduction }: GoldenCase): losses.Loss {
  const name = loss.replace("FromLogits", "").replace(/Focal$/, "FocalCrossentropy") as "binaryCrossentropy";
  const fromLogits = loss.endsWith("FromLogits") ? { fromLogits: true } : {};
  return FACTORIES[name]({ ...options, ...fromLogits, ...(reduction ? { reduction } : {}) });
}

describe("losses", () => {
  it.each(golden)("$loss $options $note agrees with PyTorch", (golden) => {
    const loss = lossOf(golden);
    const graph = new GraphBuilder({ training: true });
    const prediction = graph.input("p", golden.shape.slice(1));
    const target = graph.input("t", loss.targetType(prediction.type));
    expect(target.shape).toEqual(golden.targetShape.slice(1));
    const weight = golden.weight === undefined ? undefined : graph.input("w", []);
    const { loss: scalar } = loss.build(prediction, target, weight);
    const gradient = backward(scalar, [prediction]).get(prediction) as Value;
    const inputs = { p: golden.prediction, t: golden.target, w: golden.weight ?? [] };
    const [value = [], found = []] = evaluate(graph, [scalar, gradient], {
      batch: golden.shape[0] as number,
      inputs,
    });
    expectClose(value, [golden.value], 1e-12, "loss");
    expectClose(found, golden.gradient, 1e-12, "gradient");
  });

  it("has a factory for every row loss", () => {
    const covered = new Set(golden.map(({ loss }) => loss));
    expect([...covered].sort()).toEqual(Object.keys(LOSS_FUNCTIONS).sort());
  });

  it.each(Object.keys(losses.LOSSES))("%s is known by name", (name) => {
    const loss = losses.resolveLoss(name);
    expect(losses.resolveLoss(loss)).toBe(loss);
    expect(Object.keys(losses.LOSSES)).toContain(loss.name);
    expect(loss.targetType(valueType(true, [7, 3]))).toEqual(loss.sparse ? [7] : [7, 3]);
  });

  describe("crossentropies after a softmax or sigmoid", () => {
    const CASES = [
      ["categoricalCrossentropy", "softmax", "categoricalCrossentropyFromLogits"],
      ["sparseCategoricalCrossentropy", "softmax", "sparseCategoricalCrossentropyFromLogits"],
      ["categoricalFocalCrossentropy", "softmax", "categoricalFocalFromLogits"],
      ["binaryCrossentropy", "sigmoid", "binaryCrossentropyFromLogits"],
      ["binaryFocalCrossentropy", "sigmoid", "binaryFocalFromLogits"],
    ] as const;

    /** A dense output with its activation fused where that can be. */
    function output(graph: GraphBuilder, activation: string, fused: boolean): Value {
      const x = graph.input("x", [2]);
      const kernel = graph.parameter({
        name: "kernel",
        shape: [2, 3],
        initialize: (w) => w.set([1, -2, 3, 30, -40, 5]),
      });
      if (activation === "softmax") return softmax(linear(x, kernel));
      return fused
        ? linear(x, kernel, undefined, { function: "sigmoid" })
        : unary("sigmoid", linear(x, kernel));
    }

    const opsOf = (graph: GraphBuilder): unknown[] =>
      graph.nodes.map(({ attributes }) => attributes.function);

    it.each(CASES)("%s looks through the %s", (name, activation, function_) => {
      for (const fused of [true, false]) {
        const graph = new GraphBuilder({ training: true });
        const prediction = output(graph, activation, fused);
        const loss = losses.resolveLoss(name);
        const target = graph.input("t", loss.targetType(prediction.type));
        const built = loss.build(prediction, target);
        expect(opsOf(graph)).toContain(function_);
        const kernel = graph.states.get("kernel") as Value;
        const gradient = backward(built.loss, [kernel]).get(kernel) as Value;
        const inputs = { x: [1, 2], t: loss.sparse ? [1] : [0, 1, 0] };
        const values = evaluate(graph, [built.loss, built.prediction, prediction, gradient], {
          batch: 1,
          inputs,
        });
        // Class 1 has logit -82 against 61: the probability is 0 in float32, the loss must not be.
        expect(values[0]?.[0]).toBeGreaterThan(10);
        expect(Math.abs(values[3]?.[1] as number)).toBeGreaterThan(0.01);
        expectClose(values[1] ?? [], values[2] ?? [], 1e-12, "prediction");
      }
    });

    it("do not mistake another activation", () => {
      const graph = new GraphBuilder({ training: true });
      const prediction = output(graph, "sigmoid", true);
      losses.categoricalCrossentropy().build(prediction, graph.input("t", [3]));
      expect(opsOf(graph)).toContain("categoricalCrossentropy");
    });

    it("give probabilities to metrics where the predictions are logits", () => {
      const graph = new GraphBuilder({ training: true });
      const z = graph.input("z", [2]);
      const t = graph.input("t", [2]);
      const categorical = losses.categoricalCrossentropy({ fromLogits: true }).build(z, t).prediction;
      const binary = losses.binaryCrossentropy({ fromLogits: true }).build(z, t).prediction;
      const [a = [], b = []] = evaluate(graph, [categorical, binary], {
        batch: 1,
        inputs: { z: [0, 0], t: [0, 1] },
      });
      expect([a, b]).toEqual([
        [0.5, 0.5],
        [0.5, 0.5],
      ]);
    });
  });

  it("maps hinge targets of 0 and 1 on request", () => {
    const run = (options: losses.HingeOptions, targets: number[]): number | undefined => {
      const graph = new GraphBuilder({ training: true });
      const [p, t] = [graph.input("p", [2]), graph.input("t", [2])];
      const { loss } = losses.hinge(options).build(p, t);
      return evaluate(graph, [loss], { batch: 1, inputs: { p: [0.5, 0.25], t: targets } })[0]?.[0];
    };
    expect(run({}, [1, -1])).toBe(0.875);
    expect(run({ labels: "zeroOne" }, [1, 0])).toBe(0.875);
    expect(losses.hinge().labels).toBe("signed");
    expect(losses.hinge({ labels: "zeroOne" }).labels).toBe("binary");
    expect(losses.squaredHinge().threshold).toBe(0);
  });

  describe("of one's own", () => {
    function value(callback: losses.LossCallback, weighted = false): { value: number; gradient: number[] } {
      const graph = new GraphBuilder({ training: true });
      const p = graph.input("p", [2]);
      const t = graph.input("t", [2]);
      const { loss } = losses.resolveLoss(callback).build(p, t, weighted ? graph.input("w", []) : undefined);
      const gradient = backward(loss, [p]).get(p) as Value;
      const inputs = { p: [1, 2, 3, 4], t: [0, 0, 0, 0], w: [1, 3] };
      const [scalar = [], found = []] = evaluate(graph, [loss, gradient], { batch: 2, inputs });
      return { value: scalar[0] as number, gradient: found };
    }
    const perElement: losses.LossCallback = (p, t) => unary("abs", subtract(p, t));
    const perSample: losses.LossCallback = (p, t) => reduce("sum", unary("abs", subtract(p, t)));
    const scalar: losses.LossCallback = (p, t) => reduce("sum", subtract(p, t), { batch: true });

    it("may give a value an element, a sample or a batch", () => {
      expect(value(perElement)).toEqual({ value: 2.5, gradient: [0.25, 0.25, 0.25, 0.25] });
      expect(value(perSample)).toEqual({ value: 5, gradient: [0.5, 0.5, 0.5, 0.5] });
      expect(value(scalar)).toEqual({ value: 10, gradient: [1, 1, 1, 1] });
    });

    it("is weighted by sample", () => {
      expect(value(perSample, true)).toEqual({ value: 12, gradient: [0.5, 0.5, 1.5, 1.5] });
      expect(() => value(scalar, true)).toThrow(ShapeError);
      expect(() => value(scalar, true)).toThrow(
        "loss scalar: a scalar cannot be weighted, return one value a sample",
      );
    });

    it("must be a scalar where it has no batch", () => {
      expect(() => value((p) => reduce("sum", p, { axes: [], batch: true }))).toThrow(
        "must be a scalar, got [2]",
      );
    });
  });

  it("refuses what it does not know", () => {
    expect(() => losses.resolveLoss("meanSquareError")).toThrow(OptionError);
    expect(() => losses.resolveLoss("meanSquareError")).toThrow(
      'Trainer: loss: unknown loss "meanSquareError". Did you mean "meanSquaredError"?',
    );
    expect(() => losses.resolveLoss(undefined as unknown as string)).toThrow("Trainer: loss must be");
    expect(() => losses.huber({ delta: 0 })).toThrow("losses.huber: delta must be");
    expect(() => losses.meanSquaredError({ reduction: "max" as "sum" })).toThrow(
      'reduction must be "mean" or "sum"',
    );
    expect(() => losses.binaryCrossentropy({ labelSmoothing: 2 })).toThrow("labelSmoothing must be");
    expect(() => losses.binaryCrossentropy({ fromLogit: true } as object)).toThrow(
      'Did you mean "fromLogits"?',
    );
    expect(() => losses.categoricalCrossentropy({ fromLogits: 1 as unknown as boolean })).toThrow(
      "losses.categoricalCrossentropy: fromLogits must be true or false",
    );
    expect(() => losses.binaryFocalCrossentropy({ gamma: -1 })).toThrow("gamma must be");
    expect(() => losses.hinge({ labels: "both" as "signed" })).toThrow(
      'labels must be "signed" or "zeroOne"',
    );
  });
});

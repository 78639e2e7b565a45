import { describe, expect, it } from "vitest";
import { OptionError } from "../../lib/errors.ts";
import { backward } from "../../lib/graph/backward.ts";
import { GraphBuilder, type Value } from "../../lib/graph/graph.ts";
import * as layers from "../../lib/layers/index.ts";
import { Network } from "../../lib/network.ts";
import * as regularizers from "../../lib/regularizers.ts";
import { Trainer } from "../../lib/trainer.ts";
import { evaluate } from "../support/run-graph.ts";

const WEIGHTS = [1, -2, 0.5];

/** A penalty and its gradient at WEIGHTS. */
function penaltyOf(regularizer: regularizers.Regularizer): number[][] {
  const graph = new GraphBuilder({ training: true });
  const w = graph.parameter({
    name: "w",
    shape: [3],
    initialize: (target) => target.set(WEIGHTS),
    regularizer,
  });
  const penalty = graph.penalties[0] as Value;
  const gradient = backward(penalty, [w]).get(w) as Value;
  return evaluate(graph, [penalty, gradient], { batch: 1 });
}

describe("regularizers", () => {
  it("penalize absolute values and squares", () => {
    expect(penaltyOf(regularizers.l1({ l1: 0.5 }))).toEqual([[1.75], [0.5, -0.5, 0.5]]);
    expect(penaltyOf(regularizers.l2({ l2: 0.5 }))).toEqual([[2.625], [1, -2, 0.5]]);
    expect(penaltyOf(regularizers.l1l2({ l1: 0.5, l2: 0.5 }))).toEqual([[4.375], [1.5, -2.5, 1]]);
  });

  it.each(["l1", "l2", "l1l2"])("%s is known by name, and by the JSON that remembers it", (name) => {
    const regularizer = regularizers.resolveRegularizer("x", name) as regularizers.Regularizer;
    expect(penaltyOf(regularizer)[0]?.[0]).toBeGreaterThan(0);
    const config = JSON.parse(JSON.stringify(regularizer));
    const again = regularizers.resolveRegularizer("x", config) as regularizers.Regularizer;
    expect(penaltyOf(again)).toEqual(penaltyOf(regularizer));
    expect(config.name).toBe(name);
  });

  it("leave out what is not given, and take functions", () => {
    expect(regularizers.resolveRegularizer("x", undefined)).toBeUndefined();
    const own: regularizers.Regularizer = (parameter) => parameter;
    expect(regularizers.resolveRegularizer("x", own)).toBe(own);
  });

  it("refuse what they do not know", () => {
    expect(() => regularizers.resolveRegularizer("dense: biasRegularizer", "l3")).toThrow(OptionError);
    expect(() => regularizers.resolveRegularizer("dense: biasRegularizer", "l3")).toThrow(
      'dense: biasRegularizer: unknown regularizer "l3"',
    );
    expect(() => regularizers.resolveRegularizer("x", 1 as unknown as string)).toThrow("x must be");
    expect(() => regularizers.l2({ l2: -1 })).toThrow(
      "regularizers.l2: l2 must be a finite number of at least 0, got -1",
    );
    expect(() => regularizers.l1({ rate: 1 } as object)).toThrow('unknown option "rate"');
  });
});

it("count in evaluation as in training", () => {
  const network = new Network({
    input: [1],
    layers: [layers.dense({ units: 1, useBias: false, kernelInitializer: "ones", kernelRegularizer: "l2" })],
    executor: "reference",
  });
  const trainer = new Trainer(network, { loss: "mse" });
  expect(trainer.evaluateSync({ x: [[1]], y: [1] }).loss).toBeCloseTo(0.01, 7);
});

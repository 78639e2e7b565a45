import { describe, expect, it } from "vitest";
import { OptionError } from "../../lib/errors.ts";
import { loadBinding } from "../../lib/executor/binding.ts";
import { nativeExecutor } from "../../lib/executor/native.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { valueType } from "../../lib/graph/graph.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import { erf, UNARY, UNARY_NAMES, type UnaryFunction, unaryRule } from "../../lib/ops/unary.ts";
import {
  describeOp,
  exactly,
  expectNear,
  type Fill,
  type OpCase,
  samples,
  uniform,
  whole,
} from "../support/op-cases.ts";
import { runOp } from "../support/op-run.ts";

const CONSTANTS: Partial<Record<UnaryFunction, [alpha: number, beta: number]>> = {
  leakyRelu: [0.25, 0],
  elu: [1.5, 0],
  affine: [-2.5, 0.75],
  clip: [-0.5, 0.75],
};

const POSITIVE: readonly string[] = ["sqrt", "rsqrt", "log", "reciprocal"];

function attributesOf(name: string): { function: string; alpha: number; beta: number } {
  const [alpha, beta] = CONSTANTS[name as UnaryFunction] ?? [0, 0];
  return { function: name, alpha, beta };
}

const domain = (name: string): Fill => (POSITIVE.includes(name) ? uniform(0.1, 4) : uniform(-4, 4));

describeOp(
  "unary",
  UNARY_NAMES.flatMap((name): OpCase[] => [
    {
      inputs: [samples([5], domain(name))],
      attributes: attributesOf(name),
      gives: ["[batch, 5]"],
      magnitude: 4,
    },
    {
      inputs: [whole([3, 37], domain(name))],
      attributes: attributesOf(name),
      gives: ["[3, 37]"],
      magnitude: 4,
    },
  ]),
);

describeOp("unary", [
  {
    note: "more than one thread's work",
    inputs: [samples([33_333], uniform(-4, 4))],
    attributes: attributesOf("tanh"),
    gives: ["[batch, 33333]"],
    batches: [3],
    gradients: [],
  },
  {
    inputs: [samples([4], exactly(-1, 0, 0.5, 2))],
    attributes: attributesOf("relu"),
    gives: ["[batch, 4]"],
    batches: [1],
    value: [0, 0, 0.5, 2],
    gradients: [],
  },
  {
    inputs: [samples([3], exactly(-1, 0, 2))],
    attributes: attributesOf("step"),
    gives: ["[batch, 3]"],
    batches: [1],
    value: [0, 1, 1],
    gradients: [],
  },
  {
    inputs: [samples([3], exactly(-4, 0, 1.5))],
    attributes: attributesOf("hardSigmoid"),
    gives: ["[batch, 3]"],
    batches: [1],
    value: [0, 0.5, 0.75],
  },
]);

/** What backward would save for inputs x. */
function saved(name: string): Fill {
  const rule = unaryRule(name);
  const { alpha, beta } = attributesOf(name);
  return (count, random, width) => {
    const x = domain(name)(count, random, width);
    return rule.saves === "input" ? x : Float32Array.from(x, (value) => rule.value(value, alpha, beta));
  };
}

describeOp(
  "unaryGrad",
  UNARY_NAMES.map(
    (name): OpCase => ({
      inputs: [samples([19]), samples([19], saved(name))],
      attributes: attributesOf(name),
      gives: ["[batch, 19]"],
      magnitude: name === "rsqrt" || name === "reciprocal" ? 100 : 4,
    }),
  ),
);

describe("elementwise functions", () => {
  const op = OPS.get("unary") as OpDefinition;
  const SPECIAL = [Number.NaN, 0, -0, 1e-30, -1e-30, 1e-7, -1e-7, 20, -20, 87, -87, 103, -103, 1e20, -1e20];
  const type = valueType(false, [SPECIAL.length]);

  for (const isa of loadBinding().binding?.isas ?? []) {
    it.each(UNARY_NAMES)(`pass NaN on and bear extremes as the reference does: %s on ${isa}`, (name) => {
      const binding = loadBinding().binding;
      if (binding === undefined) throw new Error("the native addon is not there");
      const inputs = [{ type, values: SPECIAL }];
      const options = { op, inputs, outputs: [type], attributes: attributesOf(name), batch: 1, capacity: 1 };
      const [expected] = runOp(options, referenceExecutor).outputs;
      const [actual] = runOp(options, nativeExecutor(binding, isa)).outputs;
      expect(actual?.[0]).toBeNaN();
      expectNear(actual ?? [], expected ?? [], name, { magnitude: 1e-6 });
    });
  }

  it("computes erf to double precision", () => {
    // Abramowitz & Stegun, table 7.1.
    expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
    expect(erf(1)).toBeCloseTo(0.8427007929, 10);
    expect(erf(-2)).toBeCloseTo(-0.995322265, 9);
    expect(erf(3)).toBeCloseTo(0.9999779095, 10);
    expect([erf(0), erf(10), erf(-10)]).toEqual([0, 1, -1]);
    expect(erf(2.4999999) - erf(2.5)).toBeCloseTo(-2.2e-10, 11);
  });

  it("names what a misspelled function may have meant", () => {
    expect(() => unaryRule("rleu")).toThrow(OptionError);
    expect(() => unaryRule("rleu")).toThrow('Did you mean "relu"?');
    expect(() => unaryRule("toString")).toThrow(OptionError);
    expect(Object.keys(UNARY)).toEqual(UNARY_NAMES);
  });
});

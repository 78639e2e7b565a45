import { describe, expect, it, vi } from "vitest";
import type { Executor } from "../../lib/executor/executor.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { valueType } from "../../lib/graph/graph.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import { expectNear } from "../support/op-cases.ts";
import { checkGradient } from "../support/op-gradient.ts";
import { type RunOptions, runOp } from "../support/op-run.ts";

const type = valueType(true, [3]);
const tanh: RunOptions = {
  op: OPS.get("unary") as OpDefinition,
  inputs: [{ type, values: [1, 2, 3] }],
  outputs: [type],
  attributes: { function: "tanh", alpha: 0, beta: 0 },
  batch: 1,
  capacity: 2,
};

/** The reference executor with something done to its memory after each step. */
function spoiled(change: (scratch: Float32Array) => void): Executor {
  return {
    ...referenceExecutor,
    load: (plan, regions) => {
      const program = referenceExecutor.load(plan, regions);
      return Object.assign(Object.create(program), {
        step: (...args: Parameters<typeof program.step>) => {
          const ok = program.step(...args);
          change(regions.scratch as Float32Array);
          return ok;
        },
      });
    },
  };
}

describe("the op suite itself", () => {
  it.each([
    ["beyond the samples of the step", 32 + 3],
    ["beyond the last operand", 32 + 16],
    ["over an input", 0],
    ["between operands", 20],
  ])("finds a kernel that writes %s", (_, element) => {
    expect(runOp(tanh, referenceExecutor).ok).toBe(true);
    const executor = spoiled((scratch) => {
      scratch[element] = 0.5;
    });
    expect(() => runOp(tanh, executor)).toThrow(`unary wrote to element ${element}`);
  });

  it("finds values that are not near, and NaN where there is a number", () => {
    expectNear([1 + 1e-7, Number.NaN], [1, Number.NaN], "output");
    for (const [actual, reference] of [
      [1.00001, 1],
      [Number.NaN, 1],
      [1, Number.NaN],
      [Number.POSITIVE_INFINITY, 3e38],
    ] as const) {
      expect(() => expectNear([actual], [reference], "output")).toThrow(/^output\[0\] is .*, must be/);
    }
  });

  it("finds a gradient rule that is wrong", () => {
    expect(() => checkGradient(tanh, [0])).not.toThrow();
    const rule = vi.spyOn(tanh.op, "vjp").mockImplementation((_, [dy]) => [dy]);
    expect(() => checkGradient(tanh, [0])).toThrow("gradient of input 0, element 0: the rule gives");
    rule.mockRestore();
  });
});

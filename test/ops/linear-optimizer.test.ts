import { describe, expect, it } from "vitest";
import { OPS } from "../../lib/ops/index.ts";
import { linearDescent } from "../../lib/ops/linear-update.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import { describeOp, type OpCase, samples, whole } from "../support/op-cases.ts";
import { BASE, UPDATES } from "../support/optimizer-updates.ts";

/** The ops that do each optimizer's step. */
const NAMES = new Map([
  ["sgd", { float32: "linearSgd", bf16: "linearSgdBf16" }],
  ["rmsprop", { float32: "linearRmsprop", bf16: "linearRmspropBf16" }],
  ["adagrad", { float32: "linearAdagrad", bf16: "linearAdagradBf16" }],
  ["adadelta", { float32: "linearAdadelta", bf16: "linearAdadeltaBf16" }],
  ["adam", { float32: "linearAdam", bf16: "linearAdamBf16" }],
  ["adamax", { float32: "linearAdamax", bf16: "linearAdamaxBf16" }],
  ["nadam", { float32: "linearNadam", bf16: "linearNadamBf16" }],
  ["lion", { float32: "linearLion", bf16: "linearLionBf16" }],
]);

/** Fewer columns than a vector has, a few vectors, and as many as threads divide. */
const SIZES = [
  [3, 5],
  [17, 31],
  [9, 200],
] as const;

for (const [name, attributes, slots] of UPDATES) {
  const owned = (shape: number[]) => [whole(shape), ...slots.map((fill) => whole(shape, fill))];
  const give = (shape: number[]): string[] => owned(shape).map(() => `[${shape.join(", ")}]`);
  const cases = SIZES.flatMap(([k, n]): OpCase[] => {
    const one = { ulps: 8, magnitude: 4, terms: 37, batches: [1, 37] };
    const product = [samples([k]), samples([n])];
    return [
      {
        ...one,
        note: `${slots.length} slots`,
        inputs: [...product, ...owned([k, n]), ...owned([n])],
        attributes: { ...BASE, ...attributes, bias: 1 },
        gives: [...give([k, n]), ...give([n])],
      },
      {
        ...one,
        note: `${slots.length} slots, no bias`,
        inputs: [...product, ...owned([k, n])],
        attributes: { ...BASE, ...attributes, bias: 0 },
        gives: give([k, n]),
      },
    ];
  });
  for (const fused of Object.values(NAMES.get(name) ?? {})) describeOp(fused, cases);
}

describe("optimizers on a dense layer", () => {
  it("are named after them", () => {
    for (const [name, fused] of NAMES) {
      const op = OPS.get(name) as OpDefinition;
      for (const precision of ["float32", "bf16"] as const)
        expect(linearDescent(precision).updateBy(op)).toBe(OPS.get(fused[precision]));
    }
  });

  it("refuse parameters that are not what the gradient is of", () => {
    const op = linearDescent("float32").updateBy(OPS.get("adam") as OpDefinition);
    const type = (batched: boolean, ...shape: number[]) => ({ batched, shape, dtype: "f32" }) as const;
    const infer = (kernel: number[], bias: number[]) =>
      op.infer(
        [
          type(true, 4),
          type(true, 3),
          ...[0, 1, 2].map(() => type(false, ...kernel)),
          ...[0, 1, 2].map(() => type(false, ...bias)),
        ],
        { bias: 1 },
      );
    expect(infer([4, 3], [3])).toHaveLength(6);
    expect(() => infer([3, 4], [3])).toThrow("must have the same shape, got [3, 4] and [4, 3]");
    expect(() => infer([4, 3], [4])).toThrow("must have the same shape, got [4] and [3]");
  });
});

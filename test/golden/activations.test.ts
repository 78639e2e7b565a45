import { describe, expect, test } from "vitest";
import { UNARY_NAMES, unaryRule } from "../../lib/ops/unary.ts";
import { expectClose, readGolden, runOp } from "./golden.ts";

interface Unary {
  name: string;
  alpha: number;
  beta: number;
  x: number[];
  value: number[];
  gradient: (number | null)[];
}

interface Rows {
  name: string;
  shape: [number, number];
  x: number[];
  dy: number[];
  value: number[];
  gradient: number[];
}

const golden = readGolden<{ unary: Unary[]; rows: Rows[] }>("activations");

describe("activations are PyTorch's", () => {
  test.each(golden.unary)("$name $alpha $beta", ({ name, alpha, beta, x, value, gradient }) => {
    const attributes = { function: name, alpha, beta };
    const shape = [x.length];
    const [y] = runOp("unary", [{ data: x, shape }], attributes) as [Float64Array];
    expectClose(y, value, 1e-13, "value");
    const saved = unaryRule(name).saves === "input" ? x : y;
    const ones = { data: x.map(() => 1), shape };
    const [dx] = runOp("unaryGrad", [ones, { data: saved, shape }], attributes) as [Float64Array];
    // From the output, a derivative carries the rounding of the output.
    expectClose(dx, gradient, 1e-12, "gradient");
  });

  test("every function has a case", () => {
    expect([...new Set(golden.unary.map(({ name }) => name))].sort()).toEqual([...UNARY_NAMES].sort());
  });

  test.each(golden.rows)("$name", ({ name, shape: [batch, width], x, dy, value, gradient }) => {
    const shape = [width];
    const [y] = runOp(name, [{ data: x, shape, batched: true }], {}, { batch }) as [Float64Array];
    expectClose(y, value, 1e-13, "value");
    const inputs = [dy, y].map((data) => ({ data, shape, batched: true }));
    const [dx] = runOp(`${name}Grad`, inputs, {}, { batch }) as [Float64Array];
    expectClose(dx, gradient, 1e-13, "gradient");
  });
});

import { describe, expect, test } from "vitest";
import { OPS } from "../../lib/ops/index.ts";
import { expectClose, type Input, readGolden, runOp } from "./golden.ts";

interface Case {
  loss: string;
  options: { delta?: number; labelSmoothing?: number; alpha?: number; gamma?: number };
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

const { cases } = readGolden<{ cases: Case[] }>("losses");

/** The first constant of the instruction: what it means depends on the loss. */
function alphaOf({ loss, options }: Case): number {
  const none = loss.startsWith("binaryFocal") ? -1 : 0;
  return options.delta ?? options.labelSmoothing ?? options.alpha ?? none;
}

/** Without the batch axis. */
function batched(data: number[], shape: number[]): Input {
  return { data, shape: shape.slice(1), batched: true };
}

describe("losses are PyTorch's", () => {
  test.each(cases)("$loss $options $note $reduction", (golden) => {
    const batch = golden.shape[0] as number;
    const attributes = {
      function: golden.loss,
      alpha: alphaOf(golden),
      beta: golden.options.gamma ?? 0,
      sum: golden.reduction === "sum" ? 1 : 0,
      gradient: 1,
    };
    const ends = [batched(golden.prediction, golden.shape), batched(golden.target, golden.targetShape)];
    const weight = golden.weight === undefined ? [] : [{ data: golden.weight, shape: [], batched: true }];
    const [value, gradient] = runOp("loss", [...ends, ...weight], attributes, { batch });
    expectClose(value as Float64Array, [golden.value], 1e-12, "value");
    expectClose(gradient as Float64Array, golden.gradient, 1e-12, "gradient");
  });

  test("every loss has a case", () => {
    expect([...new Set(cases.map(({ loss }) => loss))].sort()).toEqual(
      [...(OPS.get("loss")?.functions ?? [])].sort(),
    );
  });
});

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { valueType } from "../../lib/graph/graph.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { Attributes, OpDefinition, Operand } from "../../lib/ops/op.ts";
import { sizeOf } from "../../lib/tensor.ts";

/** The values that PyTorch gave; see README.md beside this file. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")) as T;
}

/** An array with a shape; `batch` samples of it where batched. */
export interface Input {
  data: ArrayLike<number>;
  shape: readonly number[];
  batched?: boolean;
}

export interface CallOptions {
  batch?: number;
  step?: number;
  learningRate?: number;
}

function operand(input: Input, batch: number): Operand {
  const size = sizeOf(input.shape);
  const batched = input.batched ?? false;
  const type = valueType(batched, input.shape);
  return { data: Float64Array.from(input.data), type, size, count: batched ? size * batch : size };
}

/**
 * Runs an op's reference kernel in float64, with the output types that its shape rule gives. What an
 * op writes in place are copies.
 */
export function runOp(
  name: string,
  inputs: readonly Input[],
  attributes: Attributes = {},
  { batch = 1, step = 0, learningRate = 0 }: CallOptions = {},
): Float64Array[] {
  const op = OPS.get(name) as OpDefinition;
  const operands = inputs.map((input) => operand(input, batch));
  const types = op.infer(
    operands.map(({ type }) => type),
    attributes,
  );
  const outputs = types.map((type, i): Operand => {
    const own = op.inPlace?.[i];
    if (own !== undefined) return operands[own] as Operand;
    const size = sizeOf(type.shape);
    const count = type.batched ? size * batch : size;
    return { data: new Float64Array(count), type, size, count };
  });
  const fail = (): void => expect.fail(`${name} met a number that is not finite`);
  op.run({ inputs: operands, outputs, attributes, batch, step, seed: [0, 0], learningRate, fail });
  return outputs.map(({ data }) => data as Float64Array);
}

/** Each value within `tolerance`, relative to the larger of 1 and itself; null means undefined, so anything. */
export function expectClose(
  actual: ArrayLike<number>,
  golden: readonly (number | null)[],
  tolerance: number,
  what: string,
): void {
  expect(actual.length, what).toBe(golden.length);
  for (const [i, value] of golden.entries()) {
    if (value === null) continue;
    const limit = tolerance * Math.max(1, Math.abs(value));
    expect(
      Math.abs((actual[i] as number) - value),
      `${what}[${i}]: ${actual[i]}, not ${value}`,
    ).toBeLessThanOrEqual(limit);
  }
}

import { describe, expect, it } from "vitest";
import { loadBinding } from "../../lib/executor/binding.ts";
import { nativeExecutor } from "../../lib/executor/native.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { formatType, type ValueType, valueType } from "../../lib/graph/graph.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { Attributes, OpDefinition } from "../../lib/ops/op.ts";
import { Random } from "../../lib/random.ts";
import { sizeOf } from "../../lib/tensor.ts";
import { checkGradient } from "./op-gradient.ts";
import { type RunInput, type RunOptions, runOp } from "./op-run.ts";

/** Fills an operand of `count` elements in rows of `width`. */
export type Fill = (count: number, random: Random, width: number) => ArrayLike<number>;

export interface CaseInput {
  readonly type: ValueType;
  readonly fill: Fill;
}

/** One use of an op, from which the suite derives its tests. */
export interface OpCase {
  /** What is special about it. */
  readonly note?: string;
  readonly inputs: readonly CaseInput[];
  readonly attributes?: Attributes;
  /** Types of the outputs, as formatType writes them. */
  readonly gives: readonly string[];
  /** Wanted type where the inputs do not decide it. */
  readonly as?: ValueType;
  /** Values of the first output, for a batch of `batch` samples. */
  readonly value?: readonly number[];
  /** Samples in a step. Default 1, 3 and 7 where anything is batched. */
  readonly batches?: readonly number[];
  /** Inputs by which the gradient is checked. Default: all, where the op has a gradient rule. */
  readonly gradients?: readonly number[];
  /** Rounding errors that the kernel may make relative to its result. Default 4. */
  readonly ulps?: number;
  /** How many terms a result sums up, and how large one may be: the error that does not follow the result. Default 1. */
  readonly terms?: number;
  readonly magnitude?: number;
  /** Makes random inputs consistent with each other. */
  readonly prepare?: (inputs: Float32Array[], batch: number) => void;
}

const EPSILON = 2 ** -23;
const CAPACITY = 9;

export const uniform =
  (low = -1, high = 1): Fill =>
  (count, random) =>
    Float32Array.from({ length: count }, () => low + (high - low) * random.uniform());

/** These numbers, over and over. */
export const exactly =
  (...values: number[]): Fill =>
  (count) =>
    Float32Array.from({ length: count }, (_, i) => values[i % values.length] as number);

/** Whole numbers from 0 to classes - 1. */
export const classes =
  (count: number): Fill =>
  (length, random) =>
    Float32Array.from({ length }, () => random.integer(count));

/** Rows with one 1. */
export const oneHot: Fill = (count, random, width) => {
  const data = new Float32Array(count);
  for (let start = 0; start < count; start += width) data[start + random.integer(width)] = 1;
  return data;
};

/** Rows that are positive and sum to 1. */
export const distribution: Fill = (count, random, width) => {
  const data = Float32Array.from({ length: count }, () => 0.05 + random.uniform());
  for (let start = 0; start < count; start += width) {
    const row = data.subarray(start, start + width);
    const total = row.reduce((sum, value) => sum + value, 0);
    row.forEach((value, i) => {
      row[i] = value / total;
    });
  }
  return data;
};

/** An operand with a leading batch. */
export function samples(shape: readonly number[], fill: Fill = uniform()): CaseInput {
  return { type: valueType(true, shape), fill };
}

/** An operand without batch: a parameter. */
export function whole(shape: readonly number[], fill: Fill = uniform()): CaseInput {
  return { type: valueType(false, shape), fill };
}

const countOf = (type: ValueType, batch: number): number => sizeOf(type.shape) * (type.batched ? batch : 1);

function inputsOf(one: OpCase, batch: number): RunInput[] {
  const random = new Random(1234, batch);
  const arrays = one.inputs.map(({ type, fill }) =>
    Float32Array.from(fill(countOf(type, batch), random, type.shape.at(-1) ?? 1)),
  );
  one.prepare?.(arrays, batch);
  return one.inputs.map(({ type }, i) => ({ type, values: arrays[i] as Float32Array }));
}

function optionsOf(op: OpDefinition, one: OpCase, batch: number): RunOptions {
  const { attributes = {} } = one;
  const inputs = inputsOf(one, batch);
  const types = inputs.map(({ type }) => type);
  return {
    op,
    inputs,
    outputs: op.infer(types, attributes, one.as),
    attributes,
    batch,
    capacity: Math.max(CAPACITY, batch),
  };
}

function batchesOf(one: OpCase): readonly number[] {
  if (one.batches !== undefined) return one.batches;
  return one.inputs.some(({ type }) => type.batched) || one.as?.batched === true ? [1, 3, 7] : [1];
}

/** Each value as near to the reference as rounding allows. */
export function expectNear(
  actual: ArrayLike<number>,
  reference: ArrayLike<number>,
  what: string,
  { ulps = 4, terms = 1, magnitude = 1 }: Pick<OpCase, "ulps" | "terms" | "magnitude"> = {},
): void {
  expect(actual.length, what).toBe(reference.length);
  for (let i = 0; i < actual.length; i++) {
    const [a, r] = [actual[i] as number, reference[i] as number];
    if (Object.is(a, r) || a === r) continue;
    const limit = EPSILON * (ulps * Math.abs(r) + terms * magnitude);
    if (!(Math.abs(a - r) <= limit)) expect.fail(`${what}[${i}] is ${a}, must be ${r} within ${limit}`);
  }
}

function titleOf(op: OpDefinition, one: OpCase): string {
  const attributes = Object.values(one.attributes ?? {}).join(" ");
  const types = one.inputs.map(({ type }) => formatType(type)).join(", ");
  return [`${op.name}(${types})`, attributes, one.note].filter(Boolean).join(" - ");
}

/** The kernel of every ISA against the reference kernel. */
function checkParity(op: OpDefinition, one: OpCase, isa: string): void {
  const { binding } = loadBinding();
  if (binding === undefined) throw new Error("the native addon is not there");
  const native = nativeExecutor(binding, isa);
  const overwrites = op.overwrites === true && one.inputs[0] !== undefined ? [false, true] : [false];
  for (const batch of batchesOf(one)) {
    for (const overwrite of overwrites) {
      const options = { ...optionsOf(op, one, batch), overwrite };
      const reference = runOp(options, referenceExecutor);
      const results = [1, 3].map((threads) => {
        binding.setThreads(threads);
        return runOp(options, native);
      });
      const [first, second] = results as [(typeof results)[0], (typeof results)[0]];
      expect(first.ok).toBe(reference.ok);
      reference.outputs.forEach((output, i) => {
        const what = `${isa}, batch ${batch}${overwrite ? ", in place" : ""}, output ${i}`;
        expectNear(first.outputs[i] ?? [], output, what, one);
        expect(second.outputs[i], `${what}: 3 threads as 1`).toEqual(first.outputs[i]);
      });
    }
  }
}

function describeCase(op: OpDefinition, one: OpCase): void {
  it("has the right shape", () => {
    expect(optionsOf(op, one, 2).outputs.map(formatType)).toEqual(one.gives);
  });
  if (one.value !== undefined) {
    it("has the right value", () => {
      const options = optionsOf(op, one, batchesOf(one)[0] as number);
      const { outputs } = runOp(options, referenceExecutor, (elements) => new Float64Array(elements));
      expectNear(outputs[0] ?? [], one.value ?? [], "output 0", { ulps: 1e-4, magnitude: 1e-4 });
    });
  }
  if (op.vjp !== undefined && one.gradients?.length !== 0) {
    it("has the gradient of finite differences", () => {
      const batch = Math.min(3, Math.max(...batchesOf(one)));
      checkGradient(optionsOf(op, one, batch), one.gradients ?? one.inputs.map((_, i) => i), one.as);
    });
  }
  for (const isa of loadBinding().binding?.isas ?? []) {
    it(`is the same on ${isa}`, () => checkParity(op, one, isa));
  }
}

/** Derives tests from each case of an op: shape, value, gradient, and parity of every native variant. */
export function describeOp(name: string, cases: readonly OpCase[]): void {
  const op = OPS.get(name);
  if (op === undefined) throw new Error(`there is no op ${name}`);
  for (const one of cases) describe(titleOf(op, one), () => describeCase(op, one));
}

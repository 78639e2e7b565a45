import type { Executor, Regions } from "../../lib/executor/executor.ts";
import { elementsOf, type ValueType } from "../../lib/graph/graph.ts";
import type { Attributes, OpDefinition } from "../../lib/ops/op.ts";
import { alignUp, type Buffer, type Plan } from "../../lib/plan/plan.ts";
import { type FloatArray, sizeOf } from "../../lib/tensor.ts";

/** An operand of a single op: `values` for the samples of one step. */
export interface RunInput {
  readonly type: ValueType;
  readonly values: ArrayLike<number>;
}

export interface RunOptions {
  readonly op: OpDefinition;
  readonly inputs: readonly RunInput[];
  readonly outputs: readonly ValueType[];
  readonly attributes: Attributes;
  /** Samples in the step, and the most that the plan has room for. */
  readonly batch: number;
  readonly capacity: number;
  /** Output 0 takes the place of input 0. */
  readonly overwrite?: boolean;
}

export const SEED: readonly [number, number] = [0x9abcdef0, 0x12345678];
export const STEP = 5;
export const LEARNING_RATE = 0.0625;

const EMPTY = { state: 0, slots: 0, gradient: 0, input: 0 };

/** The input whose memory an output shares. */
function aliasOf(options: RunOptions, output: number): number | undefined {
  if (options.op.inPlace !== undefined) return options.op.inPlace[output];
  return options.overwrite === true && output === 0 ? 0 : undefined;
}

/** A plan of one instruction; operands lie in scratch, each followed by at least a cache line of padding. */
export function planOf(options: RunOptions): Plan {
  const { op, attributes, capacity } = options;
  let scratch = 0;
  const place = (type: ValueType): Buffer => {
    const offset = scratch;
    scratch += alignUp(elementsOf(type, capacity)) + 16;
    return { region: "scratch", offset, type };
  };
  const inputs = options.inputs.map(({ type }) => place(type));
  const outputs = options.outputs.map((type, i) => {
    const alias = aliasOf(options, i);
    return alias === undefined ? place(type) : ({ ...inputs[alias], type } as Buffer);
  });
  return {
    name: op.name,
    capacity,
    sizes: { ...EMPTY, scratch },
    inputs: [],
    outputs: [],
    instructions: [{ op, inputs, outputs, attributes, path: "" }],
    constants: [],
  };
}

export interface RunOutcome {
  /** False when the op ended the step. */
  readonly ok: boolean;
  readonly outputs: readonly FloatArray[];
}

/** Elements of a buffer that are valid in a step. */
function valid({ offset, type }: Buffer, batch: number): [number, number] {
  return [offset, offset + sizeOf(type.shape) * (type.batched ? batch : 1)];
}

/**
 * Runs one op. Everything but the inputs is NaN before: a kernel that reads beyond its operands spoils its
 * result, and one that writes beyond them is found here.
 */
export function runOp(
  options: RunOptions,
  executor: Executor,
  allocate: (elements: number) => FloatArray = executor.allocate,
): RunOutcome {
  const plan = planOf(options);
  const { batch } = options;
  const scratch = allocate(plan.sizes.scratch).fill(Number.NaN);
  const instruction = plan.instructions[0] as Plan["instructions"][0];
  for (const [i, { offset }] of instruction.inputs.entries()) {
    scratch.set(options.inputs[i]?.values ?? [], offset);
  }
  const before = scratch.slice();
  const regions: Regions = {
    state: allocate(0),
    slots: allocate(0),
    gradient: allocate(0),
    input: allocate(0),
    scratch,
  };
  const ok = executor.load(plan, regions).step(batch, STEP, LEARNING_RATE, SEED[0], SEED[1]);
  const outputs = instruction.outputs.map((buffer) => {
    const [start, end] = valid(buffer, batch);
    before.set(scratch.subarray(start, end), start);
    return scratch.slice(start, end);
  });
  const stray = scratch.findIndex((value, i) => !Object.is(value, before[i]));
  if (stray !== -1) throw new Error(`${options.op.name} wrote to element ${stray}, outside of its outputs`);
  return { ok, outputs };
}

import type { Program, Regions } from "../../lib/executor/executor.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import type { GraphBuilder, Value } from "../../lib/graph/graph.ts";
import { StateLayout } from "../../lib/plan/layout.ts";
import { lower } from "../../lib/plan/lower.ts";
import type { Plan } from "../../lib/plan/plan.ts";
import { Random } from "../../lib/random.ts";
import { type FloatArray, sizeOf } from "../../lib/tensor.ts";

/** Which numbers a reference program computes with. */
export type Precision = "f32" | "f64";

const ARRAYS = { f32: Float32Array, f64: Float64Array };

/** Regions of a plan; what a program must write before it reads is NaN. */
export function makeRegions(plan: Plan, precision: Precision): Regions {
  const make = (elements: number, value: number): FloatArray => new ARRAYS[precision](elements).fill(value);
  const scratch = make(plan.sizes.scratch, Number.NaN);
  for (const { offset, data } of plan.constants) scratch.set(data, offset);
  return {
    state: make(plan.sizes.state, 0),
    slots: make(plan.sizes.slots, 0),
    gradient: make(plan.sizes.gradient, 0),
    input: make(plan.sizes.input, Number.NaN),
    scratch,
  };
}

/** Writes the initial state of a graph. */
export function initialize(layout: StateLayout, state: FloatArray): void {
  let stream = 0;
  for (const { declaration, offset, size } of layout.entries.values()) {
    const values = new Float32Array(size);
    declaration.initialize(values, declaration.shape, new Random(1, stream++));
    state.set(values, offset);
  }
}

export interface RunOptions {
  /** Samples in the step. */
  batch: number;
  /** Values of the graph's inputs, by name. */
  inputs?: Readonly<Record<string, ArrayLike<number>>>;
  /** Default "f64". */
  precision?: Precision;
}

/** Computes values of a graph in one step on the reference executor. */
export function evaluate(graph: GraphBuilder, values: readonly Value[], options: RunOptions): number[][] {
  const { batch, inputs = {}, precision = "f64" } = options;
  const layout = new StateLayout(graph);
  const outputs = values.map((value, i) => ({ name: `output${i}`, value }));
  const plan = lower({ name: "test", graph, layout, capacity: batch, outputs });
  const regions = makeRegions(plan, precision);
  initialize(layout, regions.state);
  for (const { name, buffer } of plan.inputs) regions.input.set(inputs[name] ?? [], buffer.offset);
  const program: Program = referenceExecutor.load(plan, regions);
  if (!program.step(batch, 0, 0, 1, 2)) throw new Error("the step failed");
  return plan.outputs.map(({ buffer: { region, offset, type } }) => {
    const count = sizeOf(type.shape) * (type.batched ? batch : 1);
    return [...regions[region].subarray(offset, offset + count)];
  });
}

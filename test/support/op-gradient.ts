import { expect } from "vitest";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { backward } from "../../lib/graph/backward.ts";
import { GraphBuilder, type Value, type ValueType } from "../../lib/graph/graph.ts";
import { verify } from "../../lib/graph/verify.ts";
import { add, multiply, reduce } from "../../lib/ops/functions.ts";
import { StateLayout } from "../../lib/plan/layout.ts";
import { lower } from "../../lib/plan/lower.ts";
import { Random } from "../../lib/random.ts";
import type { FloatArray } from "../../lib/tensor.ts";
import { LEARNING_RATE, type RunOptions, SEED, STEP } from "./op-run.ts";
import { initialize, makeRegions } from "./run-graph.ts";

const H = 1e-5;
const TOLERANCE = 2e-7;
/** Error of the scalar itself, a few units in the last place. */
const ROUNDING = 8 * Number.EPSILON;

/** A value of the graph that takes the place of an operand. */
function declare(graph: GraphBuilder, name: string, type: ValueType, values: ArrayLike<number>): Value {
  if (type.batched) return graph.input(name, type.shape);
  return graph.parameter({ name, shape: type.shape, initialize: (target) => target.set(values) });
}

/** A scalar that depends on every element of `value` with another weight. */
function scalarOf(graph: GraphBuilder, value: Value): Value {
  const random = new Random(99);
  const weights = graph.constant("weights", value.shape, (target) => {
    for (let i = 0; i < target.length; i++) target[i] = 0.5 + random.uniform();
  });
  return reduce("sum", multiply(value, weights), { batch: value.batched });
}

/**
 * Compares an op's gradient rule with central differences of its reference kernel in float64. A batched output
 * also counts as its own square, so that samples have gradients of their own.
 */
export function checkGradient(options: RunOptions, wanted: readonly number[], as?: ValueType): void {
  const { op, inputs, attributes, batch } = options;
  const graph = new GraphBuilder({ training: true });
  const values = inputs.map(({ type, values: data }, i) => declare(graph, `x${i}`, type, data));
  const output = graph.add(op, values, attributes, as)[0] as Value;
  const scalar = scalarOf(graph, add(output, multiply(output, output)));
  const sources = wanted.map((i) => values[i] as Value);
  const found = backward(scalar, sources);
  verify(graph);
  const gradients = sources.map((source) => found.get(source));
  const layout = new StateLayout(graph);
  const plan = lower({
    name: "gradient",
    graph,
    layout,
    capacity: batch,
    outputs: [scalar, ...gradients.filter((value) => value !== undefined)].map((value, i) => ({
      name: `${i}`,
      value,
    })),
  });
  const regions = makeRegions(plan, "f64");
  initialize(layout, regions.state);
  const places = values.map((_, i) => {
    const input = plan.inputs.find(({ name }) => name === `x${i}`);
    return input === undefined
      ? regions.state.subarray(layout.entry(`x${i}`).offset)
      : regions.input.subarray(input.buffer.offset);
  });
  for (const [i, { values: data }] of inputs.entries()) places[i]?.set(data);
  const program = referenceExecutor.load(plan, regions);
  const run = (): FloatArray[] => {
    program.step(batch, STEP, LEARNING_RATE, SEED[0], SEED[1]);
    return plan.outputs.map(({ buffer: { region, offset } }) => regions[region].subarray(offset));
  };
  const analytic = run().map((data) => data.slice());
  let next = 1;
  wanted.forEach((i, k) => {
    const gradient = gradients[k] === undefined ? undefined : analytic[next++];
    const place = places[i] as FloatArray;
    for (let j = 0; j < (inputs[i]?.values.length ?? 0); j++) {
      const saved = place[j] as number;
      const at = (value: number): number => {
        place[j] = value;
        return run()[0]?.[0] as number;
      };
      const numeric = (at(saved + H) - at(saved - H)) / (2 * H);
      place[j] = saved;
      const rule = gradient?.[j] ?? 0;
      const rounding = (ROUNDING * Math.abs(analytic[0]?.[0] as number)) / H;
      const limit = TOLERANCE * Math.max(1, Math.abs(numeric)) + rounding;
      if (!(Math.abs(rule - numeric) <= limit)) {
        expect.fail(
          `gradient of input ${i}, element ${j}: the rule gives ${rule}, differences give ${numeric}`,
        );
      }
    }
  });
}

import { describe, expect, it } from "vitest";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import { backward } from "../../lib/graph/backward.ts";
import { GraphBuilder, type Value } from "../../lib/graph/graph.ts";
import { resolveLoss } from "../../lib/losses.ts";
import { add, linear, softmax } from "../../lib/ops/functions.ts";
import { OPS } from "../../lib/ops/index.ts";
import type { OpDefinition } from "../../lib/ops/op.ts";
import type { UnaryFunction } from "../../lib/ops/unary.ts";
import * as optimizers from "../../lib/optimizers.ts";
import { blocksOf, StateLayout } from "../../lib/plan/layout.ts";
import { blockBuffer, lower } from "../../lib/plan/lower.ts";
import type { Buffer, Instruction, Plan } from "../../lib/plan/plan.ts";
import { l2 } from "../../lib/regularizers.ts";
import { type DecayOptions, exponentialDecay } from "../../lib/schedules.ts";
import { expectClose, readGolden } from "../golden/golden.ts";
import { initialize, makeRegions } from "../support/run-graph.ts";

interface LayerValues {
  kernel: number[];
  bias: number[];
}

interface Case {
  name: string;
  optimizer: string;
  options: { learningRate: number } & Record<string, number | boolean>;
  exponentialDecay?: DecayOptions;
  kernelRegularizer?: { l2: number };
  learningRateScales?: number[];
  float64: { losses: number[]; weights: LayerValues[] };
}

interface Golden {
  units: number[];
  activations: UnaryFunction[];
  batchSize: number;
  x: number[];
  y: number[];
  initial: LayerValues[];
  cases: Case[];
}

const golden = readGolden<Golden>("optimizers");
const FACTORIES = { ...optimizers };

/** The golden network as a graph: loss with penalties, and the gradient of each parameter. */
function buildGraph({ kernelRegularizer }: Case): {
  graph: GraphBuilder;
  loss: Value;
  gradients: Map<string, Value>;
} {
  const graph = new GraphBuilder({ training: true });
  const regularizer = kernelRegularizer && l2(kernelRegularizer);
  let value = graph.input("x", [golden.units[0] as number]);
  golden.initial.forEach(({ kernel, bias }, i) => {
    const [inputs, units] = [golden.units[i] as number, golden.units[i + 1] as number];
    value = graph.scope(`dense${i}`, true, () => {
      const set = (values: number[]) => (target: Float32Array) => target.set(values);
      const w = graph.parameter({
        name: "kernel",
        shape: [inputs, units],
        initialize: set(kernel),
        regularizer,
      });
      const b = graph.parameter({ name: "bias", shape: [units], initialize: set(bias) });
      return linear(value, w, b, { function: golden.activations[i] as UnaryFunction });
    });
  });
  const { loss } = resolveLoss("scce").build(softmax(value), graph.input("y", []));
  const total = graph.penalties.reduce((sum, penalty) => add(sum, penalty), loss);
  const parameters = [...graph.states];
  const found = backward(
    total,
    parameters.map(([, parameter]) => parameter),
  );
  return {
    graph,
    loss: total,
    gradients: new Map(parameters.map(([path, parameter]) => [path, found.get(parameter) as Value])),
  };
}

function clip(optimizer: optimizers.Optimizer, layout: StateLayout): Instruction[] {
  const emit = (
    name: string,
    limit: number,
    { offset, size }: { offset: number; size: number },
  ): Instruction => {
    const block = blockBuffer("gradient", offset, [size]);
    return {
      op: OPS.get(name) as OpDefinition,
      inputs: [block],
      outputs: [block],
      attributes: { limit },
      path: "",
    };
  };
  const whole = { offset: 0, size: layout.parameterSize };
  const { clipValue, clipNorm, globalClipNorm } = optimizer;
  if (clipValue !== undefined) return [emit("clipValue", clipValue, whole)];
  if (clipNorm !== undefined)
    return [...layout.entries.values()].map((entry) => emit("clipNorm", clipNorm, entry));
  return globalClipNorm === undefined ? [] : [emit("clipNorm", globalClipNorm, whole)];
}

/** One update a block of parameters with the same rate, gaps between parameters included. */
function update(
  optimizer: optimizers.Optimizer,
  layout: StateLayout,
  scales: readonly number[],
): Instruction[] {
  const groups = new Map<number, Parameters<typeof blocksOf>[0][number][]>();
  for (const entry of layout.entries.values()) {
    const scale = scales[Number(entry.declaration.path.charAt("dense".length))] as number;
    if (scale !== 0) groups.set(scale, [...(groups.get(scale) ?? []), entry]);
  }
  return [...groups].flatMap(([scale, entries]) =>
    blocksOf(entries).map(({ offset, size }): Instruction => {
      const parameters = blockBuffer("state", offset, [size]);
      const slots = optimizer.slots.map(
        (_, i): Buffer => blockBuffer("slots", i * layout.parameterSize + offset, [size]),
      );
      return {
        op: optimizer.op,
        inputs: [parameters, blockBuffer("gradient", offset, [size]), ...slots],
        outputs: [parameters, ...slots],
        attributes: { scale, weightDecay: optimizer.weightDecay, ...optimizer.attributes },
        path: "",
      };
    }),
  );
}

function optimizerOf({ optimizer, options, exponentialDecay: decay }: Case): optimizers.Optimizer {
  const learningRate = decay === undefined ? options.learningRate : exponentialDecay(decay);
  return FACTORIES[optimizer as "sgd"]({ ...options, learningRate });
}

function compile(one: Case, optimizer: optimizers.Optimizer): { plan: Plan; layout: StateLayout } {
  const { graph, loss, gradients } = buildGraph(one);
  const layout = new StateLayout(graph);
  const scales = one.learningRateScales ?? golden.units.map(() => 1);
  const plan = lower({
    name: "train",
    graph,
    layout,
    capacity: golden.batchSize,
    outputs: [{ name: "loss", value: loss }],
    gradients,
    updates: [...clip(optimizer, layout), ...update(optimizer, layout, scales)],
    slotSize: optimizer.slots.length * layout.parameterSize,
  });
  return { plan, layout };
}

describe("a lowered training plan", () => {
  it.each(golden.cases)("takes PyTorch's ten steps: $name", (one) => {
    const optimizer = optimizerOf(one);
    const { plan, layout } = compile(one, optimizer);
    const regions = makeRegions(plan, "f64");
    initialize(layout, regions.state);
    optimizer.slots.forEach(({ initial }, i) => {
      regions.slots.fill(initial, i * layout.parameterSize, (i + 1) * layout.parameterSize);
    });
    const program = referenceExecutor.load(plan, regions);
    const lossPlace = plan.outputs[0]?.buffer as Buffer;
    const losses = one.float64.losses.map((_, step) => {
      for (const { name, buffer } of plan.inputs) {
        const data = name === "x" ? golden.x : golden.y;
        const width = data.length / golden.y.length;
        const first = (step * golden.batchSize) % golden.y.length;
        regions.input.set(data.slice(first * width, (first + golden.batchSize) * width), buffer.offset);
      }
      expect(program.step(golden.batchSize, step, optimizer.schedule.rate(step), 0, 0)).toBe(true);
      return regions[lossPlace.region][lossPlace.offset] as number;
    });
    expectClose(losses, one.float64.losses, 1e-12, "loss");
    const left = regions.state.slice();
    one.float64.weights.forEach((layer, i) => {
      for (const name of ["kernel", "bias"] as const) {
        const { offset, size } = layout.entry(`dense${i}/${name}`);
        expectClose(regions.state.subarray(offset, offset + size), layer[name], 1e-12, `dense${i}/${name}`);
        left.fill(0, offset, offset + size);
      }
    });
    // The gaps between parameters are updated with them, and stay zero.
    expect(left.every((value) => value === 0)).toBe(true);
  });
});

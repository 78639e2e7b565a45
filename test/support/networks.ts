import type { ExecutorName } from "../../lib/executor/native.ts";
import { referenceExecutor } from "../../lib/executor/reference.ts";
import * as layers from "../../lib/layers/index.ts";
import type { LossLike } from "../../lib/losses.ts";
import { Network } from "../../lib/network.ts";
import { sgd } from "../../lib/optimizers.ts";
import type { Plan } from "../../lib/plan/plan.ts";
import { compileTraining } from "../../lib/training/compile.ts";
import { objectiveFor } from "../../lib/training/head.ts";
import { makeRegions } from "./run-graph.ts";

export interface DenseNet {
  input: number;
  units: readonly number[];
  activations: readonly layers.ActivationName[];
  seed?: number;
  executor?: ExecutorName;
}

/** A chain of dense layers. */
export function denseNet({ input, units, activations, seed = 1, executor }: DenseNet): Network {
  return new Network({
    input: [input],
    layers: units.map((width, i) => layers.dense({ units: width, activation: activations[i] })),
    seed,
    executor,
  });
}

/** Writes numbers into arrays of a network by their paths. */
export function setWeights(network: Network, values: Readonly<Record<string, readonly number[]>>): void {
  for (const [path, numbers] of Object.entries(values)) {
    const weight = network.weights.find((one) => one.path === path);
    if (weight?.data.length !== numbers.length)
      throw new Error(`no array ${path} of ${numbers.length} numbers`);
    weight.data.set(numbers);
  }
}

/** A copy of every array of a network, by path. */
export function weightsOf(network: Network): Record<string, number[]> {
  return Object.fromEntries(network.weights.map(({ path, data }) => [path, [...data]]));
}

/** One step of a plan on the reference executor in float64, with a network's weights. */
function step64(
  network: Network,
  plan: Plan,
  inputs: readonly (readonly number[])[],
): ReturnType<typeof makeRegions> {
  const regions = makeRegions(plan, "f64");
  regions.state.set(network.state);
  plan.inputs.forEach(({ buffer }, i) => {
    regions.input.set(inputs[i] as readonly number[], buffer.offset);
  });
  if (!referenceExecutor.load(plan, regions).step(1, 0, 0, 0, 0)) throw new Error("the step failed");
  return regions;
}

/** The output for one sample, computed in float64. */
export function predict64(network: Network, x: readonly number[]): number[] {
  const plan = network.predictPlan(1);
  const regions = step64(network, plan, [x]);
  return plan.outputs.flatMap(({ buffer }) => {
    const { region, offset, type } = buffer;
    return [...regions[region].subarray(offset, offset + type.shape.reduce((size, n) => size * n, 1))];
  });
}

/** The gradients of the loss of one sample, computed in float64, by path. */
export function gradients64(
  network: Network,
  loss: LossLike,
  x: readonly number[],
  y: readonly number[],
): Record<string, number[]> {
  const objective = objectiveFor(network, { loss });
  // Clipping that never clips: gradients then have memory of their own.
  const options = { objective, optimizer: sgd({ learningRate: 0, clipValue: 1e30 }), groups: [] };
  const { gradient } = step64(network, compileTraining(network, options, 1, false).plan, [x, y]);
  return Object.fromEntries(
    network.weights.map(({ path }) => {
      const { offset, size } = network.layout.entry(path);
      return [path, [...gradient.subarray(offset, offset + size)]];
    }),
  );
}

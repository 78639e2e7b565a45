import { describe, expect, test } from "vitest";
import type { ExecutorName } from "../../lib/executor/native.ts";
import {
  Dataset,
  layers,
  losses,
  Network,
  optimizers,
  regularizers,
  schedules,
  Trainer,
} from "../../lib/index.ts";
import { expectClose, readGolden } from "../golden/golden.ts";
import { EXECUTORS } from "../support/executors.ts";
import { setWeights, weightsOf } from "../support/networks.ts";

interface Parameters {
  kernel: number[];
  bias: number[];
}

interface Run {
  losses: number[];
  weights: Parameters[];
}

interface Case {
  name: string;
  optimizer: string;
  options: { learningRate: number } & Record<string, number | boolean>;
  exponentialDecay?: schedules.DecayOptions;
  kernelRegularizer?: { l2: number };
  learningRateScales?: number[];
  float32: Run;
}

interface Golden {
  units: [number, ...number[]];
  activations: layers.ActivationName[];
  batchSize: number;
  x: number[];
  y: number[];
  initial: Parameters[];
  firstGradients: { float32: Parameters[] };
  cases: Case[];
}

const golden = readGolden<Golden>("optimizers");
const STEPS = 10;
const EPSILON = 2 ** -23;
/** Products summed on the longest way of a number through a step, forwards and back. */
const LENGTH = 2 * golden.units.reduce((sum, width) => sum + width, 0);
const TOLERANCE = STEPS * LENGTH * EPSILON;

const FACTORIES = { ...optimizers };

function networkOf(executor: ExecutorName, one: Partial<Case> = {}): Network {
  const { kernelRegularizer: l2, learningRateScales: scales } = one;
  const network = new Network({
    input: [golden.units[0]],
    layers: golden.activations.map((activation, i) =>
      layers.dense({
        units: golden.units[i + 1] as number,
        activation,
        name: `layer${i}`,
        kernelRegularizer: l2 && regularizers.l2(l2),
        trainable: scales?.[i] !== 0,
      }),
    ),
    executor,
  });
  setWeights(network, byPath(golden.initial));
  return network;
}

function byPath(parameters: readonly Parameters[]): Record<string, number[]> {
  return Object.fromEntries(
    parameters.flatMap(({ kernel, bias }, i) => [
      [`layer${i}/kernel`, kernel],
      [`layer${i}/bias`, bias],
    ]),
  );
}

function trainerOf(
  network: Network,
  { optimizer, options, exponentialDecay, learningRateScales = [] }: Case,
): Trainer {
  const schedule = exponentialDecay && schedules.exponentialDecay(exponentialDecay);
  const factory = FACTORIES[optimizer as "sgd"];
  return new Trainer(network, {
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
    optimizer: factory({ ...options, learningRate: schedule ?? options.learningRate }),
    groups: learningRateScales.map((learningRateScale, i) => ({ layers: [`layer${i}`], learningRateScale })),
  });
}

/** The samples of so many batches, one after the other. */
function batches(count: number): Dataset {
  const { x, y, units, batchSize } = golden;
  const all = Dataset.from({ x: { data: Float32Array.from(x), shape: [y.length, units[0]] }, y });
  return all.select(Array.from({ length: count * batchSize }, (_, i) => i % y.length));
}

/** Trains on so many batches in order; gives the loss of each. */
function train(trainer: Trainer, count: number): number[] {
  const means: number[] = [];
  trainer.fitSync(batches(count), {
    batchSize: golden.batchSize,
    shuffle: false,
    callbacks: [{ onBatchEnd: (_, { loss }) => void means.push(loss as number) }],
  });
  return means.map((mean, i) => mean * (i + 1) - (means[i - 1] ?? 0) * i);
}

describe.each(EXECUTORS)("ten steps of a Trainer are PyTorch's, %s", (executor) => {
  test.each(golden.cases)("$name", (one) => {
    const network = networkOf(executor, one);
    const actual = train(trainerOf(network, one), STEPS);
    expectClose(actual, one.float32.losses, TOLERANCE, "loss");
    const weights = weightsOf(network);
    for (const [path, values] of Object.entries(byPath(one.float32.weights)))
      expectClose(weights[path] as number[], values, TOLERANCE, path);
  });

  test("the first gradients", () => {
    const network = networkOf(executor);
    const before = weightsOf(network);
    const rate = { name: "sgd", optimizer: "sgd", options: { learningRate: 1 } };
    train(trainerOf(network, rate as unknown as Case), 1);
    const after = weightsOf(network);
    for (const [path, gradient] of Object.entries(byPath(golden.firstGradients.float32))) {
      const difference = before[path]?.map((value, i) => value - (after[path]?.[i] as number)) as number[];
      expectClose(difference, gradient, LENGTH * EPSILON, path);
    }
  });

  test("asynchronously, too", async () => {
    const [one] = golden.cases as [Case];
    const network = networkOf(executor, one);
    await trainerOf(network, one).fit(batches(STEPS), { batchSize: golden.batchSize, shuffle: false });
    const weights = weightsOf(network);
    for (const [path, values] of Object.entries(byPath(one.float32.weights)))
      expectClose(weights[path] as number[], values, TOLERANCE, path);
    expect(weights).not.toEqual(byPath(golden.initial));
  });
});

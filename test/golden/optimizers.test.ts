import { describe, test } from "vitest";
import { unaryRule } from "../../lib/ops/unary.ts";
import type { Optimizer } from "../../lib/optimizers.ts";
import * as optimizers from "../../lib/optimizers.ts";
import * as schedules from "../../lib/schedules.ts";
import { expectClose, type Input, readGolden, runOp } from "./golden.ts";

type Options = { learningRate: number } & Record<string, number | boolean>;

interface Layer {
  kernel: number[];
  bias: number[];
}

interface Run {
  losses: number[];
  gradients?: Layer[];
  weights: Layer[];
}

interface Case {
  name: string;
  optimizer: string;
  options: Options;
  exponentialDecay?: schedules.DecayOptions;
  kernelRegularizer?: { l2: number };
  learningRateScales?: number[];
  float64: Run;
}

interface Golden {
  units: [number, ...number[]];
  activations: string[];
  batchSize: number;
  x: number[];
  y: number[];
  initial: Layer[];
  firstGradients: { float64: Layer[] };
  cases: Case[];
}

const golden = readGolden<Golden>("optimizers");
const IDENTITY = { function: "linear", alpha: 0, beta: 0 };
const LOSS = { function: "sparseCategoricalCrossentropyFromLogits", alpha: 0, beta: 0, sum: 0, gradient: 1 };
const BATCH = { batch: golden.batchSize };

const FACTORIES = { ...optimizers };

/** The optimizer that a user would get with the case's options. */
function createOptimizer({ optimizer, options, exponentialDecay }: Case): Optimizer {
  const factory = FACTORIES[optimizer as "sgd"];
  const schedule = exponentialDecay && schedules.exponentialDecay(exponentialDecay);
  return factory({ ...options, learningRate: schedule ?? options.learningRate });
}

/** A kernel or bias on its way. */
interface Parameter {
  readonly layer: number;
  readonly isKernel: boolean;
  readonly shape: number[];
  data: Float64Array;
  slots: Float64Array[];
}

function createParameters(optimizer: Optimizer): Parameter[] {
  return golden.initial.flatMap((initial, layer) =>
    [initial.kernel, initial.bias].map((values, i): Parameter => {
      const [inputs, units] = [golden.units[layer] as number, golden.units[layer + 1] as number];
      const slots = optimizer.slots.map(({ initial: start }) => new Float64Array(values.length).fill(start));
      const shape = i === 0 ? [inputs, units] : [units];
      return { layer, isKernel: i === 0, shape, data: Float64Array.from(values), slots };
    }),
  );
}

const batched = (data: ArrayLike<number>, shape: number[]): Input => ({ data, shape, batched: true });

/** Loss and gradients of one batch, by the ops that the lowered network would run. */
function backward(
  parameters: Parameter[],
  x: number[],
  y: number[],
): { loss: number; gradients: Float64Array[] } {
  const values: Input[] = [batched(x, [golden.units[0]])];
  for (const [l, activation] of golden.activations.entries()) {
    const inputs = [values[l], parameters[2 * l], parameters[2 * l + 1]] as Input[];
    const [z] = runOp("linear", inputs, { function: activation, alpha: 0, beta: 0 }, BATCH);
    values.push(batched(z as Float64Array, [golden.units[l + 1] as number]));
  }
  const ends = [values[values.length - 1] as Input, batched(y, [])];
  const [[loss], slopes] = runOp("loss", ends, LOSS, BATCH) as [[number], Float64Array];
  let dy = slopes;
  const gradients: Float64Array[] = [];
  for (let l = golden.activations.length - 1; l >= 0; l--) {
    const [input, output] = [values[l] as Input, values[l + 1] as Input];
    const { derivative } = unaryRule(golden.activations[l] as string);
    const dz = batched(
      dy.map((d, i) => d * derivative(output.data[i] as number, 0, 0)),
      [...output.shape],
    );
    const [dkernel, dbias] = runOp("linearGradKernel", [input, dz], { bias: 1 }, BATCH);
    gradients.unshift(dkernel as Float64Array, dbias as Float64Array);
    dy = runOp("linearGradInput", [dz, parameters[2 * l] as Parameter], IDENTITY, BATCH)[0] as Float64Array;
  }
  return { loss, gradients };
}

/** Adds l2 * sum of squares of the kernels to the loss, and its derivative to the gradients. */
function regularize(parameters: Parameter[], gradients: Float64Array[], l2: number): number {
  let penalty = 0;
  for (const [i, { data, isKernel }] of parameters.entries()) {
    if (!isKernel) continue;
    penalty += l2 * data.reduce((sum, w) => sum + w * w, 0);
    gradients[i] = (gradients[i] as Float64Array).map((g, k) => g + 2 * l2 * (data[k] as number));
  }
  return penalty;
}

function clipOne(op: string, data: Float64Array, limit: number): Float64Array {
  return runOp(op, [{ data, shape: [data.length] }], { limit })[0] as Float64Array;
}

/** The global norm is that of the whole gradient block. */
function clip(gradients: Float64Array[], optimizer: Optimizer): Float64Array[] {
  const { clipValue, clipNorm, globalClipNorm } = optimizer;
  if (clipValue !== undefined) return gradients.map((g) => clipOne("clipValue", g, clipValue));
  if (clipNorm !== undefined) return gradients.map((g) => clipOne("clipNorm", g, clipNorm));
  if (globalClipNorm === undefined) return gradients;
  const block = clipOne("clipNorm", Float64Array.from(gradients.flatMap((g) => [...g])), globalClipNorm);
  let end = 0;
  return gradients.map(({ length }) => {
    end += length;
    return block.slice(end - length, end);
  });
}

function update(
  optimizer: Optimizer,
  parameter: Parameter,
  gradient: Float64Array,
  step: number,
  scale: number,
): void {
  const { op, attributes, weightDecay, schedule } = optimizer;
  const shape = [parameter.data.length];
  const inputs = [parameter.data, gradient, ...parameter.slots].map((data) => ({ data, shape }));
  const call = { step, learningRate: schedule.rate(step) };
  const [data, ...slots] = runOp(op.name, inputs, { scale, weightDecay, ...attributes }, call);
  Object.assign(parameter, { data, slots });
}

/** Kernels and biases in the order of the parameters. */
function flatten(layers: Layer[]): number[][] {
  return layers.flatMap(({ kernel, bias }) => [kernel, bias]);
}

describe("ten steps are PyTorch's", () => {
  test.each(golden.cases)("$name", (one) => {
    const optimizer = createOptimizer(one);
    const parameters = createParameters(optimizer);
    const first = flatten(one.float64.gradients ?? golden.firstGradients.float64);
    const losses = one.float64.losses.map((_, step) => {
      const start = (step * golden.batchSize) % golden.y.length;
      const end = start + golden.batchSize;
      const width = golden.units[0];
      const batch = backward(
        parameters,
        golden.x.slice(start * width, end * width),
        golden.y.slice(start, end),
      );
      const penalty = regularize(parameters, batch.gradients, one.kernelRegularizer?.l2 ?? 0);
      const gradients = clip(batch.gradients, optimizer);
      for (const [i, parameter] of parameters.entries()) {
        const scale = one.learningRateScales?.[parameter.layer] ?? 1;
        if (scale === 0) continue; // frozen
        const gradient = gradients[i] as Float64Array;
        if (step === 0) expectClose(gradient, first[i] as number[], 1e-14, `gradient ${i}`);
        update(optimizer, parameter, gradient, step, scale);
      }
      return batch.loss + penalty;
    });
    expectClose(losses, one.float64.losses, 1e-12, "loss");
    const final = flatten(one.float64.weights);
    for (const [i, { data }] of parameters.entries())
      expectClose(data, final[i] as number[], 1e-12, `weights ${i}`);
  });
});

import { ShapeError } from "../errors.ts";
import { formatType, type Value, type ValueType, valueType } from "../graph/graph.ts";
import { at, type KernelCall, lastDimension, number, type OpDefinition, requireSame } from "./op.ts";

function requireChannels(x: ValueType, names: string, types: readonly ValueType[]): void {
  const width = lastDimension(x);
  if (x.shape.length === 0) throw new ShapeError(`the input must have a feature axis, got ${formatType(x)}`);
  for (const type of types) {
    if (type.batched || type.shape.length !== 1 || type.shape[0] !== width) {
      throw new ShapeError(`${names} must have shape [${width}], got ${formatType(type)}`);
    }
  }
}

const channels = (x: ValueType): ValueType => valueType(false, [lastDimension(x)]);
const rowsOf = (x: ValueType): ValueType => valueType(x.batched, x.shape.slice(0, -1));

/** Sums over rows of `term(element, channel)`, a number a channel. */
function channelSums(
  count: number,
  width: number,
  term: (i: number, channel: number) => number,
): Float64Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < count; i++) {
    const channel = i % width;
    sums[channel] = (sums[channel] as number) + term(i, channel);
  }
  return sums;
}

/**
 * Ioffe & Szegedy 2015: each channel (last axis) to mean 0 and variance 1 over the batch and all
 * other axes, then scaled and shifted. Also gives the batch's mean and biased variance.
 */
export const batchNormalizationOp: OpDefinition = {
  name: "batchNormalization",
  attributes: ["epsilon"],
  infer: (inputs) => {
    const [x, gamma, beta] = inputs as [ValueType, ValueType, ValueType];
    requireChannels(x, "gamma and beta", [gamma, beta]);
    return [x, channels(x), channels(x)];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const [x, gamma] = node.inputs as [Value, Value];
    const [, mean, variance] = node.outputs as [Value, Value, Value];
    return dy.graph.add(batchNormalizationGradOp, [dy, x, gamma, mean, variance], node.attributes);
  },
  run: ({ inputs, outputs, attributes }) => {
    const [x, gamma, beta] = [at(inputs, 0), at(inputs, 1).data, at(inputs, 2).data];
    const [y, mean, variance] = [at(outputs, 0).data, at(outputs, 1).data, at(outputs, 2).data];
    const width = lastDimension(x.type);
    const rows = x.count / width;
    const sums = channelSums(x.count, width, (i) => x.data[i] as number);
    const means = sums.map((sum) => sum / rows);
    const squares = channelSums(
      x.count,
      width,
      (i, c) => ((x.data[i] as number) - (means[c] as number)) ** 2,
    );
    const variances = squares.map((sum) => sum / rows);
    mean.set(means);
    variance.set(variances);
    const epsilon = number(attributes, "epsilon");
    for (let i = 0; i < x.count; i++) {
      const c = i % width;
      const normal =
        ((x.data[i] as number) - (means[c] as number)) / Math.sqrt((variances[c] as number) + epsilon);
      y[i] = normal * (gamma[c] as number) + (beta[c] as number);
    }
  },
};

export const batchNormalizationGradOp: OpDefinition = {
  name: "batchNormalizationGrad",
  attributes: ["epsilon"],
  infer: (inputs) => {
    const [dy, x, gamma, mean, variance] = inputs as [ValueType, ValueType, ValueType, ValueType, ValueType];
    requireSame("gradient and input", dy, x);
    requireChannels(x, "gamma, mean and variance", [gamma, mean, variance]);
    return [x, channels(x), channels(x)];
  },
  run: ({ inputs, outputs, attributes }) => {
    const [dy, x, gamma] = [at(inputs, 0).data, at(inputs, 1), at(inputs, 2).data];
    const [mean, variance] = [at(inputs, 3).data, at(inputs, 4).data];
    const width = lastDimension(x.type);
    const rows = x.count / width;
    const epsilon = number(attributes, "epsilon");
    const rstd = (c: number): number => 1 / Math.sqrt((variance[c] as number) + epsilon);
    const normal = (i: number, c: number): number => ((x.data[i] as number) - (mean[c] as number)) * rstd(c);
    const dbeta = channelSums(x.count, width, (i) => dy[i] as number);
    const dgamma = channelSums(x.count, width, (i, c) => (dy[i] as number) * normal(i, c));
    const dx = at(outputs, 0).data;
    for (let i = 0; i < x.count; i++) {
      const c = i % width;
      const centred =
        (dy[i] as number) - ((dbeta[c] as number) + normal(i, c) * (dgamma[c] as number)) / rows;
      dx[i] = (gamma[c] as number) * rstd(c) * centred;
    }
    at(outputs, 1).data.set(dgamma);
    at(outputs, 2).data.set(dbeta);
  },
};

/** state · momentum + value · (1 - momentum), written over the state. */
export const movingAverageOp: OpDefinition = {
  name: "movingAverage",
  attributes: ["momentum"],
  inPlace: [0],
  infer: (inputs) => {
    requireSame("state and value", at(inputs, 0), at(inputs, 1));
    return [at(inputs, 0)];
  },
  run: ({ inputs, outputs, attributes }) => {
    const momentum = number(attributes, "momentum");
    const [state, value] = [at(inputs, 0), at(inputs, 1).data];
    const out = at(outputs, 0).data;
    for (let i = 0; i < state.count; i++) {
      out[i] = (state.data[i] as number) * momentum + (value[i] as number) * (1 - momentum);
    }
  },
};

/** Mean and reciprocal deviation of the row that starts at `start`. */
function rowMoments(
  data: ArrayLike<number>,
  start: number,
  width: number,
  epsilon: number,
): [number, number] {
  let sum = 0;
  for (let i = start; i < start + width; i++) sum += data[i] as number;
  const mean = sum / width;
  let squares = 0;
  for (let i = start; i < start + width; i++) squares += ((data[i] as number) - mean) ** 2;
  return [mean, 1 / Math.sqrt(squares / width + epsilon)];
}

/** Ba et al. 2016: each row (last axis) to mean 0 and variance 1, then scaled and shifted. */
export const layerNormalizationOp: OpDefinition = {
  name: "layerNormalization",
  attributes: ["epsilon"],
  infer: (inputs) => {
    const [x, gamma, beta] = inputs as [ValueType, ValueType, ValueType];
    requireChannels(x, "gamma and beta", [gamma, beta]);
    return [x, rowsOf(x), rowsOf(x)];
  },
  vjp: (node, [dy]) => {
    if (dy === undefined) return [];
    const [x, gamma] = node.inputs as [Value, Value];
    const [, mean, rstd] = node.outputs as [Value, Value, Value];
    return dy.graph.add(layerNormalizationGradOp, [dy, x, gamma, mean, rstd]);
  },
  run: ({ inputs, outputs, attributes }) => {
    const [x, gamma, beta] = [at(inputs, 0), at(inputs, 1).data, at(inputs, 2).data];
    const [y, means, rstds] = [at(outputs, 0).data, at(outputs, 1).data, at(outputs, 2).data];
    const width = lastDimension(x.type);
    for (let row = 0; row * width < x.count; row++) {
      const start = row * width;
      const [mean, rstd] = rowMoments(x.data, start, width, number(attributes, "epsilon"));
      means[row] = mean;
      rstds[row] = rstd;
      for (let c = 0; c < width; c++) {
        y[start + c] =
          ((x.data[start + c] as number) - mean) * rstd * (gamma[c] as number) + (beta[c] as number);
      }
    }
  },
};

function layerNormalizationGradRow(
  call: KernelCall,
  row: number,
  width: number,
  dgamma: Float64Array,
  dbeta: Float64Array,
): void {
  const [dy, x, gamma] = [at(call.inputs, 0).data, at(call.inputs, 1).data, at(call.inputs, 2).data];
  const [mean, rstd] = [at(call.inputs, 3).data[row] as number, at(call.inputs, 4).data[row] as number];
  const dx = at(call.outputs, 0).data;
  const start = row * width;
  let [sum, projection] = [0, 0];
  for (let c = 0; c < width; c++) {
    const [d, normal] = [dy[start + c] as number, ((x[start + c] as number) - mean) * rstd];
    dgamma[c] = (dgamma[c] as number) + d * normal;
    dbeta[c] = (dbeta[c] as number) + d;
    sum += d * (gamma[c] as number);
    projection += d * (gamma[c] as number) * normal;
  }
  for (let c = 0; c < width; c++) {
    const normal = ((x[start + c] as number) - mean) * rstd;
    dx[start + c] =
      rstd * ((dy[start + c] as number) * (gamma[c] as number) - (sum + normal * projection) / width);
  }
}

export const layerNormalizationGradOp: OpDefinition = {
  name: "layerNormalizationGrad",
  attributes: [],
  infer: (inputs) => {
    const [dy, x, gamma, mean, rstd] = inputs as [ValueType, ValueType, ValueType, ValueType, ValueType];
    requireSame("gradient and input", dy, x);
    requireChannels(x, "gamma", [gamma]);
    requireSame("mean and rows", mean, rowsOf(x));
    requireSame("rstd and rows", rstd, rowsOf(x));
    return [x, channels(x), channels(x)];
  },
  run: (call) => {
    const x = at(call.inputs, 1);
    const width = lastDimension(x.type);
    const [dgamma, dbeta] = [new Float64Array(width), new Float64Array(width)];
    for (let row = 0; row * width < x.count; row++)
      layerNormalizationGradRow(call, row, width, dgamma, dbeta);
    at(call.outputs, 1).data.set(dgamma);
    at(call.outputs, 2).data.set(dbeta);
  },
};

export interface BatchNormalized {
  readonly y: Value;
  readonly mean: Value;
  readonly variance: Value;
}

/** Normalizes each channel by the batch's own mean and variance. */
export function batchNormalization(x: Value, gamma: Value, beta: Value, epsilon: number): BatchNormalized {
  const [y, mean, variance] = x.graph.add(batchNormalizationOp, [x, gamma, beta], { epsilon });
  return { y: y as Value, mean: mean as Value, variance: variance as Value };
}

/** Writes state · momentum + value · (1 - momentum) into a variable after each step. */
export function movingAverage(state: Value, value: Value, momentum: number): void {
  state.graph.addEffect(movingAverageOp, [state, value], { momentum });
}

/** Normalizes each row by its own mean and variance. */
export function layerNormalization(x: Value, gamma: Value, beta: Value, epsilon: number): Value {
  return x.graph.add(layerNormalizationOp, [x, gamma, beta], { epsilon })[0] as Value;
}

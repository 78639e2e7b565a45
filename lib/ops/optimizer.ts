import { ShapeError } from "../errors.ts";
import type { FloatArray } from "../tensor.ts";
import { at, type KernelCall, number, type OpDefinition, requireSame } from "./op.ts";

type Slots = readonly FloatArray[];

/** Constants of one update, read once per block. */
interface Update {
  readonly rate: number;
  /** 1 for the first step. */
  readonly t: number;
  get(name: string): number;
}

/** New value of a parameter from its gradient; slots are written in place at index i. */
type UpdateRule = (p: number, g: number, slots: Slots, i: number, update: Update) => number;

/**
 * An optimizer over one block of memory: inputs are parameters, gradients and slots; the outputs are
 * the same memory of parameters and slots. Weight decay is decoupled (Loshchilov & Hutter 2019).
 */
function optimizer(
  name: string,
  attributes: readonly string[],
  slots: [number, number],
  rule: UpdateRule,
): OpDefinition {
  return {
    name,
    attributes: ["scale", "weightDecay", ...attributes],
    inPlace: [0, 2, 3, 4],
    infer: (inputs) => {
      const count = inputs.length - 2;
      if (count < slots[0] || count > slots[1])
        throw new ShapeError(`expected ${slots.join(" to ")} slots, got ${count}`);
      for (const input of inputs) requireSame("parameters, gradients and slots", at(inputs, 0), input);
      return inputs.filter((_, i) => i !== 1);
    },
    run: (call) => runUpdate(call, rule),
  };
}

function runUpdate(call: KernelCall, rule: UpdateRule): void {
  const rate = call.learningRate * number(call.attributes, "scale");
  const decay = rate * number(call.attributes, "weightDecay");
  const update: Update = { rate, t: call.step + 1, get: (name) => number(call.attributes, name) };
  const [p, g] = [at(call.outputs, 0), at(call.inputs, 1).data];
  const slots = call.outputs.slice(1).map((slot) => slot.data);
  for (let i = 0; i < p.count; i++) {
    const value = p.data[i] as number;
    p.data[i] = rule(value - decay * value, g[i] as number, slots, i, update);
  }
}

/** slot[i] = slot[i] · rate + value · (1 - rate); returns it. */
function average(slot: FloatArray, i: number, rate: number, value: number): number {
  slot[i] = (slot[i] as number) * rate + value * (1 - rate);
  return slot[i] as number;
}

export const sgdOp: OpDefinition = optimizer(
  "sgd",
  ["momentum", "nesterov"],
  [0, 1],
  (p, g, [velocity], i, u) => {
    if (velocity === undefined) return p - u.rate * g;
    const momentum = u.get("momentum");
    const v = momentum * (velocity[i] as number) - u.rate * g;
    velocity[i] = v;
    return u.get("nesterov") === 1 ? p + momentum * v - u.rate * g : p + v;
  },
);

export const rmspropOp: OpDefinition = optimizer(
  "rmsprop",
  ["rho", "epsilon", "momentum", "centered"],
  [1, 3],
  (p, g, slots, i, u) => {
    const momentum = u.get("momentum");
    const rho = u.get("rho");
    let square = average(at(slots, 0), i, rho, g * g);
    // A gradient that never changes has variance 0, which rounding must not make negative.
    if (u.get("centered") === 1)
      square = Math.max(square - average(at(slots, slots.length - 1), i, rho, g) ** 2, 0);
    const direction = g / (Math.sqrt(square) + u.get("epsilon"));
    if (momentum === 0) return p - u.rate * direction;
    const velocity = at(slots, 1);
    velocity[i] = momentum * (velocity[i] as number) + direction;
    return p - u.rate * (velocity[i] as number);
  },
);

export const adagradOp: OpDefinition = optimizer("adagrad", ["epsilon"], [1, 1], (p, g, slots, i, u) => {
  const sum = at(slots, 0);
  sum[i] = (sum[i] as number) + g * g;
  return p - (u.rate * g) / (Math.sqrt(sum[i] as number) + u.get("epsilon"));
});

export const adadeltaOp: OpDefinition = optimizer(
  "adadelta",
  ["rho", "epsilon"],
  [2, 2],
  (p, g, slots, i, u) => {
    const [rho, epsilon] = [u.get("rho"), u.get("epsilon")];
    const square = average(at(slots, 0), i, rho, g * g);
    const delta = (g * Math.sqrt((at(slots, 1)[i] as number) + epsilon)) / Math.sqrt(square + epsilon);
    average(at(slots, 1), i, rho, delta * delta);
    return p - u.rate * delta;
  },
);

export const adamOp: OpDefinition = optimizer(
  "adam",
  ["beta1", "beta2", "epsilon"],
  [2, 3],
  (p, g, slots, i, u) => {
    const [beta1, beta2] = [u.get("beta1"), u.get("beta2")];
    const m = average(at(slots, 0), i, beta1, g);
    let v = average(at(slots, 1), i, beta2, g * g);
    const largest = slots[2];
    if (largest !== undefined) {
      v = Math.max(largest[i] as number, v);
      largest[i] = v;
    }
    const denominator = Math.sqrt(v) / Math.sqrt(1 - beta2 ** u.t) + u.get("epsilon");
    return p - ((u.rate / (1 - beta1 ** u.t)) * m) / denominator;
  },
);

export const adamaxOp: OpDefinition = optimizer(
  "adamax",
  ["beta1", "beta2", "epsilon"],
  [2, 2],
  (p, g, slots, i, u) => {
    const beta1 = u.get("beta1");
    const m = average(at(slots, 0), i, beta1, g);
    const norm = at(slots, 1);
    norm[i] = Math.max(u.get("beta2") * (norm[i] as number), Math.abs(g) + u.get("epsilon"));
    return p - ((u.rate / (1 - beta1 ** u.t)) * m) / (norm[i] as number);
  },
);

/** Momentum of step t and the product of those of steps 1 to t (Dozat 2016, with PyTorch's decay). */
export function nadamMomenta(
  beta1: number,
  decay: number,
  t: number,
): { current: number; next: number; product: number } {
  const momentum = (step: number): number => beta1 * (1 - 0.5 * 0.96 ** (step * decay));
  let product = 1;
  // Below 1e-18 the product no longer changes 1 - product.
  for (let step = 1; step <= t && product > 1e-18; step++) product *= momentum(step);
  return { current: momentum(t), next: momentum(t + 1), product };
}

const nadamRule = optimizer("nadam", ["beta1", "beta2", "epsilon", "decay"], [2, 2], (p, g, slots, i, u) => {
  const [beta1, beta2] = [u.get("beta1"), u.get("beta2")];
  const m = average(at(slots, 0), i, beta1, g);
  const v = average(at(slots, 1), i, beta2, g * g);
  const denominator = Math.sqrt(v / (1 - beta2 ** u.t)) + u.get("epsilon");
  const fromGradient = (u.rate * (1 - u.get("current"))) / (1 - u.get("product"));
  const fromMomentum = (u.rate * u.get("next")) / (1 - u.get("product") * u.get("next"));
  return p - (fromGradient * g + fromMomentum * m) / denominator;
});

export const nadamOp: OpDefinition = {
  ...nadamRule,
  run: (call) => {
    const momenta = nadamMomenta(
      number(call.attributes, "beta1"),
      number(call.attributes, "decay"),
      call.step + 1,
    );
    nadamRule.run({ ...call, attributes: { ...call.attributes, ...momenta } });
  },
};

/** Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms". */
export const lionOp: OpDefinition = optimizer("lion", ["beta1", "beta2"], [1, 1], (p, g, slots, i, u) => {
  const beta1 = u.get("beta1");
  const m = at(slots, 0);
  const direction = Math.sign(beta1 * (m[i] as number) + (1 - beta1) * g);
  average(m, i, u.get("beta2"), g);
  return p - u.rate * direction;
});

/** The ops that change parameters. */
export const OPTIMIZERS: readonly OpDefinition[] = [
  sgdOp,
  rmspropOp,
  adagradOp,
  adadeltaOp,
  adamOp,
  adamaxOp,
  nadamOp,
  lionOp,
];

/** Ends the step before it writes state when the loss or a gradient is not finite. */
export const guardOp: OpDefinition = {
  name: "guard",
  attributes: [],
  infer: () => [],
  run: ({ inputs, fail }) => {
    for (const input of inputs) {
      for (let i = 0; i < input.count; i++) if (!Number.isFinite(input.data[i])) return fail();
    }
  },
};

/** Limits each gradient to [-limit, limit]. */
export const clipValueOp: OpDefinition = {
  name: "clipValue",
  attributes: ["limit"],
  inPlace: [0],
  infer: (inputs) => [at(inputs, 0)],
  run: ({ inputs, outputs, attributes }) => {
    const limit = number(attributes, "limit");
    const [g, out] = [at(inputs, 0), at(outputs, 0).data];
    for (let i = 0; i < g.count; i++) out[i] = Math.min(Math.max(g.data[i] as number, -limit), limit);
  },
};

/** Scales a block of gradients so that its norm is at most `limit`. */
export const clipNormOp: OpDefinition = {
  name: "clipNorm",
  attributes: ["limit"],
  inPlace: [0],
  infer: (inputs) => [at(inputs, 0)],
  run: ({ inputs, outputs, attributes }) => {
    const limit = number(attributes, "limit");
    const [g, out] = [at(inputs, 0), at(outputs, 0).data];
    let squares = 0;
    for (let i = 0; i < g.count; i++) squares += (g.data[i] as number) ** 2;
    const factor = limit / Math.max(Math.sqrt(squares), limit);
    for (let i = 0; i < g.count; i++) out[i] = (g.data[i] as number) * factor;
  },
};

import { describe, expect, it } from "vitest";
import { layers, Network, NonFiniteError, optimizers, regularizers, Trainer } from "../../lib/index.ts";

const DATA = {
  x: Array.from({ length: 37 }, (_, i) => Array.from({ length: 9 }, (_, j) => Math.sin(i * 9 + j))),
  y: Array.from({ length: 37 }, (_, i) => [Math.cos(i), Math.sin(i)]),
};

interface Setting {
  executor?: "native" | "reference";
  precision?: "bf16";
  l2?: boolean;
  frozen?: boolean;
  groups?: { layers: string[]; learningRateScale?: number; weightDecay?: number }[];
}

function trainer(
  optimizer: optimizers.Optimizer,
  { executor, precision, l2, frozen, groups }: Setting = {},
): Trainer {
  const hidden = layers.dense({
    units: 20,
    activation: "tanh",
    name: "hidden",
    trainable: frozen !== true,
    ...(l2 === true ? { kernelRegularizer: regularizers.l2({ l2: 0.01 }) } : {}),
  });
  const network = new Network({
    input: [9],
    layers: [hidden, layers.dense({ units: 2, name: "out" })],
    seed: 3,
    ...(executor && { executor }),
    ...(precision && { precision }),
  });
  return new Trainer(network, { loss: "meanSquaredError", optimizer, ...(groups && { groups }) }) as Trainer;
}

const plain = optimizers.sgd({ learningRate: 0.1 });
/** The same, but with a gradient in memory: a limit that is never reached. */
const stored = optimizers.sgd({ learningRate: 0.1, clipValue: 1e30 });

function weightsAfter(one: Trainer): number[] {
  one.fitSync(DATA as never, { epochs: 5, batchSize: 8 });
  return one.network.weights.flatMap(({ data }) => [...data]);
}

const opsOf = (one: Trainer): string[] =>
  [...one.explain(8).matchAll(/^ *\d+ (\w+)/gm)].map((match) => match[1] as string);

describe("plain gradient descent", () => {
  it("keeps no gradient in memory", () => {
    expect(opsOf(trainer(plain))).not.toContain("sgd");
    expect(trainer(plain).explain(8)).toContain("gradient 0 B");
    expect(opsOf(trainer(stored))).toContain("sgd");
  });

  it("gives the weights of a stored gradient, to the bit", () => {
    expect(weightsAfter(trainer(plain))).toEqual(weightsAfter(trainer(stored)));
  });

  it("does so in bf16 too", () => {
    const precision = "bf16";
    expect(opsOf(trainer(plain, { precision }))).toContain("linearUpdateBf16");
    expect(weightsAfter(trainer(plain, { precision }))).toEqual(weightsAfter(trainer(stored, { precision })));
  });

  it("gives the same weights on the reference executor", () => {
    const apart = weightsAfter(trainer(stored, { executor: "reference" }));
    weightsAfter(trainer(plain, { executor: "reference" })).forEach((weight, i) => {
      expect(weight).toBeCloseTo(apart[i] as number, 6);
    });
  });

  it("follows groups and frozen layers", () => {
    const groups = [{ layers: ["out"], learningRateScale: 0.25 }];
    expect(weightsAfter(trainer(plain, { groups }))).toEqual(weightsAfter(trainer(stored, { groups })));
    const frozen = { frozen: true };
    expect(weightsAfter(trainer(plain, frozen))).toEqual(weightsAfter(trainer(stored, frozen)));
  });

  it("stores the gradients of what is regularized, decays, or has momentum", () => {
    const l2 = trainer(plain, { l2: true });
    expect(opsOf(l2).filter((op) => op === "linearUpdate" || op === "sgd")).toEqual(["linearUpdate", "sgd"]);
    expect(weightsAfter(l2)).toEqual(weightsAfter(trainer(stored, { l2: true })));
    const groups = [{ layers: ["hidden"], weightDecay: 0.1 }];
    expect(opsOf(trainer(plain, { groups }))).toContain("sgd");
    expect(opsOf(trainer(optimizers.sgd({ momentum: 0.9 })))).not.toContain("linearUpdate");
  });

  for (const executor of ["native", "reference"] as const) {
    it(`leaves the weights alone in a step that is not finite, ${executor}`, () => {
      const network = new Network({
        input: [9],
        layers: [layers.dense({ units: 2, kernelInitializer: "zeros" })],
        executor,
      });
      const one = new Trainer(network, { loss: "meanSquaredError", optimizer: plain });
      const before = network.weights.flatMap(({ data }) => [...data]);
      // The output is 0 and the loss 1e34, but the gradient beyond the largest float.
      const x = DATA.x.map((row) => row.map((value) => value * 1e25));
      const y = DATA.y.map((row) => row.map((value) => value * 1e17));
      const fit = (): unknown => one.fitSync({ x, y }, { epochs: 1, batchSize: 8, shuffle: false });
      expect(fit).toThrow(NonFiniteError);
      expect(network.weights.flatMap(({ data }) => [...data])).toEqual(before);
    });
  }
});

/** Optimizers by their names, with and without a limit that is never reached, for which the gradient is stored. */
const OPTIMIZERS: Record<string, (options: { clipValue?: number }) => optimizers.Optimizer> = {
  momentum: (options) => optimizers.sgd({ ...options, learningRate: 0.01, momentum: 0.9, nesterov: true }),
  decay: (options) => optimizers.sgd({ ...options, learningRate: 0.01, weightDecay: 0.1 }),
  rmsprop: (options) => optimizers.rmsprop({ ...options, momentum: 0.5, centered: true }),
  adagrad: optimizers.adagrad,
  adadelta: optimizers.adadelta,
  adam: optimizers.adam,
  amsgrad: (options) => optimizers.adam({ ...options, amsgrad: true }),
  adamw: optimizers.adamw,
  adamax: optimizers.adamax,
  nadam: optimizers.nadam,
  lion: optimizers.lion,
};

describe("an optimizer with slots", () => {
  const wide = { x: 160, units: 128 };
  const data = {
    x: Array.from({ length: 37 }, (_, i) => Array.from({ length: wide.x }, (_, j) => Math.sin(i * 9 + j))),
    y: DATA.y,
  };
  function large(optimizer: optimizers.Optimizer, { executor, precision, groups }: Setting = {}): Trainer {
    const network = new Network({
      input: [wide.x],
      layers: [
        layers.dense({ units: wide.units, activation: "relu", name: "hidden" }),
        layers.dense({ units: 2, name: "out" }),
      ],
      seed: 3,
      ...(executor && { executor }),
      ...(precision && { precision }),
    });
    return new Trainer(network, {
      loss: "meanSquaredError",
      optimizer,
      ...(groups && { groups }),
    }) as Trainer;
  }
  function trained(one: Trainer): number[] {
    one.fitSync(data as never, { epochs: 3, batchSize: 8 });
    return one.network.weights.flatMap(({ data: weights }) => [...weights]);
  }

  for (const [name, make] of Object.entries(OPTIMIZERS)) {
    it(`updates a large layer within its gradient's product, to the bit of a stored gradient: ${name}`, () => {
      const ops = opsOf(large(make({})));
      const fused = ops.filter((op) => /^linear(Sgd|Rms|Ada|Nadam|Lion)/.test(op));
      expect(fused).toHaveLength(1);
      expect(ops).toContain(fused[0]?.slice(6).toLowerCase());
      expect(trained(large(make({})))).toEqual(trained(large(make({ clipValue: 1e30 }))));
    });

    it(`agrees with the reference executor: ${name}`, () => {
      const expected = trained(large(make({}), { executor: "reference" }));
      // A sign flips where a sum of opposite numbers is nearly 0, and then a weight moves the other way.
      const digits = name === "lion" ? 2 : 3;
      trained(large(make({}))).forEach((weight, i) => {
        expect(weight).toBeCloseTo(expected[i] as number, digits);
      });
    });
  }

  it("does so in bf16 too", () => {
    const precision = "bf16";
    expect(opsOf(large(optimizers.adam(), { precision }))).toContain("linearAdamBf16");
    const stored = large(optimizers.adam({ clipValue: 1e30 }), { precision });
    expect(trained(large(optimizers.adam(), { precision }))).toEqual(trained(stored));
  });

  it("follows groups", () => {
    const groups = [{ layers: ["hidden"], learningRateScale: 0.25, weightDecay: 0.1 }];
    const stored = large(optimizers.adam({ clipValue: 1e30 }), { groups });
    expect(trained(large(optimizers.adam(), { groups }))).toEqual(trained(stored));
  });

  it("leaves weights and slots alone in a step that is not finite", () => {
    const one = large(optimizers.adam());
    const other = large(optimizers.adam());
    const broken = { x: data.x.map((row) => row.map((value) => value * 3e38)), y: data.y };
    expect(() => one.fitSync(broken as never, { epochs: 1, batchSize: 8 })).toThrow(NonFiniteError);
    expect(trained(one)).toEqual(trained(other));
  });

  it("stores the gradients of small layers, which are updated side by side", () => {
    const ops = opsOf(trainer(optimizers.adam()));
    expect(ops.filter((op) => op.endsWith("dam"))).toEqual(["adam"]);
  });
});

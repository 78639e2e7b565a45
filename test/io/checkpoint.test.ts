import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Callback } from "../../lib/callbacks/callback.ts";
import { FileError, OptionError } from "../../lib/errors.ts";
import type { ExecutorName } from "../../lib/executor/native.ts";
import { layers, Network, optimizers, schedules, Trainer } from "../../lib/index.ts";
import type { Optimizer } from "../../lib/optimizers.ts";
import { edit, executors, readParts, temporaryFolder } from "./files.ts";

const folder = temporaryFolder();
let count = 0;
const fresh = (): string => join(folder, `${count++}.safetensors`);

const SAMPLES = 50;
const samples = {
  x: { data: Float32Array.from({ length: SAMPLES * 6 }, (_, i) => Math.sin(i * 0.7)), shape: [SAMPLES, 6] },
  y: { data: Uint8Array.from({ length: SAMPLES }, (_, i) => (i * i) % 3), shape: [SAMPLES] },
};

const adam = (): Optimizer =>
  optimizers.adam({
    learningRate: schedules.cosineDecay({ initialLearningRate: 0.01, decaySteps: 50 }),
    amsgrad: true,
  });

/** As a new process would make them: with the same seed, or with another. */
function make(executor: ExecutorName, optimizer: Optimizer = adam(), seed = 21): Trainer {
  const network = new Network({
    input: [6],
    layers: [
      layers.dense({ units: 9, activation: "relu" }),
      layers.batchNormalization({ momentum: 0.8 }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 3, activation: "softmax", name: "last" }),
    ],
    seed,
    executor,
  });
  return new Trainer(network, { loss: "sparseCategoricalCrossentropy", optimizer });
}

/** Slots of the parameters; the gaps between them mean nothing. */
function slotsOf({ network, slots, optimizer }: Trainer): number[][] {
  const { parameterSize, entries } = network.layout;
  return optimizer.slots.flatMap((_, i) =>
    [...entries.values()]
      .filter(({ declaration }) => declaration.kind === "parameter")
      .map(({ offset, size }) => [
        ...slots.subarray(i * parameterSize + offset, i * parameterSize + offset + size),
      ]),
  );
}

function expectSame(a: Trainer, b: Trainer): void {
  expect(a.network.state).toEqual(b.network.state);
  expect(slotsOf(a)).toEqual(slotsOf(b));
  expect([a.step, a.epoch, a.learningRate]).toEqual([b.step, b.epoch, b.learningRate]);
}

const BATCH = { batchSize: 8 };

describe.each(executors)("%s", (executor) => {
  it("4 epochs, a checkpoint and 6 more in another process are 10 epochs, bit by bit", async () => {
    const whole = make(executor);
    await whole.fit(samples, { epochs: 10, ...BATCH });
    const first = make(executor);
    await first.fit(samples, { epochs: 4, ...BATCH });
    const path = fresh();
    await first.save(path);
    // The checkpoint's seed counts, not the new network's.
    const second = make(executor, adam(), 99);
    await second.restore(path);
    expectSame(second, first);
    const { epochs } = await second.fit(samples, { epochs: 10, resume: true, ...BATCH });
    expect(epochs).toBe(6);
    expectSame(second, whole);
  });

  it("an abort in the middle of an epoch loses nothing", async () => {
    const whole = make(executor);
    whole.fitSync(samples, { epochs: 5, ...BATCH });
    const controller = new AbortController();
    const first = make(executor);
    let batches = 0;
    const abort: Callback = {
      onBatchEnd: () => {
        if (++batches === 17) controller.abort(new Error("enough"));
      },
    };
    const training = first.fit(samples, {
      epochs: 5,
      ...BATCH,
      callbacks: [abort],
      signal: controller.signal,
    });
    await expect(training).rejects.toThrow("enough");
    const path = fresh();
    await first.save(path);
    const second = make(executor);
    await second.restore(path);
    expectSame(second, first);
    await second.fit(samples, { epochs: 5, resume: true, ...BATCH });
    expectSame(second, whole);
  });

  it("the aborted trainer itself goes on, too", async () => {
    const whole = make(executor);
    whole.fitSync(samples, { epochs: 400, ...BATCH });
    const controller = new AbortController();
    const first = make(executor);
    const training = first.fit(samples, { epochs: 400, ...BATCH, signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await training.catch(() => {});
    await first.save(fresh());
    await first.fit(samples, { epochs: 400, resume: true, ...BATCH });
    expectSame(first, whole);
  });

  it("a callback saves at the end of an epoch", async () => {
    const whole = make(executor);
    whole.fitSync(samples, { epochs: 3, ...BATCH });
    const path = fresh();
    const save: Callback = {
      onEpochEnd: (epoch, _, context) => (epoch === 1 ? context.trainer.save(path) : undefined),
    };
    await make(executor).fit(samples, { epochs: 3, ...BATCH, callbacks: [save] });
    const second = make(executor);
    await second.restore(path);
    expect(second.epoch).toBe(2);
    second.fitSync(samples, { epochs: 3, resume: true, ...BATCH });
    expectSame(second, whole);
  });
});

it.each(executors)("a callback may save after any batch, or in a group of epochs (%s)", async (executor) => {
  const whole = make(executor);
  whole.fitSync(samples, { epochs: 6, ...BATCH });
  const paths: string[] = [];
  const save: Callback = {
    passive: true,
    onBatchEnd: async (batch, _, { trainer }) => {
      if (batch % 3 === 1) await trainer.save(paths[paths.push(fresh()) - 1] as string);
    },
    onEpochEnd: (_, __, { trainer }) => trainer.save(paths[paths.push(fresh()) - 1] as string),
  };
  await make(executor).fit(samples, { epochs: 6, ...BATCH, callbacks: [save] });
  expect(paths).toHaveLength(6 * 3);
  for (const path of paths) {
    const second = make(executor);
    await second.restore(path);
    second.fitSync(samples, { epochs: 6, resume: true, ...BATCH });
    expectSame(second, whole);
  }
});

it("after an error of a callback the training can go on", async () => {
  const whole = make("reference");
  whole.fitSync(samples, { epochs: 4, ...BATCH });
  const first = make("reference");
  const broken: Callback = {
    onBatchEnd: () => {
      if (first.step === 10) throw new Error("broken");
    },
  };
  await expect(first.fit(samples, { epochs: 4, ...BATCH, callbacks: [broken] })).rejects.toThrow("broken");
  await first.fit(samples, { epochs: 4, resume: true, ...BATCH });
  expectSame(first, whole);
});

it.each([
  optimizers.sgd(),
  optimizers.sgd({ momentum: 0.9, nesterov: true }),
  optimizers.rmsprop({ momentum: 0.5, centered: true }),
  optimizers.adagrad(),
  optimizers.adadelta(),
  optimizers.adamw(),
  optimizers.adamax(),
  optimizers.nadam(),
  optimizers.lion(),
])("every optimizer goes on: $name", async (optimizer) => {
  const whole = make("reference", optimizer);
  whole.fitSync(samples, { epochs: 3, ...BATCH });
  const first = make("reference", optimizer);
  first.fitSync(samples, { epochs: 1, ...BATCH });
  const path = fresh();
  await first.save(path);
  const second = make("reference", optimizer);
  await second.restore(path);
  second.fitSync(samples, { epochs: 3, resume: true, ...BATCH });
  expectSame(second, whole);
});

it("the state at the call is what is saved", async () => {
  const trainer = make("reference");
  trainer.fitSync(samples, BATCH);
  const [state, slots] = [Float32Array.from(trainer.network.state), slotsOf(trainer)];
  const path = fresh();
  const saving = trainer.save(path);
  trainer.fitSync(samples, BATCH);
  await saving;
  const second = make("reference");
  await second.restore(path);
  expect(second.network.state).toEqual(state);
  expect(slotsOf(second)).toEqual(slots);
  expect(second.step).toBe(7);
});

it("keeps learning rate factor and callbacks' states, in a tensor that may be large", async () => {
  const counter = (): Callback & { seen: string } => ({
    name: "counter",
    seen: "",
    onEpochEnd() {
      this.seen += "ä".repeat(10);
    },
    state() {
      return { seen: this.seen, none: null, list: [1.5, { deep: true }], left: undefined };
    },
    restore(state) {
      this.seen = (state as { seen: string }).seen;
    },
  });
  const first = make("reference");
  const callback = counter();
  first.fitSync(samples, { epochs: 2, ...BATCH, callbacks: [callback, { state: () => "nameless" }] });
  first.learningRateFactor = 0.25;
  const path = fresh();
  await first.save(path);
  expect(readParts(path).header["trainer:callbacks"]?.dtype).toBe("U8");
  const second = make("reference");
  await second.restore(path);
  expect(second.learningRateFactor).toBe(0.25);
  expect(second.learningRate).toBe(first.learningRate);
  // Not resumed yet: what was restored is still there when saved again.
  const again = fresh();
  await second.save(again);
  expect(readFileSync(again)).toEqual(readFileSync(path));
  const restored = counter();
  second.fitSync(samples, { epochs: 3, resume: true, ...BATCH, callbacks: [restored] });
  expect(restored.seen).toBe("ä".repeat(30));
});

it("refuses a callback's state that JSON would spoil", async () => {
  const trainer = make("reference");
  trainer.fitSync(samples, {
    callbacks: [{ name: "best", state: () => ({ loss: Number.POSITIVE_INFINITY }) }],
  });
  const path = fresh();
  await expect(trainer.save(path)).rejects.toThrow(OptionError);
  await expect(trainer.save(path)).rejects.toThrow(
    /state of callbacks\.best\.loss must be something that JSON can hold, got Infinity/,
  );
});

describe("a checkpoint that is refused changes nothing", () => {
  async function refusal(path: string, trainer: Trainer = make("reference", adam(), 5)): Promise<string> {
    trainer.fitSync(samples, BATCH);
    const before = [
      [...trainer.network.state],
      slotsOf(trainer),
      trainer.step,
      trainer.epoch,
      trainer.learningRateFactor,
    ];
    const error = await trainer.restore(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    const after = [
      [...trainer.network.state],
      slotsOf(trainer),
      trainer.step,
      trainer.epoch,
      trainer.learningRateFactor,
    ];
    expect(after).toEqual(before);
    return (error as Error).message;
  }

  async function checkpoint(): Promise<string> {
    const trainer = make("reference");
    trainer.fitSync(samples, BATCH);
    const path = fresh();
    await trainer.save(path);
    return path;
  }

  it("of another optimizer", async () => {
    const path = await checkpoint();
    const other = (optimizer: Optimizer): Promise<string> => refusal(path, make("reference", optimizer));
    expect(await other(optimizers.sgd())).toMatch(/optimizer is "adam", the trainer's is "sgd"/);
    expect(await other(optimizers.adam({ beta1: 0.8, amsgrad: true }))).toMatch(
      /has beta1 0.9, the trainer's has 0.8/,
    );
    expect(await other(optimizers.adam())).toMatch(/has the slots m, v, vmax, the trainer's m, v/);
  });

  it("of another network", async () => {
    const path = await checkpoint();
    const network = new Network({
      input: [6],
      layers: [layers.dense({ units: 3, activation: "softmax" })],
      executor: "reference",
    });
    const trainer = new Trainer(network, { loss: "sparseCategoricalCrossentropy", optimizer: adam() });
    expect(await refusal(path, trainer)).toMatch(/"dense\/kernel" must have shape \[6, 3\], got \[6, 9\]/);
  });

  it("a model", async () => {
    const path = fresh();
    await make("reference").network.save(path);
    expect(await refusal(path)).toMatch(/is a model: read it with Network\.load/);
  });

  it("a missing file", async () => {
    expect(await refusal(join(folder, "none"))).toMatch(/ENOENT/);
  });

  const training = (change: object): Parameters<typeof edit>[2] => {
    return ({ metadata }) => {
      metadata.training = JSON.stringify({ ...JSON.parse(metadata.training as string), ...change });
    };
  };

  it.each<[string, Parameters<typeof edit>[2], RegExp]>([
    ["a negative step", training({ step: -1 }), /training\.step must be an integer from 0/],
    ["a huge epoch", training({ epoch: 2 ** 40 }), /training\.epoch must be/],
    ["a fractional batch", training({ batch: 0.5 }), /training\.batch must be/],
    [
      "a negative factor",
      training({ learningRateFactor: -1 }),
      /learningRateFactor must be a number of at least 0/,
    ],
    ["no factor", training({ learningRateFactor: null }), /learningRateFactor/],
    ["a seed", training({ seed: "x" }), /seed must be an array/],
    ["no training", ({ metadata }) => void delete metadata.training, /metadata "training" is missing/],
    [
      "an optimizer",
      ({ metadata }) => Object.assign(metadata, { optimizer: "[]" }),
      /optimizer must be an object/,
    ],
    ["NaN weights", ({ data }) => void data.writeFloatLE(Number.NaN, 0), /holds NaN/],
    ["callbacks", ({ data }) => void data.fill("[", data.length - 2, data.length - 1), /state of callbacks/],
    ["a missing slot", ({ header }) => renameSlot(header), /lacks the tensor "optimizer:m\/last\/bias"/],
  ])("%s", async (_, change, message) => {
    expect(await refusal(edit(await checkpoint(), fresh(), change))).toMatch(message);
  });

  it("a flipped bit", async () => {
    const flip: Parameters<typeof edit>[2] = ({ data }) => void data.writeUInt8(data.readUInt8(900) ^ 4, 900);
    expect(await refusal(edit(await checkpoint(), fresh(), flip, true))).toMatch(/is damaged/);
  });
});

function renameSlot<T>(header: Record<string, T>): void {
  header["optimizer:m/last/bios"] = header["optimizer:m/last/bias"] as T;
  delete header["optimizer:m/last/bias"];
}

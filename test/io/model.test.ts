import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BusyError, DataError, FileError, OptionError } from "../../lib/errors.ts";
import {
  data,
  type GraphBuilder,
  Layer,
  layers,
  Network,
  ops,
  Trainer,
  type Value,
} from "../../lib/index.ts";
import { branched, edit, encodeFile, executors, readParts, temporaryFolder } from "./files.ts";

const folder = temporaryFolder();
let count = 0;
const fresh = (): string => join(folder, `${count++}.safetensors`);

async function saved(network: Network): Promise<string> {
  const path = fresh();
  await network.save(path);
  return path;
}

function dense(options: object = {}): Network {
  const hidden = layers.dense({ units: 3, name: "hidden", ...options });
  return new Network({ input: [2], layers: [hidden], seed: 3, executor: "reference" });
}

async function refusal(loading: Promise<unknown>): Promise<string> {
  const error = await loading.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FileError);
  return (error as Error).message;
}

const x = [
  { data: Float32Array.from({ length: 12 }, (_, i) => i / 7 - 1), shape: [4, 3] },
  { data: Float32Array.from({ length: 12 }, (_, i) => 1 - i / 5), shape: [4, 3] },
];

describe.each(executors)("%s", (executor) => {
  it("reads the network that was saved: layers, weights, names, seed", async () => {
    const network = branched(executor);
    for (const [i, weight] of network.weights.entries())
      for (let j = 0; j < weight.data.length; j++) weight.data[j] = Math.sin(i + j);
    network.layer("batchNormalization").weights[2]?.data.fill(2);
    network.setTrainable("dense_1", false);
    const path = await saved(network);
    const again = await Network.load(path, { executor });
    expect(again.name).toBe("pair");
    expect(again.seed).toEqual([5, 9]);
    expect(again.executor.kind).toBe(executor);
    expect(again.inputShapes).toEqual(network.inputShapes);
    expect(again.state).toEqual(network.state);
    expect(again.layers.map(({ name, kind, trainable }) => [name, kind, trainable])).toEqual(
      network.layers.map(({ name, kind, trainable }) => [name, kind, trainable]),
    );
    expect(again.layer("dense_1").trainable).toBe(false);
    expect(again.layer("slopes").trainable).toBe(false);
    expect(again.explain()).toBe(network.explain());
    expect(again.predictAll(x)).toEqual(network.predictAll(x));
    const second = fresh();
    await again.save(second);
    expect(readFileSync(second)).toEqual(readFileSync(path));
  });
});

it("a network that was read draws and trains like the one that was saved", async () => {
  const network = branched();
  const again = await Network.load(await saved(network), { executor: "reference" });
  const classes = { data: Float32Array.of(0, 1, 1, 0, 0, 1, 1, 0), shape: [4, 2] };
  const samples = { x, y: [classes, { data: new Float32Array(32).fill(0.5), shape: [4, 8] }] };
  for (const each of [network, again]) {
    each.initialize();
    const trainer = new Trainer(each, { loss: ["categoricalCrossentropy", "meanSquaredError"] });
    trainer.fitSync(samples, { epochs: 3, batchSize: 2 });
  }
  expect(again.state).toEqual(network.state);
});

it("stores tensors by path, and the rest as JSON in the metadata", async () => {
  const { header, metadata } = readParts(await saved(dense({ activation: "tanh" })));
  expect(Object.keys(header)).toEqual(["hidden/kernel", "hidden/bias"]);
  expect(header["hidden/kernel"]).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [0, 24] });
  expect(metadata).toMatchObject({
    format: "myelin",
    kind: "model",
    version: "1",
    seed: "[3,0]",
    preprocessing: "{}",
  });
  expect(metadata.checksum).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(JSON.parse(metadata.architecture as string)).toEqual({
    name: "network",
    inputs: [{ name: "input", shape: [2] }],
    layers: [{ name: "hidden", kind: "dense", trainable: true, config: { units: 3, activation: "tanh" } }],
    connections: [{ layer: 0, inputs: [0] }],
    outputs: [1],
  });
});

it("keeps preprocessing by name", async () => {
  const scaler = new data.StandardScaler().fit([[1], [2], [6]]);
  const labels = new data.LabelEncoder().fit(["yes", "no"]);
  const network = new Network({ input: [1], layers: [layers.flatten()], preprocessing: { scaler } });
  network.preprocessing.labels = labels;
  const again = await Network.load(await saved(network));
  expect(again.preprocessing).toEqual({ scaler, labels });
  expect((again.preprocessing.scaler as typeof scaler).transform([[6]])).toEqual(scaler.transform([[6]]));
  expect(
    () => new Network({ input: [1], layers: [layers.flatten()], preprocessing: { a: 1 as never } }),
  ).toThrow(/preprocessing\.a must be a scaler or encoder of `data`, got 1/);
  network.preprocessing.broken = {} as never;
  await expect(network.save(fresh())).rejects.toThrow(OptionError);
});

it("the state at the call is what is saved", async () => {
  const network = dense();
  const before = Float32Array.from(network.state);
  const path = fresh();
  const saving = network.save(path);
  network.state.fill(9);
  await saving;
  expect((await Network.load(path)).state).toEqual(before);
});

describe("functions in layers", () => {
  it("initializers without a name are left out, those with a name stay", async () => {
    const fill = (target: Float32Array): void => void target.fill(0.25);
    const network = dense({ kernelInitializer: fill, biasInitializer: "ones" });
    const path = await saved(network);
    const [layer] = JSON.parse(readParts(path).metadata.architecture as string).layers;
    expect(layer.config).toEqual({ units: 3, biasInitializer: "ones" });
    expect((await Network.load(path)).state).toEqual(network.state);
  });

  it.each([
    ["activation", (value: Value) => ops.unary("square", value)],
    ["kernelRegularizer", (value: Value) => ops.reduce("sum", value)],
  ])("%s: save says what to do, and writes nothing", async (option, function_) => {
    const path = fresh();
    const error = await dense({ [option]: function_ })
      .save(path)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `layer "hidden"\\.${option} must be something that JSON can hold.*Network\\.load\\(path, \\{ layers`,
      ),
    );
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });
});

class Scale extends Layer {
  readonly kind = "scale";
  readonly #options: { factor: number };

  constructor(options: { factor: number; name?: string; trainable?: boolean }) {
    super(options);
    this.#options = options;
  }

  call(_: GraphBuilder, ...[input]: Value[]): Value {
    return ops.affine(input as Value, this.#options.factor, 0);
  }

  override config(): { factor: number } {
    return { factor: this.#options.factor };
  }
}

describe("layers of one's own", () => {
  const network = new Network({ input: [2], layers: [new Scale({ factor: 3 })] });

  it("are made by the factory given at load", async () => {
    const path = await saved(network);
    const again = await Network.load(path, {
      layers: { scale: (options: { factor: number }) => new Scale(options) },
    });
    expect(again.predict([[1, 2]]).data).toEqual(Float32Array.of(3, 6));
    expect(again.layers.map((layer) => layer.name)).toEqual(["scale"]);
  });

  it("say what is missing without it", async () => {
    const message = await refusal(Network.load(await saved(network)));
    expect(message).toMatch(
      /layers\[0\] \(layer "scale" of kind "scale"\): unknown layer kind "scale".*Network\.load\(path, \{ layers/,
    );
  });

  it("must take their names, and errors of a factory are told", async () => {
    const path = await saved(network);
    const nameless = { scale: () => new Scale({ factor: 3 }) };
    expect(await refusal(Network.load(path, { layers: nameless }))).toMatch(
      /must hand the options `name` and `trainable` on/,
    );
    const broken = {
      scale: (): Layer => {
        throw new TypeError("no such thing");
      },
    };
    expect(await refusal(Network.load(path, { layers: broken }))).toMatch(/no such thing/);
  });
});

describe("what a model file may be wrong in", () => {
  type Fields = Record<string, unknown> & {
    layers: Record<string, unknown>[];
    connections: Record<string, unknown>[];
  };

  async function withArchitecture(change: (fields: Fields) => void): Promise<string> {
    const path = edit(await saved(dense()), fresh(), ({ metadata }) => {
      const fields = JSON.parse(metadata.architecture as string);
      change(fields);
      metadata.architecture = JSON.stringify(fields);
    });
    return refusal(Network.load(path));
  }

  it("is read where another program changed it and dropped the checksum", async () => {
    const path = edit(await saved(dense()), fresh(), ({ data: bytes }) => void bytes.writeFloatLE(0.5, 0));
    expect((await Network.load(path)).state[0]).toBe(0.5);
  });

  it.each<[string, (fields: Fields) => void, RegExp]>([
    ["a list of layers", (a) => Object.assign(a, { layers: {} as never }), /architecture\.layers must be an array/],
    [
      "a kind",
      (a) => Object.assign(a.layers[0] as object, { kind: "densf" }),
      /unknown layer kind "densf"\. Did you mean "dense"/,
    ],
    [
      "a kind of the prototype",
      (a) => Object.assign(a.layers[0] as object, { kind: "toString" }),
      /unknown layer kind/,
    ],
    [
      "a layer's option",
      (a) => Object.assign(a.layers[0] as object, { config: { units: 3, unit: 1 } }),
      /unknown option "unit"/,
    ],
    [
      "a layer's units",
      (a) => Object.assign(a.layers[0] as object, { config: { units: -1 } }),
      /units must be an integer/,
    ],
    [
      "huge units",
      (a) => Object.assign(a.layers[0] as object, { config: { units: 2 ** 50 } }),
      /must have shape \[2, 1125899906842624\]/,
    ],
    ["trainable", (a) => Object.assign(a.layers[0] as object, { trainable: 1 }), /trainable must be true or false/],
    ["a name", (a) => Object.assign(a.layers[0] as object, { name: "a/b" }), /layer name must be made of letters/],
    [
      "a connection to itself",
      (a) => Object.assign(a.connections, [{ layer: 0, inputs: [1] }]),
      /inputs\[0\] must be an integer from 0 to 0, got 1/,
    ],
    [
      "a connection of no layer",
      (a) => Object.assign(a.connections, [{ layer: 7, inputs: [0] }]),
      /layer must be an integer from 0 to 0, got 7/,
    ],
    [
      "a connection without input",
      (a) => Object.assign(a.connections, [{ layer: 0, inputs: [] }]),
      /does not lead to any output/,
    ],
    ["a connection too many", (a) => a.connections.push({ layer: 0, inputs: [1] }), /lead to no output/],
    ["an output", (a) => Object.assign(a, { outputs: [1.5] }), /outputs\[0\] must be an integer/],
    ["no outputs", (a) => Object.assign(a, { outputs: [] }), /at least one input and one output/],
    ["an input's shape", (a) => Object.assign(a, { inputs: [{ name: "input", shape: [0] }] }), /shape\[0\] must be positive/],
    [
      "another input shape",
      (a) => Object.assign(a, { inputs: [{ name: "input", shape: [5] }] }),
      /"hidden\/kernel" must have shape \[5, 3\], got \[2, 3\]/,
    ],
    ["a scalar input", (a) => Object.assign(a, { inputs: [{ name: "input", shape: [] }] }), /architecture/],
  ])("%s", async (_, change, message) => {
    expect(await withArchitecture(change)).toMatch(message);
  });

  it.each<[string, Parameters<typeof edit>[2], RegExp]>([
    ["the format", ({ metadata }) => void delete metadata.format, /not a file of Myelin's.*loadWeights/],
    [
      "the version",
      ({ metadata }) => Object.assign(metadata, { version: "2" }),
      /version 2 of the format, this Myelin reads version 1/,
    ],
    ["the kind", ({ metadata }) => Object.assign(metadata, { kind: "thing" }), /is not a model/],
    [
      "the architecture",
      ({ metadata }) => void delete metadata.architecture,
      /metadata "architecture" is missing/,
    ],
    ["the seed", ({ metadata }) => Object.assign(metadata, { seed: "[1]" }), /seed must be two 32-bit words/],
    [
      "the seed's range",
      ({ metadata }) => Object.assign(metadata, { seed: "[1, 4294967296]" }),
      /seed\[1\] must be an integer from 0/,
    ],
    ["JSON", ({ metadata }) => Object.assign(metadata, { preprocessing: "{" }), /preprocessing is not JSON/],
    ["keys", ({ metadata }) => Object.assign(metadata, { preprocessing: '{"__proto__":{}}' }), /"__proto__"/],
    [
      "preprocessing",
      ({ metadata }) => Object.assign(metadata, { preprocessing: '{"a":{"kind":"b"}}' }),
      /preprocessing.*kind must be one of/,
    ],
    ["unknown metadata", ({ metadata }) => Object.assign(metadata, { checksun: "1" }), /unknown metadata "checksun"/],
    [
      "a NaN",
      ({ data: bytes }) => void bytes.writeFloatLE(Number.NaN, 4),
      /"hidden\/kernel" holds NaN at index 1/,
    ],
    [
      "an infinity",
      ({ data: bytes }) => void bytes.writeFloatLE(Number.POSITIVE_INFINITY, 24),
      /"hidden\/bias" holds Infinity at index 0/,
    ],
    [
      "a missing tensor",
      ({ header }) => renameTensor(header, "hidden/bias", "hidden/b"),
      /lacks the tensor "hidden\/bias" \[3\]/,
    ],
    [
      "a shape",
      ({ header }) => Object.assign(header["hidden/kernel"] as object, { shape: [3, 2] }),
      /must have shape \[2, 3\], got \[3, 2\]/,
    ],
    [
      "a dtype",
      ({ header }) => Object.assign(header["hidden/bias"] as object, { dtype: "I32" }),
      /has type I32/,
    ],
    [
      "a tensor too many",
      ({ header }) => Object.assign(header, { more: { dtype: "F32", shape: [0], data_offsets: [36, 36] } }),
      /does not have: "more"/,
    ],
  ])("%s", async (_, change, message) => {
    expect(await refusal(Network.load(edit(await saved(dense()), fresh(), change)))).toMatch(message);
  });

  it.each<[string, Parameters<typeof edit>[2]]>([
    ["a weight", ({ data: bytes }) => void bytes.writeUInt8((bytes[7] as number) ^ 1, 7)],
    [
      "a name",
      ({ metadata }) =>
        Object.assign(metadata, { architecture: String(metadata.architecture).replace("network", "netwurk") }),
    ],
    ["the seed", ({ metadata }) => Object.assign(metadata, { seed: "[4,0]" })],
    ["the checksum", ({ metadata }) => Object.assign(metadata, { checksum: `sha256:${"0".repeat(64)}` })],
    ["two tensors of a shape", ({ header }) => renameTensor(header, "hidden/bias", "hidden/bios")],
  ])("%s, under the checksum", async (_, change) => {
    expect(await refusal(Network.load(edit(await saved(dense()), fresh(), change, true)))).toMatch(
      /is damaged: it does not match/,
    );
  });

  it("accepts another order of the tensors under the same checksum", async () => {
    const network = dense();
    const path = await saved(network);
    const { header, metadata, data: bytes } = readParts(path);
    const moved = {
      "hidden/bias": { ...header["hidden/bias"], data_offsets: [0, 12] },
      "hidden/kernel": { ...header["hidden/kernel"], data_offsets: [12, 36] },
    };
    const other = Buffer.concat([bytes.subarray(24), bytes.subarray(0, 24)]);
    writeFileSync(path, encodeFile({ ...moved, __metadata__: metadata }, other));
    expect((await Network.load(path)).state).toEqual(network.state);
  });

  it("a checkpoint is not a model", async () => {
    const path = fresh();
    await new Trainer(dense(), { loss: "meanSquaredError" }).save(path);
    expect(await refusal(Network.load(path))).toMatch(/is a checkpoint: read it with trainer\.restore/);
  });
});

function renameTensor<T>(header: Record<string, T>, from: string, to: string): void {
  header[to] = header[from] as T;
  delete header[from];
}

it("does not save NaN", async () => {
  const network = dense();
  network.state[1] = Number.NaN;
  const path = fresh();
  await expect(network.save(path)).rejects.toThrow(DataError);
  await expect(network.save(path)).rejects.toThrow(/"hidden\/kernel" holds NaN at index 1/);
});

it("wants a path and known options", async () => {
  await expect(dense().save("")).rejects.toThrow(/save: path must be the path of a file, got ""/);
  await expect(Network.load(7 as never)).rejects.toThrow(OptionError);
  await expect(Network.load("a\0b")).rejects.toThrow(OptionError);
  await expect(Network.load("x", { executer: "native" } as never)).rejects.toThrow(/Did you mean "executor"/);
  await expect(dense().loadWeights(undefined as never)).rejects.toThrow(OptionError);
});

describe("loadWeights", () => {
  it("reads weights of a model of other names and settings, all or none", async () => {
    const source = dense({ activation: "relu" });
    const target = new Network({
      input: [2],
      layers: [layers.dense({ units: 3, name: "hidden" })],
      seed: 8,
      executor: "reference",
    });
    const drawn = Float32Array.from(target.state);
    const path = await saved(source);
    const broken = edit(path, fresh(), ({ data: bytes }) => void bytes.writeFloatLE(Number.NaN, 32));
    expect(await refusal(target.loadWeights(broken))).toMatch(/holds NaN/);
    expect(target.state).toEqual(drawn);
    await target.loadWeights(path);
    expect(target.state).toEqual(source.state);
  });

  it("takes the weights out of a checkpoint, and notices damage", async () => {
    const source = dense();
    const path = fresh();
    await new Trainer(source, { loss: "meanSquaredError" }).save(path);
    const target = dense();
    target.initialize(99);
    await target.loadWeights(path);
    expect(target.state).toEqual(source.state);
    const flipped = edit(
      path,
      fresh(),
      ({ data: bytes }) => void bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0),
      true,
    );
    expect(await refusal(target.loadWeights(flipped))).toMatch(/damaged/);
  });

  it("refuses another network's", async () => {
    const other = new Network({ input: [4], layers: [layers.dense({ units: 3, name: "hidden" })] });
    expect(await refusal(dense().loadWeights(await saved(other)))).toMatch(
      /must have shape \[2, 3\], got \[4, 3\]/,
    );
  });
});

it("is busy while steps run, and free in callbacks", async () => {
  const network = dense();
  const trainer = new Trainer(network, { loss: "meanSquaredError" });
  const path = fresh();
  const samples = {
    x: Array.from({ length: 512 }, (_, i) => [i % 3, i % 5]),
    y: Array.from({ length: 512 }, () => [0, 1, 2]),
  };
  const states: Float32Array[] = [];
  const onEpochEnd = async (): Promise<void> => {
    states.push(Float32Array.from(network.state));
    await network.save(path);
  };
  const training = trainer.fit(samples, { epochs: 2, callbacks: [{ onEpochEnd }] });
  await expect(network.save(path)).rejects.toThrow(BusyError);
  await expect(trainer.save(path)).rejects.toThrow(/save from a callback of the training, or await its end/);
  await expect(network.loadWeights(path)).rejects.toThrow(BusyError);
  await expect(trainer.restore(path)).rejects.toThrow(BusyError);
  await training;
  expect((await Network.load(path)).state).toEqual(states[1]);
});

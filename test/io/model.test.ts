import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BusyError, OptionError } from "../../lib/errors.ts";
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
import {
  branched,
  dense,
  edit,
  executors,
  freshNames,
  readParts,
  refusal,
  saveTo,
  temporaryFolder,
} from "./files.ts";

const fresh = freshNames(temporaryFolder());
const saved = (network: Network): Promise<string> => saveTo(fresh(), network);

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
    precision: "float32",
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

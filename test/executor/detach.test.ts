import { describe, expect, it } from "vitest";
import { Dataset } from "../../lib/data/dataset.ts";
import * as layers from "../../lib/layers/index.ts";
import { Network } from "../../lib/network.ts";
import type { NumericArray } from "../../lib/tensor.ts";
import { Trainer } from "../../lib/trainer.ts";
import { EXECUTORS } from "../support/executors.ts";

interface Modern extends ArrayBuffer {
  transfer?(length?: number): ArrayBuffer;
  resize?(length: number): void;
}

/** Every way to take memory away that this version of Node has. */
const WAYS: Record<string, (buffer: Modern) => void> = {
  "structuredClone with a transfer list": (buffer) => structuredClone(buffer, { transfer: [buffer] }),
  "postMessage with a transfer list": (buffer) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(buffer, [buffer]);
    port1.close();
    port2.close();
  },
};
if ("transfer" in ArrayBuffer.prototype) {
  WAYS["ArrayBuffer.prototype.transfer"] = (buffer) => buffer.transfer?.(0);
}

const SAMPLES = 4096;

function makeNetwork(executor: "native" | "reference"): Network {
  return new Network({
    input: [8],
    layers: [layers.dense({ units: 16, activation: "tanh" }), layers.dense({ units: 1 })],
    seed: 3,
    executor,
  });
}

interface Task {
  network: Network;
  trainer: Trainer;
  data: { x: { data: Float32Array<ArrayBuffer>; shape: number[] }; y: Float32Array<ArrayBuffer> };
}

function makeTask(executor: "native" | "reference"): Task {
  const network = makeNetwork(executor);
  const trainer = new Trainer(network, { loss: "meanSquaredError" });
  const x = Float32Array.from({ length: SAMPLES * 8 }, (_, i) => Math.sin(i));
  const y = Float32Array.from({ length: SAMPLES }, (_, i) => Math.cos(i));
  return { network, trainer, data: { x: { data: x, shape: [SAMPLES, 8] }, y } };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe.each(EXECUTORS)("memory taken away while the %s executor runs", (executor) => {
  const epochs = executor === "native" ? 20 : 2;

  it.each(Object.entries(WAYS))("%s does not change an asynchronous fit", async (_, take) => {
    const alone = makeTask(executor);
    await alone.trainer.fit(alone.data, { epochs, batchSize: 32 });
    const { network, trainer, data } = makeTask(executor);
    const fit = trainer.fit(data, { epochs, batchSize: 32 });
    await turn();
    take(data.x.data.buffer);
    take(data.y.buffer);
    expect(data.x.data.length).toBe(0);
    await fit;
    expect(network.state).toEqual(alone.network.state);
  });

  it.each(Object.entries(WAYS))(
    "%s does not change asynchronous predictions and evaluations",
    async (_, take) => {
      const { network, trainer, data } = makeTask(executor);
      const wanted = [network.predict(data.x).data, trainer.evaluateSync(data)];
      const prediction = network.predictAsync(data.x);
      take(data.x.data.buffer);
      expect((await prediction).data).toEqual(wanted[0]);
      const again = makeTask(executor);
      const evaluation = again.trainer.evaluate(again.data);
      take(again.data.x.data.buffer);
      take(again.data.y.buffer);
      expect(await evaluation).toEqual(wanted[1]);
    },
  );

  it("a selection's rows are out of reach too", async () => {
    const alone = makeTask(executor);
    const first = Dataset.from(alone.data).shuffle(1);
    await alone.trainer.fit(first, { epochs: 2, batchSize: 32, shuffle: false });
    const { network, trainer, data } = makeTask(executor);
    const dataset = Dataset.from(data).shuffle(1);
    const fit = trainer.fit(dataset, { epochs: 2, batchSize: 32, shuffle: false });
    await turn();
    structuredClone(null, { transfer: [(dataset.rows as Uint32Array<ArrayBuffer>).buffer] });
    await fit;
    expect(network.state).toEqual(alone.network.state);
  });

  it("memory taken away before a call is an error that says so", async () => {
    const { network, trainer, data } = makeTask(executor);
    const dataset = Dataset.from(data);
    structuredClone(null, { transfer: [data.x.data.buffer] });
    const message =
      /columns\[0\] \(.*\) must be at least \d+ rows of 8 elements long, got 0: its ArrayBuffer was transferred/;
    await expect(trainer.fit(dataset, { epochs: 1 })).rejects.toThrow(message);
    expect(() => trainer.fitSync(dataset, { epochs: 1 })).toThrow(message);
    await expect(trainer.evaluate(dataset)).rejects.toThrow(message);
    expect(() => network.predict(dataset)).toThrow(message);
    await expect(network.predictAsync(dataset)).rejects.toThrow(message);
    const whole = makeTask(executor).data;
    await trainer.fit(whole, { epochs: 1 });
  });

  it.each([false, true])("a resizable buffer may shrink (view follows its length: %j)", async (tracking) => {
    // Node 20 has resizable buffers too, its types do not.
    const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => Modern;
    const make = (values: Float32Array): [Modern, Float32Array<ArrayBuffer>] => {
      const buffer = new Resizable(values.byteLength, { maxByteLength: values.byteLength * 2 });
      const view = tracking ? new Float32Array(buffer) : new Float32Array(buffer, 0, values.length);
      view.set(values);
      return [buffer, view];
    };
    const alone = makeTask(executor);
    await alone.trainer.fit(alone.data, { epochs, batchSize: 32 });
    const { network, trainer, data } = makeTask(executor);
    const [buffer, x] = make(data.x.data);
    const fit = trainer.fit({ ...data, x: { ...data.x, data: x } }, { epochs, batchSize: 32 });
    await turn();
    buffer.resize?.(0);
    await fit;
    expect(network.state).toEqual(alone.network.state);
  });
});

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (content: number | SharedArrayBuffer): NumericArray;
}

describe("what lies in shared memory", () => {
  const types: ArrayType[] = [
    Float32Array,
    Float64Array,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
  ];

  it.each(types)("%o: copied, in place, synchronous and asynchronous give the same", async (Type) => {
    const network = makeNetwork("native");
    const values = Array.from({ length: 80 }, (_, i) => (i * 7) % 100);
    const plain = new Type(80);
    const shared = new Type(new SharedArrayBuffer(80 * Type.BYTES_PER_ELEMENT));
    for (const array of [plain, shared]) array.set(values);
    const shape = [10, 8];
    const wanted = network.predict({ data: plain, shape }).data;
    expect(network.predict({ data: shared, shape }).data).toEqual(wanted);
    expect((await network.predictAsync({ data: plain, shape })).data).toEqual(wanted);
    expect((await network.predictAsync({ data: shared, shape })).data).toEqual(wanted);
  });

  it("part of a larger buffer, and Node's own Buffer", async () => {
    const network = makeNetwork("native");
    const bytes = Buffer.from(Array.from({ length: 16 }, (_, i) => i * 3));
    const wanted = network.predict({ data: new Uint8Array(bytes), shape: [2, 8] }).data;
    expect((await network.predictAsync({ data: bytes, shape: [2, 8] })).data).toEqual(wanted);
    const large = new Float32Array(100);
    large.set(bytes, 13);
    const part = large.subarray(13, 29);
    expect((await network.predictAsync({ data: part, shape: [2, 8] })).data).toEqual(wanted);
  });

  it("is not what a prediction returns: its memory can be transferred", async () => {
    const { data } = await makeNetwork("native").predictAsync(new Float32Array(80));
    expect(data.buffer).toBeInstanceOf(ArrayBuffer);
  });
});

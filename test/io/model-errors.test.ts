import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DataError, OptionError } from "../../lib/errors.ts";
import { Network, Trainer } from "../../lib/index.ts";
import { dense, edit, encodeFile, freshNames, readParts, refusal, saveTo, temporaryFolder } from "./files.ts";

const fresh = freshNames(temporaryFolder());
const saved = (network: Network): Promise<string> => saveTo(fresh(), network);

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
    [
      "a list of layers",
      (a) => Object.assign(a, { layers: {} as never }),
      /architecture\.layers must be an array/,
    ],
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
    [
      "trainable",
      (a) => Object.assign(a.layers[0] as object, { trainable: 1 }),
      /trainable must be true or false/,
    ],
    [
      "a name",
      (a) => Object.assign(a.layers[0] as object, { name: "a/b" }),
      /layer name must be made of letters/,
    ],
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
    [
      "an input's shape",
      (a) => Object.assign(a, { inputs: [{ name: "input", shape: [0] }] }),
      /shape\[0\] must be positive/,
    ],
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
    [
      "unknown metadata",
      ({ metadata }) => Object.assign(metadata, { checksun: "1" }),
      /unknown metadata "checksun"/,
    ],
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
        Object.assign(metadata, {
          architecture: String(metadata.architecture).replace("network", "netwurk"),
        }),
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

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { FileError } from "../../lib/errors.ts";
import { type ExecutorName, executors as status } from "../../lib/executor/native.ts";
import { layers, Network } from "../../lib/index.ts";

/** A folder that is removed when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "myelin-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The executors of this machine. */
export const executors: readonly ExecutorName[] = status.native.available
  ? ["reference", "native"]
  : ["reference"];

/** The bytes of a safetensors file with any header, valid or not. */
export function encodeFile(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

interface Parts {
  header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  metadata: Record<string, string>;
  data: Buffer;
}

/** Header and data of a safetensors file, by means of JSON.parse alone. */
export function readParts(path: string): Parts {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE());
  const { __metadata__: metadata = {}, ...header } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return { header, metadata, data: bytes.subarray(8 + length) };
}

/** Rewrites a file; without its checksum unless `keepChecksum`. */
export function edit(path: string, to: string, change: (parts: Parts) => void, keepChecksum = false): string {
  const parts = readParts(path);
  if (!keepChecksum) delete parts.metadata.checksum;
  change(parts);
  writeFileSync(to, encodeFile({ __metadata__: parts.metadata, ...parts.header }, parts.data));
  return to;
}

/** A small network with a shared layer, two branches, running statistics and every kind of option. */
export function branched(executor: ExecutorName = "reference"): Network {
  const left = layers.input({ shape: [3], name: "left" });
  const right = layers.input({ shape: [3] });
  const shared = layers.dense({
    units: 4,
    activation: { name: "leakyRelu", alpha: 0.1 },
    kernelInitializer: "heNormal",
    kernelRegularizer: { name: "l2", options: { l2: 0.02 } },
  });
  const joined = layers.concatenate().apply([shared.apply(left), shared.apply(right)]);
  const normal = layers.batchNormalization({ momentum: 0.9, scale: false }).apply(joined);
  const slopes = layers.prelu({ name: "slopes", trainable: false }).apply(normal);
  const dropped = layers.dropout({ rate: 0.25 }).apply(slopes);
  const one = layers.dense({ units: 2, activation: "softmax", useBias: false }).apply(dropped);
  return new Network({ name: "pair", inputs: [left, right], outputs: [one, joined], seed: [5, 9], executor });
}

/** A network of one layer, `hidden`: 2 inputs, 3 units unless told otherwise. */
export function dense(options: object = {}): Network {
  const hidden = layers.dense({ units: 3, name: "hidden", ...options });
  return new Network({ input: [2], layers: [hidden], seed: 3, executor: "reference" });
}

/** The message of the FileError with which a promise must reject. */
export async function refusal(loading: Promise<unknown>): Promise<string> {
  const error = await loading.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FileError);
  return (error as Error).message;
}

/** Names of new files in a folder. */
export function freshNames(folder: string): () => string {
  let count = 0;
  return () => join(folder, `${count++}.safetensors`);
}

/** Saves a network and gives the path. */
export async function saveTo(path: string, network: Network): Promise<string> {
  await network.save(path);
  return path;
}

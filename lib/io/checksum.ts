import { setImmediate as nextTurn } from "node:timers/promises";
import { FileError } from "../errors.ts";
import { loadCrypto } from "../lazy.ts";
import type { SafetensorsFile, TensorBytes } from "./safetensors.ts";

/** The metadata key of the checksum, which covers everything else. */
export const CHECKSUM = "checksum";
const PREFIX = "sha256:";
/** Hashed between two turns of the event loop: a few milliseconds. */
const PIECE_BYTES = 1 << 22;

interface Content {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** SHA-256 of metadata and tensors by name, so that it does not depend on their order in the file. */
async function checksum(
  metadata: Iterable<readonly [string, string]>,
  contents: readonly Content[],
): Promise<string> {
  const hash = loadCrypto().createHash("sha256");
  const add = (description: readonly unknown[]): void => void hash.update(`${JSON.stringify(description)}\n`);
  const byName = (a: string, b: string): number => (a < b ? -1 : 1);
  for (const [key, value] of [...metadata].sort(([a], [b]) => byName(a, b))) {
    if (key !== CHECKSUM) add([key, value]);
  }
  for (const { name, dtype, shape, bytes } of [...contents].sort((a, b) => byName(a.name, b.name))) {
    add([name, dtype, shape]);
    for await (const piece of bytes) hash.update(piece);
  }
  return PREFIX + hash.digest("hex");
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    if (start > 0) await nextTurn();
    yield bytes.subarray(start, start + PIECE_BYTES);
  }
}

/** The checksum of a file that is about to be written. */
export function checksumOf(
  tensors: readonly TensorBytes[],
  metadata: Readonly<Record<string, string>>,
): Promise<string> {
  const contents = tensors.map((tensor) => ({ ...tensor, bytes: pieces(tensor.bytes) }));
  return checksum(Object.entries(metadata), contents);
}

/**
 * Compares a file with its checksum.
 * @throws FileError when a bit has changed since Myelin wrote it
 */
export async function verifyChecksum(file: SafetensorsFile): Promise<void> {
  const contents = [...file.tensors.values()].map((tensor) => ({ ...tensor, bytes: file.bytes(tensor) }));
  if ((await checksum(file.metadata, contents)) === file.metadata.get(CHECKSUM)) return;
  throw new FileError(
    `${file.where} is damaged: it does not match its checksum. (Where another program changed it on purpose, it must drop "${CHECKSUM}" from the metadata.)`,
  );
}

import { FileError } from "../errors.ts";
import { writeAtomically } from "./atomic.ts";
import { CHECKSUM, checksumOf, verifyChecksum } from "./checksum.ts";
import { parseJson, toJson } from "./json.ts";
import { encodeHeader, type SafetensorsFile, type TensorBytes } from "./safetensors.ts";

const FORMAT = "myelin";
/** Raised when an older Myelin could not read a file. */
const VERSION = "1";

/** What a file of Myelin's is for, and how a message tells a user to read it. */
const KINDS = {
  model: "a model: read it with Network.load(path)",
  checkpoint: "a checkpoint: read it with trainer.restore(path)",
} as const;

export type FileKind = keyof typeof KINDS;

/** Writes a file of Myelin's, whole or not at all; everything in it is under its checksum. */
export async function writeFile(
  path: string,
  kind: FileKind,
  fields: Readonly<Record<string, unknown>>,
  tensors: readonly TensorBytes[],
): Promise<void> {
  const metadata: Record<string, string> = { format: FORMAT, kind, version: VERSION };
  for (const [key, value] of Object.entries(fields)) metadata[key] = JSON.stringify(toJson(value, key));
  // Everything up to here has run at once; from here on the network may change again.
  metadata[CHECKSUM] = await checksumOf(tensors, metadata);
  await writeAtomically(path, [encodeHeader(tensors, metadata), ...tensors.map(({ bytes }) => bytes)]);
}

/**
 * The metadata of a file of Myelin's, after its checksum has been found right. A file without checksum
 * is taken as written on purpose by another program.
 * @param keys the metadata that this kind of file must have, each JSON
 */
export async function readFields<K extends string>(
  file: SafetensorsFile,
  kind: FileKind,
  keys: readonly K[],
): Promise<Record<K, unknown>> {
  const { where, metadata } = file;
  if (!isMyelinFile(file)) {
    throw new FileError(
      `${where} is not a file of Myelin's; weights of other programs are read by network.loadWeights(path)`,
    );
  }
  const known = ["format", "kind", "version", CHECKSUM, ...keys];
  const stranger = [...metadata.keys()].find((key) => !(known as readonly string[]).includes(key));
  if (metadata.has(CHECKSUM)) await verifyChecksum(file);
  const found = metadata.get("kind");
  if (found !== kind) {
    const advice =
      found !== undefined && Object.hasOwn(KINDS, found)
        ? `is ${KINDS[found as FileKind]}`
        : `is not a ${kind}`;
    throw new FileError(`${where} ${advice}`);
  }
  const version = metadata.get("version");
  if (version !== VERSION) {
    throw new FileError(
      `${where} has version ${version} of the format, this Myelin reads version ${VERSION}`,
    );
  }
  if (stranger !== undefined) throw new FileError(`${where}: unknown metadata ${JSON.stringify(stranger)}`);
  const fields = keys.map((key) => {
    const text = metadata.get(key);
    if (text === undefined) throw new FileError(`${where}: metadata "${key}" is missing`);
    return [key, parseJson(text, `${where}: ${key}`)] as const;
  });
  return Object.fromEntries(fields) as Record<K, unknown>;
}

export function isMyelinFile(file: SafetensorsFile): boolean {
  return file.metadata.get("format") === FORMAT;
}

import { type FileHandle, open } from "node:fs/promises";
import { describe, expected, FileError, MyelinError, OptionError } from "../errors.ts";
import { formatShape, sizeOf } from "../tensor.ts";
import { ELEMENT_TYPES, READABLE_TYPES } from "./dtypes.ts";
import { arrayAt, indexAt, objectAt, parseJson, stringAt } from "./json.ts";

// The format (https://github.com/huggingface/safetensors): the header's length as a 64-bit little-endian
// integer, the header as JSON, then the tensors' bytes without gaps.

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";
/** The limit of the format's own reader. */
const MAX_HEADER_BYTES = 100_000_000;
/** A multiple of every element's size. */
const PIECE_BYTES = 1 << 20;

/** A tensor to be written. */
export interface TensorBytes {
  readonly name: string;
  readonly dtype: "F32" | "U8";
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** What the header of a file says of a tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** From the start of the data. */
  readonly begin: number;
  readonly end: number;
}

/** Length and header of a file that holds the tensors one after the other. */
export function encodeHeader(
  tensors: readonly TensorBytes[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = { [METADATA]: metadata };
  let begin = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    const end = begin + bytes.length;
    header[name] = { dtype, shape, data_offsets: [begin, end] };
    begin = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new OptionError(
      `the description of the network takes ${length} bytes, at most ${MAX_HEADER_BYTES} can be saved`,
    );
  }
  const result = Buffer.alloc(LENGTH_BYTES + length, " ");
  result.writeBigUInt64LE(BigInt(length));
  text.copy(result, LENGTH_BYTES);
  return result;
}

/** A safetensors file whose header has been read and found in order; data are read when asked for. */
export class SafetensorsFile {
  /** How messages name it. */
  readonly where: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #handle: FileHandle;
  readonly #dataStart: number;

  constructor(where: string, handle: FileHandle, header: Header, dataStart: number) {
    this.where = where;
    this.metadata = header.metadata;
    this.tensors = header.tensors;
    this.#handle = handle;
    this.#dataStart = dataStart;
  }

  /** The bytes of a tensor in pieces, each valid until the next one is asked for. */
  async *bytes(tensor: TensorInfo): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, tensor.end - tensor.begin));
    for (let position = tensor.begin; position < tensor.end; position += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, tensor.end - position));
      await readFully(this.#handle, piece, this.#dataStart + position, this.where);
      yield piece;
    }
  }

  /** The elements of a tensor as float32, row by row. */
  async read(tensor: TensorInfo): Promise<Float32Array> {
    const type = ELEMENT_TYPES.get(tensor.dtype);
    if (type?.read === undefined) {
      const known = READABLE_TYPES.join(", ");
      throw new FileError(
        `${this.where}: tensor "${tensor.name}" has type ${tensor.dtype}, weights have ${known}`,
      );
    }
    const values = new Float32Array(sizeOf(tensor.shape));
    let i = 0;
    for await (const piece of this.bytes(tensor)) {
      const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
      for (let offset = 0; offset < piece.length; offset += type.bytes) values[i++] = type.read(view, offset);
    }
    return values;
  }
}

/** What a file says before its data. */
export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/**
 * Opens a file, checks its header and lets `use` read from it. Nothing is allocated by what a header
 * claims before it is known to agree with the file's real size.
 * @throws FileError for a file that cannot be read or is not a whole safetensors file
 */
export async function readSafetensors<T>(
  path: string,
  use: (file: SafetensorsFile) => Promise<T>,
): Promise<T> {
  const where = `file "${path}"`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    return await use(await openFile(handle, where));
  } catch (error) {
    if (error instanceof MyelinError || !isSystemError(error)) throw error;
    throw new FileError(`${where} cannot be read: ${error.message}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/** An error of the operating system, with its code. */
export function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error;
}

/** Throws unless `path` can be a file's path. */
export function checkPath(where: string, path: unknown): string {
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return path;
  throw new OptionError(expected(where, "the path of a file", path));
}

async function openFile(handle: FileHandle, where: string): Promise<SafetensorsFile> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new FileError(`${where} is not a regular file`);
  if (stats.size < LENGTH_BYTES) {
    throw new FileError(`${where} is not a safetensors file: it has ${stats.size} bytes`);
  }
  const prefix = Buffer.alloc(LENGTH_BYTES);
  await readFully(handle, prefix, 0, where);
  const length = Number(prefix.readBigUInt64LE());
  if (length > Math.min(MAX_HEADER_BYTES, stats.size - LENGTH_BYTES)) {
    throw new FileError(
      `${where} is truncated or not a safetensors file: it starts with a header length of ${length}, but has ${stats.size} bytes`,
    );
  }
  const bytes = Buffer.alloc(length);
  await readFully(handle, bytes, LENGTH_BYTES, where);
  const dataStart = LENGTH_BYTES + length;
  return new SafetensorsFile(where, handle, parseHeader(bytes, stats.size - dataStart, where), dataStart);
}

async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  where: string,
): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new FileError(`${where} ends early, at byte ${position + done}`);
    done += bytesRead;
  }
}

/** Checks a header in every detail; `dataBytes` is what the file really holds after it. */
function parseHeader(bytes: Uint8Array, dataBytes: number, where: string): Header {
  const header = `${where}: header`;
  const fields = objectAt(parseJson(decodeText(bytes, header), header), header);
  const metadata = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  for (const [name, value] of Object.entries(fields)) {
    if (name === METADATA) {
      for (const [key, text] of Object.entries(objectAt(value, `${where}: metadata`))) {
        metadata.set(key, stringAt(text, `${where}: metadata ${JSON.stringify(key)}`));
      }
    } else {
      tensors.set(name, parseTensor(name, value, `${where}: tensor ${JSON.stringify(name)}`));
    }
  }
  checkOffsets([...tensors.values()], dataBytes, where);
  return { metadata, tensors };
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new FileError(`${where} is not UTF-8 text`, { cause: error });
  }
}

function parseTensor(name: string, value: unknown, where: string): TensorInfo {
  const fields = objectAt(value, where);
  const dtype = stringAt(fields.dtype, `${where}: dtype`);
  const type = ELEMENT_TYPES.get(dtype);
  if (type === undefined) throw new FileError(`${where}: unknown dtype ${describe(dtype)}`);
  const shape = arrayAt(fields.shape, `${where}: shape`).map((dimension) =>
    indexAt(dimension, `${where}: shape`),
  );
  const offsets = arrayAt(fields.data_offsets, `${where}: data_offsets`);
  if (offsets.length !== 2) throw new FileError(expected(`${where}: data_offsets`, "two integers", offsets));
  const [begin, end] = offsets.map((offset) => indexAt(offset, `${where}: data_offsets`)) as [number, number];
  const bytes = sizeOf(shape) * type.bytes;
  // A product beyond the safe integers cannot equal a difference of offsets by rounding: those are safe.
  if (bytes !== end - begin) {
    throw new FileError(
      `${where}: ${formatShape(shape)} of ${dtype} takes ${bytes} bytes, its offsets span ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must fill the data from the first byte to the last, without gaps and overlaps. */
function checkOffsets(tensors: readonly TensorInfo[], dataBytes: number, where: string): void {
  let position = 0;
  for (const { name, begin, end } of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const at = `${where}: tensor ${JSON.stringify(name)}`;
    if (begin < position) throw new FileError(`${at} overlaps another at byte ${begin} of the data`);
    if (begin > position)
      throw new FileError(`${at} starts at byte ${begin} of the data, after a gap from ${position}`);
    if (end > dataBytes) {
      throw new FileError(
        `${where} is truncated: tensor ${JSON.stringify(name)} ends at byte ${end} of the data, which has ${dataBytes}`,
      );
    }
    position = end;
  }
  if (position !== dataBytes)
    throw new FileError(`${where}: ${dataBytes - position} bytes follow the last tensor`);
}

import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, gunzip, gunzipSync } from "node:zlib";
import { DataError, describe, FileError } from "../errors.ts";
import { formatShape, type NumericArray, type Tensor } from "../tensor.ts";

interface ElementType {
  readonly name: string;
  readonly bytes: number;
  /** Reads `count` big-endian elements that begin at byte `start`. */
  read(bytes: Uint8Array, start: number, count: number): NumericArray;
}

function bigEndian<T extends NumericArray>(
  name: string,
  type: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  get: (view: DataView, position: number) => number,
): ElementType {
  const bytes = type.BYTES_PER_ELEMENT;
  return {
    name,
    bytes,
    read(source, start, count) {
      const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
      const values = new type(count);
      for (let i = 0; i < count; i++) values[i] = get(view, start + i * bytes);
      return values;
    },
  };
}

/** The element types of the IDX format by the third byte of its magic number. */
const kElementTypes: ReadonlyMap<number, ElementType> = new Map([
  [
    0x08,
    {
      name: "uint8",
      bytes: 1,
      // Bytes are bound, not copied; a plain Uint8Array, since a Buffer prints and slices differently.
      read: (source: Uint8Array, start: number, count: number) =>
        new Uint8Array(source.buffer, source.byteOffset + start, count),
    },
  ],
  [0x09, bigEndian("int8", Int8Array, (view, position) => view.getInt8(position))],
  [0x0b, bigEndian("int16", Int16Array, (view, position) => view.getInt16(position, false))],
  [0x0c, bigEndian("int32", Int32Array, (view, position) => view.getInt32(position, false))],
  [0x0d, bigEndian("float32", Float32Array, (view, position) => view.getFloat32(position, false))],
  [0x0e, bigEndian("float64", Float64Array, (view, position) => view.getFloat64(position, false))],
]);

const kMaxRank = 8;
const kHeaderRoom = 4 + 4 * kMaxRank;

interface Header {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly count: number;
  /** Bytes before the first element, and of the whole file. */
  readonly start: number;
  readonly end: number;
}

/** Reads and checks the header alone: nothing is allocated on its word. */
function parseHeader(bytes: Uint8Array, where: string): Header {
  if (bytes.length < 4) throw new FileError(`${where}: truncated IDX file, only ${bytes.length} bytes`);
  const [zero0, zero1, code, rank] = bytes as unknown as [number, number, number, number];
  if (zero0 !== 0 || zero1 !== 0) {
    const magic = Buffer.from(bytes.subarray(0, 4)).toString("hex");
    throw new FileError(`${where}: not an IDX file: it begins with ${magic} instead of 0000`);
  }
  const type = kElementTypes.get(code);
  if (type === undefined) {
    const known = [...kElementTypes].map(
      ([key, { name }]) => `0x${key.toString(16).padStart(2, "0")} ${name}`,
    );
    const got = `0x${code.toString(16).padStart(2, "0")}`;
    throw new FileError(`${where}: unknown IDX element type ${got}. Known: ${known.join(", ")}`);
  }
  if (rank < 1 || rank > kMaxRank) {
    throw new FileError(`${where}: an IDX file must have 1 to ${kMaxRank} dimensions, got ${rank}`);
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw new FileError(`${where}: truncated IDX header, only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis, false));
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const end = start + count * type.bytes;
  if (!Number.isSafeInteger(end)) {
    throw new FileError(`${where}: impossible IDX dimensions ${formatShape(shape)}`);
  }
  if (count === 0)
    throw new DataError(`${where}: the IDX file is empty: its dimensions are ${formatShape(shape)}`);
  return { type, shape, count, start, end };
}

function wrongSize(header: Header, where: string, got: string): FileError {
  const elements = `${formatShape(header.shape)} of ${header.type.name}`;
  return new FileError(`${where}: IDX dimensions ${elements} need ${header.end} bytes, got ${got}`);
}

/** The array in the bytes of an unpacked IDX file; bytes are bound without a copy, other types converted. */
export function parseIdx(bytes: Uint8Array, where = "idx"): Tensor<NumericArray> {
  const header = parseHeader(bytes, where);
  if (bytes.length !== header.end) throw wrongSize(header, where, String(bytes.length));
  return { shape: header.shape, data: header.type.read(bytes, header.start, header.count) };
}

/** Whether bytes begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The unpacked bytes of an IDX file, gzipped or not. Unpacks the header first and never more than
 * it declares, so that a small file cannot fill the memory.
 */
export async function unpackIdx(bytes: Uint8Array, where = "idx"): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  const header = parseHeader(unpackBeginning(bytes, where), where);
  // Deflate packs at most 1032 to 1: more than that cannot be in there.
  if (header.end > bytes.length * 1040 + 1024)
    throw wrongSize(header, where, `a gzip file of ${bytes.length}`);
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: header.end });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw wrongSize(header, where, "more");
    }
    throw damaged(where, error);
  }
}

function unpackBeginning(bytes: Uint8Array, where: string): Uint8Array {
  try {
    const beginning = gunzipSync(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
    return beginning.subarray(0, kHeaderRoom);
  } catch (error) {
    throw damaged(where, error);
  }
}

function damaged(where: string, error: unknown): FileError {
  return new FileError(`${where}: damaged gzip file: ${(error as Error).message}`, { cause: error });
}

/**
 * Reads an IDX file (the format of MNIST), gzipped or not: all its element types, any shape.
 * @param source a path, or the bytes of such a file
 * @throws FileError when it is missing, damaged, truncated or longer than its header says
 */
export async function readIdx(source: string | URL | Uint8Array): Promise<Tensor<NumericArray>> {
  if (source instanceof Uint8Array) return parseIdx(await unpackIdx(source));
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new DataError(`readIdx: the source must be a path or bytes, got ${describe(source)}`);
  }
  const where = String(source);
  const bytes = await readFile(source).catch((error: Error) => {
    throw new FileError(`cannot read ${where}: ${error.message}`, { cause: error });
  });
  return parseIdx(await unpackIdx(bytes, where), where);
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { parseIdx, readIdx } from "../../lib/data/idx.ts";
import { DataError, FileError } from "../../lib/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-idx-"));
afterAll(() => rmSync(folder, { recursive: true }));

function header(code: number, shape: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * shape.length);
  bytes.set([0, 0, code, shape.length]);
  shape.forEach((dimension, axis) => {
    bytes.writeUInt32BE(dimension, 4 + 4 * axis);
  });
  return bytes;
}

/** An IDX file whose elements are written by a method of Buffer such as `writeInt16BE`. */
function idx(
  code: number,
  shape: readonly number[],
  bytes: number,
  values: readonly number[],
  write: (buffer: Buffer, value: number, position: number) => void,
): Buffer {
  const body = Buffer.alloc(values.length * bytes);
  values.forEach((value, i) => {
    write(body, value, i * bytes);
  });
  return Buffer.concat([header(code, shape), body]);
}

const bytes = Buffer.concat([header(0x08, [2, 3]), Buffer.from([1, 2, 3, 253, 254, 255])]);

describe("readIdx", () => {
  it.each([
    ["uint8", bytes, new Uint8Array([1, 2, 3, 253, 254, 255])],
    [
      "int8",
      idx(0x09, [2, 3], 1, [1, -2, 3, -128, 127, 0], (b, v, p) => b.writeInt8(v, p)),
      new Int8Array([1, -2, 3, -128, 127, 0]),
    ],
    [
      "int16",
      idx(0x0b, [2, 3], 2, [1, -2, 300, -32768, 32767, 0], (b, v, p) => b.writeInt16BE(v, p)),
      new Int16Array([1, -2, 300, -32768, 32767, 0]),
    ],
    [
      "int32",
      idx(0x0c, [2, 3], 4, [1, -2, 70000, -(2 ** 31), 2 ** 31 - 1, 0], (b, v, p) => b.writeInt32BE(v, p)),
      new Int32Array([1, -2, 70000, -(2 ** 31), 2 ** 31 - 1, 0]),
    ],
    [
      "float32",
      idx(0x0d, [2, 3], 4, [0.5, -2, 1e30, 0, 1, 2], (b, v, p) => b.writeFloatBE(v, p)),
      new Float32Array([0.5, -2, 1e30, 0, 1, 2]),
    ],
    [
      "float64",
      idx(0x0e, [2, 3], 8, [0.1, -2, 1e300, 0, 1, 2], (b, v, p) => b.writeDoubleBE(v, p)),
      new Float64Array([0.1, -2, 1e300, 0, 1, 2]),
    ],
  ])("reads big-endian %s, plain and gzipped, also at an odd position", async (name, file, values) => {
    const path = join(folder, name);
    writeFileSync(path, file);
    writeFileSync(`${path}.gz`, gzipSync(file));
    const shifted = Buffer.concat([Buffer.from([7]), file]).subarray(1);
    for (const source of [file, shifted, gzipSync(file), path, `${path}.gz`]) {
      const { shape, data } = await readIdx(source);
      expect(shape).toEqual([2, 3]);
      expect(data.constructor).toBe(values.constructor);
      expect([...data]).toEqual([...values]);
    }
  });

  it("reads any number of dimensions, and gzip files of several members", async () => {
    const deep = Buffer.concat([header(0x08, [1, 2, 1, 2, 1]), Buffer.from([1, 2, 3, 4])]);
    expect((await readIdx(deep)).shape).toEqual([1, 2, 1, 2, 1]);
    const members = Buffer.concat([gzipSync(bytes.subarray(0, 13)), gzipSync(bytes.subarray(13))]);
    expect([...(await readIdx(members)).data]).toEqual([1, 2, 3, 253, 254, 255]);
  });

  it("binds bytes without a copy", () => {
    const { data } = parseIdx(bytes);
    expect(data.buffer).toBe(bytes.buffer);
  });

  it.each<[string, Buffer, string]>([
    ["an empty file", Buffer.alloc(0), "truncated IDX file, only 0 bytes"],
    ["half a magic number", Buffer.from([0, 0, 8]), "truncated IDX file, only 3 bytes"],
    [
      "another format",
      Buffer.from("\x89PNG\r\n", "latin1"),
      "not an IDX file: it begins with 89504e47 instead of 0000",
    ],
    [
      "an unknown element type",
      header(0x0a, [1]),
      "unknown IDX element type 0x0a. Known: 0x08 uint8, 0x09 int8",
    ],
    ["no dimensions", header(0x08, []), "must have 1 to 8 dimensions, got 0"],
    ["too many dimensions", header(0x08, new Array(200).fill(1)), "must have 1 to 8 dimensions, got 200"],
    ["half a header", header(0x08, [2, 3]).subarray(0, 10), "truncated IDX header, only 10 bytes"],
    [
      "huge dimensions",
      header(0x08, [0xffffffff, 0xffffffff]),
      "impossible IDX dimensions [4294967295, 4294967295]",
    ],
    [
      "dimensions beyond the file",
      header(0x0e, [60000, 28, 28]),
      "IDX dimensions [60000, 28, 28] of float64 need 376320016 bytes, got 16",
    ],
    ["truncated data", bytes.subarray(0, 17), "need 18 bytes, got 17"],
    ["trailing bytes", Buffer.concat([bytes, Buffer.from([0])]), "need 18 bytes, got 19"],
    ["no samples", header(0x08, [0, 28]), "the IDX file is empty: its dimensions are [0, 28]"],
  ])("refuses %s, plain and gzipped", async (_, file, message) => {
    for (const source of [file, gzipSync(file)]) {
      const error = await readIdx(source).then(String, (thrown: Error) => thrown);
      expect(error instanceof FileError || error instanceof DataError).toBe(true);
      expect((error as Error).message).toMatch(/^idx: /);
      expect((error as Error).message).toContain(
        source === file ? message : message.replace(/, got 1[679]$/, ", got "),
      );
    }
  });

  it("refuses a damaged or truncated gzip file", async () => {
    const packed = gzipSync(Buffer.concat([header(0x08, [5000]), Buffer.alloc(5000, "abcdefgh")]));
    await expect(readIdx(packed.subarray(0, packed.length - 9))).rejects.toThrow(
      "idx: damaged gzip file: unexpected end",
    );
    const flipped = Buffer.from(packed);
    flipped[flipped.length - 6] = (flipped[flipped.length - 6] as number) ^ 1;
    await expect(readIdx(flipped)).rejects.toThrow("idx: damaged gzip file: incorrect data check");
    await expect(readIdx(Buffer.from([0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]))).rejects.toThrow(FileError);
  });

  it("does not unpack more than the header declares", async () => {
    const bomb = gzipSync(Buffer.concat([header(0x08, [10]), Buffer.alloc(50_000_000)]));
    expect(bomb.length).toBeLessThan(60_000);
    await expect(readIdx(bomb)).rejects.toThrow("IDX dimensions [10] of uint8 need 18 bytes, got more");
  });

  it("names the file that is missing or wrong, and what is no source", async () => {
    const missing = join(folder, "nowhere");
    await expect(readIdx(missing)).rejects.toThrow(`cannot read ${missing}: ENOENT`);
    const path = join(folder, "text");
    writeFileSync(path, "hello");
    await expect(readIdx(path)).rejects.toThrow(`${path}: not an IDX file`);
    await expect(readIdx(5 as unknown as string)).rejects.toThrow(
      "readIdx: the source must be a path or bytes, got 5",
    );
  });
});

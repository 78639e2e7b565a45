import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileError } from "../../lib/errors.ts";
import { floatFromBits } from "../../lib/io/dtypes.ts";
import { encodeHeader, readSafetensors, type TensorInfo } from "../../lib/io/safetensors.ts";
import { readGolden } from "../golden/golden.ts";
import { encodeFile, temporaryFolder } from "./files.ts";

const folder = temporaryFolder();
let count = 0;

function write(bytes: Uint8Array): string {
  const path = join(folder, `${count++}.safetensors`);
  writeFileSync(path, bytes);
  return path;
}

/** All tensors that can be read. */
function readAll(path: string): Promise<Record<string, number[]>> {
  return readSafetensors(path, async (file) => {
    const entries = [...file.tensors.values()].map(
      async (tensor): Promise<[string, number[]]> => [tensor.name, [...(await file.read(tensor))]],
    );
    return Object.fromEntries(await Promise.all(entries));
  });
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await readAll(write(bytes)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FileError);
  return (error as Error).message;
}

const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const tensor = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = "F32"): unknown => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

it("reads what it has written, the header padded to 8 bytes", async () => {
  const values = Float32Array.from([1, -2.5, 3e-40, 3.4e38, 0, -0]);
  const bytes = new Uint8Array(values.buffer);
  const tensors = [
    { name: "a/ä\n", dtype: "F32", shape: [2, 3], bytes },
    { name: "none", dtype: "F32", shape: [0, 5], bytes: new Uint8Array(0) },
    { name: "raw", dtype: "U8", shape: [3], bytes: Uint8Array.of(1, 2, 3) },
  ] as const;
  const header = encodeHeader(tensors, { key: 'a "value"', __proto: "x" });
  expect(header.length % 8).toBe(0);
  const path = write(Buffer.concat([header, bytes, Uint8Array.of(1, 2, 3)]));
  await readSafetensors(path, async (file) => {
    expect([...file.metadata]).toEqual([
      ["key", 'a "value"'],
      ["__proto", "x"],
    ]);
    expect([...file.tensors.keys()]).toEqual(["a/ä\n", "none", "raw"]);
    expect(await file.read(file.tensors.get("a/ä\n") as TensorInfo)).toEqual(values);
    expect(await file.read(file.tensors.get("none") as TensorInfo)).toEqual(new Float32Array(0));
    await expect(file.read(file.tensors.get("raw") as TensorInfo)).rejects.toThrow(
      /"raw" has type U8.*F32, F64/,
    );
  });
});

it("reads a tensor that takes many pieces", async () => {
  const values = Float32Array.from({ length: 600_001 }, (_, i) => i * 0.5);
  const path = write(encodeFile({ big: tensor([600_001], 0, 2_400_004) }, new Uint8Array(values.buffer)));
  const read = await readSafetensors(path, (file) => file.read(file.tensors.get("big") as TensorInfo));
  expect(read).toEqual(values);
});

it("converts every half-precision number exactly", () => {
  const bits = new Uint32Array(1);
  const single = new Float32Array(bits.buffer);
  for (let i = 0; i < 65536; i++) {
    bits[0] = i * 65536;
    expect(Object.is(floatFromBits(i, 8, 7), Number.isNaN(single[0]) ? Number.NaN : single[0])).toBe(true);
  }
  expect(floatFromBits(0x3555, 5, 10)).toBe(0.333251953125);
  expect(floatFromBits(0x0001, 5, 10)).toBe(2 ** -24);
  expect(floatFromBits(0x7bff, 5, 10)).toBe(65504);
  expect(floatFromBits(0xfc00, 5, 10)).toBe(Number.NEGATIVE_INFINITY);
});

it("reads every type that PyTorch wrote", async () => {
  const { dtypes } = readGolden<{ dtypes: Record<string, number[]> }>("weights");
  const path = new URL("../golden/dtypes.safetensors", import.meta.url).pathname;
  await readSafetensors(path, async (file) => {
    expect(file.metadata.get("writer")).toBe("PyTorch");
    const read = async (name: string): Promise<number[]> => [
      ...(await file.read(file.tensors.get(name) as TensorInfo)),
    ];
    for (const name of ["F64", "F32", "F16", "BF16"]) {
      expect(await read(name)).toEqual(Array.from(dtypes[name] as number[], Math.fround));
      expect(file.tensors.get(name)?.shape).toEqual([2, 3]);
    }
    expect(await read("scalar")).toEqual([7]);
    expect(await read("empty")).toEqual([]);
    await expect(read("I64")).rejects.toThrow(/"I64" has type I64/);
    await expect(read("BOOL")).rejects.toThrow(FileError);
  });
});

it.each([
  ["an empty file", Buffer.alloc(0), /it has 0 bytes/],
  ["seven bytes", Buffer.alloc(7), /it has 7 bytes/],
  ["a header length beyond the file", Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 123, 125]), /header length of 9/],
  ["the largest header length", Buffer.alloc(64, 255), /header length of 18446744073709552000/],
  ["a header length of 2^40", Buffer.from([0, 0, 0, 0, 0, 1, 0, 0]), /truncated or not a safetensors/],
  ["no header", Buffer.alloc(8), /not JSON/],
  ["a header that is no JSON", encodeFile("{a"), /header is not JSON/],
  ["a header that is no UTF-8", encodeFile("{}").fill(0xff, 8), /not UTF-8/],
  ["a byte order mark", encodeFile("\ufeff{}"), /not JSON/],
  ["a list", encodeFile("[]"), /header must be an object/],
  ["deep nesting", encodeFile("[".repeat(100_000)), /not JSON/],
  ["null", encodeFile("null"), /must be an object, got null/],
  ["a tensor that is a number", encodeFile({ a: 1 }), /tensor "a" must be an object, got 1/],
  ["no dtype", encodeFile({ a: { shape: [], data_offsets: [0, 4] } }, f32(1)), /dtype must be a string/],
  ["an unknown dtype", encodeFile({ a: tensor([1], 0, 4, "F31") }, f32(1)), /unknown dtype "F31"/],
  ["a dtype of the prototype", encodeFile({ a: tensor([1], 0, 4, "constructor") }, f32(1)), /unknown dtype/],
  ["a shape that is no list", encodeFile({ a: tensor(1, 0, 4) }, f32(1)), /shape must be an array/],
  ["a negative dimension", encodeFile({ a: tensor([-1], 0, 4) }, f32(1)), /integer of at least 0, got -1/],
  ["a fractional dimension", encodeFile({ a: tensor([0.5], 0, 2) }, f32(1)), /got 0.5/],
  ["a huge dimension", encodeFile({ a: tensor([1e300], 0, 4) }, f32(1)), /integer of at least 0/],
  ["a huge product", encodeFile({ a: tensor(Array(40).fill(1e9), 0, 4) }, f32(1)), /its offsets span 4/],
  [
    "an infinite product by zero",
    encodeFile({ a: tensor([...Array(40).fill(1e15), 0], 0, 0) }),
    /its offsets span 0/,
  ],
  ["a text offset", encodeFile({ a: tensor([1], "0", 4) }, f32(1)), /data_offsets must be an integer/],
  [
    "three offsets",
    encodeFile({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 4] } }, f32(1)),
    /two integers/,
  ],
  ["offsets in reverse", encodeFile({ a: tensor([1], 4, 0) }, f32(1)), /its offsets span -4/],
  [
    "offsets beyond the file",
    encodeFile({ a: tensor([2], 0, 8) }, f32(1)),
    /truncated: tensor "a" ends at byte 8/,
  ],
  ["offsets of a terabyte", encodeFile({ a: tensor([2 ** 38], 0, 2 ** 40) }, f32(1)), /truncated/],
  [
    "overlapping tensors",
    encodeFile({ a: tensor([1], 0, 4), b: tensor([1], 0, 4) }, f32(1, 2)),
    /"b" overlaps/,
  ],
  ["a gap", encodeFile({ a: tensor([1], 0, 4), b: tensor([1], 8, 12) }, f32(1, 2, 3)), /after a gap from 4/],
  ["bytes at the end", encodeFile({ a: tensor([1], 0, 4) }, f32(1, 2)), /4 bytes follow/],
  ["a tensor twice", encodeFile('{"a":{},"a":{}}'), /key "a" twice/],
  ["a tensor twice, once escaped", encodeFile('{"a":{},"\\u0061":{}}'), /key "a" twice/],
  ["a dtype twice", encodeFile('{"a":{"dtype":"F32","dtype":"F64"}}'), /key "dtype" twice/],
  [
    "the prototype",
    encodeFile('{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,0]}}'),
    /"__proto__"/,
  ],
  ["metadata that are a list", encodeFile({ __metadata__: [] }), /metadata must be an object/],
  ["metadata that are numbers", encodeFile({ __metadata__: { a: 1 } }), /metadata "a" must be a string/],
])("refuses %s", async (_, bytes, message) => {
  expect(await refusal(bytes)).toMatch(message);
});

it("keys in lists and strings are no duplicates", async () => {
  const metadata = { a: '{"x":1,"x":2}', b: 'a","a' };
  const path = write(encodeFile({ __metadata__: metadata, x: tensor([1], 0, 4) }, f32(5)));
  expect(await readAll(path)).toEqual({ x: [5] });
});

it("says what the system says of a missing file, a folder and a device", async () => {
  await expect(readAll(join(folder, "none"))).rejects.toThrow(/file ".*none" cannot be read: ENOENT/);
  await expect(readAll(folder)).rejects.toThrow(/not a regular file|EISDIR/);
  await expect(readAll("/dev/zero")).rejects.toThrow(/not a regular file/);
  await expect(readAll(join(folder, "none"))).rejects.toThrow(FileError);
});

it("notices a file that shrinks while it is read", async () => {
  const path = write(encodeFile({ a: tensor([2], 0, 8) }, f32(1, 2)));
  const reading = readSafetensors(path, (file) => {
    truncateSync(path, 20);
    return file.read(file.tensors.get("a") as TensorInfo);
  });
  await expect(reading).rejects.toThrow(/ends early/);
});

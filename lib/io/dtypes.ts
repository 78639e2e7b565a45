import { endianness } from "node:os";

/** An element type of safetensors files, little endian. */
interface ElementType {
  readonly bytes: number;
  /** The element as a number; absent where Myelin does not read the type. */
  readonly read?: (view: DataView, offset: number) => number;
}

/** An IEEE 754 number of the given field widths, from its bits. */
export function floatFromBits(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits >>> (exponentBits + mantissaBits) === 0 ? 1 : -1;
  const largest = 2 ** exponentBits - 1;
  const exponent = (bits >>> mantissaBits) & largest;
  const fraction = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === largest) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * 2 ** (1 - bias) * fraction;
  return sign * 2 ** (exponent - bias) * (1 + fraction);
}

/** Names and sizes are those of the safetensors format. */
export const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ["F32", { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) }],
  ["F64", { bytes: 8, read: (view, offset) => view.getFloat64(offset, true) }],
  ["F16", { bytes: 2, read: (view, offset) => floatFromBits(view.getUint16(offset, true), 5, 10) }],
  ["BF16", { bytes: 2, read: (view, offset) => floatFromBits(view.getUint16(offset, true), 8, 7) }],
  ["U8", { bytes: 1 }],
  ["I8", { bytes: 1 }],
  ["BOOL", { bytes: 1 }],
  ["F8_E4M3", { bytes: 1 }],
  ["F8_E5M2", { bytes: 1 }],
  ["F8_E8M0", { bytes: 1 }],
  ["I16", { bytes: 2 }],
  ["U16", { bytes: 2 }],
  ["I32", { bytes: 4 }],
  ["U32", { bytes: 4 }],
  ["I64", { bytes: 8 }],
  ["U64", { bytes: 8 }],
  ["C64", { bytes: 8 }],
]);

/** The types whose elements Myelin reads as weights. */
export const READABLE_TYPES: readonly string[] = [...ELEMENT_TYPES]
  .filter(([, { read }]) => read !== undefined)
  .map(([name]) => name);

/** A copy of the values as a file of type F32 holds them. */
export function float32Bytes(values: Float32Array): Uint8Array {
  const bytes = Buffer.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return endianness() === "LE" ? bytes : bytes.swap32();
}

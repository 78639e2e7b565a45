import type { FloatArray } from "../tensor.ts";
import type { Operand } from "./op.ts";

const SIGN = 0x80000000;
const INFINITY = 0x7f800000;
const QUIET = 0x00400000;
const UPPER = 0xffff0000;

/** The upper half of a float, rounded to nearest, ties to even; denormals become zeros, as in the instructions. */
function roundBits(bits: number): number {
  const magnitude = bits & ~SIGN;
  if (magnitude > INFINITY) return (bits | QUIET) & UPPER;
  if (magnitude < 0x00800000) return bits & SIGN;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) & UPPER;
}

/** The numbers as bf16 holds them: 8 bits of exponent as in float32, 8 significant bits. */
export function roundToBf16(values: FloatArray): Float32Array {
  const rounded = Float32Array.from(values);
  const bits = new Uint32Array(rounded.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = roundBits(bits[i] as number);
  return rounded;
}

/** The operand as bf16 holds it. */
export function roundOperand(operand: Operand): Operand {
  return { ...operand, data: roundToBf16(operand.data.subarray(0, operand.count)) };
}

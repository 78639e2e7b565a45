import { REGIONS } from "../../lib/plan/plan.ts";

/** An input or output of an encoded plan. */
export interface Port {
  name: string;
  /** Elements of a sample, or of all where it is not batched. */
  size: number;
  batched: boolean;
}

/** What stands at the front of an encoded plan. */
export interface Front {
  capacity: number;
  sizes: number[];
  inputs: Port[];
  outputs: Port[];
}

/** Reads the front of an encoded plan that the native loader has accepted. */
export function readFront(bytes: Uint8Array): Front {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 8;
  const word = (): number => {
    position += 4;
    return view.getUint32(position - 4, true);
  };
  const ports = (): Port[] =>
    Array.from({ length: word() }, () => {
      const length = word();
      const name = new TextDecoder().decode(bytes.subarray(position, position + length));
      position += Math.ceil(length / 4) * 4;
      position += 8;
      const batched = word() === 1;
      const shape = Array.from({ length: word() }, word);
      return { name, batched, size: shape.reduce((size, axis) => size * axis, 1) };
    });
  const capacity = word();
  const sizes = Array.from({ length: word() }, word);
  return { capacity, sizes, inputs: ports(), outputs: ports() };
}

/** The sizes of the regions that a plan claims, whatever it is; undefined when the front is not there. */
export function claimedSizes(bytes: Uint8Array): number[] | undefined {
  if (bytes.length < 16 + REGIONS.length * 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return REGIONS.map((_, i) => view.getUint32(16 + i * 4, true));
}

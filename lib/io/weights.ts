import { DataError, FileError } from "../errors.ts";
import type { StateEntry, StateLayout } from "../plan/layout.ts";
import { formatShape, sameShape } from "../tensor.ts";
import { float32Bytes } from "./dtypes.ts";
import type { SafetensorsFile, TensorBytes, TensorInfo } from "./safetensors.ts";

/** Arrays of a network by their paths. */
export type WeightMap = ReadonlyMap<string, Float32Array>;

/** Parameters and running statistics with their memory: a Network, to this folder. */
export interface Weights {
  readonly layout: StateLayout;
  readonly state: Float32Array;
}

/** Index of the first NaN or infinite value; -1 where there is none. */
function findNonFinite(values: Float32Array): number {
  return values.findIndex((value) => !Number.isFinite(value));
}

function part(block: Float32Array, { offset, size }: StateEntry, base = 0): Float32Array {
  return block.subarray(base + offset, base + offset + size);
}

/**
 * A copy of all weights as they are now.
 * @throws DataError for NaN or infinite weights, which no load would accept
 */
export function copyWeights({ layout, state }: Weights): TensorBytes[] {
  return [...layout.entries].map(([path, entry]) => {
    const values = part(state, entry);
    const index = findNonFinite(values);
    if (index >= 0)
      throw new DataError(`weight "${path}" holds ${values[index]} at index ${index}: it is not saved`);
    return { name: path, dtype: "F32", shape: entry.declaration.shape, bytes: float32Bytes(values) };
  });
}

/**
 * Checks that a file holds exactly the given arrays.
 * @param expected shapes by name
 * @param ignore names that may be there besides
 */
export function checkTensors(
  file: SafetensorsFile,
  expected: ReadonlyMap<string, readonly number[]>,
  ignore: (name: string) => boolean = () => false,
): void {
  for (const [name, shape] of expected) {
    const found = file.tensors.get(name);
    if (found === undefined)
      throw new FileError(`${file.where} lacks the tensor "${name}" ${formatShape(shape)}`);
    if (!sameShape(found.shape, shape)) {
      throw new FileError(
        `${file.where}: tensor "${name}" must have shape ${formatShape(shape)}, got ${formatShape(found.shape)}`,
      );
    }
  }
  const rest = [...file.tensors.keys()].filter((name) => !expected.has(name) && !ignore(name));
  if (rest.length === 0) return;
  const names = rest.slice(0, 5).map((name) => JSON.stringify(name));
  throw new FileError(
    `${file.where} holds tensors that the network does not have: ${names.join(", ")}${rest.length > 5 ? ", ..." : ""}`,
  );
}

export function shapesOf(layout: StateLayout): Map<string, readonly number[]> {
  return new Map([...layout.entries].map(([path, { declaration }]) => [path, declaration.shape]));
}

/**
 * Reads all weights of a layout; `checkTensors` must have passed.
 * @throws FileError for values that are NaN, infinite or beyond float32
 */
export async function readWeights(file: SafetensorsFile, layout: StateLayout): Promise<WeightMap> {
  const weights = new Map<string, Float32Array>();
  for (const path of layout.entries.keys()) {
    const values = await file.read(file.tensors.get(path) as TensorInfo);
    const index = findNonFinite(values);
    if (index >= 0)
      throw new FileError(`${file.where}: tensor "${path}" holds ${values[index]} at index ${index}`);
    weights.set(path, values);
  }
  return weights;
}

/** Puts weights that were read, all of them, into their places. */
export function placeWeights({ layout, state }: Weights, weights: WeightMap): void {
  for (const [path, { offset }] of layout.entries) state.set(weights.get(path) as Float32Array, offset);
}

import { FileError } from "../errors.ts";
import type { Optimizer } from "../optimizers.ts";
import type { StateLayout } from "../plan/layout.ts";
import { float32Bytes } from "./dtypes.ts";
import { readFields, writeFile } from "./format.ts";
import { arrayAt, indexAt, objectAt, parseJson, seedAt, stringAt, toJson } from "./json.ts";
import {
  checkPath,
  readSafetensors,
  type SafetensorsFile,
  type TensorBytes,
  type TensorInfo,
} from "./safetensors.ts";
import { checkTensors, copyWeights, placeWeights, readWeights, shapesOf, type Weights } from "./weights.ts";

/** Where a training stands: with the weights and the optimizer's slots, all it needs to go on as if it had never stopped. */
export interface TrainerState {
  readonly step: number;
  readonly epoch: number;
  /** Batches done of the epoch in progress. */
  readonly batch: number;
  readonly learningRateFactor: number;
  /** Of shuffles and dropout. */
  readonly seed: readonly [number, number];
  /** By callback name. */
  readonly callbacks: Readonly<Record<string, unknown>>;
}

/** An optimizer with its memory: its slots one after the other, each laid out like the parameters. */
export interface OptimizerMemory {
  readonly optimizer: Optimizer;
  readonly slots: Float32Array;
}

/** Callbacks may remember much (the best weights), so their state is a tensor of bytes and not in the header. */
const CALLBACKS = "trainer:callbacks";

const slotName = (slot: string, path: string): string => `optimizer:${slot}/${path}`;

/** Every slot of every parameter, and where it lies among the slots. */
function slotsOf(
  optimizer: Optimizer,
  layout: StateLayout,
): { name: string; shape: readonly number[]; offset: number; size: number }[] {
  const parameters = [...layout.entries].filter(([, { declaration }]) => declaration.kind === "parameter");
  return optimizer.slots.flatMap((slot, i) =>
    parameters.map(([path, { declaration, offset, size }]) => ({
      name: slotName(slot.name, path),
      shape: declaration.shape,
      offset: i * layout.parameterSize + offset,
      size,
    })),
  );
}

/** Writes a checkpoint of what there is at the call, whole or not at all. */
export async function writeCheckpoint(
  path: string,
  weights: Weights,
  { optimizer, slots }: OptimizerMemory,
  { callbacks, ...position }: TrainerState,
): Promise<void> {
  checkPath("save: path", path);
  const tensors: TensorBytes[] = copyWeights(weights);
  for (const { name, shape, offset, size } of slotsOf(optimizer, weights.layout)) {
    tensors.push({ name, dtype: "F32", shape, bytes: float32Bytes(slots.subarray(offset, offset + size)) });
  }
  const bytes = Buffer.from(JSON.stringify(toJson(callbacks, "state of callbacks")));
  tensors.push({ name: CALLBACKS, dtype: "U8", shape: [bytes.length], bytes });
  await writeFile(
    path,
    "checkpoint",
    { training: position, optimizer: describeOptimizer(optimizer) },
    tensors,
  );
}

/** What must agree for a training to go on with the slots of a checkpoint. */
function describeOptimizer({ name, attributes, slots }: Optimizer): {
  name: string;
  attributes: object;
  slots: string[];
} {
  return { name, attributes, slots: slots.map((slot) => slot.name) };
}

/**
 * Reads a checkpoint into weights and slots; they change only when all of the file is right.
 * @throws FileError for a file that is damaged, or of another architecture or optimizer
 */
export async function readCheckpoint(
  path: string,
  weights: Weights,
  memory: OptimizerMemory,
): Promise<TrainerState> {
  return readSafetensors(checkPath("restore: path", path), async (file) => {
    const fields = await readFields(file, "checkpoint", ["training", "optimizer"]);
    checkOptimizer(fields.optimizer, memory.optimizer, `${file.where}: optimizer`);
    const slots = slotsOf(memory.optimizer, weights.layout);
    const shapes = shapesOf(weights.layout);
    for (const { name, shape } of slots) shapes.set(name, shape);
    checkTensors(file, shapes, (name) => name === CALLBACKS);
    const position = readPosition(fields.training, `${file.where}: training`);
    const callbacks = await readCallbacks(file);
    const newWeights = await readWeights(file, weights.layout);
    const newSlots = new Map<number, Float32Array>();
    for (const { name, offset } of slots)
      newSlots.set(offset, await file.read(file.tensors.get(name) as TensorInfo));
    placeWeights(weights, newWeights);
    for (const [offset, values] of newSlots) memory.slots.set(values, offset);
    return { ...position, callbacks };
  });
}

function checkOptimizer(json: unknown, optimizer: Optimizer, where: string): void {
  const own = describeOptimizer(optimizer);
  const fields = objectAt(json, where);
  const name = stringAt(fields.name, `${where}.name`);
  if (name !== own.name)
    throw new FileError(`${where} is ${JSON.stringify(name)}, the trainer's is "${own.name}"`);
  const slots = arrayAt(fields.slots, `${where}.slots`).map((slot, i) =>
    stringAt(slot, `${where}.slots[${i}]`),
  );
  const attributes = objectAt(fields.attributes, `${where}.attributes`);
  for (const key of new Set([...Object.keys(attributes), ...Object.keys(own.attributes)])) {
    const [found, wanted] = [attributes[key], (own.attributes as Record<string, unknown>)[key]];
    if (found !== wanted)
      throw new FileError(`${where} has ${key} ${String(found)}, the trainer's has ${String(wanted)}`);
  }
  if (slots.join() !== own.slots.join()) {
    throw new FileError(
      `${where} has the slots ${slots.join(", ") || "(none)"}, the trainer's ${own.slots.join(", ") || "(none)"}`,
    );
  }
}

function readPosition(json: unknown, where: string): Omit<TrainerState, "callbacks"> {
  const fields = objectAt(json, where);
  // Counters of the random generator: 32 bits.
  const counter = (key: string): number => indexAt(fields[key], `${where}.${key}`, 2 ** 32);
  const [step, epoch, batch] = [counter("step"), counter("epoch"), counter("batch")];
  const factor = fields.learningRateFactor;
  if (typeof factor !== "number" || factor < 0) {
    throw new FileError(`${where}.learningRateFactor must be a number of at least 0, got ${String(factor)}`);
  }
  const seed = seedAt(fields.seed, `${where}.seed`);
  return { step, epoch, batch, learningRateFactor: factor, seed };
}

async function readCallbacks(file: SafetensorsFile): Promise<Readonly<Record<string, unknown>>> {
  const tensor = file.tensors.get(CALLBACKS);
  if (tensor === undefined) throw new FileError(`${file.where} lacks the tensor "${CALLBACKS}"`);
  const pieces: Uint8Array[] = [];
  for await (const piece of file.bytes(tensor)) pieces.push(Uint8Array.from(piece));
  const where = `${file.where}: state of callbacks`;
  return objectAt(parseJson(Buffer.concat(pieces).toString(), where), where);
}

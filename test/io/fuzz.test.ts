import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { FileError } from "../../lib/errors.ts";
import { data, Network, Trainer } from "../../lib/index.ts";
import { readSafetensors } from "../../lib/io/safetensors.ts";
import { branched, encodeFile, temporaryFolder } from "./files.ts";

const folder = temporaryFolder();
const [original, damaged] = [join(folder, "model.safetensors"), join(folder, "damaged.safetensors")];

interface Damage {
  flips: readonly (readonly [number, number])[];
  cut: number | undefined;
  insert: Uint8Array;
}

/** Flipped bits, mostly few, with the end cut off or something put at the end now and then. */
const damage: fc.Arbitrary<Damage> = fc.record({
  flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }),
  cut: fc.option(fc.nat(), { nil: undefined, freq: 4 }),
  insert: fc.oneof({ weight: 5, arbitrary: fc.constant(new Uint8Array(0)) }, fc.uint8Array({ maxLength: 9 })),
});

function apply(bytes: Buffer, { flips, cut, insert }: Damage): Buffer {
  const copy = Buffer.from(bytes);
  for (const [place, mask] of flips) copy[place % copy.length] = (copy[place % copy.length] as number) ^ mask;
  const kept = cut === undefined ? copy : copy.subarray(0, cut % copy.length);
  return Buffer.concat([kept, insert]);
}

/** What a file gives, or the FileError it was refused with; any other error fails the test. */
async function attempt<T>(read: () => Promise<T>): Promise<T | FileError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FileError) return error;
    throw error;
  }
}

it("a damaged model gives the same network or a FileError", async () => {
  const network = branched();
  network.preprocessing.scaler = new data.StandardScaler().fit([[1], [2], [4]]);
  await network.save(original);
  const bytes = readFileSync(original);
  const whole = JSON.stringify(network.preprocessing);
  const check = async (harm: Damage): Promise<void> => {
    writeFileSync(damaged, apply(bytes, harm));
    const loaded = await attempt(() => Network.load(damaged, { executor: "reference" }));
    if (loaded instanceof FileError) return;
    expect(loaded.state).toEqual(network.state);
    expect(loaded.seed).toEqual(network.seed);
    expect(loaded.explain()).toBe(network.explain());
    expect(JSON.stringify(loaded.preprocessing)).toBe(whole);
  };
  await fc.assert(fc.asyncProperty(damage, check), { numRuns: 500 });
});

it("a damaged checkpoint restores the same training or nothing", async () => {
  const make = (): Trainer => {
    const network = branched();
    return new Trainer(network, { loss: ["categoricalCrossentropy", "meanSquaredError"] });
  };
  const trainer = make();
  trainer.network.state.fill(0.5);
  trainer.slots.fill(0.25);
  await trainer.save(original);
  const bytes = readFileSync(original);
  const check = async (harm: Damage): Promise<void> => {
    writeFileSync(damaged, apply(bytes, harm));
    const other = make();
    const drawn = Float32Array.from(other.network.state);
    const result = await attempt(() => other.restore(damaged));
    if (result instanceof FileError) expect(other.network.state).toEqual(drawn);
    else for (const weight of other.network.weights) expect(new Set(weight.data)).toEqual(new Set([0.5]));
  };
  await fc.assert(fc.asyncProperty(damage, check), { numRuns: 200 });
});

it("any JSON as a header is read or refused with a FileError", async () => {
  const dtype = fc.oneof(fc.constantFrom("F32", "F64", "F16", "U8"), fc.string());
  const number = fc.oneof(fc.nat(16), fc.constantFrom(-1, 0.5, 2 ** 53, 1e308, null, "4"));
  const tensor = fc.record({ dtype, shape: fc.array(number), data_offsets: fc.tuple(number, number) });
  const header = fc.dictionary(fc.string(), fc.oneof(tensor, fc.jsonValue()));
  const check = async (value: unknown, rest: Uint8Array): Promise<void> => {
    writeFileSync(damaged, encodeFile(JSON.stringify(value), rest));
    await attempt(() => readSafetensors(damaged, async (file) => file.tensors));
    await attempt(() => Network.load(damaged));
  };
  await fc.assert(
    fc.asyncProperty(fc.oneof(header, fc.jsonValue()), fc.uint8Array({ maxLength: 24 }), check),
    { numRuns: 300 },
  );
});

it("any architecture is built or refused with a FileError", async () => {
  const network = branched();
  await network.save(original);
  const { architecture, seed } = await readSafetensors(original, async ({ metadata }) => ({
    architecture: JSON.parse(metadata.get("architecture") as string),
    seed: metadata.get("seed") as string,
  }));
  /** Puts `value` at one place of the tree, chosen by `at`. */
  const replace = (tree: unknown, at: number, value: unknown): unknown => {
    if (typeof tree !== "object" || tree === null) return value;
    const keys = Object.keys(tree);
    if (keys.length === 0) return value;
    const key = keys[at % keys.length] as string;
    const changed = replace((tree as Record<string, unknown>)[key], Math.floor(at / keys.length), value);
    return Array.isArray(tree) ? tree.with(Number(key), changed) : { ...tree, [key]: changed };
  };
  const check = async (at: number, value: unknown): Promise<void> => {
    const fields = {
      architecture: JSON.stringify(replace(architecture, at, value)),
      seed,
      preprocessing: "{}",
    };
    const metadata = { format: "myelin", kind: "model", version: "1", ...fields };
    writeFileSync(damaged, encodeFile({ __metadata__: metadata }));
    await attempt(() => Network.load(damaged, { executor: "reference" }));
  };
  const value = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    fc.constantFrom("dense", "flatten", "__proto__", 2 ** 53),
  );
  await fc.assert(fc.asyncProperty(fc.nat(), value, check), { numRuns: 500 });
});

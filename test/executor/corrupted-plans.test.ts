import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadBinding, type NativeBinding } from "../../lib/executor/binding.ts";
import type { Job } from "../../lib/executor/executor.ts";
import { claimedSizes, type Front, readFront } from "../support/plan-bytes.ts";
import { TRAINING_PLANS } from "../support/plans.ts";

const { Program, isas } = loadBinding().binding as NativeBinding;

/** Elements that one region may have here; a plan that claims more gets less, and must be refused. */
const MOST = 1 << 20;

/** Numbers that hurt: labels out of range, overflow, not a number. */
const EVIL = [0, 1, -1, 2.5, 1e9, -1e9, 3e38, -3e38, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY, 1e-40];

const evil = (length: number, from: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => EVIL[(i * 7 + from) % EVIL.length] as number);

const MARGIN = 64;
const SENTINEL = 12345.5;

interface GuardedRegions {
  regions: Float32Array[];
  /** Whether nothing was written before or after a region. */
  intact(): boolean;
}

function makeRegions(bytes: Uint8Array): GuardedRegions {
  const sizes = (claimedSizes(bytes) ?? [0, 0, 0, 0, 0]).map((size) => Math.min(size, MOST));
  const guarded = sizes.map((size) => {
    const memory = new Float32Array(new SharedArrayBuffer((size + 2 * MARGIN) * 4)).fill(SENTINEL);
    memory.fill(0.1, MARGIN, MARGIN + size);
    return memory;
  });
  return {
    regions: guarded.map((memory, i) => memory.subarray(MARGIN, MARGIN + (sizes[i] as number))),
    intact: () =>
      guarded.every((memory) => {
        const ends = [memory.subarray(0, MARGIN), memory.subarray(-MARGIN)];
        return ends.every((end) => end.every((value) => value === SENTINEL));
      }),
  };
}

function makeJob({ capacity, inputs, outputs }: Front, from: number): Job {
  const batchSize = Math.min(capacity, 5);
  const rows = batchSize * 2 + 1;
  const steps = 3 * 2;
  return {
    columns: inputs.map(({ size }) => ({ data: evil(size * rows, from), scale: 1, offset: 0 })),
    indices: null,
    epochRows: rows,
    epochs: 2,
    batchSize,
    firstStep: 0,
    counter: 0,
    learningRates: Float32Array.of(0.01),
    seed: [1, 2],
    outputs: outputs.map(({ size, batched }) => new Float32Array(size * (batched ? rows * 2 : steps))),
    budget: 50,
    stopBelow: Number.NaN,
  };
}

interface Tally {
  refused: number;
  loaded: number;
}

/** Loads a plan and runs it on numbers that hurt; the process must live, whatever the plan is. */
function attempt(bytes: Uint8Array, from: number, tally: Tally): void {
  let program: InstanceType<NativeBinding["Program"]>;
  const { regions, intact } = makeRegions(bytes);
  try {
    program = new Program(bytes, regions, isas[from % isas.length]);
  } catch (error) {
    expect((error as Error).message).toMatch(/^plan refused: /);
    tally.refused++;
    return;
  }
  tally.loaded++;
  const front = readFront(bytes);
  // Room for rows of a size that a corrupted plan claims.
  if ([...front.inputs, ...front.outputs].reduce((sum, { size }) => sum + size, 0) > MOST) return;
  const job = makeJob(front, from);
  const [steps, outcome] = program.runSync(job);
  expect(steps).toBeLessThanOrEqual(6);
  expect(["done", "budget", "notFinite"]).toContain(outcome);
  program.step(1, 2 ** 40, 0.1, from, 2);
  expect(intact()).toBe(true);
}

type Change = (bytes: Uint8Array) => Uint8Array;

const WORDS = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 255, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];

const position = fc.nat({ max: 2 ** 20 });
const changeWord =
  (make: (old: number) => number, at: number): Change =>
  (bytes) => {
    if (bytes.length < 4) return bytes;
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    const offset = (at % Math.floor(copy.length / 4)) * 4;
    view.setUint32(offset, make(view.getUint32(offset, true)) >>> 0, true);
    return copy;
  };

/** One thing that may happen to a file or to memory. */
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(position, fc.nat({ max: 31 })).map(([at, bit]) => changeWord((old) => old ^ (1 << bit), at)),
  fc.tuple(position, fc.constantFrom(...WORDS)).map(([at, word]) => changeWord(() => word, at)),
  fc.tuple(position, fc.integer({ min: -17, max: 17 })).map(([at, by]) => changeWord((old) => old + by, at)),
  // A word of the plan in the place of another: most often something that could stand there.
  fc.tuple(position, position).map(
    ([at, from]): Change =>
      (bytes) => {
        if (bytes.length < 4) return bytes;
        const view = new DataView(bytes.buffer);
        const word = view.getUint32((from % Math.floor(bytes.length / 4)) * 4, true);
        return changeWord(() => word, at)(bytes);
      },
  ),
  position.map(
    (at): Change =>
      (bytes) =>
        bytes.slice(0, Math.max(4, at % bytes.length)),
  ),
  fc.tuple(position, fc.nat({ max: 8 })).map(
    ([at, words]): Change =>
      (bytes) => {
        const start = (at % (bytes.length >> 2)) * 4;
        const end = Math.min(start + words * 4, bytes.length);
        return Uint8Array.from([...bytes.subarray(0, start), ...bytes.subarray(end)]);
      },
  ),
  fc.uint8Array({ minLength: 1, maxLength: 9 }).map(
    (more): Change =>
      (bytes) =>
        Uint8Array.from([...bytes, ...more]),
  ),
);

describe.each(TRAINING_PLANS)("a corrupted plan: %s", (_, plan) => {
  it("runs as long as it is whole, on numbers that hurt", () => {
    const tally = { refused: 0, loaded: 0 };
    for (let from = 0; from < 24; from++) attempt(plan, from, tally);
    expect(tally).toEqual({ refused: 0, loaded: 24 });
  });

  it("is refused where it ends too early, at every length", () => {
    const tally = { refused: 0, loaded: 0 };
    for (let length = 0; length < plan.length; length++) attempt(plan.slice(0, length), 0, tally);
    expect(tally).toEqual({ refused: plan.length, loaded: 0 });
  });

  it("is refused or harmless with any bit turned", () => {
    const tally = { refused: 0, loaded: 0 };
    for (let bit = 0; bit < plan.length * 8; bit += 5) {
      const bytes = plan.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      attempt(bytes, bit, tally);
    }
    expect(tally.refused).toBeGreaterThan(tally.loaded);
  });

  it("is refused or harmless after several changes", () => {
    const tally = { refused: 0, loaded: 0 };
    const changes = fc.array(change, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.nat({ max: 100 }), (list, from) => {
        attempt(
          list.reduce((bytes, one) => one(bytes), plan),
          from,
          tally,
        );
      }),
      { numRuns: 3000 },
    );
    expect(tally.refused).toBeGreaterThan(100);
    expect(tally.loaded).toBeGreaterThan(100);
  });
});

it("any bytes are refused", () => {
  const tally = { refused: 0, loaded: 0 };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      attempt(bytes, 0, tally);
      attempt(
        Uint8Array.from([...[0x4d, 0x59, 0x50, 0x4c, 1, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0], ...bytes]),
        0,
        tally,
      );
    }),
    { numRuns: 2000 },
  );
  expect(tally.loaded).toBe(0);
});

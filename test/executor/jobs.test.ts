import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadBinding, type NativeBinding, type NativeProgram } from "../../lib/executor/binding.ts";
import type { Job } from "../../lib/executor/executor.ts";
import { claimedSizes, readFront } from "../support/plan-bytes.ts";
import { TRAINING_PLANS } from "../support/plans.ts";

const { Program, alignmentOf, setThreads, track } = loadBinding().binding as NativeBinding;

const [[, plan]] = TRAINING_PLANS as [readonly [string, Uint8Array]];
const front = readFront(plan);

const shared = (length: number): Float32Array => new Float32Array(new SharedArrayBuffer(length * 4));
const makeRegions = (): Float32Array[] => (claimedSizes(plan) as number[]).map((size) => shared(size));
const makeProgram = (): NativeProgram => new Program(plan, makeRegions());

const ROWS = 10;
const STEPS = 2 * 3;

/** A job that the plan can run: 2 epochs of 10 rows in batches of 4. */
function makeJob(): Job {
  return {
    columns: front.inputs.map(({ size }) => ({ data: shared(size * ROWS), scale: 1, offset: 0 })),
    indices: null,
    epochRows: ROWS,
    epochs: 2,
    batchSize: 4,
    firstStep: 0,
    counter: 0,
    learningRates: shared(1),
    seed: [1, 2],
    outputs: front.outputs.map(({ size }) => shared(size * STEPS)),
    budget: Number.POSITIVE_INFINITY,
    stopBelow: Number.NaN,
  };
}

const rows = (...values: number[]): Uint32Array => {
  const result = new Uint32Array(new SharedArrayBuffer(values.length * 4));
  result.set(values);
  return result;
};
const twenty = (last: number): Uint32Array => rows(...Array.from({ length: 19 }, (_, i) => i % ROWS), last);
const withColumn = (change: object): Partial<Job> => {
  const [first, ...others] = makeJob().columns;
  return { columns: [{ ...first, ...change } as Job["columns"][number], ...others] };
};

const WRONG: Record<string, [change: unknown, message: RegExp]> = {
  "no job": [undefined, /job must be an object, got undefined/],
  "a number": [7, /job must be an object, got 7/],
  "no columns": [{ columns: undefined }, /job\.columns must be an array/],
  "too few columns": [{ columns: [] }, /columns must be one per plan input, 3, got 0/],
  "a column that is a number": [{ columns: [1, 2, 3] }, /job\.columns\[0\] must be an object/],
  "a column of plain numbers": [
    withColumn({ data: [1, 2] }),
    /job\.columns\[0\]\.data must be a typed array/,
  ],
  "a column of 64-bit integers": [
    withColumn({ data: new BigInt64Array(new SharedArrayBuffer(800)) }),
    /job\.columns\[0\]\.data must be a typed array of float32/,
  ],
  "a DataView": [withColumn({ data: new DataView(new SharedArrayBuffer(800)) }), /must be a typed array/],
  "a column that is too short": [
    withColumn({ data: shared(7 * ROWS - 1) }),
    /at least 10 rows of 7 elements long, got 69/,
  ],
  "an empty column": [withColumn({ data: shared(0) }), /at least 10 rows/],
  "a scale that is no number": [withColumn({ scale: "1" }), /scale must be a number, got "1"/],
  "an infinite scale": [withColumn({ scale: Number.POSITIVE_INFINITY }), /scale and offset must be finite/],
  "an offset of NaN": [withColumn({ offset: Number.NaN }), /scale and offset must be finite/],
  "indices of another type": [{ indices: shared(20) }, /job\.indices must be a Uint32Array or null/],
  "too few indices": [
    { indices: rows(1, 2, 3) },
    /indices must be of length epochs \* epochRows = 20, got 3/,
  ],
  "no indices at all": [{ indices: rows() }, /indices must be of length/],
  "an index past the end": [{ indices: twenty(ROWS) }, /at least 11 rows/],
  "the largest index": [{ indices: twenty(2 ** 32 - 1) }, /at least 4294967296 rows/],
  "a batch larger than the plan's capacity": [
    { batchSize: 7 },
    /batchSize must be from 1 to the plan's capacity 6, got 7/,
  ],
  "a batch of 0": [{ batchSize: 0 }, /batchSize must be an integer from 1/],
  "half a batch": [{ batchSize: 1.5 }, /batchSize must be an integer from 1/],
  "no rows": [{ epochRows: 0 }, /epochRows must be an integer from 1/],
  "rows that are no number": [{ epochRows: Number.NaN }, /epochRows must be an integer from 1/],
  "more rows than there can be": [{ epochRows: 2 ** 53 }, /epochRows must be an integer/],
  "epochs beyond counting": [
    { epochs: 2 ** 52 },
    /epochs must be at least 1, and epochs \* epochRows at most 2\^53/,
  ],
  "negative epochs": [{ epochs: -1 }, /epochs must be an integer from 1/],
  "a first step past the end": [
    { firstStep: STEPS + 1 },
    /firstStep must be from 0 to the job's 6 steps, got 7/,
  ],
  "a negative first step": [{ firstStep: -1 }, /firstStep must be an integer from 0/],
  "a counter that is a text": [{ counter: "0" }, /counter must be an integer from 0/],
  "learning rates in doubles": [
    { learningRates: new Float64Array(1) },
    /learningRates must be a Float32Array/,
  ],
  "too few learning rates": [
    { learningRates: shared(5) },
    /learningRates must be of length 1 or at least 6, got 5/,
  ],
  "no learning rate": [{ learningRates: shared(0) }, /learningRates must be of length 1/],
  "half a seed": [{ seed: [1] }, /seed\[1\] must be an integer/],
  "a seed out of range": [{ seed: [1, 2 ** 32] }, /seed\[1\] must be an integer from 0 to 4294967295/],
  "no outputs": [{ outputs: [] }, /outputs must be one per plan output/],
  "an output that is too short": [
    { outputs: makeJob().outputs.map((output) => output.subarray(1)) },
    /outputs\[0\] \(loss\) must be of length 0 or at least 6 \* 1, got 5/,
  ],
  "an output of another type": [
    { outputs: front.outputs.map(() => new Uint8Array(99)) },
    /outputs\[0\] must be a Float32Array/,
  ],
  "a budget of NaN": [{ budget: Number.NaN }, /budget must be 0 or more milliseconds/],
  "a negative budget": [{ budget: -1 }, /budget must be 0 or more/],
  "a stop rule without the array of losses": [
    { stopBelow: 1, outputs: front.outputs.map(() => shared(0)) },
    /stopBelow needs a plan whose output 0 is a scalar, and an array for it/,
  ],
};

describe("a job that does not fit its plan", () => {
  it.each(Object.entries(WRONG))("%s", async (_, [change, message]) => {
    const program = makeProgram();
    const job = (typeof change === "object" ? { ...makeJob(), ...change } : change) as Job;
    expect(() => program.runSync(job)).toThrow(message);
    await expect(async () => program.run(job)).rejects.toThrow(message);
    expect(program.runSync(makeJob())).toEqual([STEPS, "done"]);
  });

  it("asynchronous runs want shared memory for everything", async () => {
    const program = makeProgram();
    const own = new Float32Array(ROWS * 7);
    for (const change of [
      withColumn({ data: own }),
      { indices: Uint32Array.from(twenty(0)) },
      { learningRates: new Float32Array(1) },
      { outputs: makeJob().outputs.map((output) => Float32Array.from(output)) },
    ]) {
      const job = { ...makeJob(), ...change };
      expect(program.runSync(job)).toEqual([STEPS, "done"]);
      await expect(async () => program.run(job)).rejects.toThrow(/must be backed by a SharedArrayBuffer/);
    }
  });

  it("arrays that a getter of the job takes away are not touched", () => {
    const program = makeProgram();
    const data = new Float32Array(ROWS * 7);
    const job = { ...makeJob(), ...withColumn({ data }) };
    Object.defineProperty(job, "stopBelow", {
      get: () => {
        structuredClone(null, { transfer: [data.buffer] });
        return Number.NaN;
      },
    });
    expect(() => program.runSync(job)).toThrow(/at least 10 rows of 7 elements long, got 0/);
  });

  it("an error thrown by a getter of the job comes through", () => {
    const job = makeJob();
    Object.defineProperty(job, "epochs", {
      get: () => {
        throw new RangeError("mine");
      },
    });
    expect(() => makeProgram().runSync(job)).toThrow(new RangeError("mine"));
  });

  it("random values in any place are refused or harmless", () => {
    const program = makeProgram();
    const value = fc.oneof(
      fc.constantFrom(
        0,
        1,
        2,
        4,
        6,
        7,
        10,
        11,
        2 ** 31,
        2 ** 32,
        2 ** 53,
        -1,
        0.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
      ),
      fc.constantFrom(null, undefined, "1", true, [], {}, shared(0), shared(20), rows(0), twenty(9)),
      fc.anything({ withTypedArray: true, withSparseArray: true, withBigInt: true, withDate: true }),
    );
    const keys = Object.keys(makeJob()).filter((key) => key !== "budget");
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value, { minKeys: 1, maxKeys: 3 }), (change) => {
        try {
          const [steps] = program.runSync({ ...makeJob(), budget: 5, ...change } as Job);
          expect(steps).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("a program", () => {
  it("wants a plan, five regions in shared memory, and a variant that there is", () => {
    const regions = makeRegions();
    const make =
      (...args: unknown[]) =>
      () =>
        Reflect.construct(Program, args);
    expect(make(undefined, regions)).toThrow(/Program: plan must be a Uint8Array/);
    expect(make(plan)).toThrow(/Program: regions must be an array/);
    expect(make(plan, regions.slice(1))).toThrow(/Program: regions must be of length 5/);
    expect(make(plan, [...regions.slice(1), 0])).toThrow(/regions\[4\] \(scratch\) must be a Float32Array/);
    const own = regions.map((region) => Float32Array.from(region));
    expect(make(plan, own)).toThrow(/regions\[0\] \(state\) must be backed by a SharedArrayBuffer/);
    const short = regions.map((region) => region.subarray(1));
    expect(make(plan, short)).toThrow(/region 0 \(state\) must have at least/);
    expect(make(plan, regions, "mmx")).toThrow(/Program: isa must be one of .*, got "mmx"/);
    expect(make(plan, regions, 5)).toThrow(/Program: isa must be one of/);
    expect(() => (Program as unknown as (...args: unknown[]) => void)(plan, regions)).toThrow(TypeError);
  });

  it("has methods that only it can be asked for", () => {
    const { runSync, step, cancel } = makeProgram();
    for (const method of [runSync, step, cancel]) {
      expect(() => Reflect.apply(method, {}, [makeJob()])).toThrow(TypeError);
      expect(() => Reflect.apply(method, undefined, [])).toThrow(TypeError);
    }
  });

  it("checks the numbers of a single step", () => {
    const program = makeProgram();
    expect(program.step(6, 0, 0.1, 1, 2)).toBe(true);
    const wrong = [
      [0, 0, 0.1, 1, 2],
      [7, 0, 0.1, 1, 2],
      [Number.NaN, 0, 0.1, 1, 2],
      [1, -1, 0.1, 1, 2],
      [1, 0, "x", 1, 2],
      [1, 0, 0, -1, 2],
      [1, 0, 0, 1, 2 ** 32],
      [],
    ];
    for (const args of wrong) {
      expect(() => Reflect.apply(program.step, program, args)).toThrow(/Program\.step: \w+ must be/);
    }
  });

  it("runs once at a time", async () => {
    const program = makeProgram();
    const job = { ...makeJob(), epochs: 100000, outputs: front.outputs.map(() => shared(0)) };
    const run = program.run(job);
    for (const again of [
      () => program.runSync(job),
      () => program.step(1, 0, 0, 0, 0),
      () => program.run(job),
    ]) {
      expect(again).toThrow(/this program is busy: a run of it has not ended/);
    }
    program.cancel();
    const [steps, outcome] = await run;
    expect(outcome).toBe("cancelled");
    expect(steps).toBeLessThan(300000);
    expect(program.runSync(makeJob())).toEqual([STEPS, "done"]);
  });

  it("waits its turn behind other programs, and can be cancelled before it comes", async () => {
    const [first, second] = [makeProgram(), makeProgram()];
    const job = { ...makeJob(), epochs: 100000, outputs: front.outputs.map(() => shared(0)) };
    const runs = [first.run(job), second.run(job)];
    second.cancel();
    first.cancel();
    const [, [steps, outcome]] = (await Promise.all(runs)) as [unknown, readonly [number, string]];
    expect([steps, outcome]).toEqual([0, "cancelled"]);
  });

  it("goes on where it paused: slices of no time give the same bits", () => {
    const train = (budget: number): [Float32Array, Float32Array, number] => {
      const regions = makeRegions();
      regions[0]?.forEach((_, i, state) => {
        state[i] = Math.sin(i);
      });
      const program = new Program(plan, regions);
      const job = { ...makeJob(), budget, learningRates: shared(1).fill(0.01), indices: twenty(3) };
      job.columns.forEach(({ data }, i) => {
        for (let j = 0; j < data.length; j++) data[j] = i === 1 ? j % 4 : Math.abs(Math.cos(j + i));
      });
      let slices = 0;
      for (let done = 0; ; slices++) {
        const [steps, outcome] = program.runSync({ ...job, firstStep: done });
        if (outcome === "done")
          return [regions[0] as Float32Array, job.outputs[0] as Float32Array, slices + 1];
        expect([steps, outcome]).toEqual([done + 1, "budget"]);
        done = steps;
      }
    };
    const [state, losses, slices] = train(0);
    const [wanted, wantedLosses, once] = train(Number.POSITIVE_INFINITY);
    expect([slices, once]).toEqual([STEPS, 1]);
    expect(state).toEqual(wanted);
    expect(losses).toEqual(wantedLosses);
    expect(losses.every((loss) => loss > 0)).toBe(true);
  });
});

describe("other functions of the addon", () => {
  it.each([undefined, null, Number.NaN, "x", {}, 0.5])("refuse %o", (value) => {
    for (const work of [setThreads, track] as ((value: unknown) => void)[]) {
      expect(() => work(value)).toThrow(TypeError);
    }
  });

  it.each([undefined, null, 5, "x"])("refuse %o as memory", (value) => {
    expect(() => alignmentOf(value as unknown as ArrayBuffer)).toThrow(TypeError);
  });

  it("tell the alignment of memory", () => {
    expect(alignmentOf(new SharedArrayBuffer(1000))).toBeGreaterThanOrEqual(0);
    expect(alignmentOf(new ArrayBuffer(1000)) % 8).toBe(0);
    expect(alignmentOf(new ArrayBuffer(0))).toBeLessThan(2 ** 21);
  });
});

import { describe, expect, it } from "vitest";
import { Dataset, type DatasetSource } from "../../lib/data/dataset.ts";
import { type BatchSource, batchStream, isBatchSource } from "../../lib/data/stream.ts";
import { DataError, ShapeError } from "../../lib/errors.ts";

async function lengths(source: BatchSource): Promise<number[]> {
  const found: number[] = [];
  for await (const batch of batchStream(source)) found.push(batch.length);
  return found;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

describe("batchStream", () => {
  const three: DatasetSource[] = [
    { x: [[1, 2]], y: [0] },
    {
      x: [
        [3, 4],
        [5, 6],
      ],
      y: [0, 1],
    },
    { x: [[7, 8]], y: [1] },
  ];

  it("reads arrays, generators, async generators and functions that make them", async () => {
    expect(await lengths(three)).toEqual([1, 2, 1]);
    expect(await lengths(three.values())).toEqual([1, 2, 1]);
    expect(await lengths(() => three)).toEqual([1, 2, 1]);
    expect(
      await lengths(async function* () {
        yield* three;
      }),
    ).toEqual([1, 2, 1]);
    expect(await lengths([Dataset.from(three[1] as DatasetSource)])).toEqual([2]);
    expect(await lengths([])).toEqual([]);
  });

  it("asks for one batch ahead, and not for two", async () => {
    let asked = 0;
    async function* source(): AsyncGenerator<DatasetSource> {
      for (const batch of three) {
        asked++;
        yield batch;
      }
    }
    let number = 0;
    for await (const batch of batchStream(source())) {
      await pause();
      number++;
      expect(batch.length).toBe([1, 2, 1][number - 1]);
      expect(asked).toBe(Math.min(number + 1, 3));
    }
    expect(number).toBe(3);
  });

  it("closes a source that the caller leaves early", async () => {
    let closed = false;
    async function* source(): AsyncGenerator<DatasetSource> {
      try {
        for (;;) {
          await pause();
          yield { x: [1] };
        }
      } finally {
        closed = true;
      }
    }
    for await (const _ of batchStream(source())) break;
    expect(closed).toBe(true);
  });

  it("says in which batch the source failed, after all batches before it", async () => {
    const cause = new Error("disk on fire");
    async function* source(): AsyncGenerator<DatasetSource> {
      yield { x: [1] };
      yield { x: [2] };
      throw cause;
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const batch of batchStream(source())) seen.push(batch.length);
    })();
    await expect(reading).rejects.toThrow("batch 2: disk on fire (thrown by the source of batches)");
    await expect(reading).rejects.toBeInstanceOf(DataError);
    await expect(reading).rejects.toHaveProperty("cause", cause);
    expect(seen).toEqual([1, 1]);
  });

  it("does not leave a rejection behind when the caller stops before the failing batch", async () => {
    async function* source(): AsyncGenerator<DatasetSource> {
      yield { x: [1] };
      throw new Error("never seen");
    }
    for await (const _ of batchStream(source())) break;
    await pause();
  });

  it.each<[string, unknown[], string]>([
    ["a batch with NaN", [{ x: [1] }, { x: [Number.NaN] }], "batch 1: x[0] must be a finite number, got NaN"],
    [
      "a batch that is none",
      [{ x: [1] }, 5],
      "batch 1: Dataset.from: the data must be { x, y, sampleWeight? }, got 5",
    ],
    [
      "another shape",
      [{ x: [[1]] }, { x: [[1, 2]] }],
      "batch 1: x must have samples of shape [1] as in batch 0, got [2]",
    ],
    [
      "a lost target",
      [{ x: [1], y: [1] }, { x: [1] }],
      "batch 1: y must have 1 columns as in batch 0, got 0",
    ],
    [
      "a lost weight",
      [{ x: [1], sampleWeight: [1] }, { x: [1] }],
      "batch 1: sampleWeight must be in all batches or in none",
    ],
  ])("refuses %s", async (_, batches, message) => {
    await expect(lengths(batches as DatasetSource[])).rejects.toThrow(message);
  });

  it("keeps the class of the error", async () => {
    await expect(lengths([{ x: [[1], [2, 3]] as number[][] }])).rejects.toBeInstanceOf(ShapeError);
    await expect(lengths((() => 5) as unknown as BatchSource)).rejects.toThrow(
      "must be an iterable or async iterable",
    );
  });
});

describe("isBatchSource", () => {
  it("tells batches from data", () => {
    expect(isBatchSource([].values())).toBe(true);
    expect(isBatchSource(() => [])).toBe(true);
    for (const data of [[[1]], new Float32Array(2), { x: [1] }, Dataset.from({ x: [1] }), null, "text", 3]) {
      expect(isBatchSource(data)).toBe(false);
    }
  });
});

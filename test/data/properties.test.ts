import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCsv } from "../../lib/data/csv.ts";
import { Dataset } from "../../lib/data/dataset.ts";
import { parseIdx, readIdx } from "../../lib/data/idx.ts";
import { preprocessingFromJSON } from "../../lib/data/preprocessing.ts";
import { MinMaxScaler, StandardScaler } from "../../lib/data/scalers.ts";
import { MyelinError } from "../../lib/errors.ts";
import { permutation } from "../../lib/random.ts";

/** Runs what may refuse its input, but only with an error of ours. */
async function onlyOwnErrors(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(MyelinError);
  }
}

const runs = { numRuns: 200 };

describe("whatever comes", () => {
  it("IDX files: the process lives, the error is typed", async () => {
    const header = fc.tuple(
      fc.constantFrom(8, 9, 11, 12, 13, 14, 10),
      fc.nat(10),
      fc.uint8Array({ maxLength: 60 }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      header.map(([type, rank, rest]) => Uint8Array.from([0, 0, type, rank, ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (file, packed) => {
        await onlyOwnErrors(() => readIdx(packed ? gzipSync(file) : file));
      }),
      runs,
    );
  });

  it("IDX files with a flipped byte: read or refused", () => {
    const file = Uint8Array.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
    for (let position = 0; position < file.length; position++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = file.slice();
        flipped[position] = (flipped[position] as number) ^ (1 << bit);
        const isInt8 = flipped[2] === 9;
        if (position >= 12 || isInt8) expect(parseIdx(flipped).shape).toEqual([2, 3]);
        else expect(() => parseIdx(flipped)).toThrow(MyelinError);
      }
    }
  });

  it("CSV text: the error is typed", async () => {
    const text = fc.array(fc.constantFrom("a", "1", ",", "\n", '"', "\r", " ", "é", "-", "."), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(text, async (pieces) => {
        await onlyOwnErrors(() => readCsv(`${pieces.join("")}\n`));
      }),
      runs,
    );
  });

  it("CSV tables of text come back as they were written", async () => {
    const cell = fc.string({
      unit: fc.constantFrom("a", "b", ",", '"', "\n", "ü"),
      minLength: 1,
      maxLength: 6,
    });
    const quoted = (values: readonly string[]): string =>
      values.map((value) => `"${value.replaceAll('"', '""')}"`).join(",");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), async (rows) => {
        const table = await readCsv(`x,y\n${rows.map(quoted).join("\n")}\n`, {
          columns: { x: "text", y: "text" },
        });
        expect(table.values("x").map((x, i) => [x, table.values("y")[i]])).toEqual(rows);
      }),
      runs,
    );
  });

  it("data for a dataset: the error is typed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.anything(), async (x, y) => {
        await onlyOwnErrors(() => Dataset.from({ x, y } as never));
        await onlyOwnErrors(() => Dataset.from(x as never));
      }),
      runs,
    );
  });

  it("saved preprocessing: the error is typed, and what is accepted works", async () => {
    const kinds = fc.constantFrom("standardScaler", "minMaxScaler", "labelEncoder", "oneHotEncoder");
    const field = fc.oneof(fc.jsonValue(), fc.array(fc.double()), fc.array(fc.string()));
    const json = fc.record(
      {
        kind: kinds,
        mean: field,
        scale: field,
        minimum: field,
        maximum: field,
        featureRange: field,
        classes: field,
      },
      { requiredKeys: ["kind"] },
    );
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        await onlyOwnErrors(() => preprocessingFromJSON(value).toJSON());
      }),
      runs,
    );
  });
});

describe("for all data", () => {
  const numbers = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const rows = fc
    .integer({ min: 1, max: 4 })
    .chain((width) =>
      fc.array(fc.array(numbers, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 20 }),
    );

  it("scaling and back again gives the data", () => {
    fc.assert(
      fc.property(rows, (data) => {
        for (const scaler of [new StandardScaler(), new MinMaxScaler({ featureRange: [-1, 1] })]) {
          const back = scaler.fit(data).inverseTransform(scaler.transform(data));
          back.data.forEach((value, i) => {
            expect(Math.abs(value - (data.flat()[i] as number))).toBeLessThan(1);
          });
        }
      }),
      runs,
    );
  });

  it("any split and shuffle keeps each sample exactly once", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.nat(),
        (n, f, seed) => {
          const dataset = Dataset.from({ x: Array.from({ length: n }, (_, i) => i) });
          const parts = dataset.split(f, { seed });
          const all = parts.flatMap((part) => [...part.toTensor().data]).sort((a, b) => a - b);
          expect(all).toEqual(Array.from({ length: n }, (_, i) => i));
          expect([...permutation(n, seed)].sort((a, b) => a - b)).toEqual(all);
        },
      ),
      runs,
    );
  });
});

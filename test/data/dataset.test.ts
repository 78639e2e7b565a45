import { describe, expect, it } from "vitest";
import { allFinite, checkClasses, checkFinite, kMaxFloat32, largest } from "../../lib/data/checks.ts";
import { makeColumn } from "../../lib/data/column.ts";
import { Dataset, type DatasetSource } from "../../lib/data/dataset.ts";
import { DataError, OptionError, ShapeError } from "../../lib/errors.ts";
import { loadBinding } from "../../lib/executor/binding.ts";

function numbered(length: number): Dataset {
  return Dataset.from({
    x: Array.from({ length }, (_, i) => [i, -i]),
    y: Array.from({ length }, (_, i) => i * 10),
  });
}

function labels(dataset: Dataset): number[] {
  return [...dataset.toTensor(0, "targets").data];
}

describe("allFinite", () => {
  it.each([Float32Array, Float64Array])(
    "finds one value that is not finite in a %o of any length",
    (Type) => {
      for (const length of [1, 5, 4095, 4096, 4099]) {
        const values = new Type(length).map((_, i) => (i % 2 === 0 ? kMaxFloat32 : -kMaxFloat32));
        expect(allFinite(values)).toBe(true);
        for (const position of [0, length >> 1, length - 1]) {
          for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
            const spoilt = values.slice();
            spoilt[position] = wrong;
            expect(allFinite(spoilt)).toBe(false);
          }
        }
      }
    },
  );

  it.each([Float32Array, Float64Array])("knows the largest magnitude of a %o of any length", (Type) => {
    for (const length of [0, 1, 5, 4096, 4099]) {
      const values = new Type(length).map((_, i) => (i % 9) - 4);
      expect(largest(values)).toBe(length === 0 ? 0 : 4);
      if (length > 0) values[length >> 1] = -6.5;
      expect(largest(values)).toBe(length === 0 ? 0 : 6.5);
    }
  });

  it("answers the same by the addon, which refuses what is no Float32Array", () => {
    const { binding } = loadBinding();
    const shared = new Float32Array(new SharedArrayBuffer(40), 4, 7);
    shared[2] = -7;
    if (binding !== undefined) {
      expect(binding.largest(shared)).toBe(7);
      shared[6] = Number.NaN;
      expect(binding.largest(shared)).toBeNaN();
      expect(binding.largest(new Float32Array(0))).toBe(0);
    }
    for (const wrong of [
      undefined,
      [1],
      new Float64Array(1),
      new DataView(new ArrayBuffer(8)),
    ] as unknown[]) {
      const call = (): unknown => binding?.largest(wrong as Float32Array);
      if (binding !== undefined) expect(call).toThrow(/largest: values must be a Float32Array/);
    }
  });
});

describe("Dataset.from", () => {
  it("copies nested arrays of any rank into float32", () => {
    const dataset = Dataset.from({ x: [[[1, 2, 3]], [[4, 5, 6]]], y: [[1], [0]] });
    expect(dataset.length).toBe(2);
    expect(dataset.inputs[0]).toEqual({
      data: new Float32Array([1, 2, 3, 4, 5, 6]),
      shape: [1, 3],
      scale: 1,
      offset: 0,
      largest: 6,
    });
    expect(dataset.targets[0]?.shape).toEqual([1]);
    expect(dataset.rows).toBeUndefined();
    expect(dataset.sampleWeight).toBeUndefined();
  });

  it("reads a plain array as one feature in x and one label in y", () => {
    const dataset = Dataset.from({ x: [1, 2, 3], y: [0, 1, 0], sampleWeight: [1, 2, 0] });
    expect(dataset.inputs[0]?.shape).toEqual([1]);
    expect(dataset.targets[0]?.shape).toEqual([]);
    expect(dataset.sampleWeight).toEqual({
      data: new Float32Array([1, 2, 0]),
      shape: [],
      scale: 1,
      offset: 0,
    });
  });

  it.each([
    Float32Array,
    Float64Array,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
  ])("binds a %o without a copy", (type) => {
    const data = new type([1, 2, 3, 4, 5, 6]);
    const dataset = Dataset.from({ x: { data, shape: [3, 2] }, y: data.subarray(0, 3) });
    expect(dataset.inputs[0]?.data).toBe(data);
    expect(dataset.targets[0]?.data.buffer).toBe(data.buffer);
    expect(dataset.toTensor()).toEqual({ shape: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) });
  });

  it("accepts rows that are typed arrays", () => {
    const dataset = Dataset.from({ x: [new Float32Array([1, 2]), new Float32Array([3, 4])] });
    expect(dataset.inputs).toHaveLength(1);
    expect(dataset.toTensor()).toEqual({ shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) });
  });

  it("takes several inputs and outputs as { data, shape }", () => {
    const dataset = Dataset.from({
      x: [
        { data: new Uint8Array([0, 255]), shape: [2, 1], scale: 1 / 255 },
        {
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      ],
      y: [{ data: new Uint8Array([1, 0]) }, { data: [5, 6] }],
    });
    expect(dataset.inputs.map((column) => column.shape)).toEqual([[1], [2]]);
    expect(dataset.targets.map((column) => column.shape)).toEqual([[], []]);
    const batch = dataset.gather([1]);
    expect(batch.inputs).toEqual([
      { shape: [1, 1], data: new Float32Array([1]) },
      { shape: [1, 2], data: new Float32Array([3, 4]) },
    ]);
    expect(batch.targets.map((tensor) => [...tensor.data])).toEqual([[0], [6]]);
  });

  it("keeps bytes until they are gathered, then applies scale and offset in float32", () => {
    const data = new Uint8Array([0, 51, 255]);
    const dataset = Dataset.from({ x: { data, shape: [3, 1], scale: 2 / 255, offset: -1 } });
    expect(dataset.inputs[0]?.data).toBe(data);
    const scale = Math.fround(2 / 255);
    expect([...dataset.toTensor().data]).toEqual(
      [0, 51, 255].map((v) => Math.fround(Math.fround(v * scale) - 1)),
    );
  });

  it("gives a dataset back as it is", () => {
    const dataset = numbered(3);
    expect(Dataset.from(dataset)).toBe(dataset);
  });

  const nan = Number.NaN;
  it.each<[string, unknown, string, typeof DataError | typeof ShapeError | typeof OptionError]>([
    [
      "text",
      {
        x: [
          [1, 2],
          [3, "a"],
        ],
      },
      'x[1][1] must be a finite number, got "a"',
      DataError,
    ],
    [
      "NaN",
      {
        x: [
          [1, 2],
          [nan, 4],
        ],
      },
      "x[1][0] must be a finite number, got NaN",
      DataError,
    ],
    [
      "a number too large for float32",
      { x: [1e39] },
      "x[0] must be a finite number in float32, got 1e+39",
      DataError,
    ],
    ["null", { x: [null] }, "x[0] must be a finite number, got null", DataError],
    ["a boolean", { x: [1], y: [true] }, "y[0] must be a finite number, got true", DataError],
    ["a hole", { x: [1, undefined] }, "x[1] must be a finite number, got undefined", DataError],
    ["a missing x", { y: [1] }, "x is missing", DataError],
    [
      "a ragged row",
      { x: [[1, 2], [3]] },
      "x[1] must be an array of length 2, as x[0] is, got an array of length 1",
      ShapeError,
    ],
    [
      "a deeper ragged row",
      {
        x: [
          [[1], [2]],
          [[3], [4, 5]],
        ],
      },
      "x[1][1] must be an array of length 1, as x[0][0] is",
      ShapeError,
    ],
    [
      "a number for a row",
      { x: [[1, 2], 3] },
      "x[1] must be an array of length 2, as x[0] is, got 3",
      ShapeError,
    ],
    [
      "a row for a number",
      { x: [1, [2]] },
      "x[1] must be a number, as x[0] is, got an array of length 1",
      ShapeError,
    ],
    ["no samples", { x: [] }, "x is empty", DataError],
    ["samples without numbers", { x: [[]] }, "x[0] is empty", DataError],
    ["an empty typed array", { x: new Float32Array(0) }, "x is empty", DataError],
    [
      "a string",
      { x: "1,2" },
      'x must be an array of samples, a typed array, or { data, shape }, got "1,2"',
      DataError,
    ],
    ["big integers", { x: new BigInt64Array(2) }, "x must be an array of samples", DataError],
    ["unequal lengths", { x: [1, 2, 3], y: [1, 2] }, "y has 2 samples, but x has 3", ShapeError],
    [
      "unequal weights",
      { x: [1, 2], y: [1, 2], sampleWeight: [1] },
      "sampleWeight has 1 samples, but x has 2",
      ShapeError,
    ],
    [
      "a negative weight",
      { x: [1, 2], sampleWeight: [1, -1] },
      "sampleWeight[1] must be a number of at least 0, got -1",
      DataError,
    ],
    [
      "two weights a sample",
      {
        x: [1, 2],
        sampleWeight: [
          [1, 1],
          [1, 1],
        ],
      },
      "sampleWeight must be one number per sample",
      ShapeError,
    ],
    [
      "a shape that does not fit",
      { x: { data: new Uint8Array(5), shape: [2, 3] } },
      "x: shape [2, 3] needs 6 elements, got a Uint8Array of length 5",
      ShapeError,
    ],
    [
      "a fraction in a shape",
      { x: { data: new Uint8Array(3), shape: [1.5, 2] } },
      "x.shape[0] must be a positive integer, got 1.5",
      ShapeError,
    ],
    [
      "a zero in a shape",
      { x: { data: new Uint8Array(3), shape: [3, 0] } },
      "x.shape[1] must be a positive integer",
      ShapeError,
    ],
    [
      "a shape that is none",
      { x: { data: new Uint8Array(3), shape: 3 } },
      "x.shape must be an array",
      ShapeError,
    ],
    [
      "NaN in a typed array",
      { x: { data: new Float32Array([0, 1, 2, 3, nan, 5]), shape: [3, 2] } },
      "x[2][0] must be a finite number, got NaN",
      DataError,
    ],
    [
      "infinity in a typed array",
      { x: { data: new Float64Array([0, 1, 2, 3, 4, Number.NEGATIVE_INFINITY]), shape: [2, 3, 1] } },
      "x[1][2][0] must be a finite number, got -Infinity",
      DataError,
    ],
    [
      "a float64 too large",
      { x: new Float64Array([1, 1e300]) },
      "x[1] must be a finite number in float32",
      DataError,
    ],
    [
      "NaN in the second input",
      { x: [{ data: [[1]] }, { data: [[nan]] }] },
      "x[1].data[0][0] must be a finite number",
      DataError,
    ],
    [
      "inputs of two kinds",
      { x: [{ data: [[1]] }, [[1]]] },
      "x[1] must be { data, shape }, as the first is",
      DataError,
    ],
    [
      "a bad scale",
      { x: { data: [1], scale: nan } },
      "x.scale must be a finite number, got NaN",
      OptionError,
    ],
    [
      "a misspelled key",
      { x: { data: [1], sacle: 2 } },
      'x: unknown option "sacle". Did you mean "scale"?',
      OptionError,
    ],
    ["a misspelled source", { x: [1], sampleWeigth: [1] }, 'Did you mean "sampleWeight"?', OptionError],
    [
      "nothing",
      undefined,
      "Dataset.from: the data must be { x, y, sampleWeight? }, got undefined",
      DataError,
    ],
  ])("refuses %s", (_, source, message, type) => {
    const make = (): Dataset => Dataset.from(source as DatasetSource);
    expect(make).toThrow(message);
    expect(make).toThrow(type);
  });

  it("refuses arrays that contain themselves", () => {
    const endless: unknown[] = [];
    endless.push(endless);
    expect(() => Dataset.from({ x: endless as number[] })).toThrow("x must be nested at most 9 arrays deep");
  });
});

describe("checkFinite", () => {
  it.each([1, 3, 4, 5, 1021])("finds the last of %d values", (length) => {
    for (const type of [Float32Array, Float64Array]) {
      const data = new type(length).fill(3e38);
      expect(() => checkFinite(makeColumn(data, []), "x")).not.toThrow();
      data[length - 1] = Number.POSITIVE_INFINITY;
      expect(() => checkFinite(makeColumn(data, []), "x")).toThrow(
        `x[${length - 1}] must be a finite number, got Infinity`,
      );
    }
  });

  it("reads 20 million floats in a blink", () => {
    const column = makeColumn(new Float32Array(20_000_000).fill(0.5), [1]);
    const start = performance.now();
    checkFinite(column, "x");
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe("checkClasses", () => {
  it("finds labels that are no class number, in the rows that are read", () => {
    const labels = makeColumn(new Float32Array([0, 2, 3, 1.5, -1]), []);
    const check = (classes: number, rows?: number[]): void =>
      checkClasses(labels, classes, "y", rows && new Uint32Array(rows));
    expect(() => check(4, [0, 1, 2])).not.toThrow();
    expect(() => check(3)).toThrow("y[2] must be a class number from 0 to 2, got 3");
    expect(() => check(4)).toThrow("y[3] must be a class number from 0 to 3, got 1.5");
    expect(() => check(4, [1, 4])).toThrow("y[4] must be a class number from 0 to 3, got -1");
    const steps = makeColumn(new Uint8Array([0, 1, 2, 9]), [2]);
    expect(() => checkClasses(steps, 3, "y")).toThrow("y[1][1] must be a class number from 0 to 2, got 9");
  });
});

describe("Dataset", () => {
  it("refuses columns that do not belong together", () => {
    const column = makeColumn(new Float32Array(6), [2]);
    expect(() => new Dataset({ inputs: [] })).toThrow("at least one input column");
    expect(() => new Dataset({ inputs: [column], rows: new Uint32Array([3]) })).toThrow(
      "Dataset: rows[0] must be the number of a sample from 0 to 2, got 3",
    );
    expect(() => new Dataset({ inputs: [column], rows: new Uint32Array(0) })).toThrow("the dataset is empty");
    expect(() => makeColumn(new Float32Array(1), [], Number.NaN)).toThrow(OptionError);
    const half = makeColumn(new Float32Array(3), [2]);
    expect(() => new Dataset({ inputs: [column], targets: [half] })).toThrow(
      "y has 1.5 samples, but x has 3",
    );
  });

  it("selects rows without copying the data, also from a selection", () => {
    const dataset = numbered(6);
    const some = dataset.select([5, 1, 1, 3]);
    expect(some.length).toBe(4);
    expect(some.inputs[0]).toBe(dataset.inputs[0]);
    expect(labels(some)).toEqual([50, 10, 10, 30]);
    const fewer = some.select([3, 0]);
    expect([...(fewer.rows ?? [])]).toEqual([3, 5]);
    expect(labels(fewer)).toEqual([30, 50]);
    expect([...some.gather([0, 3]).targets.flatMap((tensor) => [...tensor.data])]).toEqual([50, 30]);
    expect(() => some.select([4])).toThrow(
      "select: rows[0] must be the number of a sample from 0 to 3, got 4",
    );
    expect(() => some.select([])).toThrow(DataError);
  });

  it("takes and skips by binding, not by listing rows", () => {
    const dataset = Dataset.from({ x: new Float32Array([0, 1, 2, 3, 4]), sampleWeight: [0, 1, 2, 3, 4] });
    const part = dataset.skip(1).take(2);
    expect(part.rows).toBeUndefined();
    expect(part.inputs[0]?.data.buffer).toBe(dataset.inputs[0]?.data.buffer);
    expect([...part.toTensor().data]).toEqual([1, 2]);
    expect([...(part.sampleWeight?.data ?? [])]).toEqual([1, 2]);
    expect([...dataset.shuffle(1).skip(3).toTensor().data]).toEqual(
      [...dataset.shuffle(1).toTensor().data].slice(3),
    );
    expect(dataset.take(100).length).toBe(5);
    expect(dataset.skip(0).length).toBe(5);
    expect(() => dataset.skip(5)).toThrow("the dataset is empty: samples 5 to 5 of 5 are none");
    expect(() => dataset.take(0)).toThrow("take: count must be an integer of at least 1, got 0");
    expect(() => dataset.skip(-1)).toThrow(OptionError);
    expect(() => dataset.slice(3, 2)).toThrow(DataError);
  });

  it("shuffles reproducibly and loses nothing", () => {
    const dataset = numbered(50);
    const order = labels(dataset.shuffle(3));
    expect(order).not.toEqual(labels(dataset));
    expect(labels(dataset.shuffle(3))).toEqual(order);
    expect(labels(dataset.shuffle(4))).not.toEqual(order);
    expect([...order].sort((a, b) => a - b)).toEqual(labels(dataset));
    const { inputs, targets } = dataset.shuffle(3).gather();
    expect(inputs[0]?.data.filter((_, i) => i % 2 === 0)).toEqual(
      targets[0]?.data.map((label) => label / 10),
    );
  });

  it("splits into two parts that make up the whole", () => {
    const dataset = numbered(10);
    const [train, test] = dataset.split(0.8, { seed: 5 });
    expect([train.length, test.length]).toEqual([8, 2]);
    expect([...labels(train), ...labels(test)].sort((a, b) => a - b)).toEqual(labels(dataset));
    const [head, tail] = dataset.split(0.25, { shuffle: false });
    expect(labels(head)).toEqual([0, 10, 20]);
    expect(tail.length).toBe(7);
    expect(dataset.split(0.001)[0].length).toBe(1);
    expect(dataset.split(0.999)[1].length).toBe(1);
    for (const fraction of [0, 1, -0.1, Number.NaN])
      expect(() => dataset.split(fraction)).toThrow(OptionError);
    expect(() => dataset.split(0.5, { sed: 1 } as object)).toThrow(
      'unknown option "sed". Did you mean "seed"?',
    );
    expect(() => dataset.split(0.5, { shuffle: 1 as unknown as boolean })).toThrow("split: shuffle");
    expect(() => dataset.take(1).split(0.5)).toThrow("at least 2 samples");
  });

  it("gathers batches in order, the last one smaller", () => {
    const dataset = Dataset.from({
      x: { data: Uint8Array.from({ length: 5 * 20 }, (_, i) => i), shape: [5, 4, 5] },
      y: [0, 1, 2, 3, 4],
      sampleWeight: [5, 6, 7, 8, 9],
    });
    const batches = [...dataset.batches(2)];
    expect(batches.map((batch) => batch.length)).toEqual([2, 2, 1]);
    expect(batches.map((batch) => batch.inputs[0]?.shape)).toEqual([
      [2, 4, 5],
      [2, 4, 5],
      [1, 4, 5],
    ]);
    expect(batches.flatMap((batch) => [...(batch.inputs[0]?.data ?? [])])).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(batches.flatMap((batch) => [...(batch.sampleWeight?.data ?? [])])).toEqual([5, 6, 7, 8, 9]);
    expect([...numbered(3).batches(10)].map((batch) => batch.length)).toEqual([3]);
    expect(() => [...dataset.batches(0)]).toThrow("batches: size must be an integer of at least 1, got 0");
  });

  it("names the column that toTensor cannot find", () => {
    expect(() => numbered(2).toTensor(1)).toThrow(
      "toTensor: the number of one of 1 inputs must be 0 or more, got 1",
    );
    expect(() => numbered(2).toTensor(0, "labels" as "targets")).toThrow(OptionError);
  });
});

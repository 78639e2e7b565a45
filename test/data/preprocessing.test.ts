import { describe, expect, it } from "vitest";
import { Dataset } from "../../lib/data/dataset.ts";
import { LabelEncoder, OneHotEncoder } from "../../lib/data/encoders.ts";
import type { Label } from "../../lib/data/json.ts";
import { type Preprocessing, preprocessingFromJSON } from "../../lib/data/preprocessing.ts";
import { MinMaxScaler, StandardScaler } from "../../lib/data/scalers.ts";
import { DataError, OptionError, ShapeError } from "../../lib/errors.ts";

const table = [
  [1, 200, 5],
  [2, 100, 5],
  [4, -300, 5],
];

function expectClose(actual: ArrayLike<number>, wanted: readonly number[], digits = 6): void {
  expect(actual.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, digits);
  });
}

/** Through text and back, as a model file does it. */
function reread<P extends Preprocessing>(object: P): P {
  return preprocessingFromJSON(JSON.parse(JSON.stringify(object))) as P;
}

describe("StandardScaler", () => {
  it("standardizes columns as numpy does, a constant one to 0", () => {
    const scaler = new StandardScaler().fit(table);
    expectClose(scaler.mean, [2.3333333333333335, 0, 5], 12);
    expectClose(scaler.scale, [1.247219128924647, 216.02468994692867, 1], 12);
    const { shape, data } = scaler.transform(table);
    expect(shape).toEqual([3, 3]);
    expect(data).toBeInstanceOf(Float32Array);
    expectClose(
      data,
      [
        -1.0690449676496976, 0.9258200997725514, 0, -0.26726124191242434, 0.4629100498862757, 0,
        1.3363062095621219, -1.3887301496588271, 0,
      ],
    );
    expectClose(scaler.inverseTransform({ shape, data }).data, table.flat(), 4);
  });

  it("scales the last axis of tensors of any rank: channels of images", () => {
    const data = new Uint8Array([0, 100, 10, 110, 20, 120, 30, 130]);
    const scaler = new StandardScaler().fit({ data, shape: [2, 2, 1, 2] });
    expectClose(scaler.mean, [15, 115], 12);
    const scaled = scaler.transform({ data, shape: [2, 2, 1, 2] });
    expect(scaled.shape).toEqual([2, 2, 1, 2]);
    expect(scaled.data[0]).toBeCloseTo(-15 / Math.sqrt(125), 6);
    expect(scaled.data[7]).toBeCloseTo(15 / Math.sqrt(125), 6);
  });

  it("keeps its precision where the mean is large against the spread", () => {
    const years = [1.7e9, 1.7e9 + 1, 1.7e9 + 2];
    const scaler = new StandardScaler().fit(years);
    expect(scaler.scale[0]).toBeCloseTo(Math.sqrt(2 / 3), 6);
    expectClose(scaler.transform(years).data, [-1.224744871391589, 0, 1.224744871391589], 6);
    expect(new StandardScaler().fit(new Array(1000).fill(0.1)).scale).toEqual([1]);
  });

  it("scales the inputs of a dataset, leaving targets, weights and rows as they are", () => {
    const whole = Dataset.from({
      x: { data: new Uint8Array([0, 50, 100, 200]), shape: [4, 1], scale: 1 / 10 },
      y: [0, 1, 2, 3],
      sampleWeight: [1, 2, 3, 4],
    });
    const part = whole.select([2, 0]);
    const scaler = new StandardScaler().fit(part);
    expectClose(scaler.mean, [5], 12);
    const scaled = scaler.transform(part);
    expect(scaled.rows).toBe(part.rows);
    expect(scaled.targets[0]).toBe(whole.targets[0]);
    const { inputs, targets, sampleWeight } = scaled.gather();
    expectClose(inputs[0]?.data ?? [], [1, -1]);
    expect([targets[0]?.data, sampleWeight?.data].map((data) => [...(data ?? [])])).toEqual([
      [2, 0],
      [3, 1],
    ]);
    expectClose(scaler.inverseTransform(scaled).toTensor().data, [10, 0]);
    expectClose(whole.toTensor().data, [0, 5, 10, 20]);
  });

  it("asks which input of several is meant", () => {
    const data = Dataset.from({
      x: [
        { data: [[1], [3]] },
        {
          data: [
            [10, 1],
            [30, 5],
          ],
        },
      ],
    });
    expect(() => new StandardScaler().fit(data)).toThrow("the dataset has 2 inputs: name one by its number");
    expect(() => new StandardScaler().fit(data, 2)).toThrow("input must be a number from 0 to 1, got 2");
    const scaled = new StandardScaler().fit(data, 1).transform(data, 1);
    expect([...scaled.toTensor(0).data]).toEqual([1, 3]);
    expectClose(scaled.toTensor(1).data, [-1, -1, 1, 1]);
  });

  it("takes a spread that has no finite inverse for none, and refuses results beyond float32", () => {
    expect(new StandardScaler().fit([0, 1e-310]).scale).toEqual([1]);
    expect([...new MinMaxScaler().fit([0, 5e-324]).transform([0, 5e-324]).data]).toEqual([0, 0]);
    const narrow = new MinMaxScaler().fit([0, 1e-30]);
    expect(() => narrow.transform([1e30])).toThrow(
      "the result of minMaxScaler.transform[0] must be a finite number",
    );
  });

  it("says what is wrong", () => {
    const scaler = new StandardScaler();
    expect(() => scaler.transform(table)).toThrow(
      "standardScaler.transform: nothing was fitted yet: call fit first",
    );
    expect(() => scaler.toJSON()).toThrow(OptionError);
    scaler.fit(table);
    expect(() => scaler.transform([[1, 2]])).toThrow(
      "standardScaler.transform: the data must have 3 features as in fit, got 2",
    );
    expect(() => scaler.transform([[1, 2]])).toThrow(ShapeError);
    expect(() => scaler.fit([[1, Number.NaN]])).toThrow(
      "standardScaler.fit[0][1] must be a finite number, got NaN",
    );
  });
});

describe("MinMaxScaler", () => {
  it("maps each column to the range, a constant one to its lower end", () => {
    const scaler = new MinMaxScaler().fit(table);
    expectClose(scaler.transform(table).data, [0, 1, 0, 1 / 3, 0.8, 0, 1, 0, 0]);
    const wide = new MinMaxScaler({ featureRange: [-1, 3] }).fit(table);
    const scaled = wide.transform(table);
    expectClose(scaled.data, [-1, 3, -1, 1 / 3, 2.2, -1, 3, -1, -1]);
    expectClose(wide.inverseTransform(scaled).data, table.flat(), 4);
    expectClose(wide.transform([[7, 0, 6]]).data, [7, 1.4, 3]);
  });

  it("learns from the selected rows of a dataset alone", () => {
    const data = Dataset.from({ x: [0, 10, 1000] });
    expect(new MinMaxScaler().fit(data.take(2)).maximum).toEqual([10]);
    expect(new MinMaxScaler().fit(data.select([1, 0])).maximum).toEqual([10]);
  });

  it("refuses ranges that are none", () => {
    for (const featureRange of [[1, 1], [2, 1], [0, Number.NaN], [0], 5]) {
      expect(() => new MinMaxScaler({ featureRange: featureRange as [number, number] })).toThrow(OptionError);
    }
    expect(() => new MinMaxScaler({ range: [0, 1] } as object)).toThrow('unknown option "range"');
    expect(() => new MinMaxScaler().transform([1])).toThrow("minMaxScaler.transform: nothing was fitted yet");
  });
});

describe("LabelEncoder", () => {
  it("numbers sorted classes and finds them again", () => {
    const encoder = new LabelEncoder().fit(["pear", "apple", "pear", "Zebra"]);
    expect(encoder.classes).toEqual(["Zebra", "apple", "pear"]);
    const codes = encoder.transform(["apple", "pear", "apple"]);
    expect(codes).toEqual(new Uint32Array([1, 2, 1]));
    expect(encoder.inverseTransform(codes)).toEqual(["apple", "pear", "apple"]);
    expect(new LabelEncoder().fit([10, 9, 100]).classes).toEqual([9, 10, 100]);
    expect(new LabelEncoder().fit([true, false]).classes).toEqual([false, true]);
  });

  it("says what is wrong", () => {
    const encoder = new LabelEncoder();
    expect(() => encoder.transform(["a"])).toThrow("labelEncoder.transform: nothing was fitted yet");
    expect(() => encoder.fit([])).toThrow("labelEncoder.fit: values are empty");
    expect(() => encoder.fit(["a", 1])).toThrow(
      "labelEncoder.fit: values[1] must be a string as the first, got 1",
    );
    expect(() => encoder.fit([1, Number.NaN])).toThrow(
      "values[1] must be a string, a finite number or a boolean, got NaN",
    );
    expect(() => encoder.fit([null] as unknown as Label[])).toThrow(DataError);
    encoder.fit(["a", "b"]);
    expect(() => encoder.transform(["a", "c"])).toThrow(
      'labelEncoder.transform: values[1] is unknown: "c". Known: "a", "b"',
    );
    expect(() => encoder.inverseTransform([2])).toThrow("codes[0] must be a class number from 0 to 1, got 2");
    expect(() => encoder.inverseTransform([0.5])).toThrow(DataError);
  });
});

describe("OneHotEncoder", () => {
  it("encodes one column and finds it again", () => {
    const encoder = new OneHotEncoder().fit(["b", "a", "c"]);
    const tensor = encoder.transform(["a", "c"]);
    expect(tensor).toEqual({ shape: [2, 3], data: new Float32Array([1, 0, 0, 0, 0, 1]) });
    expect(encoder.inverseTransform(tensor)).toEqual([["a"], ["c"]]);
  });

  it("encodes several columns side by side", () => {
    const encoder = new OneHotEncoder().fit([
      ["x", 2],
      ["y", 1],
      ["x", 3],
    ]);
    expect(encoder.categories).toEqual([
      ["x", "y"],
      [1, 2, 3],
    ]);
    const tensor = encoder.transform([["y", 2]]);
    expect([...tensor.data]).toEqual([0, 1, 0, 1, 0]);
    expect(encoder.inverseTransform(tensor)).toEqual([["y", 2]]);
    expect(
      encoder.inverseTransform({ shape: [1, 5], data: new Float32Array([0.4, 0.6, -1, -2, -3]) }),
    ).toEqual([["y", null]]);
  });

  it("refuses or ignores what it does not know", () => {
    const strict = new OneHotEncoder().fit(["a", "b"]);
    expect(() => strict.transform(["a", "z"])).toThrow(
      'oneHotEncoder.transform: values[1][0] is unknown: "z". Known: "a", "b"',
    );
    const lenient = new OneHotEncoder({ unknown: "ignore" }).fit(["a", "b"]);
    const tensor = lenient.transform(["z"]);
    expect([...tensor.data]).toEqual([0, 0]);
    expect(lenient.inverseTransform(tensor)).toEqual([[null]]);
  });

  it("says what is wrong", () => {
    expect(() => new OneHotEncoder({ unknown: "skip" as "ignore" })).toThrow(
      'unknown must be "error" or "ignore", got "skip"',
    );
    const encoder = new OneHotEncoder();
    expect(() => encoder.transform(["a"])).toThrow("nothing was fitted yet");
    expect(() => encoder.fit([])).toThrow(DataError);
    expect(() => encoder.fit([["a", "b"], ["a"]])).toThrow(
      "oneHotEncoder.fit: values[1] must be a row of 2 values, got an array of length 1",
    );
    expect(() =>
      encoder.fit([
        ["a", 1],
        ["b", "c"],
      ]),
    ).toThrow("oneHotEncoder.fit: column 1: values[1] must be a number as the first");
    encoder.fit(["a", "b"]);
    expect(() => encoder.inverseTransform({ shape: [1, 3], data: new Float32Array(3) })).toThrow(
      "the tensor must have shape [n, 2], got [1, 3] with 3 values",
    );
  });
});

describe("preprocessingFromJSON", () => {
  it("gives back what was saved, exactly", () => {
    const standard = new StandardScaler().fit(table);
    expect(reread(standard).transform(table)).toEqual(standard.transform(table));
    const minMax = new MinMaxScaler({ featureRange: [-1, 1] }).fit(table);
    expect(reread(minMax).transform(table)).toEqual(minMax.transform(table));
    const labels = new LabelEncoder().fit(["a", "b"]);
    expect(reread(labels).transform(["b"])).toEqual(labels.transform(["b"]));
    const oneHot = new OneHotEncoder({ unknown: "ignore" }).fit([
      ["a", 1],
      ["b", 2],
    ]);
    expect(reread(oneHot)).toBeInstanceOf(OneHotEncoder);
    expect(reread(oneHot).transform([["z", 2]])).toEqual(oneHot.transform([["z", 2]]));
  });

  it.each<[string, unknown, string]>([
    ["nothing", null, "preprocessing must be an object, got null"],
    ["an array", [], "preprocessing must be an object, got an array of length 0"],
    [
      "an unknown kind",
      { kind: "pca" },
      'preprocessing.kind must be one of standardScaler, minMaxScaler, labelEncoder, oneHotEncoder, got "pca"',
    ],
    ["a kind of Object's", { kind: "toString" }, "preprocessing.kind must be one of"],
    [
      "no mean",
      { kind: "standardScaler", scale: [1] },
      "preprocessing.mean must be an array of numbers, got undefined",
    ],
    [
      "an infinite mean",
      { kind: "standardScaler", mean: [1, null], scale: [1, 1] },
      "preprocessing.mean[1] must be a finite number, got null",
    ],
    [
      "unequal lengths",
      { kind: "standardScaler", mean: [1, 2], scale: [1] },
      "mean and scale must have the same length",
    ],
    [
      "a scale of 0",
      { kind: "standardScaler", mean: [1], scale: [0] },
      "preprocessing.scale[0] must be a positive number, got 0",
    ],
    [
      "crossed bounds",
      { kind: "minMaxScaler", minimum: [2], maximum: [1], featureRange: [0, 1] },
      "a minimum that is not above its maximum",
    ],
    [
      "a bad range",
      { kind: "minMaxScaler", minimum: [1], maximum: [2], featureRange: [1, 0] },
      "featureRange must be [low, high] with low < high",
    ],
    ["no classes", { kind: "labelEncoder", classes: [] }, "preprocessing.classes must be an array of labels"],
    [
      "doubled classes",
      { kind: "labelEncoder", classes: ["a", "a"] },
      "preprocessing.classes must hold each label once",
    ],
    [
      "an object as a class",
      { kind: "labelEncoder", classes: [{}] },
      "preprocessing.classes[0] must be a string",
    ],
    [
      "no categories",
      { kind: "oneHotEncoder", categories: [], unknown: "error" },
      "preprocessing.categories must be an array of arrays",
    ],
    [
      "bad categories",
      { kind: "oneHotEncoder", categories: [["a"], 5], unknown: "error" },
      "preprocessing.categories[1] must be an array of labels, got 5",
    ],
    [
      "a bad policy",
      { kind: "oneHotEncoder", categories: [["a"]], unknown: "maybe" },
      'preprocessing.unknown must be "error" or "ignore", got "maybe"',
    ],
  ])("refuses %s", (_, json, message) => {
    expect(() => preprocessingFromJSON(json)).toThrow(message);
    expect(() => preprocessingFromJSON(json)).toThrow(DataError);
  });
});

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCsv } from "../../lib/data/csv.ts";
import { StandardScaler } from "../../lib/data/scalers.ts";
import { Table, type TableDatasetOptions } from "../../lib/data/table.ts";
import { DataError, OptionError } from "../../lib/errors.ts";
import { dataFolder } from "../support/data.ts";

const text = "size,color,grade,weight,name\n1.5,red,2,1,a\n2.5,blue,1,0.5,b\n3.5,red,3,2,c\n";

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

describe("Table", () => {
  it("refuses columns of different lengths and unknown names", async () => {
    const columns = [
      { name: "a", type: "number" as const, data: new Float64Array(2) },
      { name: "b", type: "number" as const, data: new Float64Array(3) },
    ];
    expect(() => new Table({ columns })).toThrow('column "b" has 3 rows, but "a" has 2');
    const table = await readCsv(text);
    expect(() => table.column("colour")).toThrow('unknown column "colour". Did you mean "color"?');
    expect(() => table.fillMissing("size", "meen" as "mean")).toThrow('Did you mean "mean"?');
  });

  it("makes features of numbers and one-hot categories, and a label of the target", async () => {
    const table = await readCsv(text);
    const options: TableDatasetOptions = {
      inputs: ["size", "color"],
      target: "grade",
      sampleWeight: "weight",
    };
    const dataset = table.dataset(options);
    expect(table.featureNames(options)).toEqual(["size", "color=blue", "color=red"]);
    expect(dataset.toTensor()).toEqual({
      shape: [3, 3],
      data: new Float32Array([1.5, 0, 1, 2.5, 1, 0, 3.5, 0, 1]),
    });
    expect(dataset.toTensor(0, "targets")).toEqual({ shape: [3], data: new Float32Array([2, 1, 3]) });
    expect([...(dataset.sampleWeight?.data ?? [])]).toEqual([1, 0.5, 2]);
  });

  it("encodes as one-hot what it is told to, targets too", async () => {
    const table = await readCsv(text);
    const options: TableDatasetOptions = {
      inputs: ["grade", "color"],
      target: "color",
      oneHot: ["grade", "color"],
    };
    expect(() => table.dataset(options)).toThrow('"color" cannot be both an input and a target or weight');
    const dataset = table.dataset({ inputs: ["grade"], target: "color", oneHot: ["grade", "color"] });
    expect(table.featureNames({ inputs: ["grade"], oneHot: ["grade"] })).toEqual([
      "grade=1",
      "grade=2",
      "grade=3",
    ]);
    expect(dataset.toTensor()).toEqual({
      shape: [3, 3],
      data: new Float32Array([0, 1, 0, 1, 0, 0, 0, 0, 1]),
    });
    expect(dataset.toTensor(0, "targets")).toEqual({
      shape: [3, 2],
      data: new Float32Array([0, 1, 1, 0, 0, 1]),
    });
    const coded = table.dataset({ inputs: ["color"], oneHot: [], target: ["size", "grade"] });
    expect([...coded.toTensor().data]).toEqual([1, 0, 1]);
    expect(coded.toTensor(0, "targets").shape).toEqual([3, 2]);
    expect(table.dataset({ inputs: ["size"] }).targets).toEqual([]);
  });

  it("says what it cannot make a dataset of", async () => {
    const table = await readCsv(`${text}4.5,,1,1,d\n`, { columns: { name: "text" } });
    expect(() => table.dataset({ target: "grade" })).toThrow(
      'csv line 5: column "color" has no value; drop such rows',
    );
    expect(() => table.dropMissing().dataset({ target: "grade" })).toThrow(
      'column "name" is text, which is no feature',
    );
    expect(() => table.dataset({ target: "grad" })).toThrow('unknown column "grad". Did you mean "grade"?');
    expect(() => table.dataset({ targt: "grade" } as object)).toThrow('Did you mean "target"?');
    expect(() => table.dataset({ inputs: [] })).toThrow("inputs must name at least one column");
    expect(() => table.dataset({ inputs: "size" as unknown as string[] })).toThrow(OptionError);
    const none = await readCsv("a,b\n,1\n");
    expect(() => none.dropMissing().dataset({ target: "b" })).toThrow("csv: there are no rows");
    expect(() =>
      new Table({
        columns: [{ name: "a", type: "number", data: new Float64Array([1, Number.NaN]) }],
      }).dataset({ inputs: ["a"] }),
    ).toThrow('table row 1: column "a" has no value');
    const wide = await readCsv("a\n1e300\n");
    expect(() => wide.dataset({ inputs: ["a"] })).toThrow(DataError);
  });

  it("drops and fills missing values, keeping line numbers", async () => {
    const table = await readCsv("a,b,c\n1,x,1\n,y,2\n3,,3\n5,y,\n");
    const dropped = table.dropMissing(["a"]);
    expect(dropped.values("b")).toEqual(["x", null, "y"]);
    expect(() => dropped.checkComplete(["b"])).toThrow('csv line 4: column "b"');
    expect(table.dropMissing().length).toBe(1);
    expect(table.fillMissing("a", "mean").values("a")).toEqual([1, 3, 3, 5]);
    expect(table.values("a")).toEqual([1, null, 3, 5]);
  });
});

const tabular = dataFolder("tabular");

describe.skipIf(tabular === undefined)("real tables (need the data set tabular)", () => {
  const file = (name: string): string => join(tabular ?? "", name);

  it("iris", async () => {
    const table = await readCsv(file("iris.csv"));
    expect(table.columns.map((column) => column.type)).toEqual([
      "number",
      "number",
      "number",
      "number",
      "category",
    ]);
    const dataset = table.dataset({ target: "species" });
    expect(dataset.length).toBe(150);
    const { mean: means } = new StandardScaler().fit(dataset);
    [5.843333333, 3.057333333, 3.758, 1.199333333].forEach((value, i) => {
      expect(means[i]).toBeCloseTo(value, 6);
    });
    expect([...dataset.toTensor(0, "targets").data.filter((_, i) => i % 50 === 0)]).toEqual([0, 1, 2]);
  });

  it("penguins: 344 rows, 333 complete", async () => {
    const table = await readCsv(file("penguins.csv"));
    expect(table.length).toBe(344);
    expect(table.names.map((name) => table.missing(name))).toEqual([0, 0, 2, 2, 2, 2, 11]);
    expect(table.columns.map((column) => column.type)).toEqual([
      "category",
      "category",
      "number",
      "number",
      "integer",
      "integer",
      "category",
    ]);
    expect(() => table.dataset({ target: "species" })).toThrow(
      'penguins.csv line 5: column "bill_length_mm" has no value',
    );
    const complete = table.dropMissing();
    expect(complete.length).toBe(333);
    expect(mean(complete.column("body_mass_g").data as Float64Array)).toBeCloseTo(4207.057057057057, 9);
    const counts = [0, 0, 0];
    for (const code of complete.column("species").data as Int32Array) counts[code] = (counts[code] ?? 0) + 1;
    expect(counts).toEqual([146, 68, 119]);
    expect(complete.dataset({ target: "species" }).inputs[0]?.shape).toEqual([3 + 4 + 2]);
  });

  it("titanic, its missing ages filled and its decks kept", async () => {
    const table = await readCsv(file("titanic.csv"), {
      columns: {
        age: { type: "number", missing: "median" },
        embarked: { type: "category", missing: "mode" },
        deck: { type: "category", missing: { value: "none" } },
        alive: "boolean",
      },
    });
    expect(table.length).toBe(891);
    expect(table.values("age").slice(4, 7)).toEqual([35, 28, 54]);
    expect(table.column("deck")).toMatchObject({ categories: ["A", "B", "C", "D", "E", "F", "G", "none"] });
    expect(table.values("deck").filter((deck) => deck === "none")).toHaveLength(688);
    expect(table.missing("embarked")).toBe(0);
    expect(table.missing("embark_town")).toBe(2);
    expect(mean(table.column("fare").data as Float64Array)).toBeCloseTo(32.2042079685746, 9);
    expect(mean(table.column("alive").data as Float64Array)).toBeCloseTo(0.3838383838383838, 12);
    const unfilled = await readCsv(file("titanic.csv"));
    expect([unfilled.missing("age"), unfilled.missing("deck")]).toEqual([177, 688]);
    expect(unfilled.dropMissing().length).toBe(182);
    await expect(readCsv(file("titanic.csv"), { columns: { age: "number" } })).rejects.toThrow(
      'titanic.csv line 7: column "age" has no value',
    );
  });

  it("mpg, its names being text", async () => {
    const table = await readCsv(file("mpg.csv"));
    expect(table.length).toBe(398);
    expect(table.column("name").type).toBe("text");
    expect(table.missing("horsepower")).toBe(6);
    const inputs = table.names.filter((name) => name !== "mpg" && name !== "name");
    const dataset = table.fillMissing("horsepower", "mean").dataset({ inputs, target: "mpg" });
    expect(dataset.inputs[0]?.shape).toEqual([9]);
    const means = new StandardScaler().fit(dataset).mean;
    expect(means[2]).toBeCloseTo(104.46938775510205, 4);
    expect(mean(dataset.toTensor(0, "targets").data)).toBeCloseTo(23.514572864321615, 5);
  });

  it("housing, which has no header and 506 rows", async () => {
    const table = await readCsv(file("housing.csv"), { header: false });
    expect([table.length, table.names.length]).toEqual([506, 14]);
    [
      [1, 3.6135235573122535],
      [5, 0.5546950592885372],
      [6, 6.284634387351787],
      [14, 22.532806324110698],
    ].forEach(([c, value]) => {
      expect(mean(table.column(`column${c}`).data as Float64Array)).toBeCloseTo(value ?? Number.NaN, 9);
    });
  });

  it("diamonds: 53,940 rows in a moment", async () => {
    const start = performance.now();
    const table = await readCsv(file("diamonds.csv"));
    expect(performance.now() - start).toBeLessThan(5000);
    expect(table.length).toBe(53_940);
    expect(mean(table.column("price").data as Float64Array)).toBeCloseTo(3932.799721913237, 8);
    expect(table.column("clarity")).toMatchObject({
      categories: ["I1", "IF", "SI1", "SI2", "VS1", "VS2", "VVS1", "VVS2"],
    });
  });
});

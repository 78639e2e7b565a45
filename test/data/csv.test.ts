import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { type CsvOptions, readCsv } from "../../lib/data/csv.ts";
import { DataError, FileError, OptionError } from "../../lib/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-csv-"));
afterAll(() => rmSync(folder, { recursive: true }));

const people = `name,age,height,member,team
Ann, 31,1.70,yes,red
Bob,,1.825e0,no,blue
"Carl, the ""Great""",45,NA,YES,red
`;

describe("readCsv", () => {
  it("infers types and keeps missing values", async () => {
    const table = await readCsv(people);
    expect(table.length).toBe(3);
    expect(table.names).toEqual(["name", "age", "height", "member", "team"]);
    expect(table.columns.map((column) => column.type)).toEqual([
      "category",
      "integer",
      "number",
      "boolean",
      "category",
    ]);
    expect(table.values("name")).toEqual(["Ann", "Bob", 'Carl, the "Great"']);
    expect(table.values("age")).toEqual([31, null, 45]);
    expect(table.values("height")).toEqual([1.7, 1.825, null]);
    expect(table.values("member")).toEqual([true, false, true]);
    expect(table.values("team")).toEqual(["red", "blue", "red"]);
    expect(table.column("team")).toMatchObject({
      categories: ["blue", "red"],
      data: new Int32Array([1, 0, 1]),
    });
    expect(table.names.map((name) => table.missing(name))).toEqual([0, 1, 1, 0, 0]);
  });

  it("reads paths, URLs, gzip, bytes and streams alike", async () => {
    const path = join(folder, "people.csv");
    writeFileSync(path, people);
    writeFileSync(`${path}.gz`, gzipSync(people));
    const text = await readCsv(people);
    const half = Buffer.from(people).subarray(0, 40);
    const sources = [
      path,
      `${path}.gz`,
      pathToFileURL(path),
      Buffer.from(people),
      Readable.from([half, Buffer.from(people).subarray(40)]),
      (async function* () {
        yield* people.match(/.{1,7}/gs) ?? [];
      })(),
    ];
    for (const source of sources) expect((await readCsv(source)).columns).toEqual(text.columns);
  });

  it("understands byte order marks, Windows line ends, empty lines, quoted line breaks and other delimiters", async () => {
    const table = await readCsv('\uFEFFa;b\r\n\r\n1;"x\r\ny"\r\n2;z', { delimiter: ";" });
    expect(table.names).toEqual(["a", "b"]);
    expect(table.values("b")).toEqual(["x\r\ny", "z"]);
    expect((await readCsv("a\tb\n1\t2\n", { delimiter: "\t" })).values("b")).toEqual([2]);
  });

  it("names columns of files without a header, and nameless ones", async () => {
    expect((await readCsv("1,2\n3,4\n", { header: false })).names).toEqual(["column1", "column2"]);
    const named = await readCsv("1,2\n3,4\n", { header: ["a", "b"] });
    expect(named.values("b")).toEqual([2, 4]);
    expect((await readCsv(",b\n1,2\n")).names).toEqual(["column1", "b"]);
    const odd = await readCsv("constructor,__proto__\n1,2\n");
    expect(odd.values("constructor")).toEqual([1]);
  });

  it("takes the types it is told", async () => {
    const text = "zip,level,ok,note,x\n01234,2,1,5,1\n99999,10,0,6,2\n";
    const table = await readCsv(text, {
      columns: {
        zip: "text",
        level: "category",
        ok: "boolean",
        note: { type: "category", categories: ["6", "5"] },
        x: "number",
      },
    });
    expect(table.values("zip")).toEqual(["01234", "99999"]);
    expect(table.column("level")).toMatchObject({ categories: ["2", "10"] });
    expect(table.values("ok")).toEqual([true, false]);
    expect(table.column("note").data).toEqual(new Int32Array([1, 0]));
    expect(table.column("x").type).toBe("number");
  });

  it("tells text from categories by how many different values there are", async () => {
    const rows = Array.from({ length: 400 }, (_, i) => `id${i},${i % 21 === 0 ? "x" : `c${i % 20}`}`);
    const table = await readCsv(`id,group\n${rows.join("\n")}\n`);
    expect(table.columns.map((column) => column.type)).toEqual(["text", "text"]);
    const fewer = await readCsv(`id,group\n${rows.map((row) => row.replace("x", "c0")).join("\n")}\n`);
    expect(fewer.column("group").type).toBe("category");
  });

  it.each<[string, string, CsvOptions, string]>([
    [
      "text in a number column",
      "a,b\n1,2\n3,oops\n",
      { columns: { b: "number" } },
      'csv line 3: column "b" must be a number, got "oops"',
    ],
    ["hexadecimal", "a\n0x10\n", { columns: { a: "number" } }, 'must be a number, got "0x10"'],
    ["infinity", "a\n1e999\n", { columns: { a: "number" } }, 'must be a number, got "1e999"'],
    [
      "a fraction in an integer column",
      "a\n1\n2.5\n",
      { columns: { a: "integer" } },
      'csv line 3: column "a" must be an integer, got "2.5"',
    ],
    ["an unsafe integer", "a\n9007199254740993\n", { columns: { a: "integer" } }, "must be an integer"],
    [
      "maybe",
      "a\nyes\nmaybe\n",
      { columns: { a: "boolean" } },
      'csv line 3: column "a" must be true or false, got "maybe"',
    ],
    [
      "an unknown category",
      "a\nx\ny\n",
      { columns: { a: { type: "category", categories: ["x"] } } },
      'csv line 3: column "a" must be one of x, got "y"',
    ],
    [
      "a missing value",
      "a,b\n1,2\n\n,5\n",
      { columns: { a: "number" } },
      'csv line 4: column "a" has no value',
    ],
    ["a short line", "a,b,c\n1,2,3\n4,5\n", {}, 'csv line 3: expected 3 values, got 2 ("c" is missing)'],
    ["a long line", "a,b\n1,2,3\n", {}, "csv line 2: expected 2 values, got 3"],
    ["an open quote", 'a,b\n1,"2\n', {}, "csv line 2: Quote Not Closed"],
    ["text after a quote", 'a,b\n1,"2"x\n', {}, "csv line 2: Invalid Closing Quote"],
    ["a doubled name", "a,a\n1,2\n", {}, 'csv: two columns are named "a"'],
    ["a header alone", "a,b\n", {}, "csv has no rows below its header"],
    ["nothing", "\n\n", {}, "csv is empty"],
    [
      "header names that do not fit",
      "1,2,3\n",
      { header: ["a", "b"] },
      "csv line 1: expected 2 values, got 3",
    ],
  ])("refuses %s", async (_, text, options, message) => {
    const reading = readCsv(text, options);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toBeInstanceOf(DataError);
  });

  it.each<[unknown, string]>([
    [{ colums: {} }, 'unknown option "colums". Did you mean "columns"?'],
    [{ columns: { a: "numbr" } }, 'unknown type of column "a" "numbr". Did you mean "number"?'],
    [{ columns: { a: { type: "number", mising: 1 } } }, 'unknown option "mising". Did you mean "missing"?'],
    [{ columns: { a: { type: "number", missing: "meen" } } }, 'Did you mean "mean"?'],
    [{ columns: { a: { type: "number", missing: null } } }, "a number or { value }, got null"],
    [{ columns: { a: { type: "number", categories: ["x"] } } }, "categories belong to the type category"],
    [{ columns: { a: { type: "category", categories: ["x", "x"] } } }, "an array of different texts"],
    [{ columns: { aeg: "number" } }, 'unknown column "aeg". Did you mean "age"?'],
    [{ header: "yes" }, "readCsv: header must be true, false or an array of names"],
    [{ header: [] }, "readCsv: header"],
    [{ delimiter: "" }, "readCsv: delimiter"],
    [{ missingValues: "NA" }, "readCsv: missingValues"],
  ])("refuses the options %j", async (options, message) => {
    const reading = readCsv(people, options as CsvOptions);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toBeInstanceOf(OptionError);
  });

  it("names files that cannot be read, with the line for those that can", async () => {
    const missing = join(folder, "nowhere.csv");
    await expect(readCsv(missing)).rejects.toThrow(`cannot read ${missing}: ENOENT`);
    await expect(readCsv(missing)).rejects.toBeInstanceOf(FileError);
    await expect(readCsv(folder)).rejects.toBeInstanceOf(FileError);
    const short = join(folder, "short.csv");
    writeFileSync(short, "a,b\n1\n");
    await expect(readCsv(short)).rejects.toThrow(`${short} line 2: expected 2 values`);
    writeFileSync(`${short}.gz`, "not gzip");
    await expect(readCsv(`${short}.gz`)).rejects.toThrow("incorrect header check");
    await expect(readCsv(5 as unknown as string)).rejects.toThrow("readCsv: the source must be a path, text");
  });

  it("passes on the error of a stream", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield "a,b\n1,2\n";
      throw new Error("cable cut");
    }
    await expect(readCsv(broken())).rejects.toThrow("cannot read csv: cable cut");
  });
});

describe("missing values", () => {
  const text = "n,i,b,c,t\n1,1,yes,x,p\n,,,,\n3,2,no,y,q\n8,2,no,y,r\n";
  const types = { n: "number", i: "integer", b: "boolean", c: "category", t: "text" } as const;

  it.each<[keyof typeof types, unknown, unknown]>([
    ["n", "mean", 4],
    ["n", "median", 3],
    ["n", "mode", 1],
    ["n", 7.5, 7.5],
    ["n", { value: -1 }, -1],
    ["i", "mean", 2],
    ["i", "median", 2],
    ["i", "mode", 2],
    ["i", 9, 9],
    ["b", "mode", false],
    ["b", { value: true }, true],
    ["b", 1, true],
    ["c", "mode", "y"],
    ["c", { value: "x" }, "x"],
    ["c", { value: "unknown" }, "unknown"],
    ["t", { value: "none" }, "none"],
  ])("column %s with %j becomes %j", async (name, missing, value) => {
    const columns = { [name]: { type: types[name], missing } } as CsvOptions["columns"];
    const table = await readCsv(text, { columns });
    expect(table.values(name)[1]).toBe(value);
    expect(table.missing(name)).toBe(0);
    expect(table.length).toBe(4);
  });

  it.each<[keyof typeof types, unknown, string]>([
    ["t", "mode", 'column "t" of type text cannot be filled with "mode"'],
    ["c", "mean", 'column "c" of type category cannot be filled with "mean"'],
    ["b", "mean", 'column "b" of type boolean cannot be filled with "mean"'],
    ["b", 2, 'column "b" of type boolean cannot be filled with "2"'],
    ["i", 0.5, 'column "i" of type integer cannot be filled with "0.5"'],
    ["n", { value: "x" }, 'column "n" of type number cannot be filled with the value "x"'],
  ])("column %s refuses %j", async (name, missing, message) => {
    const columns = { [name]: { type: types[name], missing } } as CsvOptions["columns"];
    await expect(readCsv(text, { columns })).rejects.toThrow(message);
  });

  it("drops rows before it complains about or averages those that stay", async () => {
    const columns = { n: "number", i: { type: "integer", missing: "drop" } } as const;
    const table = await readCsv(text, { columns });
    expect(table.values("n")).toEqual([1, 3, 8]);
    expect(table.missing("t")).toBe(0);
  });

  it("keeps them where told, and knows other words for them", async () => {
    const table = await readCsv("a,b\n1,?\n-,2\n", {
      missingValues: ["?", "-"],
      columns: { a: { type: "number", missing: "keep" } },
    });
    expect(table.values("a")).toEqual([1, null]);
    expect(table.values("b")).toEqual([null, 2]);
    await expect(readCsv("a\n1\nNA\n", { missingValues: [], columns: { a: "number" } })).rejects.toThrow(
      'got "NA"',
    );
  });

  it("has no statistic of a column without values", async () => {
    const columns = { a: { type: "number", missing: "mean" } } as const;
    await expect(readCsv("a,b\n,1\n", { columns })).rejects.toThrow(
      'column "a" has no values to take the mean of',
    );
  });
});

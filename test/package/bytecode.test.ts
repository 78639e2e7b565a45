import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeStage, pack, run } from "../support/package.ts";

vi.setConfig({ testTimeout: 60_000 });

const script = `
import { Network, OptionError, layers } from "./dist/index.js";
import { ranFromBytecode } from "./dist/bytecode.js";
const network = new Network({ input: [2], layers: [layers.dense({ units: 1 })], executor: "reference" });
let message;
try {
  layers.dense({ units: 1, unit: 1 });
} catch (error) {
  message = error instanceof OptionError ? error.message : String(error.stack);
}
console.log(JSON.stringify({ fromBytecode: ranFromBytecode(), length: network.predict([1, 2]).data.length, message }));
`;

/** Imports the package in a realm of its own, as Jest does. */
const inAnotherRealm = `
import { readFileSync } from "node:fs";
import { createContext, runInContext, SourceTextModule, SyntheticModule } from "node:vm";
const context = createContext({ Buffer, URL, performance, process });
const builtin = async (specifier) => {
  const exports = await import(specifier);
  const names = Object.keys(exports);
  return new SyntheticModule(names, function () {
    for (const name of names) this.setExport(name, exports[name]);
  }, { context });
};
const source = (specifier) => {
  const url = new URL(specifier.replace("./", "./dist/"), import.meta.url);
  return new SourceTextModule(readFileSync(url, "utf8"), {
    context,
    identifier: url.href,
    initializeImportMeta: (meta) => { meta.url = url.href; },
  });
};
const main = source("./index.js");
await main.link((specifier) => (specifier.startsWith("node:") ? builtin(specifier) : source(specifier)));
await main.evaluate();
context.myelin = main.namespace;
const used = runInContext(\`
  const { Network, layers } = myelin;
  const network = new Network({ input: [2], layers: [layers.dense({ units: 1 })], executor: "reference" });
  let thrown;
  try { layers.dense({ units: 0 }); } catch (error) { thrown = error; }
  ({ length: network.predict(new Float32Array(2)).data.length, isError: thrown instanceof Error, stack: thrown.stack })
\`, context);
console.log(JSON.stringify(used));
`;

describe("bytecode kept of the package", () => {
  let stage = "";
  const file = (name: string) => join(stage, "dist", name);
  const keep = () =>
    expect(run(process.execPath, ["scripts/bytecode.mjs"], stage)).toMatchObject({ status: 0 });
  const use = (...options: string[]) => {
    const { status, stdout, stderr } = run(process.execPath, [...options, "use.mjs"], stage);
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  const works = { length: 1, message: expect.stringContaining("unknown option") };

  beforeAll(() => {
    stage = makeStage();
    writeFileSync(join(stage, "use.mjs"), script);
  }, 120_000);
  afterAll(() => rmSync(stage, { recursive: true, force: true }));

  it("is not needed", () => {
    expect(use()).toMatchObject({ ...works, fromBytecode: false });
  });

  it("is used by the Node that made it, and not under other settings of V8", () => {
    keep();
    expect(use()).toMatchObject({ ...works, fromBytecode: true });
    expect(use("--stack-size=900")).toMatchObject({ ...works, fromBytecode: false });
  });

  it.each([8, 64, 5000])("is not used where it is damaged at byte %i", (at) => {
    keep();
    const bytecode = readFileSync(file("bytecode/index.bin"));
    bytecode[at] = (bytecode[at] ?? 0) ^ 0x5a;
    writeFileSync(file("bytecode/index.bin"), bytecode);
    expect(use()).toMatchObject({ ...works, fromBytecode: false });
  });

  it.each([0, 8, 1000])("is not used where only %i bytes were written", (length) => {
    keep();
    const bytecode = readFileSync(file("bytecode/index.bin"));
    writeFileSync(file("bytecode/index.bin"), bytecode.subarray(0, length));
    expect(use()).toMatchObject({ ...works, fromBytecode: false });
  });

  it("is not used for another text of the same length", () => {
    keep();
    const text = readFileSync(file("chunk-head.cjs"), "utf8");
    expect(text).toContain("unknown option");
    writeFileSync(file("chunk-head.cjs"), text.replaceAll("unknown option", "foreign option"));
    expect(use()).toMatchObject({ fromBytecode: false, message: expect.stringContaining("foreign option") });
    writeFileSync(file("chunk-head.cjs"), text);
  });

  it("is left aside in another realm, whose arrays and errors are the package's then", () => {
    keep();
    writeFileSync(join(stage, "realm.mjs"), inAnotherRealm);
    const options = ["--experimental-vm-modules", "--no-warnings", "realm.mjs"];
    const { status, stdout, stderr } = run(process.execPath, options, stage);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      length: 1,
      isError: true,
      stack: expect.stringContaining("chunk-"),
    });
  });

  it("is not published: it is of one machine's Node", () => {
    keep();
    const tarball = pack(stage, "bytecode");
    const { stdout } = run("tar", ["tzf", tarball], stage);
    rmSync(tarball);
    const names = stdout.split("\n");
    expect(names).toContain("package/dist/bytecode.js");
    expect(names.filter((name) => name.endsWith(".bin"))).toEqual([]);
  });

  it("is replaced when it is made anew", () => {
    keep();
    expect(use()).toMatchObject({ ...works, fromBytecode: true });
  });
});

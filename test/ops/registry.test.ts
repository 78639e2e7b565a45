import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { loadBinding } from "../../lib/executor/binding.ts";
import { OPS } from "../../lib/ops/index.ts";

it("has a native kernel for each op, and no other", () => {
  const { binding, error } = loadBinding();
  if (binding === undefined) throw error ?? new Error("the native addon is not there");
  // A view shares memory: there is nothing to run.
  const names = [...OPS.values()].filter((op) => op.view !== true).map(({ name }) => name);
  expect(binding.kernelNames().sort()).toEqual(names.sort());
});

it("has a case table for each op", () => {
  const folder = new URL(".", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
  const text = files.map((file) => readFileSync(new URL(file, folder), "utf8")).join("\n");
  const missing = [...OPS.keys()].filter((name) => !text.includes(`"${name}"`));
  expect(missing).toEqual([]);
});

it("names attributes so that the text attribute comes first", () => {
  for (const op of OPS.values()) {
    expect(op.attributes.indexOf("function"), op.name).toBe(op.functions === undefined ? -1 : 0);
  }
});

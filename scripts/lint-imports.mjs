// Data flows one way through lib/: a folder imports only from folders to its right. This file is the one
// place that says which folder is where.
import { readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { listFiles, path } from "./project.mjs";

/** From left to right. Units of one row may import each other and later rows, nothing to their left. */
const rows = [
  ["cli", "compat"],
  ["index"],
  ["trainer"],
  ["training"],
  ["callbacks"],
  ["network"],
  ["io", "predictor", "summary"],
  ["topology"],
  ["layers", "losses", "metrics", "optimizers"],
  ["initializers", "regularizers", "schedules"],
  ["executor"],
  ["plan"],
  ["graph", "ops"],
  ["data"],
  ["addon", "bytecode", "lazy", "names", "plot", "random"],
  ["shape-types"],
  ["errors", "tensor"],
];

const rowOf = new Map(rows.flatMap((names, row) => names.map((name) => [name, row])));

/** The folder of lib, or the file directly in it, that a path belongs to. */
function unitOf(file) {
  return relative(path("lib"), file).split(sep)[0].replace(/\.ts$/, "");
}

function importsOf(text) {
  const pattern =
    /^\s*(?:import|export)\b[^;"]*?\bfrom\s+"([^"]+)"|^\s*import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}

/** One line for every import that runs against the direction. */
export function importErrors() {
  const errors = [];
  for (const file of listFiles(["lib"]).filter((name) => name.endsWith(".ts"))) {
    const from = unitOf(file);
    const name = relative(path("."), file);
    if (!rowOf.has(from)) {
      errors.push(`${name}: "${from}" has no row in scripts/lint-imports.mjs`);
      continue;
    }
    for (const specifier of importsOf(readFileSync(file, "utf8"))) {
      if (!specifier.startsWith(".")) continue;
      const to = unitOf(join(dirname(file), specifier));
      if (to === from || (rowOf.get(to) ?? -1) >= rowOf.get(from)) continue;
      errors.push(`${name}: imports "${specifier}", but ${from} is to the right of ${to}`);
    }
  }
  return errors;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const errors = importErrors();
  for (const error of errors) console.error(error);
  process.exitCode = errors.length > 0 ? 1 : 0;
}

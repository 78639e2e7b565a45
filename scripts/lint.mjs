// npm run lint: format and lint of TypeScript, JavaScript and JSON (Biome) and C++ (clang-format), and
// the direction of imports. npm run format (--fix) repairs what can be repaired.
import { pathToFileURL } from "node:url";
import { installPackages, reportFailure } from "./build.mjs";
import { importErrors } from "./lint-imports.mjs";
import { CommandError, findProgram, inCi, listFiles, run, runNode } from "./project.mjs";

const clangFormatMajor = "19";

/** clang-format of the one version whose layout the sources have: others differ in details. */
function findClangFormat() {
  for (const name of [`clang-format-${clangFormatMajor}`, "clang-format"]) {
    const program = findProgram(name);
    if (program === undefined) continue;
    if (run(program, ["--version"], { quiet: true }).includes(`version ${clangFormatMajor}.`)) return program;
  }
  return undefined;
}

function lintCpp(fix) {
  const program = findClangFormat();
  if (program === undefined) {
    const message = `clang-format ${clangFormatMajor} is not here: the layout of C++ was not checked`;
    if (inCi) throw new CommandError(message, "nothing done", "");
    console.log(message);
    return;
  }
  const files = listFiles(["native"]).filter((file) => /\.(cc|h)$/.test(file));
  if (files.length > 0) run(program, [...(fix ? ["-i"] : ["--dry-run", "--Werror"]), ...files]);
}

function lintImports() {
  const errors = importErrors();
  if (errors.length > 0)
    throw new CommandError("lint-imports", `${errors.length} errors`, `${errors.join("\n")}\n`);
}

/** All of them even where one fails, so that one run shows everything. */
export function lint({ fix = false } = {}) {
  installPackages();
  const failures = [];
  const checks = [
    () =>
      runNode("node_modules/@biomejs/biome/bin/biome", [
        "check",
        "--error-on-warnings",
        "--max-diagnostics=200",
        ...(fix ? ["--write"] : []),
      ]),
    () => lintCpp(fix),
    lintImports,
  ];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failures.push(`${error.output}${error.message}`);
    }
  }
  if (failures.length > 0)
    throw new CommandError("lint", `${failures.length} failed`, `${failures.join("\n")}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    lint({ fix: process.argv.includes("--fix") });
  } catch (error) {
    reportFailure(error);
  }
}

// npm run lint: format and lint of TypeScript, JavaScript and JSON (Biome) and C++ (clang-format and
// clang-tidy), and the direction of imports. npm run format (--fix) repairs what can be repaired.
import { pathToFileURL } from "node:url";
import { installPackages, reportFailure } from "./build.mjs";
import { importErrors } from "./lint-imports.mjs";
import {
  CommandError,
  findProgram,
  inCi,
  listFiles,
  path,
  readJson,
  run,
  runNode,
  runTogether,
} from "./project.mjs";

const clangMajor = "19";

/** A tool of the one version that the sources are held to: others differ in details. */
function findClangTool(tool) {
  for (const name of [`${tool}-${clangMajor}`, tool]) {
    const program = findProgram(name);
    if (program === undefined) continue;
    if (run(program, ["--version"], { quiet: true }).includes(`version ${clangMajor}.`)) return program;
  }
  const message = `${tool} ${clangMajor} is not here: C++ was not checked by it`;
  if (inCi) throw new CommandError(message, "nothing done", "");
  console.log(message);
  return undefined;
}

function formatCpp(fix) {
  const program = findClangTool("clang-format");
  if (program === undefined) return;
  const files = listFiles(["native"]).filter((file) => /\.(cc|h)$/.test(file));
  if (files.length > 0) run(program, [...(fix ? ["-i"] : ["--dry-run", "--Werror"]), ...files]);
}

/** Bugs and doubtful constructs, by .clang-tidy; the binding needs Node's headers and is left to the compiler. */
async function lintCpp() {
  const program = findClangTool("clang-tidy");
  if (program === undefined) return;
  const { core, isa } = readJson("native/sources.json");
  const units = core.map((source) => ({ file: path("native", source), flags: [] }));
  const isas =
    process.arch === "x64"
      ? [isa.scalar, isa.avx512vl, isa.avx512, isa.avx512bf16, isa.avx512amx]
      : [isa.scalar];
  for (const { source, gcc } of isas) {
    units.push({ file: path("native", source), flags: gcc.filter((flag) => flag.startsWith("-m")) });
  }
  // The loops of limits_*.cc are one header, of which one unit is enough.
  for (const name of ["main", "limits", "limits_scalar", "product", "runner"]) {
    units.push({ file: path("bench/native", `${name}.cc`), flags: [`-I${path("native")}`] });
  }
  await runTogether(
    units.map(({ file, flags }) => [program, ["--quiet", file, "--", "-std=c++20", ...flags]]),
  );
}

function lintImports() {
  const errors = importErrors();
  if (errors.length > 0)
    throw new CommandError("lint-imports", `${errors.length} errors`, `${errors.join("\n")}\n`);
}

/** All of them even where one fails, so that one run shows everything. */
export async function lint({ fix = false } = {}) {
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
    () => formatCpp(fix),
    lintCpp,
    lintImports,
  ];
  for (const check of checks) {
    try {
      await check();
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
    await lint({ fix: process.argv.includes("--fix") });
  } catch (error) {
    reportFailure(error);
  }
}

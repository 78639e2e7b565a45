// npm test: builds what is missing, then checks everything in stages and ends with a line of totals.
//   npm test -- PATH...    only the vitest files that match, without the other stages
//   npm test -- --all      also the slow stages that CI runs: sanitizers, arm64 under an emulator
// A stage whose tools are not installed is left out and named; under CI=true that is a failure.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { build, kernelsSetting, reportFailure } from "./build.mjs";
import { writeExamplePlan } from "./example-plan.mjs";
import { lint } from "./lint.mjs";
import { CommandError, findProgram, inCi, path, readJson, run, runNode, secondsSince } from "./project.mjs";

const report = ".cache/vitest.json";
const totals = { passed: 0, failed: 0, skipped: 0 };

function runVitest(filters, env) {
  rmSync(path(report), { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  try {
    runNode("node_modules/vitest/vitest.mjs", ["run", ...reporters, ...filters], { env });
  } finally {
    countVitest();
  }
}

function countVitest() {
  if (!existsSync(path(report))) return;
  const result = readJson(report);
  // A file that fails before its first test counts as one failure.
  const broken = result.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests + broken.length;
  totals.skipped += result.numPendingTests + result.numTodoTests;
}

/** Configures, builds and runs the C++ tests in a folder of their own, and counts them. */
function nativeTests(folder, settings) {
  const generator = findProgram("ninja") === undefined ? [] : ["-G", "Ninja"];
  run("cmake", ["-S", "native", "-B", folder, ...generator, ...settings], { quiet: true });
  const parallel = ["--parallel", String(availableParallelism())];
  run("cmake", ["--build", folder, ...parallel], { quiet: true });
  const tests = ["--test-dir", folder, "--output-on-failure", ...parallel];
  const output = run("ctest", tests, { quiet: true });
  const [, failed, total] = /(\d+) tests? failed out of (\d+)/.exec(output) ?? ["", "0", "0"];
  console.log(output.trimEnd());
  if (total === "0") throw new CommandError("ctest", "no test run", "");
  totals.passed += total - failed;
}

function releaseTests() {
  nativeTests("build-tests/release", ["-DCMAKE_BUILD_TYPE=Release", kernelsSetting()]);
}

function arm64Tests() {
  nativeTests("build-tests/arm64", [`-DCMAKE_TOOLCHAIN_FILE=${path("native/cmake/aarch64.cmake")}`]);
}

/** The C++ tests of what threads share, and a whole plan on several of them. */
async function threadSanitizerTests() {
  const folder = "build-tests/tsan";
  nativeTests(folder, ["-DMYELIN_SANITIZE=thread"]);
  const plan = path(".cache/example.plan");
  await writeExamplePlan(plan);
  const replay = (threads) =>
    run(path(folder, "replay"), [plan, "--threads", threads, "--batch", "64", "--rows", "130"], {
      quiet: true,
    });
  const alone = replay("1");
  for (const threads of ["2", "4"]) {
    const output = replay(threads);
    if (output !== alone) throw new CommandError(`replay on ${threads} threads`, "other numbers", output);
    totals.passed++;
  }
}

const asanFolder = "build-tests/asan";

/** Where node-gyp found Node's headers when it built the addon. */
function nodeHeaders() {
  const text = readFileSync(path("build/config.gypi"), "utf8").replace(/^#.*$/m, "");
  return join(JSON.parse(text).variables.nodedir, "include/node");
}

/** The C++ tests, and an addon from the same objects for the stage that follows. */
function addressSanitizerTests() {
  nativeTests(asanFolder, ["-DMYELIN_SANITIZE=address,undefined", `-DCMAKE_JS_INC=${nodeHeaders()}`]);
}

/** The tests that reach furthest into the addon, on an addon that checks every access. */
function sanitizedAddonTests() {
  const runtime = run("gcc", ["-print-file-name=libasan.so"], { quiet: true }).trim();
  runVitest(["test/ops", "test/training/abort", "test/training/busy", "test/training/nonfinite"], {
    MYELIN_PREBUILD: path(asanFolder),
    LD_PRELOAD: runtime,
    // Node itself frees little when it ends.
    ASAN_OPTIONS: "detect_leaks=0",
  });
}

const doctestFolders = ["/usr/include", "/usr/local/include", "/opt/homebrew/include"];

function hasTool(tool) {
  if (tool !== "doctest") return findProgram(tool) !== undefined;
  return doctestFolders.some((folder) => existsSync(`${folder}/doctest/doctest.h`));
}

const cppTools = ["cmake", "ctest", "doctest"];

/** `slow` stages run in CI and with --all only. */
const stages = [
  { name: "Format and lint", run: () => lint() },
  { name: "Type check", run: () => runNode("node_modules/typescript/bin/tsc", ["-p", "tsconfig.json"]) },
  {
    name: "Native tests",
    tools: cppTools,
    run: releaseTests,
  },
  {
    name: "Native tests with address and undefined-behaviour sanitizers",
    slow: true,
    tools: cppTools,
    run: addressSanitizerTests,
  },
  {
    name: "Native tests with the thread sanitizer",
    slow: true,
    tools: cppTools,
    run: threadSanitizerTests,
  },
  {
    name: "Native tests for arm64 under an emulator",
    slow: true,
    tools: [...cppTools, "aarch64-linux-gnu-g++", "qemu-aarch64"],
    run: arm64Tests,
  },
  {
    name: "Tests with address and undefined-behaviour sanitizers in the addon",
    slow: true,
    tools: ["gcc", ...cppTools],
    run: sanitizedAddonTests,
  },
  { name: "Tests", run: () => runVitest([]) },
];

/** Runs a stage and returns one line on how it went. */
async function runStage({ name, tools = [], slow = false, run: work }, all) {
  if (slow && !all) return `left out  ${name}: runs in CI and with "npm test -- --all"`;
  const missing = tools.filter((tool) => !hasTool(tool));
  if (missing.length > 0 && !inCi) return `left out  ${name}: ${missing.join(", ")} not installed`;
  console.log(`\n--- ${name}`);
  const start = performance.now();
  const failedBefore = totals.failed;
  try {
    if (missing.length > 0) throw new CommandError(name, `${missing.join(", ")} not installed`, "");
    await work();
    return `passed    ${name} (${secondsSince(start)})`;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(`${error.output}${error.message}`);
    if (totals.failed === failedBefore) totals.failed++;
    return `FAILED    ${name} (${secondsSince(start)})`;
  }
}

async function main(args) {
  const start = performance.now();
  const filters = args.filter((arg) => arg !== "--all");
  const chosen = filters.length === 0 ? stages : [{ name: "Tests", run: () => runVitest(filters) }];
  try {
    build();
  } catch (error) {
    reportFailure(error);
  }
  const lines = [];
  for (const stage of chosen) lines.push(await runStage(stage, inCi || args.includes("--all")));
  console.log(`\n${lines.join("\n")}\nAll stages took ${secondsSince(start)}.`);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

await main(process.argv.slice(2));

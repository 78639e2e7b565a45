// Installs packages, builds the addon and compiles TypeScript, each only where it is missing or stale.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  CommandError,
  hashOf,
  ifStale,
  listFiles,
  path,
  readJson,
  runNode,
  runNpm,
  secondsSince,
} from "./project.mjs";

const addon = "build/Release/myelin.node";

/** True where every package of the lock file is installed in its version. */
function packagesInstalled() {
  const record = "node_modules/.package-lock.json";
  if (!existsSync(path(record))) return false;
  const installed = readJson(record).packages;
  for (const [name, { version, optional }] of Object.entries(readJson("package-lock.json").packages)) {
    if (name === "") continue;
    const found = installed[name];
    if (found === undefined ? !optional : found.version !== version) return false;
  }
  return true;
}

function step(name, work) {
  const start = performance.now();
  process.stdout.write(`${name} ... `);
  try {
    work();
  } catch (error) {
    process.stdout.write("failed\n");
    throw error;
  }
  process.stdout.write(`${secondsSince(start)}\n`);
}

export function installPackages() {
  if (packagesInstalled()) return;
  step("Installing packages", () => {
    runNpm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { quiet: true });
  });
}

/** What the addon is made from. */
export function nativeSources() {
  const files = listFiles(["native", "binding.gyp", "settings.gypi"]);
  return files.filter((file) => !file.startsWith(path("native", "test")) && !file.endsWith("CMakeLists.txt"));
}

/** Node's own headers where they came with it, as in its archives and in most packages: no download then. */
function headersBesideNode() {
  const folder = join(dirname(process.execPath), "..");
  const file = join(folder, "include/node/node_version.h");
  if (!existsSync(file)) return {};
  const text = readFileSync(file, "utf8");
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
  const version = ["MAJOR", "MINOR", "PATCH"].map(part).join(".");
  return version === process.versions.node ? { npm_config_nodedir: folder } : {};
}

/** Builds the addon with node-gyp, by an npm script: npm's environment tells node-gyp where headers are. */
export function buildNative() {
  const facts = [
    process.platform,
    process.arch,
    readJson("node_modules/node-addon-api/package.json").version,
  ];
  ifStale("build/sources.sha256", hashOf(nativeSources(), facts), addon, () => {
    step("Building the native addon", () =>
      runNpm(["run", "--silent", "build:native"], { quiet: true, env: headersBesideNode() }),
    );
  });
}

/** For CMake: the kernels that the addon was built from where they are left, which saves compiling them again. */
export function kernelsSetting() {
  const objects = path("build/Release/obj.target");
  const built = existsSync(join(objects, "isa_scalar/native/isa/scalar.o"));
  return `-DMYELIN_KERNELS=${built ? objects : ""}`;
}

export function buildTypeScript() {
  const settings = ["tsconfig.json", "tsconfig.build.json", "package.json", "package-lock.json"];
  const sources = listFiles(["lib", "scripts/compile.mjs", ...settings]);
  ifStale(".cache/dist.sha256", hashOf(sources), "dist/index.js", () => {
    step("Compiling TypeScript", () => {
      // A module that was renamed or removed must not live on in the package.
      rmSync(path("dist"), { recursive: true, force: true });
      runNode("scripts/compile.mjs", [path("dist")], { quiet: true });
    });
  });
}

/** What V8 makes of dist/, so that it need not each time (docs/decisions/0020-bytecode.md). */
function keepBytecode() {
  const files = listFiles(["dist", "scripts/bytecode.mjs"]).filter((file) => !file.endsWith(".bin"));
  const facts = [process.version, process.arch];
  ifStale(".cache/bytecode.sha256", hashOf(files, facts), "dist/bytecode/index.bin", () => {
    step("Keeping bytecode", () => runNode("scripts/bytecode.mjs", [], { quiet: true }));
  });
}

/** Everything, so that the package runs. Without a compiler the reference executor has to do. */
export function build({ requireNative = true } = {}) {
  installPackages();
  buildTypeScript();
  try {
    buildNative();
  } catch (error) {
    if (requireNative || !(error instanceof CommandError)) throw error;
    console.warn(
      `${error.output.trimEnd()}\nThe native addon could not be built (a C++20 compiler and Python 3`,
    );
    console.warn("are needed): going on without it, on the much slower reference executor.");
  }
  keepBytecode();
}

/** Ends the process with the message and output of a program that failed. */
export function reportFailure(error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(`${error.output}${error.message}`);
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    build();
  } catch (error) {
    reportFailure(error);
  }
}

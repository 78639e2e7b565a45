// Runs when the package is installed: with a prebuilt addon there is nothing to build, else build it, else say what is
// missing. It never fails an installation, because the reference executor runs everywhere. Keeps V8's bytecode, too.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const onWindows = process.platform === "win32";

function loads() {
  try {
    require("node-gyp-build")(root);
    return true;
  } catch {
    return false;
  }
}

function onPath(name) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The tools of a build that are not here; on Windows node-gyp looks for them in the registry itself. */
function missingTools() {
  if (onWindows) return [];
  const missing = [];
  if (!process.env.CXX && !["c++", "g++", "clang++"].some(onPath)) missing.push("a C++20 compiler");
  if (!["make", "gmake"].some(onPath)) missing.push("make");
  if (!process.env.PYTHON && !["python3", "python"].some(onPath)) missing.push("Python 3");
  return missing;
}

/** Builds with the node-gyp that npm brings. Returns undefined, or why there is no addon. */
function build() {
  const missing = missingTools();
  if (missing.length > 0) return `${missing.join(", ")} not found`;
  const gyp = process.env.npm_config_node_gyp;
  const [program, args] = gyp ? [process.execPath, [gyp]] : ["node-gyp", []];
  const result = spawnSync(program, [...args, "rebuild", "--jobs=max"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    shell: gyp === undefined && onWindows,
  });
  if (result.error !== undefined) return `node-gyp did not start (${result.error.message})`;
  if (result.status === 0 && loads()) return undefined;
  const lines = `${result.stdout}${result.stderr}`.split("\n").filter((line) => /error|ERR!/i.test(line));
  return ["the build failed", ...lines.slice(0, 12)].join("\n  ");
}

function howToGetTools() {
  if (process.platform === "darwin") return "xcode-select --install";
  if (onWindows) return 'Visual Studio Build Tools with "Desktop development with C++", and Python 3';
  return "Debian, Ubuntu: apt-get install g++ make python3; Fedora: dnf install gcc-c++ make python3; Alpine: apk add g++ make python3";
}

function provideAddon() {
  const reason = loads() ? undefined : build();
  if (reason === undefined) return;
  console.warn(
    [
      `myelin: there is no prebuilt addon for ${process.platform}-${process.arch} and none could be built: ${reason}.`,
      `Get a compiler (${howToGetTools()}) and run "npm rebuild myelin".`,
      "Until then networks run on the reference executor, which is much slower.",
    ].join("\n"),
  );
}

// A checkout builds with `npm start` and `npm test`, which know when a build is out of date.
const inCheckout = existsSync(join(root, "scripts", "build.mjs"));
if (!inCheckout) {
  provideAddon();
  // Where it cannot be kept, everything works, but starts later.
  spawnSync(process.execPath, [join(root, "scripts", "bytecode.mjs")], { stdio: "ignore", timeout: 60_000 });
}

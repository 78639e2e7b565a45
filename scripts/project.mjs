// What the other scripts share: where the project is, running programs, and knowing what is out of date.
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
export const inCi = process.env.CI !== undefined && process.env.CI !== "" && process.env.CI !== "false";
const onWindows = process.platform === "win32";

/** A path inside the project. */
export function path(...parts) {
  return join(root, ...parts);
}

export function readJson(file) {
  return JSON.parse(readFileSync(path(file), "utf8"));
}

/** The full path of a program, or undefined. */
export function findProgram(name) {
  const endings = onWindows ? (process.env.PATHEXT ?? ".EXE;.CMD;.BAT").split(";") : [""];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const ending of endings) {
      const file = join(folder, name + ending);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}

/** A program that failed; `output` is what it printed where that was captured. */
export class CommandError extends Error {
  constructor(line, status, output) {
    super(`"${line}" ended with ${status}`);
    this.output = output;
  }
}

/**
 * Runs a program in the project's folder and throws a CommandError unless it succeeds. With `quiet` its
 * output is captured and returned; otherwise it goes to the terminal.
 */
export function run(program, args, { quiet = false, env, cwd = root, shell = false } = {}) {
  const result = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    encoding: "utf8",
    maxBuffer: 1 << 28,
    shell,
  });
  const output = quiet ? `${result.stdout ?? ""}${result.stderr ?? ""}` : "";
  if (result.error !== undefined) throw new CommandError(program, result.error.message, output);
  if (result.status !== 0) {
    throw new CommandError(
      [program, ...args].join(" "),
      result.signal ?? `exit code ${result.status}`,
      output,
    );
  }
  return output;
}

/**
 * Runs programs in the project's folder, as many at once as there are CPUs, all of them even where one fails.
 * @param {[program: string, args: string[]][]} commands
 * @returns {Promise<void>} rejects with a CommandError that has the output of all that failed
 */
export async function runTogether(commands) {
  const execute = promisify(execFile);
  const waiting = [...commands];
  const failures = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await execute(...next, { cwd: root, maxBuffer: 1 << 28 });
      } catch (error) {
        failures.push(`${error.stdout ?? ""}${error.stderr ?? ""}${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  if (failures.length > 0) {
    throw new CommandError(commands[0][0], `${failures.length} failed`, `${failures.join("\n")}\n`);
  }
}

/** Runs a JavaScript file with this Node. */
export function runNode(file, args, options) {
  return run(process.execPath, [path(file), ...args], options);
}

/** Runs npm, the very one that started this script where there is one. */
export function runNpm(args, options) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith("npm-cli.js")) return run(process.execPath, [npm, ...args], options);
  return run(onWindows ? "npm.cmd" : "npm", args, { ...options, shell: onWindows });
}

/** Every file below the given files and folders, in a fixed order. */
export function listFiles(paths) {
  const files = [];
  const visit = (file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats?.isDirectory()) {
      for (const child of readdirSync(file)) visit(join(file, child));
    } else if (stats !== undefined) {
      files.push(file);
    }
  };
  for (const name of paths) visit(path(name));
  return files.sort();
}

/** One hash of the names and contents of files and of further facts that a build depends on. */
export function hashOf(files, facts = []) {
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.update(JSON.stringify(facts)).digest("hex");
}

/** Does `work` unless the stamp holds this hash and `product` is there; says whether it did. */
export function ifStale(stamp, hash, product, work) {
  const file = path(stamp);
  if (existsSync(path(product)) && existsSync(file) && readFileSync(file, "utf8") === hash) return false;
  work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, hash);
  return true;
}

/** `1.2 s` since a time of performance.now(). */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

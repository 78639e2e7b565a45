import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { root, run } from "./package.ts";

function hashOf(path: string, hash = createHash("sha256")): string {
  for (const name of readdirSync(path).sort()) {
    const file = join(path, name);
    if (statSync(file).isDirectory()) hash.update(hashOf(file));
    else hash.update(name).update(readFileSync(file));
  }
  return hash.digest("hex");
}

let folder: string | undefined;

/**
 * The library as JavaScript, module by module, with the addon, in a folder of its own: scripts beside it import "myelin".
 * Compiled once for the same sources.
 */
function compiledLibrary(): string {
  const cache = join(root, ".cache");
  const result = join(cache, `library-${hashOf(join(root, "lib")).slice(0, 16)}`);
  if (existsSync(result)) return result;
  mkdirSync(cache, { recursive: true });
  const stage = mkdtempSync(join(cache, "stage-"));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  // Types are checked elsewhere.
  const options = ["-p", "tsconfig.build.json", "--noCheck", "--emitDeclarationOnly", "false"];
  options.push("--outDir", join(stage, "dist"));
  const { status, stdout, stderr } = run(process.execPath, [tsc, ...options], root);
  if (status !== 0) throw new Error(`the library does not compile:\n${stdout}${stderr}`);
  const manifest = { name: "myelin", type: "module", exports: { ".": "./dist/index.js", "./*": "./dist/*" } };
  writeFileSync(join(stage, "package.json"), JSON.stringify(manifest));
  symlinkSync(join(root, "build"), join(stage, "build"));
  try {
    renameSync(stage, result);
  } catch (error) {
    // Another process has put the same there.
    if (!existsSync(result)) throw error;
    rmSync(stage, { recursive: true });
  }
  return result;
}

/** How a child process ended and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  /** Of Node. */
  args?: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
}

let count = 0;

/** Runs the text of an ES module in a process of its own; "myelin" is the library, "myelin/x.js" a module of it. */
export async function runScript(text: string, { args = [], env = {} }: ChildOptions = {}): Promise<Ended> {
  folder ??= compiledLibrary();
  const script = join(folder, `script-${process.pid}-${count++}.mjs`);
  writeFileSync(script, text);
  const { MYELIN_ISA, MYELIN_NUM_THREADS, VITEST, NODE_OPTIONS, ...inherited } = process.env;
  const child = spawn(process.execPath, [...args, script], { env: { ...inherited, ...env }, cwd: folder });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (data: string) => {
    stdout += data;
  });
  child.stderr.setEncoding("utf8").on("data", (data: string) => {
    stderr += data;
  });
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
  } finally {
    rmSync(script, { force: true });
  }
}

/** As `runScript`; what the script printed as JSON. Fails when the process did not end well. */
export async function resultOf<T>(text: string, options: ChildOptions = {}): Promise<T> {
  const { code, signal, stdout, stderr } = await runScript(text, options);
  if (code === 0) return JSON.parse(stdout) as T;
  throw new Error(`the child ended with ${signal ?? `code ${code}`}\n${stdout}${stderr}`);
}

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));
const cache = join(root, ".cache", "package");
const packed: readonly string[] = [
  ...["package.json", "LICENSE", "CHANGELOG.md", "README.md", "binding.gyp", "settings.gypi"],
  ...["native", "scripts/install.mjs", "scripts/bytecode.mjs"],
];

/** How a program ended and what it printed. */
export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

export function run(program: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Result {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: env ?? process.env,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

function mustRun(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = run(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** npm's own program, to be run by a Node of choice. */
function npmProgram(): string {
  const fromNpm = process.env.npm_execpath;
  if (fromNpm?.endsWith("npm-cli.js")) return fromNpm;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (existsSync(join(folder, "npm"))) return realpathSync(join(folder, "npm"));
  }
  throw new Error("npm is not on PATH");
}

function npm(args: readonly string[], cwd: string): string {
  return mustRun(process.execPath, [npmProgram(), ...args], cwd);
}

/** A new folder below the project, where programs and packages of node_modules/ are found. */
export function makeFolder(name: string): string {
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, `${name}-`));
}

/** What a published package is packed from, compiled here, so that a stale dist/ cannot mislead. */
export function makeStage(): string {
  const stage = makeFolder("stage");
  for (const name of packed) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(stage, name), { recursive: true });
  }
  mustRun(process.execPath, [join(root, "scripts/compile.mjs"), join(stage, "dist")], root);
  return stage;
}

/** Packs a stage into a tarball beside it. */
export function pack(stage: string, name: string): string {
  const file = npm(["pack", "--ignore-scripts", "--silent"], stage).trim();
  const tarball = join(stage, "..", `${basename(stage)}-${name}.tgz`);
  renameSync(join(stage, file), tarball);
  return tarball;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((file) => (statSync(file).isDirectory() ? filesBelow(file) : [file]));
}

/** Builds the addon from nothing but what is packed, or takes the one made from the same sources before. */
function makePrebuild(bareTarball: string, stage: string): void {
  const hash = createHash("sha256").update(process.platform + process.arch);
  const sources = ["native", "binding.gyp", "settings.gypi", "package-lock.json"].map((name) =>
    join(root, name),
  );
  for (const file of sources.flatMap((name) => (statSync(name).isDirectory() ? filesBelow(name) : [name]))) {
    hash.update(readFileSync(file));
  }
  const prebuilds = join(cache, `prebuilds-${hash.digest("hex").slice(0, 16)}`);
  if (!existsSync(prebuilds)) {
    const source = makeFolder("source");
    mustRun("tar", ["xzf", bareTarball, "-C", source, "--strip-components=1"], root);
    npm(["run", "--silent", "build:prebuilds", "--", "--cwd", source], root);
    renameSync(join(source, "prebuilds"), prebuilds);
    rmSync(source, { recursive: true });
  }
  cpSync(prebuilds, join(stage, "prebuilds"), { recursive: true });
}

/** The package as published (`prebuilt`), and one for a platform that has no prebuilt addon (`bare`). */
export interface Tarballs {
  bare: string;
  prebuilt: string;
  remove(): void;
}

export function makeTarballs(): Tarballs {
  const stage = makeStage();
  const bare = pack(stage, "bare");
  makePrebuild(bare, stage);
  const prebuilt = pack(stage, "prebuilt");
  return {
    bare,
    prebuilt,
    remove: () => {
      for (const file of [stage, bare, prebuilt]) rmSync(file, { recursive: true, force: true });
    },
  };
}

/** Other Node versions, from npm, kept in the project's cache. Returns the program of each. */
export function installNodes(majors: readonly number[]): string[] {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = join(root, ".cache", "nodes");
  mkdirSync(folder, { recursive: true });
  const missing = majors.filter((major) => !existsSync(join(folder, "node_modules", `node${major}`)));
  if (missing.length > 0) {
    if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), "{}");
    npm(["install", "--silent", ...missing.map((major) => `node${major}@npm:${name}@${major}`)], folder);
  }
  return majors.map((major) => join(folder, "node_modules", `node${major}`, "bin", "node"));
}

/** An empty project that has installed a tarball. */
export interface Project {
  folder: string;
  /** What npm and the install script printed. */
  installed: Result;
  /** Runs a script of the project by this Node or another one. */
  node(script: string, program?: string): Result;
  remove(): void;
}

/**
 * Installs a tarball into an empty project. Without `tools`, PATH holds node and a shell only, as on a
 * machine that has no compiler.
 */
export function installPackage(tarball: string, { tools = false }: { tools?: boolean } = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), "myelin-project-"));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  symlinkSync("/bin/sh", join(bin, "sh"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "project", private: true }));
  const { CXX, PYTHON, NODE_OPTIONS, MYELIN_PREBUILD, ...others } = process.env;
  // Whether it compiles is the question there, and unoptimized code compiles four times as fast.
  const build = tools ? { PATH: process.env.PATH, CXXFLAGS: "-O0" } : { PATH: bin };
  const env = { ...others, ...build, NODE_PATH: undefined };
  const args = ["install", "--foreground-scripts", "--no-audit", "--no-fund", "--prefer-offline", tarball];
  const installed = run(join(bin, "node"), [npmProgram(), ...args], folder, env);
  return {
    folder,
    installed,
    node: (script, program = join(bin, "node")) => run(program, [script], folder, env),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

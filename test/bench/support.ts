import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const folder = new URL("../../bench/", import.meta.url);

/** Runs the benchmark's command line. */
export function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = fileURLToPath(new URL("main.mjs", folder));
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
}

/** A module of the benchmark; they are JavaScript, so the caller says what is in it. */
export function load<T>(file: string): Promise<T> {
  return import(new URL(file, folder).href) as Promise<T>;
}

// Where and on what a run was made: figures of two runs compare only where this is the same.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { SINGLE_CPU } from "../harness/single-cpu.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

function git(...args) {
  const { status, stdout } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** What the kernel says of a CPU under that name (Linux on x64; elsewhere unknown). */
function cpuInfo(name) {
  try {
    return readFileSync("/proc/cpuinfo", "utf8").match(new RegExp(`^${name}\\s*:\\s*(.*)$`, "m"))?.[1];
  } catch {
    return undefined;
  }
}

/** With family and model where they are known: hypervisors give CPUs of many generations one name. */
function processor() {
  const [name, family, model] = [cpus()[0]?.model.trim(), cpuInfo("cpu family"), cpuInfo("model")];
  return family === undefined || model === undefined ? name : `${name}, family ${family} model ${model}`;
}

/** Vector extensions that are of use here. */
export function instructionSets() {
  const flags = cpuInfo("flags")?.split(" ") ?? [];
  return ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"].filter((name) =>
    flags.includes(name),
  );
}

/** @returns {Record<string, unknown>} */
export function environment() {
  const changes = git("status", "--porcelain");
  return {
    date: new Date().toISOString(),
    commit: git("rev-parse", "--short=12", "HEAD"),
    uncommittedChanges: changes === undefined ? undefined : changes !== "",
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: processor(),
    instructionSets: instructionSets(),
    forcedIsa: process.env.MYELIN_ISA,
    cpus: availableParallelism(),
    singleThreadsOn: SINGLE_CPU === undefined ? undefined : `CPU ${SINGLE_CPU}`,
    threads: Number(process.env.MYELIN_NUM_THREADS) || availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: Number(loadavg()[0].toFixed(2)),
  };
}

// Myelin's own training and inference beside what the machine can do, its first step and its memory.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { variantsOf } from "../harness/candidates.mjs";
import { median } from "../harness/statistics.mjs";
import { createWorkload } from "../harness/workloads.mjs";
import { buildProgram, Meter } from "../kernels/program.mjs";
import { rooflineOf, workOf } from "../report/roofline.mjs";
import { memoryText, rooflineTable, startTable } from "../report/steps.mjs";
import { measureWorkloads } from "./workloads.mjs";

const CANDIDATES = ["myelin-native", "myelin-bf16"];

/** The machine's limits, measured between the workloads. */
class Limits {
  #meter;
  #milliseconds;
  /** By what and on how many threads. @type {Map<string, number[]>} */
  #rates = new Map();
  #bandwidths = new Map();

  constructor(meter, quick) {
    this.#meter = meter;
    this.#milliseconds = quick ? 5 : 20;
  }

  /** Measures what a result is held against. @param {import("../harness/measure.mjs").Result} result */
  async visit({ workload, candidate, threads }) {
    const what = candidate === "myelin-bf16" ? "dot" : "fma";
    const rates = this.#rates.get(`${what} ${threads}`) ?? [];
    this.#rates.set(`${what} ${threads}`, rates);
    const bandwidths = [];
    const { footprint } = workOf(createWorkload(workload));
    for (let i = 0; i < 3; i++) {
      rates.push(await this.#meter.arithmetic(what, threads, this.#milliseconds));
      bandwidths.push(await this.#meter.traffic("read", footprint, threads, this.#milliseconds));
    }
    this.#bandwidths.set(`${workload} ${threads}`, median(bandwidths));
  }

  peaksOf({ workload, candidate, threads }) {
    const what = candidate === "myelin-bf16" ? "dot" : "fma";
    return {
      flops: median(this.#rates.get(`${what} ${threads}`)),
      bandwidth: this.#bandwidths.get(`${workload} ${threads}`),
    };
  }

  end() {
    this.#meter.end();
  }
}

/** What a program in probes/ prints, or why it did not. */
function probe(name, args = []) {
  const file = fileURLToPath(new URL(`../probes/${name}.mjs`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, file], { encoding: "utf8" });
  return status === 0 ? JSON.parse(stdout) : { failure: stderr.slice(-500) };
}

/** The probe whose value is in the middle of several. */
function middle(probes, value) {
  const sorted = probes.filter(({ failure }) => failure === undefined).sort((a, b) => value(a) - value(b));
  return sorted[sorted.length >> 1] ?? probes[0];
}

export async function runSteps(options, output) {
  const names = options.candidates.filter((name) => CANDIDATES.includes(name));
  const variants = await variantsOf(names, options.threads);
  const unbuilt = buildProgram();
  const limits =
    unbuilt === undefined
      ? new Limits(Meter.ofIsa(process.env.MYELIN_ISA || undefined), options.quick)
      : undefined;
  const visit = async (measured) => {
    for (const result of measured) {
      if (result.samplesPerSecond !== undefined) await limits?.visit(result);
    }
  };
  const results = await measureWorkloads(options, variants, output, visit);
  const roofline = [];
  for (const result of limits ? results : []) {
    if (result.samplesPerSecond === undefined) continue;
    const { workload, candidate, title, threads, stepMicroseconds } = result;
    const peaks = limits.peaksOf(result);
    const entry = rooflineOf(workOf(createWorkload(workload)), peaks, stepMicroseconds * 1e-6);
    roofline.push({ workload, candidate, title, threads, stepMicroseconds, peaks, ...entry });
  }
  limits?.end();
  output.say(unbuilt ? `No roofline: ${unbuilt}\n` : rooflineTable(roofline));

  const repeats = options.quick ? 3 : 5;
  const start = middle(
    Array.from({ length: repeats }, () => probe("start")),
    ({ cold }) => cold.together,
  );
  const memory = middle(
    Array.from({ length: repeats }, () => probe("memory", ["--expose-gc"])),
    ({ over }) => over,
  );
  output.say(startTable(start));
  output.say(memoryText(memory));
  return { results, roofline, start, memory };
}

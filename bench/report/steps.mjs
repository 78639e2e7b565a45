// Tables of Myelin's own steps: the roofline, the first step, the memory.
import { amount, duration, onThreads, percent, rounded, table } from "./markdown.mjs";

/** @param {object[]} roofline */
export function rooflineTable(roofline) {
  const header = [
    "",
    "threads",
    "FLOPs",
    "bytes",
    "floor",
    "bound by",
    "measured",
    "of the floor",
    "of the peak",
  ];
  const rows = roofline.map(
    ({ workload, candidate, threads, flops, bytes, floor, bound, stepMicroseconds, ofFloor, ofPeak }) => [
      candidate === "myelin-bf16" ? `${workload}, bf16` : workload,
      String(threads),
      amount(flops, ""),
      amount(bytes, "B"),
      duration(floor * 1e6),
      bound,
      duration(stepMicroseconds),
      percent(ofFloor),
      percent(ofPeak),
    ],
  );
  const peaks = new Map();
  for (const { candidate, threads, peaks: own } of roofline) {
    peaks.set(`${candidate === "myelin-bf16" ? "bf16 dot" : "FMA"} on ${onThreads(threads)}`, own.flops);
  }
  const line = [...peaks].map(([name, flops]) => `${name} ${amount(flops, "FLOP/s")}`).join(", ");
  return `### Roofline\n\n${table(header, rows)}\n\nPeaks measured in this run: ${line}.\n`;
}

/** @param {object} start what probes/start.mjs printed */
export function startTable(start) {
  if (start.failure !== undefined) return `FAILED first step: ${start.failure}\n`;
  const ms = (value) => `${rounded(value)} ms`;
  const row = (name, { network, trainer, plan, together, step }) => [
    name,
    ...[network, trainer, plan, together, step].map(ms),
  ];
  const header = ["", "Network", "Trainer", "plan and load", "together", "the first step itself"];
  const rows = [row("fresh process", start.cold), row("second network", start.warm)];
  return `### First step of 784-512-256-10, Adam, batch 128\n\n${table(header, rows)}\n\nA later step is ${ms(start.step)}; loading Myelin takes ${ms(start.load)} before.\n`;
}

/** @param {object} memory what probes/memory.mjs printed */
export function memoryText(memory) {
  if (memory.failure !== undefined) return `Memory was not measured: ${memory.failure}\n`;
  const { over, own, dataset, plan } = memory;
  const mib = (bytes) => `${rounded(bytes / 2 ** 20)} MiB`;
  return `Memory of the same network: at most ${mib(over)} over parameters and slots (${mib(own)}) and data (${mib(dataset)}); the plan's ${plan}.\n`;
}

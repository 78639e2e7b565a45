// One row a workload: how many times faster Myelin is than each of the others.
import { amount, duration, onThreads, table, times } from "./markdown.mjs";

/** Candidates of which a user gets the faster one. */
const STOCK_TORCH = ["torch-eager", "torch-compile"];
/** And what takes more than installing it. */
const OTHER_TORCH = ["torch-tuned", "torch-bf16"];

/** Not for comparing. */
const OWN = new Set(["myelin-native", "myelin-bf16", "myelin-reference", "plain-js"]);

const measured = (results) => results.filter(({ samplesPerSecond }) => samplesPerSecond !== undefined);

/**
 * What Myelin is compared with, one entry a library and number of threads: PyTorch as the faster of eager and
 * compiled, the others on one thread, which is all that they use.
 * @param {import("../harness/measure.mjs").Result[]} results of one workload
 * @returns {{ name: string, ratio: number, note?: string }[]}
 */
export function rivalsOf(results) {
  const rivals = measured(results)
    .filter(({ candidate, threads }) => !OWN.has(candidate) && threads === undefined)
    .map(({ title, ratio, note }) => ({ name: title, ratio, note }));
  const torch = measured(results).filter(({ candidate }) => STOCK_TORCH.includes(candidate));
  for (const threads of [...new Set(torch.map((result) => result.threads))]) {
    const best = Math.min(...torch.filter((result) => result.threads === threads).map(({ ratio }) => ratio));
    rivals.push({ name: `PyTorch, ${onThreads(threads)}`, ratio: best });
  }
  for (const { candidate, title, threads, ratio } of measured(results)) {
    if (OTHER_TORCH.includes(candidate)) rivals.push({ name: `${title}, ${onThreads(threads)}`, ratio });
  }
  return rivals;
}

/** Results by workload, in their order. */
export function byWorkload(results) {
  const found = [...new Set(results.map(({ workload }) => workload))];
  return found.map((name) => [name, results.filter(({ workload }) => workload === name)]);
}

/** Myelin's speed as its workload is usually said. */
function speedText(own) {
  if (own === undefined) return "-";
  return own.workload === "predict"
    ? duration(1e6 / own.samplesPerSecond)
    : amount(own.samplesPerSecond, "/s");
}

/**
 * @param {import("../harness/measure.mjs").Result[]} results of all workloads
 * @param {Record<string, string>} names of the workloads
 */
export function summaryTable(results, names) {
  const groups = byWorkload(results);
  const columns = [...new Set(groups.flatMap(([, own]) => rivalsOf(own).map(({ name }) => name)))];
  const threads = [
    ...new Set(results.filter(({ candidate }) => candidate === "myelin-native").map((r) => r.threads)),
  ];
  const notes = [...new Set(groups.flatMap(([, own]) => rivalsOf(own).flatMap(({ note }) => note ?? [])))];
  const rows = groups.map(([name, own]) => {
    const rivals = rivalsOf(own);
    const native = (count) =>
      measured(own).find((r) => r.candidate === "myelin-native" && r.threads === count);
    const cell = (column) => {
      const rival = rivals.find((r) => r.name === column);
      if (rival === undefined) return "";
      return `${times(rival.ratio)}${rival.note === undefined ? "" : ` [${notes.indexOf(rival.note) + 1}]`}`;
    };
    return [names[name], ...threads.map((count) => speedText(native(count))), ...columns.map(cell)];
  });
  const header = ["", ...threads.map((count) => `Myelin, ${onThreads(count)}`), ...columns];
  const lines = notes.map((note, i) => `\n\n[${i + 1}] ${note}`);
  return `${table(header, rows)}${lines.join("")}`;
}

// Tables of candidates that did the same work.
import { duration, onThreads, rounded, table, times } from "./markdown.mjs";

/** The result that another one's ratio refers to: Myelin's, on as many threads. */
function baseOf(result, measured) {
  const threads = result.threads ?? 1;
  const mixed = result.candidate.endsWith("-bf16") && result.candidate !== "myelin-bf16";
  const names = [...(mixed ? ["myelin-bf16"] : []), "myelin-native", "myelin-reference", "plain-js"];
  for (const name of names) {
    const own = measured.filter(({ candidate }) => candidate === name);
    if (own.length > 0) return own.find((base) => (base.threads ?? 1) === threads) ?? own[0];
  }
  return measured[0];
}

/**
 * Adds to every measured result `ratio`: how many times faster Myelin is than it, on as many threads.
 * @param {import("../harness/measure.mjs").Result[]} results of one workload
 */
export function addRatios(results) {
  const measured = results.filter(({ samplesPerSecond }) => samplesPerSecond !== undefined);
  for (const result of measured) {
    result.ratio = baseOf(result, measured).samplesPerSecond / result.samplesPerSecond;
  }
}

/** @param {import("../harness/measure.mjs").Result} result */
export function nameOf({ title, threads }) {
  return threads === undefined ? title : `${title}, ${onThreads(threads)}`;
}

/** Four significant digits, whatever the size. @param {number} value */
function lossText(value) {
  return value >= 1e-4 ? value.toPrecision(4) : value.toExponential(2);
}

function row(result, marks) {
  const name = `${nameOf(result)}${result.version ? ` (${result.version.replace(/^v/, "")})` : ""}`;
  if (result.absent !== undefined) return [name, "absent", "", "", "", ""];
  if (result.samplesPerSecond === undefined) return [name, "failed", "", "", "", ""];
  const mark = result.note === undefined ? "" : ` [${marks.get(result.note)}]`;
  const { initial, final } = result.loss;
  return [
    `${name}${mark}`,
    rounded(result.samplesPerSecond),
    `${rounded(result.slowest)} - ${rounded(result.fastest)}`,
    duration(result.stepMicroseconds),
    times(result.ratio),
    initial === final ? lossText(initial) : `${lossText(initial)} -> ${lossText(final)}`,
  ];
}

/**
 * One workload as Markdown.
 * @param {string} title
 * @param {import("../harness/measure.mjs").Result[]} results with ratios
 * @returns {string}
 */
export function workloadTable(title, results) {
  const notes = [...new Set(results.flatMap(({ note }) => (note === undefined ? [] : [note])))];
  const marks = new Map(notes.map((note, i) => [note, i + 1]));
  const header = ["", "samples/s", "slowest - fastest", "step", "Myelin is faster by", "loss"];
  const rows = results.map((result) => row(result, marks));
  const lines = [`### ${title}`, "", table(header, rows)];
  for (const [note, mark] of marks) lines.push("", `[${mark}] ${note}`);
  for (const result of results) {
    if (result.failure !== undefined) lines.push("", `FAILED ${nameOf(result)}: ${result.failure}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Who is absent, and why. @param {import("../harness/measure.mjs").Result[]} results @returns {string} */
export function absentees(results) {
  const reasons = new Map();
  for (const { title, absent } of results) {
    if (absent !== undefined) reasons.set(title, absent.split("\n")[0]);
  }
  return [...reasons].map(([title, reason]) => `Absent: ${title} (${reason}).\n`).join("");
}

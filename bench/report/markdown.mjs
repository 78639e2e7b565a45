// What a run says: Markdown for people, JSON for programs, one line of history.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";

/** The candidate that ratios refer to: the first of these that was measured. */
const BASES = ["myelin-native", "myelin-reference", "plain-js"];

/** Three significant digits with separators. @param {number} value */
export function rounded(value) {
  const digits = value >= 1000 ? 0 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const scale = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 2);
  return (digits === 0 ? Math.round(value / scale) * scale : value).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** Four significant digits, whatever the size. @param {number} value */
function lossText(value) {
  return value >= 1e-4 ? value.toPrecision(4) : value.toExponential(2);
}

/**
 * Adds to every measured result `ratio`: how many times faster the base is than it.
 * @param {import("./harness.mjs").Result[]} results of one workload
 * @returns {string | undefined} the base
 */
export function addRatios(results) {
  const measured = results.filter((result) => result.samplesPerSecond !== undefined);
  const base =
    BASES.map((name) => measured.find((result) => result.candidate === name)).find(Boolean) ?? measured[0];
  for (const result of measured) result.ratio = base.samplesPerSecond / result.samplesPerSecond;
  return base?.candidate;
}

/** @param {string[]} header @param {string[][]} rows the first column to the left, the others to the right */
function table(header, rows) {
  const widths = header.map((text, c) => Math.max(text.length, ...rows.map((row) => row[c].length)));
  const line = (cells) =>
    `| ${cells.map((text, c) => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c]))).join(" | ")} |`;
  const rule = `|${widths.map((width, c) => `${"-".repeat(width + 1)}${c === 0 ? "-" : ":"}`).join("|")}|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

function row(result, titles, marks) {
  const name = `${titles[result.candidate]}${result.version ? ` (${result.version.replace(/^v/, "")})` : ""}`;
  if (result.absent !== undefined) return [name, "absent", "", "", "", ""];
  if (result.samplesPerSecond === undefined) return [name, "failed", "", "", "", ""];
  const mark = result.note === undefined ? "" : ` [${marks.get(result.note)}]`;
  return [
    `${name}${mark}`,
    rounded(result.samplesPerSecond),
    `${rounded(result.slowest)} - ${rounded(result.fastest)}`,
    rounded(result.stepMicroseconds),
    `${rounded(result.ratio)}x`,
    `${lossText(result.loss.initial)} -> ${lossText(result.loss.final)}`,
  ];
}

/**
 * One workload as Markdown.
 * @param {string} title
 * @param {import("./harness.mjs").Result[]} results
 * @param {Record<string, string>} titles of the candidates
 * @returns {string}
 */
export function markdown(title, results, titles) {
  const base = addRatios(results);
  const notes = [...new Set(results.flatMap(({ note }) => (note === undefined ? [] : [note])))];
  const marks = new Map(notes.map((note, i) => [note, i + 1]));
  const faster = base === undefined ? "ratio" : `${titles[base]} is faster by`;
  const header = ["", "samples/s", "slowest - fastest", "us/step", faster, "loss"];
  const lines = [
    `### ${title}`,
    "",
    table(
      header,
      results.map((result) => row(result, titles, marks)),
    ),
  ];
  for (const [note, mark] of marks) lines.push("", `[${mark}] ${note}`);
  for (const { candidate, failure } of results) {
    if (failure !== undefined) lines.push("", `FAILED ${titles[candidate]}: ${failure}`);
  }
  return `${lines.join("\n")}\n`;
}

/** @param {Record<string, unknown>} environment */
export function environmentLine({ cpu, instructionSets, cpus, threads, node, commit, loadAverage }) {
  const sets = instructionSets.length > 0 ? ` (${instructionSets.join(", ")})` : "";
  return `${cpu}${sets}, ${cpus} CPUs, ${threads} threads, Node ${node}, commit ${commit ?? "unknown"}, load ${loadAverage}`;
}

/** Writes a run to bench/out and says where. @param {object} run @returns {URL} */
export function writeJson(run) {
  const folder = new URL("out/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${run.environment.date.replace(/[:.]/g, "-")}.json`, folder);
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
  return file;
}

/** Appends a run to bench/history.jsonl: what matters of it, on one line. @param {object} run */
export function appendHistory(run) {
  const results = run.results
    .filter((result) => result.samplesPerSecond !== undefined && result.failure === undefined)
    .map(({ workload, candidate, version, samplesPerSecond, ratio }) => ({
      workload,
      candidate,
      version,
      samplesPerSecond: Math.round(samplesPerSecond),
      ratio: Number(ratio.toPrecision(4)),
    }));
  const line = JSON.stringify({ environment: run.environment, options: run.options, results });
  appendFileSync(new URL("history.jsonl", import.meta.url), `${line}\n`);
}

// Runs that are kept: a file each in bench/out, and one line of bench/history.jsonl for those that matter.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const HISTORY = new URL("../history.jsonl", import.meta.url);

/** Writes a run to bench/out and says where. @param {object} run @returns {URL} */
export function writeJson(run) {
  const folder = new URL("../out/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${run.environment.date.replace(/[:.]/g, "-")}.json`, folder);
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
  return file;
}

/** Four digits are more than repeat. */
function short(value) {
  return Number(value.toPrecision(4));
}

/** What matters of a run, small enough for a line. @param {object} run */
export function historyRow({ environment, options, kernels, steps, peers }) {
  const results = (suite, measured) =>
    measured
      .filter(({ samplesPerSecond, failure }) => samplesPerSecond !== undefined && failure === undefined)
      .map(({ workload, candidate, threads, version, samplesPerSecond, ratio }) => ({
        ...{ suite, workload, candidate, threads, version },
        samplesPerSecond: Math.round(samplesPerSecond),
        ratio: short(ratio),
      }));
  const products = kernels?.products.map(({ mode, m, k, n, threads, entries }) => ({
    shape: `${mode} ${m}x${k}x${n}`,
    threads,
    gflops: Object.fromEntries(entries.map(({ name, rate }) => [name, Math.round(rate / 1e9)])),
  }));
  return {
    environment,
    options,
    products,
    start: steps?.start,
    memory: steps?.memory,
    results: [...results("steps", steps?.results ?? []), ...results("peers", peers?.results ?? [])],
  };
}

/** @param {object} run */
export function appendHistory(run) {
  appendFileSync(HISTORY, `${JSON.stringify(historyRow(run))}\n`);
}

function rows() {
  const lines = readFileSync(HISTORY, "utf8").trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The commit of the last line. @returns {string | undefined} */
export function lastRecordedCommit() {
  return rows().at(-1)?.environment.commit;
}

/**
 * What was last recorded beside peers on each processor other than the run's, of those that the run measured too.
 * @param {object} run
 * @returns {{ environment: object, results: import("../harness/measure.mjs").Result[] }[]}
 */
export function otherProcessors({ environment, peers }) {
  const known = new Map(peers.results.map((result) => [`${result.workload} ${result.candidate}`, result]));
  const latest = new Map();
  for (const row of rows()) {
    const results = row.results.flatMap((result) => {
      const same = known.get(`${result.workload} ${result.candidate}`);
      return result.suite !== "peers" || same === undefined ? [] : { ...same, ...result };
    });
    if (results.length > 0) latest.set(row.environment.cpu, { environment: row.environment, results });
  }
  latest.delete(environment.cpu);
  return [...latest.values()];
}

// Who is measured: the files of candidates/, each with one thread and, where it uses more, with more.
import { readdirSync } from "node:fs";

/**
 * @typedef {object} Variant A candidate as it is measured.
 * @property {string} candidate
 * @property {string} title
 * @property {number} [threads] none: it has no choice
 * @property {boolean} [spreads] without a choice, it uses all CPUs
 * @property {string} [tree]
 * @property {number} agreement
 * @property {(workload: import("./workloads.mjs").Workload) => boolean} runs
 */

/** The order in which candidates are measured and shown; others follow. */
const ORDER = [
  "myelin-native",
  "myelin-bf16",
  "myelin-reference",
  "plain-js",
  "synaptic",
  "brain2",
  "brain1",
];

/** How far a loss may be from the oracle's after the first steps: float32 sums in another order. */
const AGREEMENT = 1e-3;

export function candidateNames() {
  const files = readdirSync(new URL("../candidates/", import.meta.url)).filter((file) =>
    file.endsWith(".mjs"),
  );
  const names = files.map((file) => file.slice(0, -".mjs".length));
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return names.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** @param {string} name @returns {Promise<import("./worker.mjs").Candidate>} */
export async function loadCandidate(name) {
  return (await import(`../candidates/${name}.mjs`)).default;
}

/** @param {string[]} names @returns {Promise<Record<string, string>>} */
export async function titlesOf(names) {
  const candidates = await Promise.all(names.map(loadCandidate));
  return Object.fromEntries(candidates.map(({ title }, i) => [names[i], title]));
}

/**
 * @param {string[]} names of candidates
 * @param {number[]} threadCounts with which those that use threads are measured
 * @returns {Promise<Variant[]>}
 */
export async function variantsOf(names, threadCounts) {
  const variants = [];
  for (const candidate of names) {
    const module = await loadCandidate(candidate);
    const { title, threaded, spreads, agreement = AGREEMENT, runs = () => true } = module;
    const counts = threaded ? threadCounts : [undefined];
    for (const threads of counts) variants.push({ candidate, title, threads, spreads, agreement, runs });
  }
  return variants;
}

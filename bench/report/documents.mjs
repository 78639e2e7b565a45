// Puts what a run said into the documents, between marks:  <!-- bench:NAME --> ... <!-- /bench:NAME -->
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { productChart, speedChart } from "./charts.mjs";
import { otherProcessors } from "./history.mjs";
import { functionTable, libraryText, mixedTable, productTable } from "./kernels.mjs";
import { environmentLine } from "./markdown.mjs";
import { memoryText, rooflineTable, startTable } from "./steps.mjs";
import { summaryTable } from "./summary.mjs";
import { absentees, workloadTable } from "./workloads.mjs";

const ROOT = new URL("../../", import.meta.url);
const DOCUMENTS = ["README.md", "docs/performance.md"];
const IMAGES = "docs/images/";
/** Whom a short table leaves out: slower twins of libraries in it, and what takes more than installing PyTorch. */
const DETAILS = new Set(["brain1", "tfjs-cpu", "torch-tuned", "torch-bf16"]);

/**
 * The text with new content between the marks of every name in it that `parts` has.
 * @param {string} document
 * @param {Record<string, string>} parts
 */
export function fill(document, parts) {
  return document.replace(
    /(<!-- bench:([\w-]+) -->\n)[\s\S]*?(<!-- \/bench:\2 -->)/g,
    (whole, begin, name, end) =>
      parts[name] === undefined ? whole : `${begin}${parts[name].trimEnd()}\n${end}`,
  );
}

/** Groups in the order in which they first appear. */
function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.entries()];
}

function shortNames(workloads) {
  return Object.fromEntries(workloads.map(({ name, short }) => [name, short]));
}

/** What a run made is said of every part. */
function made(run, suite) {
  return `\`npm run bench -- ${suite}\`: ${environmentLine(run.environment)}.`;
}

/**
 * Parts of documents by their names; only those that the run has measured.
 * @param {object} run
 * @param {{ name: string, short: string, title: string }[]} workloads
 * @returns {Record<string, string>}
 */
export function partsOf(run, workloads) {
  const titles = Object.fromEntries(workloads.map(({ name, title }) => [name, title]));
  const parts = {};
  const { kernels, steps, peers } = run;
  if (kernels?.products.length > 0) {
    const tables = groupBy(kernels.products, ({ threads }) => threads).map(([, own]) => productTable(own));
    parts.products = [
      made(run, "kernels"),
      "",
      ...tables,
      libraryText(kernels.libraries, kernels.absent),
    ].join("\n");
    parts.mixed = mixedTable(kernels.mixed);
    parts.functions = functionTable(kernels.functions);
  }
  if (steps?.roofline.length > 0) {
    parts.roofline = `${made(run, "steps")}\n\n${rooflineTable(steps.roofline)}`;
  }
  if (steps !== undefined) parts.start = `${startTable(steps.start)}\n${memoryText(steps.memory)}`;
  if (peers?.results.length > 0) {
    const summary = ({ environment, results }) =>
      `${summaryTable(results, shortNames(workloads))}\n\n${made({ environment }, "peers")}\n`;
    parts.summary = summary({ ...run, results: peers.results });
    const known = peers.results.filter(({ candidate }) => !DETAILS.has(candidate));
    parts.short = summary({ ...run, results: known });
    parts.processors = otherProcessors(run).map(summary).join("\n");
    const tables = groupBy(peers.results, ({ workload }) => workload).map(([name, own]) =>
      workloadTable(titles[name], own),
    );
    parts.peers = [made(run, "peers"), "", ...tables, absentees(peers.results)].join("\n");
  }
  return parts;
}

/** Pictures by the names of their files. */
function imagesOf({ kernels, peers }, workloads) {
  const images = {};
  if (kernels?.products.length > 0) images["products.svg"] = productChart(kernels.products);
  if (peers?.results.length > 0) images["peers.svg"] = speedChart(peers.results, shortNames(workloads));
  return images;
}

/** Writes tables and pictures of a run into the documents. @returns {string[]} the files */
export function writeDocuments(run, workloads) {
  const parts = partsOf(run, workloads);
  const written = [];
  for (const name of DOCUMENTS) {
    const file = new URL(name, ROOT);
    const before = readFileSync(file, "utf8");
    const after = fill(before, parts);
    if (after === before) continue;
    writeFileSync(file, after);
    written.push(name);
  }
  mkdirSync(new URL(IMAGES, ROOT), { recursive: true });
  for (const [name, svg] of Object.entries(imagesOf(run, workloads))) {
    writeFileSync(new URL(`${IMAGES}${name}`, ROOT), svg);
    written.push(IMAGES + name);
  }
  return written;
}

// The benchmark's command line. See README.md.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { candidateNames, titlesOf } from "./harness/candidates.mjs";
import { workloads } from "./harness/workloads.mjs";
import { installPeers } from "./install.mjs";
import { parseOptions, select, USAGE } from "./options.mjs";
import { writeDocuments } from "./report/documents.mjs";
import { environment } from "./report/environment.mjs";
import { appendHistory, writeJson } from "./report/history.mjs";
import { environmentLine } from "./report/markdown.mjs";
import { runCompare } from "./suites/compare.mjs";
import { runKernels } from "./suites/kernels.mjs";
import { runPeers } from "./suites/peers.mjs";
import { runSteps } from "./suites/steps.mjs";

const RUN = { compare: runCompare, kernels: runKernels, steps: runSteps, peers: runPeers };

async function list() {
  for (const { name, title } of workloads) console.log(`${name.padEnd(18)}${title}`);
  console.log();
  for (const [name, title] of Object.entries(await titlesOf(candidateNames()))) {
    console.log(`${name.padEnd(18)}${title}`);
  }
}

/** Shows on the terminal's last line what is going on; nothing where stderr is not a terminal. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** @returns {boolean} whether a check failed */
function failed({ steps, peers, compare }) {
  return [steps, peers, compare].some((suite) => suite?.results.some(({ failure }) => failure !== undefined));
}

function document(run, say) {
  say(`Written: ${writeDocuments(run, workloads).join(", ")}`);
}

async function run(options) {
  const { command, rounds, milliseconds, quick, threads } = options;
  const suites = command === "compare" ? ["compare"] : options.suites;
  const known = workloads.map(({ name }) => name);
  const chosen = {
    ...options,
    workloads: select("workload", known, options.workload),
    candidates: select("candidate", candidateNames(), options.candidate),
  };
  const run = { environment: environment(), options: { rounds, milliseconds, quick, threads } };
  const say = options.json ? () => {} : console.log;
  say(`${environmentLine(run.environment)}\n`);
  for (const suite of suites) run[suite] = await RUN[suite](chosen, { say, progress });
  if (options.json) console.log(JSON.stringify(run, null, 2));
  else say(`Written to ${fileURLToPath(writeJson(run))}`);
  if (command === "record") appendHistory(run);
  if (options.writeDocs) document(run, say);
  return failed(run) ? 1 : 0;
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  // Halted processes are ended when this one exits, which it would not do by itself.
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  // Candidates read it in processes of their own.
  if (options.python) process.env.MYELIN_BENCH_PYTHON = options.python;
  switch (options.command) {
    case "help":
      console.log(USAGE);
      return 0;
    case "list":
      await list();
      return 0;
    case "install":
      return installPeers();
    case "docs":
      document(JSON.parse(readFileSync(options.argument, "utf8")), console.log);
      return 0;
    default:
      return run(options);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

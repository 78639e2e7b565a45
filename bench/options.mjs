// The command line: what it can say, and what it said.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export const SUITES = ["kernels", "steps", "peers"];
const COMMANDS = ["run", "record", "compare", "list", "install", "docs"];

export const USAGE = `npm run bench -- [run | record] [kernels] [steps] [peers] [options]

  kernels    matrix products beside the FMA peak and other libraries, elementwise functions
  steps      training and inference with Myelin, beside the roofline; first step and memory
  peers      the same work with other libraries
             without any of these: all of them

  run        measure and print (the default)
  record     the same, and append the run to bench/history.jsonl

npm run bench -- install             install the libraries to compare with into bench/peers
npm run bench -- compare [COMMIT]    this tree's steps beside those of a commit (the last one recorded)
npm run bench -- docs FILE           write the tables of a run (bench/out/*.json) into the documents
npm run bench -- list                name the workloads and candidates

  --workload NAME,...    only these; the beginning of a name is enough
  --candidate NAME,...   only these; the beginning of a name is enough
  --threads N,...        threads of those that use more than one (1, and all CPUs)
  --rounds N             interleaved rounds, of which the median counts (5)
  --time MS              time of a candidate in a round (300)
  --quick                3 rounds of 100 ms
  --isa NAME,...         kernels: these variants (the best one)
  --library NAME=FILE    kernels: a library with sgemm besides those found; may be repeated
  --python FILE          a Python with PyTorch (MYELIN_BENCH_PYTHON)
  --write-docs           write the tables into the documents
  --json                 print JSON instead of tables
  --help`;

const OPTIONS = {
  workload: { type: "string" },
  candidate: { type: "string" },
  threads: { type: "string" },
  rounds: { type: "string" },
  time: { type: "string" },
  quick: { type: "boolean" },
  isa: { type: "string" },
  library: { type: "string", multiple: true },
  python: { type: "string" },
  "write-docs": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
};

function count(option, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`--${option} must be a positive integer, got "${text}"`);
  }
  return value;
}

function libraryOf(text) {
  const [name, ...file] = text.split("=");
  if (name === "" || file.length === 0) throw new Error(`--library must be NAME=FILE, got "${text}"`);
  return { name, file: file.join("=") };
}

/** The command, and what is left: suites or an argument. */
function commandOf(positionals) {
  const [first = "run", ...rest] = positionals;
  if (SUITES.includes(first)) return { command: "run", rest: positionals };
  if (!COMMANDS.includes(first)) throw new Error(`unknown command "${first}"\n\n${USAGE}`);
  return { command: first, rest };
}

/** The arguments that a command takes, or an error. */
function argumentsOf(command, rest) {
  if (command === "run" || command === "record") {
    const unknown = rest.find((name) => !SUITES.includes(name));
    if (unknown !== undefined) throw new Error(`unknown suite "${unknown}", known: ${SUITES.join(", ")}`);
    return { suites: rest.length === 0 ? SUITES : SUITES.filter((name) => rest.includes(name)) };
  }
  const [argument, ...more] = rest;
  const takes = { compare: [0, 1], docs: [1, 1], list: [0, 0], install: [0, 0] }[command];
  if (rest.length < takes[0]) throw new Error(`${command} needs an argument\n\n${USAGE}`);
  if (rest.length > takes[1]) throw new Error(`unexpected "${more[0] ?? argument}"\n\n${USAGE}`);
  return { suites: [], argument };
}

/**
 * @param {string[]} args
 * @returns what the command line says, with defaults
 */
export function parseOptions(args) {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  const { command, rest } = commandOf(positionals);
  const all = availableParallelism();
  return {
    command: values.help ? "help" : command,
    ...argumentsOf(command, rest),
    workload: values.workload,
    candidate: values.candidate,
    threads: values.threads?.split(",").map((text) => count("threads", text)) ?? (all > 1 ? [1, all] : [1]),
    rounds: count("rounds", values.rounds ?? (values.quick ? "3" : "5")),
    milliseconds: count("time", values.time ?? (values.quick ? "100" : "300")),
    quick: values.quick ?? false,
    isas: values.isa?.split(","),
    libraries: (values.library ?? []).map(libraryOf),
    python: values.python ?? process.env.MYELIN_BENCH_PYTHON,
    writeDocs: values["write-docs"] ?? false,
    json: values.json ?? false,
  };
}

/**
 * The known names that are one of the wanted ones, or else begin with one.
 * @param {string} kind
 * @param {string[]} known
 * @param {string | undefined} wanted separated by commas; none: all
 */
export function select(kind, known, wanted) {
  if (wanted === undefined) return known;
  const chosen = wanted.split(",").flatMap((prefix) => {
    const names = known.includes(prefix) ? [prefix] : known.filter((name) => name.startsWith(prefix));
    if (names.length === 0) throw new Error(`unknown ${kind} "${prefix}", known: ${known.join(", ")}`);
    return names;
  });
  return known.filter((name) => chosen.includes(name));
}

// The benchmark's command line. See README.md.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { environment } from "./environment.mjs";
import { measure } from "./harness.mjs";
import { appendHistory, environmentLine, markdown, writeJson } from "./report.mjs";
import { workloads } from "./workloads.mjs";

const USAGE = `npm run bench -- [run | record | list | peers] [options]

  run       measure and print (the default)
  record    the same, and append the run to bench/history.jsonl
  list      name the workloads and candidates
  peers     install the libraries to compare with into bench/peers

  --workload NAME,...    only these; the beginning of a name is enough
  --candidate NAME,...   only these; the beginning of a name is enough
  --rounds N             interleaved rounds, of which the median counts (5)
  --time MS              training time of a candidate in a round (1000)
  --quick                3 rounds of 200 ms
  --json                 print JSON instead of tables
  --help`;

/** The order in which candidates are measured and shown; others follow. */
const ORDER = ["myelin-native", "myelin-reference", "plain-js", "brain2", "brain1", "tfjs-cpu", "tfjs-wasm"];

function candidateNames() {
  const files = readdirSync(new URL("candidates/", import.meta.url)).filter((file) => file.endsWith(".mjs"));
  const names = files.map((file) => file.slice(0, -".mjs".length));
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return names.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** The known names that begin with one of the wanted ones. */
function select(kind, known, wanted) {
  if (wanted === undefined) return known;
  const prefixes = wanted.split(",");
  for (const prefix of prefixes) {
    if (!known.some((name) => name.startsWith(prefix))) {
      throw new Error(`unknown ${kind} "${prefix}", known: ${known.join(", ")}`);
    }
  }
  return known.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}

function count(option, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${option} must be a positive integer, got "${text}"`);
  return value;
}

async function titlesOf(names) {
  const modules = names.map((name) => import(`./candidates/${name}.mjs`));
  return Object.fromEntries(
    (await Promise.all(modules)).map((module, i) => [names[i], module.default.title]),
  );
}

function installPeers() {
  const folder = fileURLToPath(new URL("peers/", import.meta.url));
  // Their install scripts would build WebGL, which nothing here needs.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const onWindows = process.platform === "win32";
  const { status } = spawnSync(onWindows ? "npm.cmd" : "npm", args, {
    cwd: folder,
    stdio: "inherit",
    shell: onWindows,
  });
  return status ?? 1;
}

async function list() {
  for (const { name, title } of workloads) console.log(`${name.padEnd(18)}${title}`);
  console.log();
  for (const [name, title] of Object.entries(await titlesOf(candidateNames())))
    console.log(`${name.padEnd(18)}${title}`);
}

/** Shows on the terminal's last line what is going on; nothing where stderr is not a terminal. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function run(command, values) {
  const names = select("candidate", candidateNames(), values.candidate);
  const chosen = select(
    "workload",
    workloads.map(({ name }) => name),
    values.workload,
  );
  const options = {
    rounds: count("rounds", values.rounds ?? (values.quick ? "3" : "5")),
    milliseconds: count("time", values.time ?? (values.quick ? "200" : "1000")),
  };
  const titles = await titlesOf(names);
  const say = values.json ? () => {} : console.log;
  const result = { environment: environment(), options, results: [] };
  say(`${environmentLine(result.environment)}\n`);
  for (const { name, title } of workloads.filter((workload) => chosen.includes(workload.name))) {
    const results = await measure(name, names, { ...options, progress });
    progress("");
    const text = markdown(title, results, titles);
    say(text);
    result.results.push(...results);
  }
  const absent = new Set(
    result.results.filter((r) => r.absent !== undefined).map((r) => titles[r.candidate]),
  );
  if (absent.size > 0)
    say(`Absent: ${[...absent].join(", ")}. Peers: npm run bench -- peers; Myelin: npm run build.\n`);
  if (values.json) console.log(JSON.stringify(result, null, 2));
  else say(`Written to ${fileURLToPath(writeJson(result))}`);
  if (command === "record") appendHistory(result);
  return result.results.some((r) => r.failure !== undefined) ? 1 : 0;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      workload: { type: "string" },
      candidate: { type: "string" },
      rounds: { type: "string" },
      time: { type: "string" },
      quick: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const [command = "run", ...rest] = positionals;
  if (rest.length > 0 || !["run", "record", "list", "peers"].includes(command)) {
    throw new Error(`unknown command "${positionals.join(" ")}"\n\n${USAGE}`);
  }
  if (values.help) console.log(USAGE);
  else if (command === "list") await list();
  else if (command === "peers") return installPeers();
  else return run(command, values);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

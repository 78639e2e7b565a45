import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bench, load } from "./support.ts";

interface Result {
  candidate: string;
  threads?: number;
  samplesPerSecond: number;
  ratio: number;
  absent?: string;
  failure?: string;
  loss: { initial: number; check: number; final: number };
}

interface Run {
  environment: { node: string };
  peers: { results: Result[] };
}

/** A run that is over at once. */
function peers(...args: string[]): { status: number | null; run: Run } {
  const { status, stdout } = bench("peers", "--rounds", "2", "--time", "20", "--json", ...args);
  return { status, run: JSON.parse(stdout) as Run };
}

test("measures candidates and checks that they learned the same", () => {
  const { status, run } = peers(
    "--workload",
    "xor",
    "--candidate",
    "myelin-native,plain-js",
    "--threads",
    "1,2",
  );
  expect(status).toBe(0);
  expect(run.environment.node).toBe(process.version);
  const { results } = run.peers;
  expect(results.map(({ candidate, threads }) => [candidate, threads])).toEqual([
    ["myelin-native", 1],
    ["myelin-native", 2],
    ["plain-js", undefined],
  ]);
  for (const { failure, samplesPerSecond, loss } of results) {
    expect(failure).toBeUndefined();
    expect(samplesPerSecond).toBeGreaterThan(0);
    expect(loss.final).toBeLessThan(loss.initial);
  }
  expect(results[0]?.ratio).toBe(1);
});

test("measures predictions, which nobody trains", () => {
  const { status, run } = peers(
    "--workload",
    "predict",
    "--candidate",
    "myelin-native,plain-js",
    "--threads",
    "1",
  );
  expect(status).toBe(0);
  const [native, plain] = run.peers.results as [Result, Result];
  expect(native.loss.final).toBe(native.loss.initial);
  expect(native.loss.initial).toBeCloseTo(plain.loss.initial, 4);
});

test("names who is absent", () => {
  const { status, run } = peers(
    "--workload",
    "xor",
    "--candidate",
    "torch-eager",
    "--python",
    "no-such-python",
  );
  expect(status).toBe(0);
  for (const { absent } of run.peers.results) expect(absent).toContain("no-such-python");
});

test("lists the workloads and candidates", () => {
  const { stdout } = bench("list");
  for (const name of ["xor", "mlp-b32", "deep-b128", "predict", "myelin-native", "brain2", "torch-compile"]) {
    expect(stdout).toContain(name);
  }
});

test.each([
  [["--workload", "nor"], 'unknown workload "nor", known: xor, '],
  [["peers", "--candidate", "brian"], 'unknown candidate "brian", known: myelin-native, '],
  [["--rounds", "0"], '--rounds must be a positive integer, got "0"'],
  [["--time", "soon"], '--time must be a positive integer, got "soon"'],
  [["--threads", "1,many"], '--threads must be a positive integer, got "many"'],
  [["--library", "libblas.so"], '--library must be NAME=FILE, got "libblas.so"'],
  [["--rouds", "3"], "--rouds"],
  [["recrod"], 'unknown command "recrod"'],
  [["record", "pears"], 'unknown suite "pears", known: kernels, steps, peers'],
  [["docs"], "docs needs an argument"],
  [["list", "all"], 'unexpected "all"'],
])("refuses %j", (args, message) => {
  const { status, stderr } = bench(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(message);
});

const { SINGLE_CPU } = await load<{ SINGLE_CPU: number | undefined }>("harness/single-cpu.mjs");

test.skipIf(SINGLE_CPU === undefined)("binds a single thread to one CPU", () => {
  const module = new URL("../../bench/harness/single-cpu.mjs", import.meta.url).href;
  const program = `
    import { readFileSync } from "node:fs";
    import { bindMainThread, SINGLE_CPU } from ${JSON.stringify(module)};
    bindMainThread(SINGLE_CPU);
    console.log(/^Cpus_allowed_list:\\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect(stdout.trim()).toBe(String(SINGLE_CPU));
});

const program = fileURLToPath(new URL("../../build-tests/release/myelin_bench", import.meta.url));

test.skipIf(!existsSync(program))("the native program answers every request with a line of JSON", () => {
  const requests = [
    "describe",
    ...["NN", "NT", "TN"].map((mode) => `product ${mode} 5 7 33 1 0.01`),
    "product16 NN 5 7 33 1 0.01",
    ...["exponential", "softmax", "adam"].map((name) => `function ${name} 100 1 0.01`),
    "fma 2 0.01",
    "dot 1 0.01",
    "read 16384 1 0.01",
    "copy 16384 2 0.01",
    "product NN 0 1 1 1 1",
    "function nonsense 1 1 1",
    "fma",
    "what",
  ];
  const { status, stdout } = spawnSync(program, ["--cpu", "0"], {
    input: `${requests.join("\n")}\n`,
    encoding: "utf8",
  });
  expect(status).toBe(0);
  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number | string>);
  expect(answers).toHaveLength(requests.length);
  for (const answer of answers.slice(1, 4)) expect(answer.error).toBeLessThan(1e-5);
  for (const answer of answers.slice(1, 8)) expect(answer.seconds).toBeGreaterThan(0);
  for (const answer of answers.slice(8, 12)) expect(answer.rate).toBeGreaterThan(0);
  for (const answer of answers.slice(12)) expect(answer.failure).toBeTypeOf("string");
});

test("splits steps into passes over consecutive batches", async () => {
  const { passes } = await load<{ passes: (start: number, steps: number, perEpoch: number) => unknown[] }>(
    "harness/workloads.mjs",
  );
  expect(passes(0, 3, 8)).toEqual([{ from: 0, to: 3, epochs: 1 }]);
  expect(passes(0, 8, 8)).toEqual([{ from: 0, to: 8, epochs: 1 }]);
  expect(passes(3, 25, 8)).toEqual([
    { from: 3, to: 8, epochs: 1 },
    { from: 0, to: 8, epochs: 2 },
    { from: 0, to: 4, epochs: 1 },
  ]);
  expect(passes(0, 100_004, 4)).toEqual([
    { from: 0, to: 4, epochs: 20_000 },
    { from: 0, to: 4, epochs: 5001 },
  ]);
});

test("gives every candidate the same numbers", async () => {
  interface Workload {
    x: Float32Array;
    y: Float32Array;
    initial: { kernel: Float32Array }[];
    batchSize: number;
    samples: number;
    stepsPerEpoch: number;
  }
  const { createWorkload, workloads } = await load<{
    createWorkload: (name: string) => Workload;
    workloads: { name: string }[];
  }>("harness/workloads.mjs");
  for (const { name } of workloads) {
    const workload = createWorkload(name);
    expect(createWorkload(name)).toEqual(workload);
    expect(workload.stepsPerEpoch * workload.batchSize).toBe(workload.samples);
    expect(workload.x.every((value) => value >= 0 && value <= 1)).toBe(true);
  }
});

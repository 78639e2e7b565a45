import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = new URL("../../bench/", import.meta.url);

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = fileURLToPath(new URL("main.mjs", folder));
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
}

/** A module of the benchmark; they are JavaScript, so the caller says what is in it. */
function load<T>(file: string): Promise<T> {
  return import(new URL(file, folder).href) as Promise<T>;
}

interface Result {
  candidate: string;
  samplesPerSecond: number;
  ratio: number;
  failure?: string;
  loss: { initial: number; check: number; final: number };
}

test("measures a candidate and checks that it learned", () => {
  const { status, stdout } = bench(
    ...["--workload", "xor", "--candidate", "plain-js", "--rounds", "2", "--time", "50", "--json"],
  );
  const { environment, results } = JSON.parse(stdout) as {
    environment: { node: string };
    results: Result[];
  };
  expect(status).toBe(0);
  expect(environment.node).toBe(process.version);
  expect(results).toHaveLength(1);
  const result = results[0] as Result;
  expect(result).toMatchObject({ candidate: "plain-js", ratio: 1 });
  expect(result.samplesPerSecond).toBeGreaterThan(0);
  expect(result.loss.final).toBeLessThan(result.loss.initial);
});

test("lists the workloads and candidates", () => {
  const { stdout } = bench("list");
  for (const name of ["xor", "mlp-b32", "deep-b128", "myelin-native", "brain2", "tfjs-wasm"]) {
    expect(stdout).toContain(name);
  }
});

test.each([
  [["--workload", "nor"], 'unknown workload "nor", known: xor, '],
  [["--candidate", "brian"], 'unknown candidate "brian", known: myelin-native, '],
  [["--rounds", "0"], '--rounds must be a positive integer, got "0"'],
  [["--time", "soon"], '--time must be a positive integer, got "soon"'],
  [["--rouds", "3"], "--rouds"],
  [["recrod"], 'unknown command "recrod"'],
])("refuses %j", (args, message) => {
  const { status, stderr } = bench(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(message);
});

test("splits steps into passes over consecutive batches", async () => {
  const { passes } = await load<{ passes: (start: number, steps: number, perEpoch: number) => unknown[] }>(
    "workloads.mjs",
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
  }>("workloads.mjs");
  for (const { name } of workloads) {
    const workload = createWorkload(name);
    expect(createWorkload(name)).toEqual(workload);
    expect(workload.stepsPerEpoch * workload.batchSize).toBe(workload.samples);
    expect(workload.x.every((value) => value >= 0 && value <= 1)).toBe(true);
  }
});

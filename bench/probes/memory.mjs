// How much more memory a process has at most while it trains than parameters, optimizer slots and data are.
// Prints JSON: bytes. Needs Linux and --expose-gc.
import { readFileSync, writeFileSync } from "node:fs";
import { parameterCount } from "../report/roofline.mjs";
import { createNetwork, createTrainer, dataOf, WORKLOAD } from "./network.mjs";

function resident(name) {
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(
    readFileSync("/proc/self/status", "utf8"),
  );
  return Number(kibibytes) * 1024;
}

const myelin = await import("../../dist/index.js");
const { batchSize, samples, layers } = WORKLOAD;

// What code and threads take is there before.
const tiny = { ...WORKLOAD, layers: [{ inputs: 784, units: 10, activation: "softmax" }] };
await createTrainer(myelin, createNetwork(myelin, tiny), tiny).fit(dataOf(WORKLOAD, 256), {
  epochs: 2,
  batchSize: 64,
});

const data = dataOf(WORKLOAD, samples);
globalThis.gc();
globalThis.gc();
// From here on the kernel counts the peak anew.
writeFileSync("/proc/self/clear_refs", "5");
const before = resident("VmRSS");
const trainer = createTrainer(myelin, createNetwork(myelin, WORKLOAD), WORKLOAD);
await trainer.fit(data, { epochs: 4, batchSize });
const peak = resident("VmHWM");
const own = 4 * 3 * parameterCount(layers);
const dataset = data.x.data.byteLength + data.y.data.byteLength;
const plan = trainer.explain(batchSize).split("\n").at(-1).trim();
console.log(JSON.stringify({ over: peak - before - own, own, dataset, plan }));

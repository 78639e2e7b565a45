// How long a fresh process takes to its first step, and a second network in it. Prints JSON: milliseconds.
import { createNetwork, createTrainer, dataOf, WORKLOAD } from "./network.mjs";

const begin = performance.now();
const myelin = await import("../../dist/index.js");
const load = performance.now() - begin;
const { batchSize } = WORKLOAD;
const data = dataOf(WORKLOAD, batchSize);
const options = { epochs: 1, batchSize, shuffle: false };

function first() {
  const times = [performance.now()];
  const network = createNetwork(myelin, WORKLOAD);
  times.push(performance.now());
  const trainer = createTrainer(myelin, network, WORKLOAD);
  times.push(performance.now());
  // The plan is compiled and loaded before the first epoch begins.
  const onEpochBegin = () => times.push(performance.now());
  trainer.fitSync(data, { ...options, callbacks: [{ onEpochBegin }] });
  times.push(performance.now());
  const [start, made, ready, loaded, end] = times;
  return {
    network: made - start,
    trainer: ready - made,
    plan: loaded - ready,
    together: loaded - start,
    step: end - loaded,
  };
}

const [cold, warm] = [first(), first()];
const trainer = createTrainer(myelin, createNetwork(myelin, WORKLOAD), WORKLOAD);
trainer.fitSync(data, { ...options, epochs: 20 });
const start = performance.now();
trainer.fitSync(data, { ...options, epochs: 20 });
const step = (performance.now() - start) / 20;
console.log(JSON.stringify({ load, cold, warm, step }));

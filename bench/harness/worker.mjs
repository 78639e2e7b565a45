// A candidate in a process of its own, told by messages what to do: no candidate disturbs another's compiled
// code, memory or threads, and one that crashes takes nothing with it.

/**
 * @typedef {object} Prepared A network with the workload's initial weights.
 * @property {string} [note] how its mathematics differ from the workload's; none: they are the same
 * @property {(steps: number) => void | number | Promise<void | number>} [step] trains the next `steps` batches,
 *   in order, or predicts so many samples; gives the milliseconds where it measures them itself
 * @property {(x: Float32Array) => ArrayLike<number> | Promise<ArrayLike<number>>} [predict] the outputs of a sample
 * @property {() => number | Promise<number>} [loss] over the workload's data with the weights as they are now;
 *   none: what `predict` gives is judged
 *
 * @typedef {object} Loaded
 * @property {string} version
 * @property {(workload: import("./workloads.mjs").Workload) => Promise<Prepared>} prepare
 *
 * @typedef {object} Candidate What a file in candidates/ exports as its default.
 * @property {string} title
 * @property {boolean} [threaded] it uses MYELIN_NUM_THREADS threads; else it has no choice
 * @property {boolean} [spreads] without a choice, it uses all CPUs; else one
 * @property {number} [agreement] how far its loss may be from the oracle's, relatively
 * @property {(workload: import("./workloads.mjs").Workload) => boolean} [runs] none: everything
 * @property {() => Promise<Loaded>} load throws where the library is not installed
 */
import { inputOf, lossOfPredictions } from "./evaluate.mjs";
import { bindMainThread } from "./single-cpu.mjs";
import { median } from "./statistics.mjs";
import { createWorkload } from "./workloads.mjs";

/** @type {Loaded} */
let loaded;
/** @type {Prepared} */
let prepared;
/** @type {import("./workloads.mjs").Workload} */
let workload;

/** The median of so many predictions, times their number: a pause of the collector is no latency of most calls. */
async function timePredictions(calls) {
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const x = inputOf(workload, i % workload.samples);
    const start = performance.now();
    const result = prepared.predict(x);
    if (result instanceof Promise) await result;
    times[i] = performance.now() - start;
  }
  return median(times) * calls;
}

/** Milliseconds that `steps` steps take. */
async function time(steps) {
  if (prepared.step === undefined) return timePredictions(steps);
  const start = performance.now();
  let own = prepared.step(steps);
  if (own instanceof Promise) own = await own;
  return own ?? performance.now() - start;
}

async function loss() {
  return { loss: await (prepared.loss?.() ?? lossOfPredictions(workload, prepared.predict)) };
}

const commands = {
  /** @param {{ cpu: number }} message */
  async bind({ cpu }) {
    bindMainThread(cpu);
  },

  /** @param {{ candidate: string }} message */
  async load({ candidate }) {
    const module = await import(`../candidates/${candidate}.mjs`);
    loaded = await module.default.load();
    return { version: loaded.version };
  },

  /** @param {{ name: string }} message */
  async prepare({ name }) {
    workload = createWorkload(name);
    prepared = await loaded.prepare(workload);
    return { note: prepared.note, ...(await loss()) };
  },

  /** @param {{ steps: number }} message */
  async step({ steps }) {
    return { milliseconds: await time(steps) };
  },

  /** Trains for at least `milliseconds`, in ever larger calls, and says how many steps and how fast the last were. */
  async warmUp({ milliseconds }) {
    const end = performance.now() + milliseconds;
    let steps = 1;
    let last = await time(steps);
    let done = steps;
    while (performance.now() < end) {
      if (last < milliseconds / 4) steps *= 2;
      last = await time(steps);
      done += steps;
    }
    return { done, stepsPerMillisecond: steps / last };
  },

  loss,
};

// The benchmark has ended without a word: so does this.
process.on("disconnect", () => process.exit());
process.on("message", async (message) => {
  try {
    process.send?.({ result: await commands[message.command](message) });
  } catch (error) {
    process.send?.({ error: { message: String(error?.message ?? error), code: error?.code } });
  }
});

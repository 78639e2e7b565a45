// A candidate in a process of its own, told by messages what to do: no candidate disturbs another's compiled
// code, memory or threads, and one that crashes takes nothing with it.

/**
 * @typedef {object} Prepared A network with the workload's initial weights.
 * @property {string} [note] how its mathematics differ from the workload's; none: they are the same
 * @property {(steps: number) => void | Promise<void>} step trains the next `steps` batches, in order
 * @property {() => number} loss the loss over the workload's data with the weights as they are now
 *
 * @typedef {object} Loaded
 * @property {string} version
 * @property {(workload: import("./workloads.mjs").Workload) => Promise<Prepared>} prepare
 *
 * @typedef {object} Candidate What a file in candidates/ exports as its default.
 * @property {string} title
 * @property {() => Promise<Loaded>} load throws where the library is not installed
 */
import { createWorkload } from "./workloads.mjs";

/** @type {Loaded} */
let loaded;
/** @type {Prepared} */
let prepared;

/** Milliseconds that `steps` steps take. */
async function time(steps) {
  const start = performance.now();
  const result = prepared.step(steps);
  if (result instanceof Promise) await result;
  return performance.now() - start;
}

const commands = {
  /** @param {{ candidate: string }} message */
  async load({ candidate }) {
    const module = await import(`./candidates/${candidate}.mjs`);
    loaded = await module.default.load();
    return { version: loaded.version };
  },

  /** @param {{ workload: string }} message */
  async prepare({ workload }) {
    prepared = await loaded.prepare(createWorkload(workload));
    return { note: prepared.note, loss: prepared.loss() };
  },

  /** @param {{ steps: number }} message */
  async step({ steps }) {
    return { milliseconds: await time(steps) };
  },

  /** Trains for at least `milliseconds`, in ever larger calls, and says how fast the last was. */
  async warmUp({ milliseconds }) {
    const end = performance.now() + milliseconds;
    let steps = 1;
    let last = await time(steps);
    while (performance.now() < end) {
      if (last < milliseconds / 4) steps *= 2;
      last = await time(steps);
    }
    return { stepsPerMillisecond: steps / last };
  },

  async loss() {
    return { loss: prepared.loss() };
  },
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

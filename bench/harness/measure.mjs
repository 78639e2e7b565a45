// Measures candidates on a workload in interleaved rounds, so that a clock that drifts or a machine that is
// busy for a while touches all alike; and checks that they did the same work.
import { AbsentError, CandidateProcess } from "./candidate-process.mjs";
import { SINGLE_CPU } from "./single-cpu.mjs";
import { median } from "./statistics.mjs";
import { createWorkload } from "./workloads.mjs";

/** The candidate whose losses are the oracle; it always runs the first steps, measured or not. */
const ORACLE = "plain-js";

/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {number} milliseconds of training for a candidate in a round
 * @property {(text: string) => void} progress
 *
 * @typedef {object} Result
 * @property {string} workload
 * @property {string} candidate
 * @property {string} title the candidate's
 * @property {number} [threads] none: it has no choice
 * @property {string} [tree] the folder of the Myelin that was measured, where it is not this one
 * @property {string} [absent] why it could not be loaded
 * @property {string} [failure] what went wrong: a crash, or a loss that is not what it should be
 * @property {string} [version]
 * @property {string} [note] how its mathematics differ
 * @property {number} [samplesPerSecond] the median of the rounds
 * @property {number} [slowest]
 * @property {number} [fastest]
 * @property {number} [stepMicroseconds]
 * @property {{ initial: number, check?: number, final: number }} [loss] check: after the first steps
 */

/** Whole epochs where there is time for one, else as many steps as there is time for. */
function stepsInRound(stepsPerMillisecond, milliseconds, stepsPerEpoch) {
  const steps = Math.max(1, Math.round(stepsPerMillisecond * milliseconds));
  return steps < stepsPerEpoch ? steps : Math.round(steps / stepsPerEpoch) * stepsPerEpoch;
}

class Cell {
  /** @param {import("./workloads.mjs").Workload} workload @param {import("./candidates.mjs").Variant} variant */
  constructor(workload, { candidate, title, threads, spreads = false, tree, agreement }) {
    this.workload = workload;
    this.agreement = agreement;
    this.single = threads === undefined ? !spreads : threads === 1;
    /** @type {Result} */
    this.result = { workload: workload.name, candidate, title, threads, tree };
    this.rates = [];
    this.done = 0; // steps
    this.spent = 0;
  }

  get alive() {
    return this.result.absent === undefined && this.result.failure === undefined;
  }

  /** Runs `work` unless the cell has failed; a failure is a result too. */
  async attempt(work) {
    if (!this.alive) return;
    try {
      await work();
    } catch (error) {
      this.result[error instanceof AbsentError ? "absent" : "failure"] = error.message;
    }
  }

  /** Loads the library and, where its mathematics are the workload's, trains the first steps. */
  async start() {
    const { name, checkSteps } = this.workload;
    const { candidate, threads = 1, tree } = this.result;
    const env = { MYELIN_NUM_THREADS: String(threads), ...(tree && { MYELIN_BENCH_TREE: tree }) };
    this.process = new CandidateProcess(candidate, env);
    if (this.single && SINGLE_CPU !== undefined) await this.process.ask("bind", { cpu: SINGLE_CPU });
    const { version } = await this.process.ask("load", { candidate });
    const { note, loss } = await this.process.ask("prepare", { name });
    Object.assign(this.result, { version, note, loss: { initial: loss } });
    if (note !== undefined) return;
    if (checkSteps > 0) await this.process.ask("step", { steps: checkSteps });
    this.done = checkSteps;
    this.result.loss.check = (await this.process.ask("loss")).loss;
  }

  async warmUp(milliseconds) {
    const { stepsPerEpoch } = this.workload;
    const warm = await this.process.ask("warmUp", { milliseconds: milliseconds / 2 });
    this.steps = stepsInRound(warm.stepsPerMillisecond, milliseconds, stepsPerEpoch);
    // Whole epochs begin where one does: they are then one call of a library that trains by epochs.
    const begun = (this.done + warm.done) % stepsPerEpoch;
    if (this.steps < stepsPerEpoch || begun === 0) return;
    await this.process.ask("step", { steps: stepsPerEpoch - begun });
  }

  /** Where one step alone takes longer than a round, some rounds are left out. */
  async round({ rounds, milliseconds: budget }) {
    if (this.spent > 2 * rounds * budget) return;
    const { milliseconds } = await this.process.ask("step", { steps: this.steps });
    this.spent += milliseconds;
    this.rates.push((1000 * this.steps * this.workload.batchSize) / milliseconds);
  }

  async finish() {
    const { loss } = await this.process.ask("loss");
    const samplesPerSecond = median(this.rates);
    Object.assign(this.result, {
      samplesPerSecond,
      slowest: Math.min(...this.rates),
      fastest: Math.max(...this.rates),
      stepMicroseconds: (1e6 * this.workload.batchSize) / samplesPerSecond,
    });
    this.result.loss.final = loss;
  }

  /** The same mathematics from the same weights gives the same loss; any other at least learns. */
  verify(oracle) {
    const { loss, note } = this.result;
    const { kind, checkSteps } = this.workload;
    const away = Math.abs(loss.check - oracle) / oracle;
    if (note === undefined && !(away <= this.agreement)) {
      throw new Error(`after ${checkSteps} steps its loss is ${loss.check}, the oracle's ${oracle}`);
    }
    if (kind === "train" && !(loss.final < loss.initial)) {
      throw new Error(`its loss did not fall: ${loss.initial} before, ${loss.final} after`);
    }
  }
}

/** The oracle's loss after the first steps. */
async function oracleLoss(workload, cells) {
  const measured = cells.find((cell) => cell.result.candidate === ORACLE && cell.alive);
  if (measured !== undefined) return measured.result.loss.check;
  const cell = new Cell(workload, { candidate: ORACLE });
  try {
    await cell.start();
  } finally {
    cell.process?.end();
  }
  return cell.result.loss.check;
}

/**
 * Measures the candidates on one workload.
 * @param {string} workloadName
 * @param {import("./candidates.mjs").Variant[]} variants
 * @param {Options} options
 * @returns {Promise<Result[]>} in the order of the variants
 */
export async function measure(workloadName, variants, options) {
  const { rounds, milliseconds, progress } = options;
  const workload = createWorkload(workloadName);
  const cells = variants.filter(({ runs }) => runs(workload)).map((variant) => new Cell(workload, variant));
  const each = async (text, work) => {
    for (const cell of cells) {
      if (cell.alive) progress(`${workloadName}: ${text}, ${cell.result.candidate}`);
      await cell.attempt(() => work(cell));
    }
  };
  try {
    await each("first steps", (cell) => cell.start());
    const oracle = await oracleLoss(workload, cells);
    await each("warm-up", (cell) => cell.warmUp(milliseconds));
    for (let round = 1; round <= rounds; round++) {
      await each(`round ${round} of ${rounds}`, (cell) => cell.round(options));
    }
    await each("check", async (cell) => {
      await cell.finish();
      cell.verify(oracle);
    });
  } finally {
    for (const cell of cells) cell.process?.end();
  }
  return cells.map((cell) => cell.result);
}

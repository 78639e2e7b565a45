// On which CPU a single thread is measured. CPUs of one machine differ, most of all where others share them, and a
// process stays where it began: on two CPUs the same code was seen to differ by 13 %. Only Linux can be asked for one.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The last CPU that this process may use: interrupts prefer the first. */
function lastCpu() {
  try {
    const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return Number(/\d+$/.exec(list ?? "")?.[0]);
  } catch {
    return Number.NaN;
  }
}

/** @param {string[]} args @returns {boolean} whether it worked */
function taskset(...args) {
  return spawnSync("taskset", args).status === 0;
}

function find() {
  const cpu = lastCpu();
  return Number.isInteger(cpu) && taskset("-c", String(cpu), "true") ? cpu : undefined;
}

/** The CPU; none: the system cannot bind a thread, or has no `taskset`. @type {number | undefined} */
export const SINGLE_CPU = find();

/**
 * Binds this process's main thread, and what it starts from now on. Threads that are there already, such as those
 * that compile and collect garbage, stay free.
 * @param {number} cpu
 */
export function bindMainThread(cpu) {
  if (!taskset("-p", "-c", String(cpu), String(process.pid))) {
    throw new Error(`taskset could not bind process ${process.pid} to CPU ${cpu}`);
  }
}

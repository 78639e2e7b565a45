// Only who is measured runs: threads of many libraries go on spinning after their work, on the CPUs that the next
// one is to be measured on. Windows has no such signals; there all of them run.

const STOPPABLE = process.platform !== "win32";

/** @param {import("node:child_process").ChildProcess} child @param {"SIGSTOP" | "SIGCONT"} signal */
function send(child, signal) {
  if (!STOPPABLE || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
}

/** Lets a process run. @param {import("node:child_process").ChildProcess} child */
export function proceed(child) {
  send(child, "SIGCONT");
}

/** Holds a process until it may proceed. @param {import("node:child_process").ChildProcess} child */
export function halt(child) {
  send(child, "SIGSTOP");
}

/** Ends of processes that still run. */
const ends = new Set();
// Halted, they would never notice that nobody asks any more.
process.on("exit", () => {
  for (const end of ends) end();
});

/** Calls `end` when this process exits, unless it is forgotten before. @param {() => void} end */
export function endAtExit(end) {
  ends.add(end);
}

/** @param {() => void} end */
export function forget(end) {
  ends.delete(end);
}

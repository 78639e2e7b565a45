// Installs the libraries to compare with, into bench/peers and nowhere else.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("peers/", import.meta.url));
/** Its binary comes from a server of its own, which not every machine reaches. */
const TFJS_NODE = "@tensorflow/tfjs-node@4.22.0";

function npm(args, stdio) {
  const onWindows = process.platform === "win32";
  const options = { cwd: FOLDER, stdio, shell: onWindows };
  return spawnSync(onWindows ? "npm.cmd" : "npm", [...args, "--no-audit", "--no-fund"], options).status ?? 1;
}

/** @returns {number} the exit code */
export function installPeers() {
  // Their install scripts would build WebGL, which nothing here needs.
  const status = npm(["ci", "--ignore-scripts"], "inherit");
  if (status !== 0) return status;
  if (npm(["install", "--no-save", TFJS_NODE], "ignore") !== 0) {
    console.log(`${TFJS_NODE} does not install here: it will be named as absent.`);
  }
  if (!process.env.MYELIN_BENCH_PYTHON) {
    console.log("PyTorch: give a Python that has it, with --python FILE or MYELIN_BENCH_PYTHON.");
  }
  return 0;
}

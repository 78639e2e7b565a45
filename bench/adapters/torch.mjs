// PyTorch, where MYELIN_BENCH_PYTHON names a Python that has it: a program of its own, which measures itself.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lossOf } from "../harness/evaluate.mjs";
import { LineProcess } from "../harness/line-process.mjs";
import { absent } from "./absent.mjs";

const PROGRAM = fileURLToPath(new URL("torch_peer.py", import.meta.url));

/** @param {Float32Array} values */
function encode(values) {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

/** @param {string} text @returns {Float32Array} */
function decode(text) {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

const encodeWeights = ({ kernel, bias }) => ({ kernel: encode(kernel), bias: encode(bias) });
const decodeWeights = ({ kernel, bias }) => ({ kernel: decode(kernel), bias: decode(bias) });

/** The workload as a file: too large for a line. Gone when this process ends. */
function writeWorkload(workload) {
  const folder = mkdtempSync(join(tmpdir(), "myelin-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "workload.json");
  const { initial, x, y, ...rest } = workload;
  writeFileSync(
    file,
    JSON.stringify({ ...rest, x: encode(x), y: encode(y), initial: initial.map(encodeWeights) }),
  );
  return file;
}

async function prepare(torch, workload) {
  const ask = (command, options) => torch.ask(JSON.stringify({ command, ...options }));
  await ask("prepare", { file: writeWorkload(workload) });
  const step = async (steps) => (await ask("step", { steps })).milliseconds;
  if (workload.kind === "train") {
    return {
      step,
      loss: async () => lossOf(workload, (await ask("weights")).weights.map(decodeWeights)),
    };
  }
  const { outputs } = await ask("outputs", { count: workload.samples });
  return { step, predict: (x) => outputs[(x.byteOffset - workload.x.byteOffset) / x.byteLength] };
}

/**
 * What `load` of a candidate gives.
 * @param {"eager" | "compile" | "bf16"} mode
 * @param {Record<string, string>} [env] variables for Python
 * @returns {Promise<import("../harness/worker.mjs").Loaded>}
 */
export async function loadTorch(mode, env = {}) {
  const python = process.env.MYELIN_BENCH_PYTHON;
  if (!python) throw absent("no Python with PyTorch was given (--python or MYELIN_BENCH_PYTHON)");
  const torch = new LineProcess(python, [PROGRAM, mode], {
    OMP_NUM_THREADS: process.env.MYELIN_NUM_THREADS ?? "1",
    // In this process, not in a pool that outlives it.
    TORCHINDUCTOR_COMPILE_THREADS: "1",
    ...env,
  });
  try {
    const { version } = await torch.ask(JSON.stringify({ command: "load" }));
    return { version, prepare: (workload) => prepare(torch, workload) };
  } catch (error) {
    throw absent(`PyTorch did not start: ${error.message}`);
  }
}

// What an expert gets out of PyTorch on Linux: MKL made to use AVX-512 on AMD too, and memory that is kept instead
// of being given back to the system at every step.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { absent } from "../adapters/absent.mjs";
import { loadTorch } from "../adapters/torch.mjs";

/** MKL asks this function which of its kernels may run. */
const SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\n";

/** A library that answers in MKL's place; gone when this process ends. */
function buildShim() {
  if (process.platform !== "linux" || process.arch !== "x64") throw absent("only on Linux on x64");
  const folder = mkdtempSync(join(tmpdir(), "myelin-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [source, library] = [join(folder, "shim.c"), join(folder, "shim.so")];
  writeFileSync(source, SHIM);
  const { status } = spawnSync("cc", ["-shared", "-fPIC", "-o", library, source]);
  if (status !== 0) throw absent("no C compiler");
  return library;
}

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "PyTorch tuned",
  threaded: true,
  load: async () =>
    loadTorch("eager", {
      LD_PRELOAD: buildShim(),
      MALLOC_MMAP_THRESHOLD_: String(1 << 30),
      MALLOC_TRIM_THRESHOLD_: String(1 << 30),
    }),
};

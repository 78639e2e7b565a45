import { loadTorch } from "../adapters/torch.mjs";

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "PyTorch bf16 autocast",
  threaded: true,
  runs: (workload) => workload.bf16 === true,
  // Eight bits of mantissa.
  agreement: 2e-2,
  load: () => loadTorch("bf16"),
};

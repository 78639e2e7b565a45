import { loadMyelin } from "../adapters/myelin.mjs";

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "Myelin bf16",
  threaded: true,
  runs: (workload) => workload.bf16 === true,
  // Eight bits of mantissa.
  agreement: 2e-2,
  load: () => loadMyelin({ executor: "native", precision: "bf16" }),
};

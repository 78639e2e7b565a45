import { loadMyelin } from "../adapters/myelin.mjs";

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "Myelin's reference executor",
  runs: (workload) => !workload.bf16,
  load: () => loadMyelin({ executor: "reference" }),
};

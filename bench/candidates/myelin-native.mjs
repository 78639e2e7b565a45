import { loadMyelin } from "../adapters/myelin.mjs";

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "Myelin",
  threaded: true,
  load: () => loadMyelin({ executor: "native" }),
};

import { loadTorch } from "../adapters/torch.mjs";

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "PyTorch eager",
  threaded: true,
  load: () => loadTorch("eager"),
};

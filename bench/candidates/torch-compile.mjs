import { loadTorch } from "../adapters/torch.mjs";

/** @type {import("../harness/worker.mjs").Candidate} */
export default {
  title: "PyTorch compiled",
  threaded: true,
  load: () => loadTorch("compile"),
};

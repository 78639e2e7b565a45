// Myelin and every other library on the same workloads, interleaved.
import { variantsOf } from "../harness/candidates.mjs";
import { absentees } from "../report/workloads.mjs";
import { measureWorkloads } from "./workloads.mjs";

/** @returns {Promise<{ results: import("../harness/measure.mjs").Result[] }>} */
export async function runPeers(options, output) {
  const variants = await variantsOf(options.candidates, options.threads);
  const results = await measureWorkloads(options, variants, output);
  const absent = absentees(results);
  if (absent !== "") output.say(`${absent}Peers: npm run bench -- install. Myelin: npm run build.\n`);
  return { results };
}

// Measures variants on the chosen workloads and says each one's table when it is there.
import { measure } from "../harness/measure.mjs";
import { workloads } from "../harness/workloads.mjs";
import { addRatios, workloadTable } from "../report/workloads.mjs";

/**
 * @param {(results: import("../harness/measure.mjs").Result[]) => Promise<void>} [visit] after each workload
 * @returns {Promise<import("../harness/measure.mjs").Result[]>}
 */
export async function measureWorkloads(options, variants, { say, progress }, visit = async () => {}) {
  const results = [];
  for (const { name, title } of workloads.filter((workload) => options.workloads.includes(workload.name))) {
    const measured = await measure(name, variants, { ...options, progress });
    progress("");
    addRatios(measured);
    if (measured.length > 0) say(workloadTable(title, measured));
    await visit(measured);
    results.push(...measured);
  }
  return results;
}

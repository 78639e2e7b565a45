import { expect, test, vi } from "vitest";
import type { Callback } from "../../lib/callbacks/callback.ts";
import { circle, classifier } from "../support/tasks.ts";

/** The budgets with which a training runs its program. */
function budgets(callbacks: readonly Callback[]): Set<number> {
  const { network, trainer } = classifier({ executor: "reference" });
  const seen = new Set<number>();
  const load = network.executor.load.bind(network.executor);
  const spy = vi.spyOn(network.executor, "load");
  spy.mockImplementation((plan, regions) => {
    const program = load(plan, regions);
    const runSync = program.runSync.bind(program);
    program.runSync = (job) => {
      seen.add(job.budget);
      return runSync(job);
    };
    return program;
  });
  trainer.fitSync(circle(20), { epochs: 2, batchSize: 5, callbacks });
  spy.mockRestore();
  return seen;
}

test("a slice is short only where a callback waits for it", () => {
  expect(budgets([])).toEqual(new Set([250]));
  expect(budgets([{ onEpochEnd: () => {} }])).toEqual(new Set([250]));
  expect(budgets([{ onEpochEnd: () => {} }, { onProgress: () => {} }])).toEqual(new Set([20]));
  expect(budgets([{ onBatchEnd: () => {} }])).toEqual(new Set([20]));
  // Several epochs run ahead.
  expect(budgets([{ passive: true, onEpochEnd: () => {} }])).toEqual(new Set([20]));
});

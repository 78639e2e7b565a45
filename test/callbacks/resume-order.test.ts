import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type Callback, callbacks, layers, Network, Trainer } from "../../lib/index.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Counts the epochs it has seen. */
function counter(): Callback & { count: number } {
  return {
    name: "counter",
    count: 0,
    onEpochEnd() {
      this.count += 1;
    },
    state() {
      return this.count;
    },
    restore(state) {
      this.count = state as number;
    },
  };
}

const data = { x: [[0], [1]], y: [0, 1] };
const trainer = (): Trainer =>
  new Trainer(new Network({ input: [1], layers: [layers.dense({ units: 1 })], seed: 1 }), {
    loss: "mse",
  }) as Trainer;

it("a checkpoint keeps what callbacks after it in the list remember of its epoch, and gives it back once", async () => {
  const path = join(folder, "checkpoint.safetensors");
  await trainer().fit(data, { epochs: 3, callbacks: [callbacks.checkpoint({ path }), counter()] });

  const resumed = trainer();
  await resumed.restore(path);
  const seen = counter();
  await resumed.fit(data, { epochs: 4, resume: true, callbacks: [seen] });
  expect(seen.count).toBe(4);
  await resumed.fit(data, { epochs: 6, resume: true, callbacks: [seen] });
  expect(seen.count).toBe(6);
});

import { expect, it } from "vitest";
import { layers, Network, optimizers, Trainer } from "../../lib/index.ts";

const SMALLEST = 2 ** -126;

it("leaves no denormals in the optimizer's memory where gradients have become zero", () => {
  const network = new Network({ input: [2], layers: [layers.dense({ units: 20 })], executor: "native" });
  const trainer = new Trainer(network, { loss: "meanSquaredError", optimizer: optimizers.adam() });
  const y = Array.from({ length: 20 }, (_, i) => i);
  trainer.fitSync({ x: [[1, 1]], y: [y] } as never, { epochs: 5 });
  expect(trainer.slots.some((value) => value !== 0)).toBe(true);
  // The input is 0 from now on, and with it every gradient of the kernel.
  trainer.fitSync({ x: [[0, 0]], y: [y] } as never, { epochs: 2000 });
  // A mean ends where a step would change it by less than that: at zero, or some times as far from it.
  const kernel = network.layout.entry("dense/kernel");
  const means = trainer.slots.subarray(kernel.offset, kernel.offset + kernel.size);
  expect(means.every((value) => Math.abs(value) <= 16 * SMALLEST)).toBe(true);
  expect(trainer.slots.every((value) => value === 0 || Math.abs(value) >= SMALLEST)).toBe(true);
  // JavaScript keeps its own.
  expect(Math.fround(SMALLEST / 2)).toBeGreaterThan(0);
});

import type { Dataset } from "../data/dataset.ts";
import { makeTrainer } from "./model.ts";
import { Speedometer } from "./training.ts";

export interface Comparison {
  /** Images that the reference executor was timed on. */
  readonly images: number;
  /** Samples a second. */
  readonly rate: number;
}

const IMAGES = 1024;
/** Let the JavaScript engine compile the kernels before the clock starts. */
const WARM_UP = 256;

/** Trains the same network for a moment on the reference executor, in batches of the same size. */
export async function timeReference(
  train: Dataset,
  { batchSize, seed }: { batchSize: number; seed: number },
): Promise<Comparison> {
  const trainer = makeTrainer({ executor: "reference", seed, steps: 100 });
  const slice = train.take(Math.max(batchSize, IMAGES));
  const warmUp = slice.take(WARM_UP);
  const speed = new Speedometer();
  await trainer.fit(warmUp, { batchSize: Math.min(batchSize, warmUp.length) });
  await trainer.fit(slice, { batchSize, callbacks: [speed] });
  return { images: slice.length, rate: speed.rate };
}

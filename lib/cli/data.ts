import type { Dataset } from "../data/dataset.ts";
import { syntheticDigits } from "../data/digits.ts";
import { mnist, mnistCache } from "../data/mnist.ts";
import { DataError, FileError } from "../errors.ts";
import { formatShape } from "../tensor.ts";
import { grouped } from "./terminal.ts";

export interface Digits {
  readonly train: Dataset;
  /** Held back from training, for the curves: the test set is looked at only once, at the end. */
  readonly validation: Dataset;
  readonly test: Dataset;
  /** Where the images come from. */
  readonly source: string;
}

export interface DigitsRequest {
  readonly data: string | undefined;
  readonly seed: number;
  readonly quick: boolean;
}

const TRAINING = 60_000;
const TEST = 10_000;
/** What `quick` leaves. */
const QUICK = 0.2;
const VALIDATION = 1 / 12;

type Loaded = Omit<Digits, "validation">;

/** Images of the folder, else of MNIST's cache, else of the generator. */
async function load({ data, seed, quick }: DigitsRequest): Promise<Loaded> {
  if (data !== undefined) return { ...(await mnist(data)), source: `MNIST from ${data}` };
  const cached = await mnist(undefined, { download: false }).catch((error: unknown) => {
    if (error instanceof FileError) return undefined;
    throw error;
  });
  if (cached !== undefined) return { ...cached, source: `MNIST from ${mnistCache()}` };
  const share = quick ? QUICK : 1;
  return {
    train: syntheticDigits({ count: TRAINING * share, seed }),
    test: syntheticDigits({ count: TEST * share, seed, stream: 1 }),
    source: "drawn by the built-in generator, as MNIST is not here (--data DIR says where it is)",
  };
}

function checkImages({ train, test, source }: Loaded): void {
  for (const [name, dataset] of [
    ["training", train],
    ["test", test],
  ] as const) {
    const shape = dataset.inputs[0]?.shape ?? [];
    if (shape.length === 3 && shape[0] === 28 && shape[1] === 28) continue;
    throw new DataError(
      `${source}: ${name} images must have the shape [28, 28, 1], got ${formatShape(shape)}`,
    );
  }
  if (train.length < 24)
    throw new DataError(`${source}: at least 24 training images are needed, got ${train.length}`);
}

/** Training, validation and test images, pixels as bytes. */
export async function loadDigits(request: DigitsRequest): Promise<Digits> {
  const loaded = await load(request);
  checkImages(loaded);
  const { source } = loaded;
  const part = (dataset: Dataset, full: number): Dataset =>
    request.quick ? dataset.take(Math.max(24, Math.round(full * QUICK))) : dataset;
  const [all, test] = [part(loaded.train, TRAINING), part(loaded.test, TEST)];
  const count = all.length - Math.round(all.length * VALIDATION);
  return { train: all.take(count), validation: all.skip(count), test, source };
}

/** `55,000 to train on, 5,000 to validate, 10,000 to test` */
export function describeDigits({ train, validation, test }: Digits): string {
  return `${grouped(train.length)} to train on, ${grouped(validation.length)} to validate, ${grouped(test.length)} to test`;
}

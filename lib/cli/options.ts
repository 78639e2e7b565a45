import { parseArgs } from "node:util";
import { checkNumber, OptionError, unknownName } from "../errors.ts";
import type { ExecutorName } from "../executor/native.ts";

/** What the command line of the digit classifier says. */
export interface DigitsOptions {
  /** Folder with MNIST's four files. */
  readonly data: string | undefined;
  readonly epochs: number;
  readonly batch: number;
  readonly seed: number;
  readonly threads: number | undefined;
  readonly executor: ExecutorName | undefined;
  /** Folder for what is written. */
  readonly out: string;
  /** A fraction of the images. */
  readonly quick: boolean;
  readonly help: boolean;
}

const DEFAULTS = { epochs: 12, quickEpochs: 4, batch: 128, seed: 7, out: "out" } as const;

export const HELP = `Trains a classifier of handwritten digits and shows what came of it.

  npm start -- [options]

  --data DIR       folder with MNIST's four IDX files, gzipped or not; without it the cache is looked
                   into, and where MNIST is not there, digits are drawn by a generator
  --epochs N       passes over the training images (default ${DEFAULTS.epochs}; ${DEFAULTS.quickEpochs} with --quick)
  --batch N        images of a step (default ${DEFAULTS.batch})
  --seed N         decides initial weights, dropout and order (default ${DEFAULTS.seed})
  --threads N      threads of the native executor (default: all CPUs)
  --executor NAME  native or reference (default: native where it is built)
  --out DIR        folder for the curves and the model (default: ${DEFAULTS.out})
  --quick          a fifth of the images, for a first impression
  --help           this text
`;

const OPTIONS = {
  data: { type: "string" },
  epochs: { type: "string" },
  batch: { type: "string" },
  seed: { type: "string" },
  threads: { type: "string" },
  executor: { type: "string" },
  out: { type: "string" },
  quick: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = { [name in keyof typeof OPTIONS]?: string | boolean };

function read(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const unknown = /^Unknown option '(-[^']*)'/.exec((error as Error).message)?.[1];
    if (unknown !== undefined) {
      throw unknownName(
        "option",
        unknown,
        Object.keys(OPTIONS).map((name) => `--${name}`),
      );
    }
    // The rest of Node's message explains options that begin with a dash.
    throw new OptionError(
      ((error as Error).message.split(". ")[0] as string).replace(/ argument missing$/, " needs a value"),
    );
  }
}

function count(name: string, value: string | boolean | undefined, max: number, min = 1): number | undefined {
  if (value === undefined) return undefined;
  const number = value === "" ? value : Number(value);
  return checkNumber(`--${name}`, Number.isNaN(number) ? value : number, { min, max, integer: true });
}

/** Reads the command line. @throws OptionError for what it does not know */
export function readOptions(args: readonly string[]): DigitsOptions {
  const values = read(args);
  const { executor, data, quick = false, help = false } = values;
  if (executor !== undefined && executor !== "native" && executor !== "reference") {
    throw unknownName("executor", executor, ["native", "reference"]);
  }
  for (const name of ["data", "out"] as const) {
    if (values[name] === "") throw new OptionError(`--${name} must be a folder, got ""`);
  }
  return {
    data: data as string | undefined,
    epochs: count("epochs", values.epochs, 10_000) ?? (quick ? DEFAULTS.quickEpochs : DEFAULTS.epochs),
    batch: count("batch", values.batch, 8192) ?? DEFAULTS.batch,
    seed: count("seed", values.seed, 2 ** 32 - 1, 0) ?? DEFAULTS.seed,
    threads: count("threads", values.threads, 1024),
    executor,
    out: (values.out as string | undefined) ?? DEFAULTS.out,
    quick: quick === true,
    help: help === true,
  };
}

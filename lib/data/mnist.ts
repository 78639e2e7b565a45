import { readFile, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { checkNumber, checkOptions, DataError, expected, FileError, OptionError } from "../errors.ts";
import { loadCrypto } from "../lazy.ts";
import { formatShape, type NumericArray, type Tensor } from "../tensor.ts";
import { makeColumn } from "./column.ts";
import { Dataset } from "./dataset.ts";
import { type DownloadProgress, download } from "./download.ts";
import { parseIdx, unpackIdx } from "./idx.ts";

export interface MnistOptions {
  /** Where downloads are kept (default: `MYELIN_CACHE`, else the user's cache folder, `myelin/mnist`). */
  cache?: string;
  /** Base URLs to download from, in order of preference. */
  mirrors?: readonly string[];
  /** false: only look into the cache (default true). */
  download?: boolean;
  /** Attempts per mirror after the first (default 3). */
  retries?: number;
  /** Milliseconds before the first retry, doubling each time (default 500). */
  retryDelay?: number;
  /** Milliseconds without a byte after which a connection counts as dead (default 30000). */
  timeout?: number;
  signal?: AbortSignal;
  /** Called for every piece of a download. */
  onProgress?: (progress: DownloadProgress) => void;
}

export interface TrainAndTest {
  train: Dataset;
  test: Dataset;
}

const kMirrors = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/**
 * SHA-256 of the unpacked files: mirrors pack the same bytes differently, and what counts is in
 * the package.
 */
const kChecksums = {
  "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
} as const;

type Name = keyof typeof kChecksums;
type Reader = (name: Name) => Promise<Tensor<NumericArray>>;

/**
 * MNIST: 60,000 training and 10,000 test images of handwritten digits. Pixels stay bytes of shape
 * [28, 28, 1] with scale 1/255; targets are the digits.
 * @param directory a folder with the four IDX files, gzipped or not (sets of the same form, such as
 *   Fashion-MNIST, work too); absent: they are downloaded once into a cache, with verified checksums
 * @throws FileError for files that are missing, damaged or cannot be downloaded
 */
export async function mnist(directory?: string, options: MnistOptions = {}): Promise<TrainAndTest> {
  if (directory !== undefined && typeof directory !== "string") {
    throw new OptionError(expected("mnist: directory", "a path", directory));
  }
  checkMnistOptions(options);
  const read: Reader =
    directory === undefined ? (name) => readCached(name, options) : (name) => readFrom(directory, name);
  // One after the other: a progress bar shows one file, and a dead network is reported once.
  const train = await readPair(read, "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  const test = await readPair(read, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
  return { train, test };
}

/** The folder that `mnist()` downloads into. */
export function mnistCache(
  environment: NodeJS.ProcessEnv = process.env,
  platform: string = process.platform,
): string {
  if (environment.MYELIN_CACHE) return join(environment.MYELIN_CACHE, "mnist");
  if (platform === "win32" && environment.LOCALAPPDATA) {
    return join(environment.LOCALAPPDATA, "myelin", "Cache", "mnist");
  }
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "myelin", "mnist");
}

function checkMnistOptions(options: MnistOptions): void {
  const known = ["cache", "mirrors", "download", "retries", "retryDelay", "timeout", "signal", "onProgress"];
  checkOptions("mnist", options, known);
  const { mirrors, retries, retryDelay, timeout } = options;
  if (mirrors !== undefined && !(Array.isArray(mirrors) && mirrors.length > 0)) {
    throw new OptionError(expected("mnist: mirrors", "an array of at least one URL", mirrors));
  }
  if (retries !== undefined) checkNumber("mnist: retries", retries, { min: 0, max: 100, integer: true });
  if (retryDelay !== undefined) checkNumber("mnist: retryDelay", retryDelay, { min: 0 });
  if (timeout !== undefined) checkNumber("mnist: timeout", timeout, { min: 1 });
}

async function readPair(read: Reader, imagesName: Name, labelsName: Name): Promise<Dataset> {
  const images = await read(imagesName);
  const labels = await read(labelsName);
  if (images.shape.length !== 3 || !(images.data instanceof Uint8Array)) {
    throw new DataError(
      `${imagesName} must hold bytes [images, height, width], got ${formatShape(images.shape)}`,
    );
  }
  if (labels.shape.length !== 1 || !(labels.data instanceof Uint8Array)) {
    throw new DataError(`${labelsName} must hold bytes [images], got ${formatShape(labels.shape)}`);
  }
  if (labels.shape[0] !== images.shape[0]) {
    throw new DataError(
      `${labelsName} has ${labels.shape[0]} labels, but there are ${images.shape[0]} images`,
    );
  }
  const shape = [...images.shape.slice(1), 1];
  return new Dataset({
    inputs: [makeColumn(images.data, shape, 1 / 255)],
    targets: [makeColumn(labels.data, [])],
  });
}

async function readFrom(directory: string, name: Name): Promise<Tensor<NumericArray>> {
  for (const path of [join(directory, name), join(directory, `${name}.gz`)]) {
    const bytes = await readIfThere(path);
    if (bytes !== undefined) return parseIdx(await unpackIdx(bytes, path), path);
  }
  throw new FileError(`mnist: neither ${name} nor ${name}.gz is in ${directory}`);
}

async function readCached(name: Name, options: MnistOptions): Promise<Tensor<NumericArray>> {
  const path = join(options.cache ?? mnistCache(), `${name}.gz`);
  const kept = await readIfThere(path);
  if (kept !== undefined) {
    const bytes = await verified(kept, name, path).catch(() => undefined);
    if (bytes !== undefined) return parseIdx(bytes, path);
    // Damaged since it was verified: as good as absent.
    await rm(path, { force: true });
  }
  if (options.download === false) {
    throw new FileError(`mnist: ${path} is not there, and downloads are switched off`);
  }
  return parseIdx(await fetchVerified(name, path, options), path);
}

async function fetchVerified(name: Name, path: string, options: MnistOptions): Promise<Uint8Array> {
  const { mirrors = kMirrors, retries = 3, retryDelay = 500, timeout = 30_000, signal, onProgress } = options;
  let bytes: Uint8Array | undefined;
  await download({
    file: `${name}.gz`,
    urls: mirrors.map((base) => `${base.replace(/\/$/, "")}/${name}.gz`),
    path,
    verify: async (part) => {
      bytes = await verified(await readFile(part), name, `${name}.gz`);
    },
    retries,
    retryDelay,
    timeout,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  return bytes as Uint8Array;
}

/** The unpacked bytes, once they are known to be those of the original file. */
async function verified(packed: Uint8Array, name: Name, where: string): Promise<Uint8Array> {
  const bytes = await unpackIdx(packed, where);
  const checksum = loadCrypto().createHash("sha256").update(bytes).digest("hex");
  if (checksum === kChecksums[name]) return bytes;
  throw new FileError(`${where}: wrong checksum: SHA-256 must be ${kChecksums[name]}, got ${checksum}`);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FileError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

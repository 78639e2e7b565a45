import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { type MnistOptions, mnist, mnistCache } from "../../lib/data/mnist.ts";
import { DataError, FileError, OptionError } from "../../lib/errors.ts";
import { dataFolder } from "../support/data.ts";
import { sendAndDrop, sendFile, serve } from "../support/server.ts";

const originals = dataFolder("mnist");
const folder = mkdtempSync(join(tmpdir(), "myelin-mnist-"));
afterAll(() => rmSync(folder, { recursive: true }));

const kNames = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];

function idx(shape: readonly number[], values: readonly number[]): Buffer {
  const dimensions = Buffer.alloc(4 * shape.length);
  shape.forEach((dimension, axis) => {
    dimensions.writeUInt32BE(dimension, 4 * axis);
  });
  return Buffer.concat([Buffer.from([0, 0, 8, shape.length]), dimensions, Buffer.from(values)]);
}

/** A folder in MNIST's form with tiny images, gzipped where asked. */
function tinyFolder(name: string, files: Record<string, Buffer> = {}): string {
  const directory = mkdtempSync(join(folder, name));
  const images = idx([3, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
  const labels = idx([3], [7, 0, 9]);
  for (const each of kNames)
    writeFileSync(join(directory, each), files[each] ?? (each.includes("images") ? images : labels));
  return directory;
}

describe("mnist", () => {
  it("reads a folder of plain or gzipped files, pixels staying bytes", async () => {
    const directory = tinyFolder("plain");
    const name = join(directory, "t10k-images-idx3-ubyte");
    writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)));
    rmSync(name);
    const { train, test } = await mnist(directory);
    for (const dataset of [train, test]) {
      expect(dataset.length).toBe(3);
      expect(dataset.inputs[0]).toMatchObject({ shape: [2, 2, 1], scale: 1 / 255, offset: 0 });
      expect(dataset.inputs[0]?.data).toBeInstanceOf(Uint8Array);
      expect(dataset.targets[0]).toMatchObject({ shape: [], scale: 1 });
      expect([...(dataset.targets[0]?.data ?? [])]).toEqual([7, 0, 9]);
      expect(dataset.toTensor().data[11]).toBe(1);
    }
  });

  it.each<[string, Record<string, Buffer>, string]>([
    [
      "fewer labels than images",
      { "train-labels-idx1-ubyte": idx([2], [1, 2]) },
      "train-labels-idx1-ubyte has 2 labels, but there are 3 images",
    ],
    [
      "flat images",
      { "t10k-images-idx3-ubyte": idx([3, 4], new Array(12).fill(0)) },
      "t10k-images-idx3-ubyte must hold bytes [images, height, width], got [3, 4]",
    ],
    [
      "labels of rank 2",
      { "t10k-labels-idx1-ubyte": idx([3, 1], [0, 1, 2]) },
      "t10k-labels-idx1-ubyte must hold bytes [images], got [3, 1]",
    ],
  ])("refuses %s", async (_, files, message) => {
    const directory = tinyFolder("odd", files);
    await expect(mnist(directory)).rejects.toThrow(message);
    await expect(mnist(directory)).rejects.toBeInstanceOf(DataError);
  });

  it("names a file that is missing or truncated", async () => {
    const directory = tinyFolder("missing", { "train-images-idx3-ubyte": idx([3, 2, 2], [1]) });
    await expect(mnist(directory)).rejects.toThrow("need 28 bytes, got 17");
    rmSync(join(directory, "train-images-idx3-ubyte"));
    const error = `mnist: neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz is in ${directory}`;
    await expect(mnist(directory)).rejects.toThrow(error);
  });

  it("refuses options that are misspelled or wrong", async () => {
    await expect(mnist(undefined, { chache: "x" } as MnistOptions)).rejects.toThrow('Did you mean "cache"?');
    await expect(mnist(undefined, { mirrors: [] })).rejects.toThrow(OptionError);
    await expect(mnist(undefined, { retries: -1 })).rejects.toThrow("mnist: retries");
    await expect(mnist(5 as unknown as string)).rejects.toThrow("mnist: directory must be a path, got 5");
  });

  it("looks only into the cache when told so", async () => {
    const cache = join(folder, "none");
    await expect(mnist(undefined, { cache, download: false })).rejects.toThrow("downloads are switched off");
    await expect(mnist(undefined, { cache, download: false })).rejects.toBeInstanceOf(FileError);
    expect(existsSync(cache)).toBe(false);
  });

  it("refuses a download with the wrong contents", async () => {
    const wrong = gzipSync(idx([1, 2, 2], [1, 2, 3, 4]));
    const server = await serve((exchange) => sendFile(exchange, wrong));
    const cache = join(folder, "wrong");
    try {
      await expect(mnist(undefined, { cache, mirrors: [server.url] })).rejects.toThrow(
        /cannot download train-images-idx3-ubyte\.gz:\n.*wrong checksum: SHA-256 must be ba891046\w+, got \w+ \(the file was removed\)/,
      );
      expect(existsSync(join(cache, "train-images-idx3-ubyte.gz"))).toBe(false);
    } finally {
      await server.close();
    }
  });
});

describe("mnistCache", () => {
  it.each<[string, Record<string, string>, string, string]>([
    [
      "MYELIN_CACHE",
      { MYELIN_CACHE: join("/", "my"), XDG_CACHE_HOME: join("/", "xdg") },
      "linux",
      join("/", "my", "mnist"),
    ],
    ["XDG_CACHE_HOME", { XDG_CACHE_HOME: join("/", "xdg") }, "linux", join("/", "xdg", "myelin", "mnist")],
    [
      "LOCALAPPDATA",
      { LOCALAPPDATA: join("/", "local") },
      "win32",
      join("/", "local", "myelin", "Cache", "mnist"),
    ],
    ["the home folder", {}, "linux", join(homedir(), ".cache", "myelin", "mnist")],
  ])("follows %s", (_, environment, platform, path) => {
    expect(mnistCache(environment, platform)).toBe(path);
  });
});

describe.skipIf(originals === undefined)("mnist, the real files (needs the data set mnist)", () => {
  const source = originals ?? "";

  it("reads them from their folder", async () => {
    const { train, test } = await mnist(source);
    expect([train.length, test.length]).toEqual([60_000, 10_000]);
    expect(train.inputs[0]?.shape).toEqual([28, 28, 1]);
    expect([...(train.targets[0]?.data.subarray(0, 10) ?? [])]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    expect([...(test.targets[0]?.data.subarray(0, 10) ?? [])]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let sum = 0;
    for (const pixel of train.inputs[0]?.data ?? []) sum += pixel;
    expect(sum / (60_000 * 784 * 255)).toBeCloseTo(0.1306604762738429, 12); // the well-known mean
  });

  it("downloads them once, through broken connections, and reads the cache from then on", async () => {
    const server = await serve((exchange) => {
      const file = readFileSync(join(source, exchange.path));
      if (exchange.attempt === 0) sendAndDrop(exchange, file, file.length >> 1);
      else sendFile(exchange, file);
    });
    const cache = join(folder, "cache");
    const files = new Set<string>();
    const options: MnistOptions = {
      cache,
      mirrors: [`${server.url}/`],
      retryDelay: 1,
      onProgress: ({ file }) => files.add(file),
    };
    try {
      const { train, test } = await mnist(undefined, options);
      expect([train.length, test.length]).toEqual([60_000, 10_000]);
      expect([...files]).toEqual(kNames.map((name) => `${name}.gz`));
      expect(server.requests.filter(({ range }) => range !== undefined)).toHaveLength(4);
      await mnist(undefined, { ...options, download: false });
      expect(server.requests).toHaveLength(8);

      const damaged = join(cache, "t10k-labels-idx1-ubyte.gz");
      writeFileSync(damaged, readFileSync(damaged).subarray(0, 100));
      const again = await mnist(undefined, options);
      expect(again.test.targets[0]?.data).toEqual(test.targets[0]?.data);
      expect(server.requests).toHaveLength(9);
    } finally {
      await server.close();
    }
  });

  it("accepts a mirror that packs the same bytes differently, or not at all", async () => {
    const cache = mkdtempSync(join(folder, "mirror"));
    for (const name of kNames.slice(0, 2)) cpSync(join(source, `${name}.gz`), join(cache, `${name}.gz`));
    const server = await serve((exchange) => {
      const plain = gunzipSync(readFileSync(join(source, exchange.path)));
      sendFile(exchange, exchange.path.includes("labels") ? plain : gzipSync(plain, { level: 1 }));
    });
    try {
      const { test } = await mnist(undefined, { cache, mirrors: [server.url], retries: 0 });
      expect(test.length).toBe(10_000);
    } finally {
      await server.close();
    }
  });
});

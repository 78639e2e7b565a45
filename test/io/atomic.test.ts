import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import fs from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { FileError } from "../../lib/errors.ts";
import { layers, Network } from "../../lib/index.ts";
import { writeAtomically } from "../../lib/io/atomic.ts";
import { temporaryFolder } from "./files.ts";

const folder = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

let count = 0;
/** A new folder with an old file in it. */
function oldFile(): { place: string; path: string } {
  const place = join(folder, String(count++));
  mkdirSync(place);
  const path = join(place, "file");
  writeFileSync(path, "old");
  return { place, path };
}

const parts = [Buffer.from("new "), Buffer.from("content")];

async function failure(path: string): Promise<FileError> {
  const error = await writeAtomically(path, parts).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FileError);
  expect((error as FileError).message).toContain(path);
  expect((error as FileError).cause).toBeInstanceOf(Error);
  return error as FileError;
}

it("replaces a file and leaves nothing else", async () => {
  const { place, path } = oldFile();
  chmodSync(path, 0o664);
  await writeAtomically(path, parts);
  expect(readFileSync(path, "utf8")).toBe("new content");
  expect(readdirSync(place)).toEqual(["file"]);
  if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o664);
});

it("writes through a link, which stays", async () => {
  const { place, path } = oldFile();
  const link = join(place, "link");
  symlinkSync(path, link);
  await writeAtomically(link, parts);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("new content");
});

it("takes a name of the greatest length", async () => {
  const { place } = oldFile();
  const path = join(place, "n".repeat(255));
  await writeAtomically(path, parts);
  expect(existsSync(path)).toBe(true);
});

it.each(["rename", "open"] as const)("leaves the old file when %s fails", async (name) => {
  const { place, path } = oldFile();
  const cause = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES", syscall: name });
  vi.spyOn(fs, name).mockRejectedValueOnce(cause);
  const error = await failure(path);
  expect(error.cause).toBe(cause);
  expect(error.message).toMatch(/cannot be written: EACCES/);
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(place)).toEqual(["file"]);
});

it.each(["writeFile", "sync"] as const)("leaves the old file when %s fails", async (name) => {
  const { place, path } = oldFile();
  const open = fs.open;
  vi.spyOn(fs, "open").mockImplementationOnce(async (...args) => {
    const handle = await open(...args);
    const cause = Object.assign(new Error("EIO: i/o error"), { code: "EIO", syscall: name });
    vi.spyOn(handle, name).mockRejectedValueOnce(cause);
    return handle;
  });
  expect((await failure(path)).message).toMatch(/EIO/);
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(place)).toEqual(["file"]);
});

it("does not take an error of the program for one of the system", async () => {
  const { path, place } = oldFile();
  await expect(writeAtomically(path, [{} as Uint8Array])).rejects.not.toBeInstanceOf(FileError);
  expect(readdirSync(place)).toEqual(["file"]);
});

it("needs the folder, and does not replace a folder", async () => {
  expect((await failure(join(folder, "none", "file"))).message).toMatch(/ENOENT/);
  const { place } = oldFile();
  await failure(place);
  expect(readdirSync(place)).toEqual(["file"]);
});

const network = new Network({
  input: [64],
  layers: [layers.dense({ units: 512 })],
  executor: "reference",
});

const mounted = process.platform === "linux" && process.getuid?.() === 0;

it.runIf(mounted)("a full disk: the old model stays, nothing else does", async () => {
  const place = join(folder, "disk");
  mkdirSync(place);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", place]);
  try {
    const path = join(place, "model.safetensors");
    writeFileSync(path, "old");
    const error = await network.save(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect((error as Error).message).toMatch(/ENOSPC/);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(place)).toEqual(["model.safetensors"]);
  } finally {
    execFileSync("umount", [place]);
  }
});

const limits = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;

it.runIf(limits)("a limit on file sizes, reached in the middle of a write", async () => {
  const { place, path } = oldFile();
  const limit = (size: string): void => {
    execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${size}:`]);
  };
  const ignore = (): void => {};
  process.on("SIGXFSZ", ignore);
  limit("65536");
  try {
    const error = await network.save(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect((error as Error).message).toMatch(/EFBIG/);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(place)).toEqual(["file"]);
  } finally {
    limit("unlimited");
    process.off("SIGXFSZ", ignore);
  }
});

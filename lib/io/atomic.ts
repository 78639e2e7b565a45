import fs from "node:fs/promises";
import { dirname, join } from "node:path";
import { FileError } from "../errors.ts";
import { loadCrypto } from "../lazy.ts";
import { isSystemError } from "./safetensors.ts";

/**
 * Writes a file whole or not at all: beside the old one, which stays until the new one is safely on the
 * disk and takes its place in one step.
 * @throws FileError (the cause is the system's error) when the disk is full, the folder is missing, ...;
 *   the old file is then as it was
 */
export async function writeAtomically(path: string, parts: readonly Uint8Array[]): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await resolveLink(path);
    const folder = dirname(target);
    const mode = await modeOf(target);
    const unique = loadCrypto().randomBytes(6).toString("hex");
    temporary = join(folder, `.myelin-${process.pid}-${unique}.tmp`);
    await writeNew(temporary, parts, mode);
    await fs.rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    if (temporary !== undefined) await fs.rm(temporary, { force: true }).catch(() => {});
    if (!isSystemError(error)) throw error;
    throw new FileError(`file "${path}" cannot be written: ${error.message}`, { cause: error });
  }
}

/** The file that a link points to, so that the link stays. */
async function resolveLink(path: string): Promise<string> {
  try {
    return await fs.realpath(path);
  } catch {
    return path;
  }
}

/** The permissions of the file that is replaced; undefined where there is none. */
async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await fs.stat(path)).mode & 0o777;
  } catch {
    return undefined;
  }
}

async function writeNew(path: string, parts: readonly Uint8Array[], mode: number | undefined): Promise<void> {
  const handle = await fs.open(path, "wx");
  try {
    // Not as an option of open, where the process's mask would apply.
    if (mode !== undefined) await handle.chmod(mode);
    for (const part of parts) await handle.writeFile(part);
    // Data must be on the disk before the name points to them, or a power cut could leave an empty file.
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the new name last through a power cut, where the system can do that. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch {
    // Windows and some network file systems do not sync folders; the file itself is safe.
  } finally {
    await handle?.close();
  }
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folders: readonly (string | undefined)[] = [
  process.env.MYELIN_DATA,
  fileURLToPath(new URL("../../../shared/data", import.meta.url)),
];

/**
 * The folder of a real data set such as "mnist", or undefined where it is not on this machine: tests that
 * need it then run on generated data. MYELIN_DATA names the folder that holds the data sets.
 */
export function dataFolder(name: string): string | undefined {
  for (const folder of folders) {
    if (folder !== undefined && existsSync(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

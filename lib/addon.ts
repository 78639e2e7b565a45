import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** What the addon (native/binding.cc) exports that needs no executor; lib/executor/binding.ts types the rest. */
export interface Addon {
  /** Whether no value is NaN or infinite. */
  allFinite(values: Float32Array): boolean;
}

export interface LoadedAddon<T extends Addon = Addon> {
  readonly binding?: T;
  /** Why there is no binding. */
  readonly error?: Error;
}

function tryLoad(): LoadedAddon {
  try {
    const require = createRequire(import.meta.url);
    const load = require("node-gyp-build") as (directory: string) => Addon;
    return { binding: load(fileURLToPath(new URL("..", import.meta.url))) };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

let loaded: LoadedAddon | undefined;

/** The addon, loaded once a process: a prebuild, or what was compiled on this machine. */
export function loadAddon(): LoadedAddon {
  loaded ??= tryLoad();
  return loaded;
}

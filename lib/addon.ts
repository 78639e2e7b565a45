import { fileURLToPath } from "node:url";
// @ts-expect-error: it has no types
import load from "node-gyp-build";

/** What the addon (native/binding.cc) exports that needs no executor; lib/executor/binding.ts types the rest. */
export interface Addon {
  /** The largest magnitude, 0 of no values; NaN where a value is not finite. */
  largest(values: Float32Array): number;
}

export interface LoadedAddon<T extends Addon = Addon> {
  readonly binding?: T;
  /** Why there is no binding. */
  readonly error?: Error;
}

function tryLoad(): LoadedAddon {
  try {
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

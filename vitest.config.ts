import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

interface MapGrouping {
  groupBy?<K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]>;
}

// Vitest prints failures with Map.groupBy, which Node 20 does not have yet.
(Map as MapGrouping).groupBy ??= (items, keyOf) => {
  const groups = new Map();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
};

/** Tests that compile the addon, the first for as long as all others take together: begun last, it would end alone. */
const COMPILING = ["test/package/install.test.ts", "test/docs/adding-an-op.test.ts"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = COMPILING.findIndex((name) => moduleId.endsWith(name));
      return place < 0 ? COMPILING.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const config: ViteUserConfig = defineConfig({
  resolve: {
    // Examples and package-level tests import the package by its name, and run on the sources.
    alias: [{ find: /^myelin$/, replacement: fileURLToPath(new URL("lib/index.ts", import.meta.url)) }],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // The addon owns threads and process-wide settings, so each file gets a process of its own.
    pool: "forks",
    // Vitest would leave one CPU of two idle.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});

export default config;

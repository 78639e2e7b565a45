import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copy = join(root, ".cache", "adding-an-op");
const PARTS = [
  "lib",
  "native",
  "test/support",
  "test/ops",
  "binding.gyp",
  "settings.gypi",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
];

/** The code blocks of the page, by the file that their first line names. */
function blocks(): Map<string, string> {
  const page = readFileSync(join(root, "docs", "adding-an-op.md"), "utf8");
  const found = [...page.matchAll(/^```(?:typescript|cpp)\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)];
  return new Map(found.map(([, file, code]) => [file as string, code as string]));
}

/** Adds an import or include at the top of a list file, and the entry at the end of its list. */
function addToList(file: string, code: string): void {
  const [head, entry] = code.trim().split("\n") as [string, string];
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  const first = file.endsWith(".h") ? "#include" : "import";
  const list = file.endsWith(".h") ? /(kKernels\[\] = \{[^}]*)\}/ : /(OpDefinition\[\] = \[[^\]]*)\]/;
  const close = file.endsWith(".h") ? "}" : "]";
  const listed = text.replace(list, (_, body: string) => `${body}  ${entry}\n${close}`);
  expect(listed, `${file} must have its list`).not.toBe(text);
  writeFileSync(path, listed.replace(first, `${head}\n${first}`));
}

function run(command: string, args: readonly string[]): string {
  // Little optimization: compiling takes longest.
  const env = { ...process.env, CXXFLAGS: "-O1" };
  return execFileSync(command, args, { cwd: copy, encoding: "utf8", stdio: "pipe", env });
}

describe("docs/adding-an-op.md, applied to a copy of the project", () => {
  beforeAll(() => {
    rmSync(copy, { recursive: true, force: true });
    for (const part of PARTS) {
      mkdirSync(dirname(join(copy, part)), { recursive: true });
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
    for (const [file, code] of blocks()) {
      if (/index\.ts$|all\.h$/.test(file)) addToList(file, code);
      else writeFileSync(join(copy, file), code);
    }
  });

  test("names the five places", () => {
    expect([...blocks().keys()]).toEqual([
      "lib/ops/cumulative.ts",
      "lib/ops/index.ts",
      "native/kernels/cumulative.h",
      "native/kernels/all.h",
      "test/ops/cumulative.test.ts",
    ]);
  });

  test("builds, and the suite of the new op passes on every executor", { timeout: 300_000 }, () => {
    run("npm", ["run", "build:native"]);
    const tests = ["test/ops/cumulative.test.ts", "test/ops/registry.test.ts"];
    const vitest = join("node_modules", "vitest", "vitest.mjs");
    const report = run(process.execPath, [vitest, "run", "--reporter=verbose", "--root", copy, ...tests]);
    expect(report).toMatch(/cumulativeSum/);
    expect(report).not.toMatch(/skipped/);
  });
});

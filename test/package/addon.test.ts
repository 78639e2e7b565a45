import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

const release = join(root, "build/Release");

/** `nm` lines of a binary, each "type name". */
function symbols(file: string, ...options: string[]): string[] {
  const text = execFileSync("nm", ["--demangle", "--format=posix", ...options, file], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const match = /^(.*) ([A-Za-z])( [0-9a-f]*)*$/.exec(line.trim());
    return match === null ? [] : [`${match[2]} ${match[1]}`];
  });
}

describe.runIf(process.platform === "linux")("the compiled addon", () => {
  it("exports only what Node looks up", () => {
    expect(symbols(join(release, "myelin.node"), "--dynamic", "--defined-only")).toEqual([
      "T napi_register_module_v1",
      "T node_api_module_get_api_version_v1",
    ]);
  });

  // The linker keeps one copy of a weak symbol: a copy compiled with AVX-512 could end up in code that
  // runs on every machine.
  const libraries = readdirSync(release).filter((name) => /^isa_.*\.a$/.test(name));
  it.each(libraries)("has no weak symbol in %s", (library) => {
    const all = symbols(join(release, library), "--defined-only");
    expect(all.length).toBeGreaterThan(0);
    expect(all.filter((symbol) => /^[WVwvu] /.test(symbol))).toEqual([]);
  });
});

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeFolder, makeStage, pack, root, run } from "../support/package.ts";

vi.setConfig({ testTimeout: 120_000 });

const use = "const network: Network = new Network({ input: [2], layers: [layers.dense({ units: 1 })] });";
const consumer = {
  "package.json": JSON.stringify({ type: "commonjs" }),
  "imports.mts": `import { layers, Network } from "myelin";\n${use}\nnetwork.summary();\n`,
  "requires.cts": `import { layers, Network } from "myelin";\n${use}\nnetwork.summary();\n`,
  "wrong.mts": `import { Network } from "myelin";\nnew Network({ input: "two", layers: [] });\n`,
};

describe("the package's entry points", () => {
  let stage = "";
  beforeAll(() => {
    stage = makeStage();
  }, 120_000);
  afterAll(() => rmSync(stage, { recursive: true, force: true }));

  it("satisfy publint", async () => {
    const { messages, pkg } = await publint({ pkgDir: stage, pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("are right for attw, but for its remark that require gets an ES module", () => {
    const tarball = pack(stage, "attw");
    const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
    const { stdout } = run(
      process.execPath,
      [attw, tarball, "--format=json", "--no-definitely-typed"],
      stage,
    );
    rmSync(tarball);
    const { problems } = JSON.parse(stdout) as { problems: Record<string, unknown> };
    expect(Object.keys(problems)).toEqual(["CJSResolvesToESM"]);
  });

  it("give import and require the same types", () => {
    const folder = makeFolder("consumer");
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(stage, join(folder, "node_modules/myelin"), "junction");
    for (const [name, text] of Object.entries(consumer)) writeFileSync(join(folder, name), text);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--types",
      "node",
    ];
    const check = (file: string) => run(process.execPath, [tsc, ...options, file], folder);
    expect(check("imports.mts")).toMatchObject({ status: 0, stdout: "" });
    expect(check("requires.cts")).toMatchObject({ status: 0, stdout: "" });
    expect(check("wrong.mts").stdout).toContain("TS2322");
    rmSync(folder, { recursive: true });
  });
});

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  installNodes,
  installPackage,
  makeTarballs,
  type Project,
  type Tarballs,
} from "../support/package.ts";

const minutes = 60_000;
vi.setConfig({ testTimeout: 2 * minutes });

/** Trains OR for a moment and prints which executor did it and how far the loss fell. */
const training = `
const network = new Network({ input: [2], layers: [layers.dense({ units: 1, activation: "sigmoid" })], seed: 1 });
const trainer = new Trainer(network, { optimizer: "adam", loss: "binaryCrossentropy" });
const or = { x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [[0], [1], [1], [1]] };
trainer.fit(or, { epochs: 50, batchSize: 4 }).then(({ loss }) => {
  console.log(JSON.stringify({
    executor: network.executor.kind,
    fell: loss.at(-1) < loss[0],
    native: executors.native.available,
  }));
});
`;
const names = "{ Network, Trainer, executors, layers }";
const scripts = {
  "import.mjs": `import ${names} from "myelin";\n${training}`,
  "require.cjs": `const ${names} = require("myelin");\n${training}`,
  "both.cjs": `const { Network } = require("myelin");
import("myelin").then((module) => console.log(module.Network === Network));`,
  "start.mjs": `import "myelin";
import { ranFromBytecode } from "./node_modules/myelin/dist/bytecode.js";
console.log(ranFromBytecode());`,
  "strict.mjs": `import { Network, layers } from "myelin";
try {
  new Network({ input: [2], layers: [layers.dense({ units: 1 })], executor: "native" });
} catch (error) {
  console.log(JSON.stringify({ name: error.name, code: error.code, message: error.message }));
}`,
};

function install(tarball: string, options?: { tools?: boolean }): Project {
  const project = installPackage(tarball, options);
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(project.folder, name), text);
  return project;
}

function json(project: Project, script: string, node?: string): unknown {
  const { stdout, stderr, status } = project.node(script, node);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

// Windows needs privileges for the links that stand for an empty machine.
describe.runIf(process.platform !== "win32")("the packed package", () => {
  let tarballs: Tarballs;
  beforeAll(() => {
    tarballs = makeTarballs();
  }, 10 * minutes);
  afterAll(() => tarballs?.remove());

  describe("with a prebuilt addon and no compiler", () => {
    let project: Project;
    let nodes: string[];
    beforeAll(() => {
      project = install(tarballs.prebuilt);
      nodes = [process.execPath, ...installNodes([22, 24])];
    }, 5 * minutes);
    afterAll(() => project?.remove());

    it("installs without a word and builds nothing", () => {
      expect(project.installed.status, project.installed.stderr).toBe(0);
      expect(project.installed.stderr).not.toContain("myelin:");
      expect(existsSync(join(project.folder, "node_modules/myelin/build"))).toBe(false);
    });

    it.each(["import.mjs", "require.cjs"])("trains natively through %s on Node 20, 22 and 24", (script) => {
      for (const node of nodes) {
        expect(json(project, script, node)).toEqual({ executor: "native", fell: true, native: true });
        expect(
          project.node(script, node).stderr.replace(/\(node:\d+\) ExperimentalWarning.*\n.*\n/, ""),
        ).toBe("");
      }
    });

    it("starts from the bytecode that its installation kept, on the Node that installed it", () => {
      expect(nodes.map((node) => project.node("start.mjs", node).stdout.trim())).toEqual([
        "true",
        "false",
        "false",
      ]);
    });

    it("is one module however it is loaded", () => {
      expect(project.node("both.cjs").stdout.trim()).toBe("true");
    });
  });

  describe("with neither a prebuilt addon nor a compiler", () => {
    let project: Project;
    beforeAll(() => {
      project = install(tarballs.bare);
    }, 5 * minutes);
    afterAll(() => project?.remove());

    it("installs, and says once what is missing and how to get it", () => {
      const { status, stdout, stderr } = project.installed;
      expect(status, stderr).toBe(0);
      expect(`${stdout}${stderr}`.match(/myelin: there is no prebuilt addon/g)).toHaveLength(1);
      expect(stderr).toMatch(/a C\+\+20 compiler, make, Python 3 not found/);
      expect(stderr).toContain('run "npm rebuild myelin"');
    });

    it("trains on the reference executor with one warning", () => {
      expect(json(project, "import.mjs")).toEqual({ executor: "reference", fell: true, native: false });
      const { stderr } = project.node("require.cjs");
      expect(stderr.match(/Warning/g)).toHaveLength(1);
      expect(stderr).toContain("npm rebuild myelin");
    });

    it("throws where the native executor is asked for", () => {
      expect(json(project, "strict.mjs")).toMatchObject({ name: "NativeError", code: "ERR_NATIVE" });
    });
  });

  describe("with a compiler and no prebuilt addon", () => {
    let project: Project;
    beforeAll(() => {
      project = install(tarballs.bare, { tools: true });
    }, 10 * minutes);
    afterAll(() => project?.remove());

    it("builds the addon while it is installed, and trains on it", () => {
      expect(project.installed.status, project.installed.stderr).toBe(0);
      expect(json(project, "import.mjs")).toEqual({ executor: "native", fell: true, native: true });
    });
  });
});

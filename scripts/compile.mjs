// Compiles lib/ into a folder: declarations by TypeScript, JavaScript by rolldown in a few scripts, since V8 loads them in
// a third of the time that as many modules as lib/ has would take (docs/decisions/0015-bundle.md). They are scripts, and
// modules that export what these do, so that V8's bytecode of them can be kept (0020-bytecode.md).
//   node scripts/compile.mjs FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { reportFailure } from "./build.mjs";
import { path, readJson, runNode } from "./project.mjs";

/** The modules of lib/ that something outside of it imports: the package, npm start, the bench's charts, example-plan. */
const entries = [
  "index",
  "cli/digits",
  "plot/axis",
  "plot/svg",
  "plan/encode",
  "training/compile",
  "training/head",
];

function declare(folder) {
  runNode("node_modules/typescript/bin/tsc", ["-p", "tsconfig.build.json", "--outDir", folder], {
    quiet: true,
  });
}

async function bundle(folder) {
  const source = (name) => path("lib", `${name}.ts`);
  const external = Object.keys(readJson("package.json").dependencies);
  const options = { external, platform: "node", cwd: path() };
  const scripts = await rolldown({
    ...options,
    input: Object.fromEntries(entries.map((name) => [name, source(name)])),
  });
  // All of them at the top: lib/addon.ts looks for the package's folder above its own.
  const { output } = await scripts.generate({
    format: "cjs",
    entryFileNames: ({ name }) => `${flat(name)}.cjs`,
    chunkFileNames: "chunk-[name].cjs",
  });
  await scripts.close();
  const loader = await rolldown({ ...options, input: source("bytecode") });
  await loader.write({ dir: folder, format: "esm" });
  await loader.close();
  for (const { isEntry, name, fileName, code, exports } of output) {
    writeFileSync(join(folder, fileName), asFunction(code));
    if (isEntry) writeModule(folder, name, fileName, exports);
  }
}

/**
 * What lib/bytecode.ts runs: a function, as Node makes one of a CommonJS module. In ASCII, of which V8 keeps a byte a
 * character: escapes mean the same in strings, patterns and comments.
 */
function asFunction(code) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const ascii = code.replaceAll(/[^\0-\x7f]/g, escaped);
  return `(function (exports, require, __filename) { "use strict"; ${ascii}\n})`;
}

const flat = (name) => name.replaceAll("/", "-");

/** The ES module of an entry: what its script exports. */
function writeModule(folder, name, script, names) {
  const file = join(folder, `${name}.js`);
  const loader = name.includes("/") ? "../bytecode.js" : "./bytecode.js";
  const load = `load(${JSON.stringify(script)})`;
  const text = names.length > 0 ? `export const { ${names.join(", ")} } = ${load};` : `${load};`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `import { load } from "${loader}";\n${text}\n`);
}

const [folder] = process.argv.slice(2);
try {
  declare(folder);
  await bundle(folder);
} catch (error) {
  reportFailure(error);
}

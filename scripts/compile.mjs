// Compiles lib/ into a folder: declarations by TypeScript, JavaScript by rolldown in a few files, since V8 loads them in
// a third of the time that as many as lib/ has would take (docs/decisions/0015-bundle.md).
//   node scripts/compile.mjs FOLDER
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
  const input = Object.fromEntries(entries.map((name) => [name, path("lib", `${name}.ts`)]));
  const external = Object.keys(readJson("package.json").dependencies);
  const build = await rolldown({ input, external, platform: "node", cwd: path() });
  // All of them at the top: lib/addon.ts looks for the package's folder above its own.
  await build.write({ dir: folder, format: "esm", sourcemap: true, chunkFileNames: "chunk-[name].js" });
  await build.close();
}

const [folder] = process.argv.slice(2);
try {
  declare(folder);
  await bundle(folder);
} catch (error) {
  reportFailure(error);
}

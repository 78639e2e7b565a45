import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

// Runs the scripts that the rest of lib/ is compiled to, with the bytecode that V8 made of them before
// (docs/decisions/0020-bytecode.md). Of dist/ this is the one module that has code; the others export what a script does.

const DIST = fileURLToPath(new URL(".", import.meta.url));
const FOLDER = join(DIST, "bytecode");
/** Before the bytecode: check sums of the script's text and of the bytecode. */
const HEADER_BYTES = 8;

type Exports = Record<string, unknown>;
type Start = (exports: Exports, require: (id: string) => unknown, filename: string) => void;

interface Loaded {
  readonly exports: Exports;
  /** Absent outside of Node's own realm. */
  readonly script: Script | undefined;
}

const loaded = new Map<string, Loaded>();
const requireOther = createRequire(import.meta.url);

const fileOf = (name: string): string => join(FOLDER, `${basename(name, ".cjs")}.bin`);

/**
 * What was kept of a script. V8 refuses what another version or other settings made, or another length of text, but not
 * bytecode of another text as long, which would run, nor damaged bytecode, which would crash the process.
 */
function bytecodeOf(name: string, text: Buffer): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(fileOf(name));
  } catch {
    return undefined;
  }
  if (file.length <= HEADER_BYTES) return undefined;
  const bytecode = file.subarray(HEADER_BYTES);
  const fits = file.readUInt32LE(0) === crc32(text) && file.readUInt32LE(4) === crc32(bytecode);
  return fits ? bytecode : undefined;
}

/**
 * Whether this module is in the realm that Node's own modules are in. In another one, such as Jest's for a test, what is
 * an Array or an Error there must be one here.
 */
const inNodesRealm = crc32 instanceof Function;

function compile(name: string, filename: string): { start: Start; script?: Script } {
  const text = readFileSync(filename);
  // ASCII; read as such it takes a byte a character.
  const code = text.toString("latin1");
  if (!inNodesRealm) return { start: new Function(`return ${code}\n//# sourceURL=${filename}`)() };
  const script = new Script(code, { filename, cachedData: bytecodeOf(name, text) });
  return { start: script.runInThisContext(), script };
}

/** What a script of dist/, for example "index.cjs", exports. It runs when it is asked for first. */
export function load(name: string): Exports {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const filename = join(DIST, name);
  const { start, script } = compile(name, filename);
  const exports: Exports = {};
  loaded.set(name, { exports, script });
  const require = (id: string): unknown => (id.startsWith("./") ? load(id.slice(2)) : requireOther(id));
  start(exports, require, filename);
  return exports;
}

/** Whether V8 took the bytecode that was kept of each script loaded so far. */
export function ranFromBytecode(): boolean {
  return [...loaded.values()].every(({ script }) => script?.cachedDataRejected === false);
}

/**
 * Keeps the bytecode of the scripts loaded so far, with the functions that have been called.
 * @throws where files cannot be written beside the package's own
 */
export function saveBytecode(): void {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, { script }] of loaded) {
    if (script === undefined) continue;
    const bytecode = script.createCachedData();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(crc32(readFileSync(join(DIST, name))), 0);
    header.writeUInt32LE(crc32(bytecode), 4);
    const file = fileOf(name);
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, Buffer.concat([header, bytecode]));
    renameSync(temporary, file);
  }
}

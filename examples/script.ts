import { pathToFileURL } from "node:url";

/** Whether a module was started as a program, and not imported: `isScript(import.meta.url)`. */
export function isScript(url: string): boolean {
  const [, program] = process.argv;
  return program !== undefined && url === pathToFileURL(program).href;
}

/** The value after `--name` on the command line, or undefined. */
export function argument(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

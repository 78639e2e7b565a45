import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

// What many programs never use is loaded where it is used first: these would be a third of the time that importing Myelin
// takes. By `require`, since a progress bar and a stream that may fail at any time cannot wait for `import`.

export function loadCliProgress(): typeof import("cli-progress") {
  return require("cli-progress");
}

export function loadCrypto(): typeof import("node:crypto") {
  return require("node:crypto");
}

export function loadCsvParse(): typeof import("csv-parse") {
  return require("csv-parse");
}

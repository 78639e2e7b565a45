// Where the peers are: a folder of their own, so that nobody who installs Myelin installs them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const PEERS = new URL("../peers/", import.meta.url);
const require = createRequire(new URL("package.json", PEERS));

/**
 * Requires a peer's package. Where it is not installed the error's code is MODULE_NOT_FOUND.
 * @param {string} name
 */
export function requirePeer(name) {
  return require(name);
}

/** @param {string} name @returns {string} */
export function peerVersion(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, PEERS), "utf8")).version;
}

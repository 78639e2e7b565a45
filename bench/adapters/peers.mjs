// Where the peers are: a folder of their own, so that nobody who installs Myelin installs them.
import { createRequire } from "node:module";

const require = createRequire(new URL("../peers/package.json", import.meta.url));

/**
 * Requires a peer's package. Where it is not installed the error's code is MODULE_NOT_FOUND.
 * @param {string} name
 */
export function requirePeer(name) {
  return require(name);
}

/** @param {string} name @returns {string} */
export function peerVersion(name) {
  return require(`${name}/package.json`).version;
}

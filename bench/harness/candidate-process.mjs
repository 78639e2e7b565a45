// The benchmark's end of a candidate's process, which is halted while it is not asked.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endAtExit, forget, halt, proceed } from "./turns.mjs";

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
/** Codes of errors that say that a library, or a program that it needs, is not there. */
const ABSENT = new Set(["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND", "ABSENT"]);

/** The library of a candidate is not installed (or, for Myelin, not built). */
export class AbsentError extends Error {}

export class CandidateProcess {
  #child;
  #name;
  #errors = "";
  /** Set while a command waits for its answer. */
  #pending;

  /**
   * @param {string} name a file in candidates/ without its ending
   * @param {Record<string, string>} env variables besides this process's
   */
  constructor(name, env = {}) {
    this.#name = name;
    // Libraries print banners: what they say is shown only when they fail.
    this.#child = fork(WORKER, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-2000);
    });
    this.#child.on("message", (answer) => this.#settle(answer));
    this.#child.on("exit", (code, signal) => {
      const message = `the process of ${name} ended with ${signal ?? code}\n${this.#errors}`;
      this.#settle({ error: { message } });
    });
    endAtExit(this.end);
  }

  #settle({ result, error }) {
    const pending = this.#pending;
    this.#pending = undefined;
    halt(this.#child);
    if (error === undefined) pending?.resolve(result);
    else if (ABSENT.has(error.code)) pending?.reject(new AbsentError(error.message));
    else pending?.reject(new Error(`${this.#name}: ${error.message}`));
  }

  /**
   * @param {string} command one of worker.mjs's commands
   * @param {object} [options]
   * @returns {Promise<any>}
   */
  ask(command, options = {}) {
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) {
        reject(new Error(`the process of ${this.#name} has ended\n${this.#errors}`));
        return;
      }
      this.#pending = { resolve, reject };
      proceed(this.#child);
      this.#child.send({ command, ...options });
    });
  }

  /** Ends it as it ends itself when nobody asks any more: what it has started ends with it. */
  end = () => {
    forget(this.end);
    proceed(this.#child);
    if (this.#child.connected) this.#child.disconnect();
  };
}

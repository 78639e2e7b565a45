// A program that answers lines of requests with lines of JSON, and is halted between them.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { endAtExit, forget, halt, proceed } from "./turns.mjs";

export class LineProcess {
  #child;
  #answers;
  #errors = "";

  /** @param {string} program @param {string[]} args @param {Record<string, string>} [env] */
  constructor(program, args, env = {}) {
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#child.stderr.on("data", (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-2000);
    });
    // What it says when it does not start comes as the end of its answers.
    this.#child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#child.stdin.on("error", () => {});
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    endAtExit(this.end);
  }

  /**
   * @param {string} request
   * @returns {Promise<any>}
   */
  async ask(request) {
    proceed(this.#child);
    this.#child.stdin.write(`${request}\n`);
    const { value, done } = await this.#answers.next();
    halt(this.#child);
    if (done) throw new Error(`${this.#child.spawnfile} ended\n${this.#errors}`);
    const answer = JSON.parse(value);
    if (answer.failure !== undefined) throw new Error(answer.failure);
    return answer;
  }

  end = () => {
    forget(this.end);
    this.#child.kill("SIGKILL");
  };
}

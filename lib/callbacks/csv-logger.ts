import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { checkOptions, FileError } from "../errors.ts";
import type { Callback, Logs } from "./callback.ts";
import { checkFlag, checkPath } from "./checks.ts";

export interface CsvLoggerOptions {
  /** The file; missing folders are made. */
  path: string;
  /** Goes on with a file that is there. Default: when a training resumes; otherwise it is replaced. */
  append?: boolean;
}

const WHERE = "callbacks.csvLogger";

function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function attempt<T>(what: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new FileError(`${WHERE}: cannot ${what} ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** A file of whole lines: each is written in one piece and is on its way to the disk when `write` returns. */
class LineFile {
  readonly #path: string;
  readonly #descriptor: number;

  constructor(path: string, append: boolean) {
    this.#path = path;
    this.#descriptor = attempt("write", path, () => {
      mkdirSync(dirname(path), { recursive: true });
      return openSync(path, append ? "a" : "w");
    });
  }

  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    attempt("write", this.#path, () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done);
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The header of a file to go on with; undefined when there is nothing in it. */
function existingHeader(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const text = attempt("read", path, () => readFileSync(path, "utf8"));
  if (text === "") return undefined;
  if (!text.endsWith("\n"))
    throw new FileError(`${WHERE}: cannot append to ${path}: its last line has no end`);
  return text.slice(0, text.indexOf("\n"));
}

/**
 * Writes a line of loss and metrics for each epoch (counted from 1) into a CSV file, at once. The
 * columns are those of the first epoch; the file is opened at its end.
 */
export function csvLogger(options: CsvLoggerOptions): Callback {
  checkOptions(WHERE, options, ["path", "append"]);
  const path = checkPath(`${WHERE}: path`, options.path);
  if (options.append !== undefined) checkFlag(`${WHERE}: append`, options.append);
  let append = false;
  let file: LineFile | undefined;
  let columns: readonly string[] = [];

  const open = (logs: Logs): LineFile => {
    columns = Object.keys(logs);
    const header = ["epoch", ...columns].map(field).join(",");
    const known = append ? existingHeader(path) : undefined;
    if (known !== undefined && known !== header) {
      throw new FileError(`${WHERE}: cannot append to ${path}: its columns are ${known}, not ${header}`);
    }
    const opened = new LineFile(path, append);
    if (known === undefined) opened.write(header);
    return opened;
  };

  return {
    name: "csvLogger",
    passive: true,
    onTrainBegin: ({ trainer }) => {
      append = options.append ?? trainer.epoch > 0;
    },
    onEpochEnd: (epoch: number, logs: Logs) => {
      file ??= open(logs);
      file.write([epoch + 1, ...columns.map((name) => logs[name] ?? "")].join(","));
    },
    onClose: () => {
      file?.close();
      file = undefined;
    },
  };
}

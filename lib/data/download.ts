import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileError } from "../errors.ts";

/** How far a download has come. `total` is absent where the server does not say. */
export interface DownloadProgress {
  readonly file: string;
  readonly received: number;
  readonly total?: number;
}

export interface DownloadOptions {
  /** Name for messages and progress. */
  readonly file: string;
  /** Where to get it, in order of preference. */
  readonly urls: readonly string[];
  /** Where it goes; until it is complete and verified it lies beside it as `<path>.part`. */
  readonly path: string;
  /** Rejects with what is wrong with the complete file. */
  readonly verify: (path: string) => Promise<void>;
  /** Attempts per URL after the first, each resuming where the last one broke off. */
  readonly retries: number;
  /** Milliseconds before the first retry; doubles each time. */
  readonly retryDelay: number;
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** The server answered, and asking again will not change the answer. */
class Refusal extends Error {}

/**
 * Downloads a file from the first URL that has it. A broken connection resumes where it broke off,
 * in this call or a later one; the file appears under its name only when it is complete and verified.
 * @throws FileError that lists what each URL answered; the signal's reason when aborted
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { file, urls, path, signal } = options;
  await mkdir(dirname(path), { recursive: true }).catch((error: Error) => {
    throw new FileError(`cannot create ${dirname(path)}: ${error.message}`, { cause: error });
  });
  const failures: string[] = [];
  for (const url of urls) {
    try {
      await downloadFrom(url, options);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof FileError) throw error;
      failures.push(`${url}: ${reasonOf(error)}`);
    }
  }
  throw new FileError(`cannot download ${file}:\n  ${failures.join("\n  ")}`);
}

async function downloadFrom(url: string, options: DownloadOptions): Promise<void> {
  const { path, retries, retryDelay, signal } = options;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      const resumed = await fetchPart(url, options);
      if (await settle(options, resumed)) return;
      // A part that another mirror or an older file began cannot be completed: once more from the start.
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refusal || error instanceof FileError || attempt >= retries) throw error;
      await sleep(retryDelay * 2 ** attempt, undefined, { signal });
    }
    if (attempt > retries) throw new Refusal(`${path}.part could not be completed`);
  }
}

/** Verifies the complete part and gives it its name. False: it was resumed and is wrong, so try afresh. */
async function settle({ path, verify }: DownloadOptions, resumed: boolean): Promise<boolean> {
  const part = `${path}.part`;
  try {
    await verify(part);
  } catch (error) {
    await rm(part, { force: true });
    // Another process may have finished the same download first, and taken the part away.
    const finished = await verify(path).then(
      () => true,
      () => false,
    );
    if (finished) return true;
    if (resumed) return false;
    throw new Refusal(`${reasonOf(error)} (the file was removed)`, { cause: error });
  }
  await rename(part, path).catch(async (error: Error) => {
    await verify(path).catch(() => {
      throw new FileError(`cannot rename ${part} to ${path}: ${error.message}`, { cause: error });
    });
  });
  return true;
}

/** Fetches what `<path>.part` still lacks; says whether there was anything in it before. */
async function fetchPart(url: string, options: DownloadOptions): Promise<boolean> {
  const part = `${options.path}.part`;
  const have = await stat(part)
    .then(({ size }) => size)
    .catch(() => 0);
  const idle = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, idle.signal]) : idle.signal;
  const stalled = (): void => idle.abort(new Error(`no answer for ${options.timeout} ms`));
  const timer = setTimeout(stalled, options.timeout);
  try {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (have > 0) headers.range = `bytes=${have}-`;
    const response = await fetch(url, { headers, signal });
    if (response.status === 416) {
      // Nothing is left to fetch, or the part is longer than the file: verification tells.
      await response.body?.cancel();
      return true;
    }
    await checkStatus(response);
    const start = continuesAt(response, have) ? have : 0;
    await save(response, part, start, options, () => timer.refresh());
    return start > 0;
  } finally {
    clearTimeout(timer);
  }
}

async function checkStatus(response: Response): Promise<void> {
  if (response.ok && response.body !== null) return;
  await response.body?.cancel();
  const text = `HTTP ${response.status} ${response.statusText}`.trim();
  const passing = response.status >= 500 || response.status === 408 || response.status === 429;
  throw passing ? new Error(text) : new Refusal(text);
}

/** Whether the body is the rest of the file; a server without ranges sends all of it with status 200. */
function continuesAt(response: Response, have: number): boolean {
  return (
    response.status === 206 && (response.headers.get("content-range") ?? "").startsWith(`bytes ${have}-`)
  );
}

async function save(
  response: Response,
  part: string,
  start: number,
  options: DownloadOptions,
  alive: () => void,
): Promise<void> {
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  // With a content encoding, fetch hands out other bytes than those the length counts.
  const counted = Number.isFinite(length) && !response.headers.has("content-encoding");
  const total = counted ? start + length : undefined;
  const output = await openPart(part, start);
  let received = start;
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      await write(output, chunk, received, part);
      received += chunk.length;
      alive();
      options.onProgress?.({ file: options.file, received, ...(total !== undefined && { total }) });
    }
    if (total === undefined || received === total) await output.truncate(received);
  } finally {
    await output.close();
  }
  if (total !== undefined && received !== total) {
    throw new Error(`the connection ended after ${received} of ${total} bytes`);
  }
}

/**
 * Writing at explicit positions, over what is there, lets two processes that download the same file do so side by
 * side: what one has verified the other does not empty.
 */
async function openPart(part: string, start: number): Promise<FileHandle> {
  try {
    return await open(part, start > 0 ? "r+" : constants.O_RDWR | constants.O_CREAT);
  } catch (error) {
    throw new FileError(`cannot write ${part}: ${(error as Error).message}`, { cause: error });
  }
}

async function write(output: FileHandle, chunk: Uint8Array, position: number, part: string): Promise<void> {
  try {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await output.write(chunk, written, chunk.length - written, position + written);
      written += bytesWritten;
    }
  } catch (error) {
    throw new FileError(`cannot write ${part}: ${(error as Error).message}`, { cause: error });
  }
}

/** fetch says only "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && message !== cause.message ? `${message}: ${cause.message}` : message;
}

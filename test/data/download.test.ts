import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DownloadOptions, type DownloadProgress, download } from "../../lib/data/download.ts";
import { FileError } from "../../lib/errors.ts";
import { type Exchange, type LocalServer, sendAndDrop, sendFile, serve } from "../support/server.ts";

const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 5));

let folder: string;
let path: string;
let server: LocalServer;
let answer: (exchange: Exchange) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "myelin-download-"));
  path = join(folder, "deep", "file");
  server = await serve((exchange) => answer(exchange));
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function verify(part: string): Promise<void> {
  if (!(await readFile(part)).equals(body)) throw new FileError("file: wrong checksum");
}

function get(options: Partial<DownloadOptions> = {}): Promise<void> {
  const urls = [`${server.url}/file`];
  return download({ file: "file", urls, path, verify, retries: 2, retryDelay: 1, timeout: 5000, ...options });
}

function expectComplete(): void {
  expect(readFileSync(path).equals(body)).toBe(true);
  expect(existsSync(`${path}.part`)).toBe(false);
}

describe("download", () => {
  it("saves a file and reports progress up to its length", async () => {
    answer = (exchange) => sendFile(exchange, body);
    const seen: DownloadProgress[] = [];
    await get({ onProgress: (progress) => seen.push(progress) });
    expectComplete();
    expect(seen.at(-1)).toEqual({ file: "file", received: body.length, total: body.length });
    expect(seen.every(({ received }, i) => i === 0 || received > (seen[i - 1]?.received ?? 0))).toBe(true);
  });

  it("resumes where the connection broke, as often as it takes", async () => {
    answer = (exchange) =>
      exchange.attempt < 2 ? sendAndDrop(exchange, body, 100_000) : sendFile(exchange, body);
    await get();
    expectComplete();
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
  });

  it("resumes what an earlier call left behind", async () => {
    answer = (exchange) => sendAndDrop(exchange, body, 120_000);
    await expect(get({ retries: 0 })).rejects.toThrow(`cannot download file:\n  ${server.url}/file: `);
    expect(readFileSync(`${path}.part`).equals(body.subarray(0, 120_000))).toBe(true);
    expect(existsSync(path)).toBe(false);
    answer = (exchange) => sendFile(exchange, body);
    await get({ retries: 0 });
    expectComplete();
    expect(server.requests.at(-1)?.range).toBe("bytes=120000-");
  });

  it("starts over at a server that knows no ranges", async () => {
    answer = (exchange) =>
      exchange.attempt === 0
        ? sendAndDrop({ ...exchange, range: undefined }, body, 50_000)
        : sendFile({ ...exchange, range: undefined }, body);
    await get();
    expectComplete();
    expect(server.requests).toHaveLength(2);
  });

  it("notices a part that is already complete", async () => {
    answer = (exchange) => sendFile(exchange, body);
    await get();
    writeFileSync(`${path}.part`, body);
    rmSync(path);
    await get();
    expectComplete();
  });

  it.each([
    ["of another file", Buffer.alloc(1000, 1)],
    ["longer than the file", Buffer.alloc(body.length + 5)],
  ])("starts over from a part %s", async (_, part) => {
    answer = (exchange) => sendFile(exchange, body);
    await get();
    rmSync(path);
    writeFileSync(`${path}.part`, part);
    await get({ retries: 0 });
    expectComplete();
    expect(server.requests.at(-1)?.range).toBeUndefined();
  });

  it("retries a server that is busy, and one that says nothing", async () => {
    answer = (exchange) => {
      if (exchange.attempt === 0) exchange.response.writeHead(503).end();
      else if (exchange.attempt === 2) sendFile(exchange, body);
    };
    await get({ timeout: 100 });
    expectComplete();
    expect(server.requests).toHaveLength(3);
  });

  it("goes on to the next mirror when a file is missing or wrong, and asks each only once", async () => {
    answer = (exchange) => {
      if (exchange.path === "/none") exchange.response.writeHead(404).end();
      else sendFile(exchange, exchange.path === "/wrong" ? body.subarray(1) : body);
    };
    await get({ urls: ["none", "wrong", "good"].map((name) => `${server.url}/${name}`) });
    expectComplete();
    expect(server.requests.map((request) => request.path)).toEqual(["/none", "/wrong", "/good"]);
  });

  it("says what each mirror answered, and leaves no wrong file behind", async () => {
    answer = (exchange) => {
      if (exchange.path === "/none") exchange.response.writeHead(404).end();
      else sendFile(exchange, body.subarray(1));
    };
    const urls = [`${server.url}/none`, `${server.url}/wrong`, "http://127.0.0.1:1/refused"];
    const error = await get({ urls, retries: 1 }).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(FileError);
    expect((error as Error).message).toContain("/none: HTTP 404 Not Found");
    expect((error as Error).message).toContain("/wrong: file: wrong checksum (the file was removed)");
    expect((error as Error).message).toContain("/refused: fetch failed: ");
    expect(existsSync(path) || existsSync(`${path}.part`)).toBe(false);
  });

  it("stops at once when it is aborted, and keeps what it has", async () => {
    const controller = new AbortController();
    answer = ({ response }) => {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 1000));
    };
    const reason = new Error("enough");
    const onProgress = (): void => controller.abort(reason);
    await expect(get({ signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(readFileSync(`${path}.part`).length).toBe(1000);
    await expect(get({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  it("lets two downloads of one file run side by side", async () => {
    answer = (exchange) => sendFile(exchange, body);
    for (let round = 0; round < 20; round++) {
      rmSync(path, { force: true });
      await Promise.all([get(), get()]);
      expectComplete();
    }
  });

  it("says where it cannot write", async () => {
    writeFileSync(join(folder, "deep"), "a file where a folder should be");
    await expect(get()).rejects.toThrow(`cannot create ${join(folder, "deep")}: `);
    await expect(get()).rejects.toBeInstanceOf(FileError);
  });
});

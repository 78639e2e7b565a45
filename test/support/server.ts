import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as a test sees it. */
export interface Exchange {
  readonly path: string;
  readonly range: string | undefined;
  readonly response: ServerResponse;
  /** Counts the requests of this path from 0. */
  readonly attempt: number;
}

export interface LocalServer {
  readonly url: string;
  readonly requests: { path: string; range: string | undefined }[];
  close(): Promise<void>;
}

/** An HTTP server on the loopback interface that answers as a test tells it. */
export async function serve(answer: (exchange: Exchange) => void): Promise<LocalServer> {
  const requests: LocalServer["requests"] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "";
    const range = request.headers.range;
    const attempt = requests.filter((earlier) => earlier.path === path).length;
    requests.push({ path, range });
    answer({ path, range, response, attempt });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Sends a file as static servers do, from the requested position on. */
export function sendFile({ range, response }: Exchange, body: Uint8Array): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (range === undefined) {
    response.writeHead(200, { "content-length": body.length, "accept-ranges": "bytes" });
  } else if (start >= body.length) {
    response.writeHead(416, { "content-range": `bytes */${body.length}` });
    response.end();
    return;
  } else {
    const contentRange = `bytes ${start}-${body.length - 1}/${body.length}`;
    response.writeHead(206, { "content-length": body.length - start, "content-range": contentRange });
  }
  response.end(body.subarray(start));
}

/** Sends the first `count` bytes of what was asked for, then breaks the connection. */
export function sendAndDrop({ range, response }: Exchange, body: Uint8Array, count: number): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  const headers = {
    "content-length": body.length - start,
    "content-range": `bytes ${start}-${body.length - 1}/${body.length}`,
  };
  response.writeHead(range === undefined ? 200 : 206, headers);
  response.write(body.subarray(start, start + count), () => setTimeout(() => response.destroy(), 20));
}

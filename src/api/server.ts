import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServerOptions {
  /** 0: a free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The controller whose signal the app was given as `shutdown`. */
  readonly shutdown: AbortController;
  /** How long open requests may take to end, in ms; then connections are cut. Default 10,000. */
  readonly graceMs?: number;
}

export interface RunningServer {
  readonly port: number;
  readonly host: string;
  /** `http://host:port`. */
  readonly url: string;
  /** Stops taking connections, ends held answers and streams, and resolves when every connection is closed. */
  close(): Promise<void>;
}

/** Listens. Rejects where the port cannot be had (`EADDRINUSE`, `EACCES`). */
export async function startServer(app: RequestListener, options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? '127.0.0.1';
  const server = createServer(
    // Kept connections outlast those of proxies (60 s as a rule) and of clients: whoever closes first must not be this
    // side, or a vote that is just being sent is lost with the connection.
    { requestTimeout: 30_000, headersTimeout: 15_000, keepAliveTimeout: 65_000 },
    (req, res) => {
      // A kept connection would hold up the shutdown for as long as it is idle.
      if (options.shutdown.signal.aborted) res.setHeader('Connection', 'close');
      app(req, res);
    },
  );
  await listen(server, options.port, host);
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    port,
    host,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () => (closing ??= close(server, options)),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server, { shutdown, graceMs }: ServerOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  shutdown.abort();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs ?? 10_000);
  await closed;
  clearTimeout(cut);
}

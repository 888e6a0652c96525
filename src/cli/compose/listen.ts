import { createServer, type RequestListener, type Server } from 'node:http';
import { StartError } from '../start-error.ts';

export interface Listening {
  /** `http://host:port`, with loopback where it listens on every address. */
  readonly url: string;
  /** Lets answers in progress finish, for at most this long in ms, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

/** Listens; `port_in_use` names the setting to change. */
export async function listen(
  handler: RequestListener,
  at: { readonly host: string; readonly port: number; readonly setting: string },
): Promise<Listening> {
  const server = createServer(handler);
  // Longer than the keep-alive of common proxies, so that they and not we close idle connections.
  server.keepAliveTimeout = 65_000;
  server.requestTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, at)));
    server.listen({ host: at.host, port: at.port }, () => resolve());
  });
  const shown = at.host === '0.0.0.0' || at.host === '::' ? '127.0.0.1' : at.host;
  return {
    url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${at.port}`,
    close: (graceMs) => closeServer(server, graceMs),
  };
}

function explain(error: NodeJS.ErrnoException, at: { host: string; port: number; setting: string }): StartError {
  const { host, port, setting } = at;
  if (error.code === 'EADDRINUSE') {
    return new StartError('port_in_use', `Port ${port} is in use by another program. Set ${setting} to a free port.`);
  }
  if (error.code === 'EACCES') {
    return new StartError(
      'port_in_use',
      `Port ${port} may not be opened by this user. Set ${setting} to a port from 1024.`,
    );
  }
  return new StartError('setting_invalid', `Cannot listen on ${host} port ${port} (${error.code}).`, { cause: error });
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(deadline);
}

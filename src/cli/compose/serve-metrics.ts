import { createServer, type Server } from 'node:http';
import { createServer as createSocket, type AddressInfo } from 'node:net';
import { StartError } from '../start-error.ts';
import type { EnvironmentSettings } from './environment.ts';
import type { Foundation } from './foundation.ts';

/**
 * Answers `GET /metrics` on `HOLDPOINT_METRICS_PORT`, where that is set: the metrics of this process, and those of Temporal's
 * SDK, which has its own server on `sdkPort` of loopback.
 *
 * @throws StartError `port_in_use`, `setting_invalid`
 */
export async function serveMetrics(
  { host, metricsPort }: EnvironmentSettings,
  sdkPort: number | null,
  { metrics, shutdown }: Pick<Foundation, 'metrics' | 'shutdown'>,
): Promise<void> {
  if (metricsPort === null) return;
  const server = createServer((request, response) => {
    const isAsked = request.method === 'GET' && request.url?.split('?')[0] === '/metrics';
    if (!isAsked) {
      response.writeHead(404).end();
      return;
    }
    Promise.all([metrics.registry.metrics(), readSdkMetrics(sdkPort)]).then(
      (texts) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(texts.join('\n')),
      () => response.writeHead(500).end(),
    );
  });
  await listen(server, host, metricsPort, 'HOLDPOINT_METRICS_PORT');
  shutdown.add('metrics', () => {
    server.closeAllConnections();
    server.close();
  });
}

/** A port for the SDK's server, which cannot choose one and say which; null where nobody asks for its metrics. */
export async function findSdkPort({ metricsPort }: EnvironmentSettings): Promise<number | null> {
  if (metricsPort === null) return null;
  const socket = createSocket();
  await new Promise<void>((resolve, reject) => socket.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

async function readSdkMetrics(port: number | null): Promise<string> {
  if (port === null) return '';
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2_000) });
    return await response.text();
  } catch {
    // Better the others alone than none.
    return '';
  }
}

async function listen(server: Server, host: string, port: number, variable: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  } catch (error) {
    throw explainListen(error, host, port, variable);
  }
}

/** Why a server cannot listen, and the variable to change. */
export function explainListen(error: unknown, host: string, port: number, variable: string): StartError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new StartError('port_in_use', `Port ${port} is in use by another program. Set ${variable} to a free port.`);
  }
  if (code === 'EACCES') {
    return new StartError(
      'port_in_use',
      `Port ${port} may not be opened by this user. Set ${variable} to 1024 or more.`,
    );
  }
  return new StartError('setting_invalid', `Cannot listen on ${host}, port ${port} (${String(code)}).`, {
    cause: error,
  });
}

import { createServer } from 'node:http';
import { createServer as createSocket, type AddressInfo } from 'node:net';
import type { EnvironmentSettings } from './environment.ts';
import type { Foundation } from './foundation.ts';
import { listenUntilShutdown } from './listen.ts';

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
  const listening = { host, port: metricsPort, variable: 'HOLDPOINT_METRICS_PORT' };
  await listenUntilShutdown(server, listening, 'metrics', shutdown);
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

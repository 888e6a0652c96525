import type { Logger } from 'pino';
import type { Part } from '../../contract/part.ts';
import type { EnvironmentSettings } from './environment.ts';
import type { Tracing } from './otel.ts';
import type { Shutdown } from './serve.ts';

/** Sends traces from now on, where the environment says to where; the libraries for it are loaded only then. */
export async function openTracing(
  { tracesUrl }: Pick<EnvironmentSettings, 'tracesUrl'>,
  part: Part,
  log: Logger,
  shutdown: Shutdown,
): Promise<Tracing | undefined> {
  if (tracesUrl === null) return undefined;
  const { startTracing } = await import('./otel.ts');
  const { stop, ...tracing } = startTracing(part, tracesUrl, log);
  shutdown.add('traces', stop);
  return tracing;
}

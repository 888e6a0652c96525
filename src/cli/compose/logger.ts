import { makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import { destination, pino, type Logger } from 'pino';
import type { PartName } from '../../contract/part.ts';
import type { EnvironmentSettings } from './environment.ts';

/**
 * JSON lines, to a file or to standard output. What a call says (arguments, results, credentials) is never logged; the
 * redaction is a second line of defence for request headers.
 */
export function createLogger(level: EnvironmentSettings['logLevel'], file: string | null): Logger {
  const target = file === null ? destination(1) : destination({ dest: file, append: true, mode: 0o600, sync: false });
  const redact = ['authorization', 'cookie', '*.authorization', '*.cookie', 'req.headers', 'res.headers'];
  return pino({ level, base: null, redact }, target);
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Prepares the SDK, once per process and before anything else of it: its log goes into ours, and it handles no signals,
 * because one ordered shutdown does.
 *
 * @param metricsPort of loopback, where it serves its metrics; null: it keeps none
 */
export function installTemporalRuntime(log: Logger, part: PartName, metricsPort: number | null): void {
  const write = (level: LogLevel, message: string, meta?: object) => log[LEVELS[level]]({ temporal: meta }, message);
  Runtime.install({
    shutdownSignals: [],
    logger: {
      log: write,
      trace: (message, meta) => write('TRACE', message, meta),
      debug: (message, meta) => write('DEBUG', message, meta),
      info: (message, meta) => write('INFO', message, meta),
      warn: (message, meta) => write('WARN', message, meta),
      error: (message, meta) => write('ERROR', message, meta),
    },
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
      ...(metricsPort === null ? {} : { metrics: sdkMetricsAt(metricsPort, part) }),
    },
  });
}

/** Named by Prometheus' conventions. */
function sdkMetricsAt(port: number, part: PartName) {
  const names = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
  return { globalTags: { part }, prometheus: { bindAddress: `127.0.0.1:${port}`, ...names } };
}

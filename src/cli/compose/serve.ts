import type { Logger } from 'pino';
import type { Environment } from '../embedded/cache.ts';
import { createShutdown, waitForEnd, type Shutdown } from './shutdown.ts';

export interface RunOptions {
  readonly env: Environment;
  /** Where words for the operator go. */
  readonly say: (line: string) => void;
}

/** What a server's start gets to work with. */
export interface Serving {
  readonly shutdown: Shutdown;
  /** Ends the process in order, as failed, when it is called. */
  fail(error: unknown): void;
  useLog(log: Logger): void;
}

/**
 * Runs a server until a signal or a failure ends it, then closes everything in order. Rejects with what made the start or
 * the run fail.
 */
export async function serve(start: (serving: Serving) => Promise<void>): Promise<void> {
  let log: Logger | undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const shutdown = createShutdown(() => log);
  const ended = waitForEnd(failed);
  // Whoever awaits it sees the failure; while starting, nobody does yet.
  ended.catch(() => undefined);
  let started = false;
  const starting = start({
    shutdown,
    fail,
    useLog: (logger) => {
      log = logger;
      shutdown.add('log', () => logger.flush());
    },
  });
  const noteStart = async () => {
    await starting;
    started = true;
  };
  try {
    await Promise.race([noteStart(), ended]);
    await ended;
  } finally {
    await shutdown.run();
  }
  // Interrupted while starting: what was on its way is in no list, and the end of the process ends it.
  if (!started) process.exit(130);
}

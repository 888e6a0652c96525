import type { Logger } from 'pino';
import { explainError, type ErrorReport } from '../ui/explain-error.ts';
import { Exit } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process that serves has of the command line. */
export type RunOptions = Pick<Io, 'env' | 'print'>;

/** What the start of a server is given. */
export interface Serving {
  readonly shutdown: Shutdown;
  /** Shuts the process down in order, as failed. */
  fail(error: unknown): void;
  useLog(log: Logger): void;
}

/**
 * Runs a server until a signal or a failure ends it, then closes everything in order. What made the start or the run fail
 * is logged as fatal; then it rejects with it, or with {@link Exit} where the log is all that is read (`isRead`: false).
 */
export async function serve(start: (serving: Serving) => Promise<void>, { isRead = true } = {}): Promise<void> {
  let log: Logger | undefined;
  const logFatal = (error: unknown): ErrorReport => {
    const report = explainError(error);
    const { code, message } = report;
    log?.fatal({ code, ...(code === 'failed' ? { err: error } : {}) }, message);
    return report;
  };
  // The state of the process is unknown, so nothing is closed; the databases survive it.
  process.once('uncaughtException', (error) => {
    logFatal(error);
    if (isRead) console.error(error);
    process.exit(1);
  });
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const shutdown = createShutdown(() => log);
  const ended = waitForEnd(failed);
  // A caller that awaits it sees the failure; while starting there is none yet.
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
  } catch (error) {
    const { exit } = logFatal(error);
    throw isRead ? error : new Exit(exit);
  } finally {
    await shutdown.run();
  }
  // Interrupted while starting: what was being opened is in no list, and ends with the process.
  if (!started) process.exit(130);
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<void> | void;
}

/** What to close, in the order in which it must be closed; filled while parts start. */
export interface Shutdown {
  /** Aborted when the shutdown begins: held answers are given, streams end. */
  readonly signal: AbortSignal;
  /** Closed before everything that was added earlier: what starts last stops first. */
  add(name: string, run: Step['run']): void;
  /** Runs every step, even if an earlier one fails. Called again, it waits for the same shutdown. */
  run(): Promise<void>;
}

export function createShutdown(log: () => Logger | undefined): Shutdown {
  const steps: Step[] = [];
  const controller = new AbortController();
  let running: Promise<void> | undefined;
  const runAll = async () => {
    controller.abort();
    for (const { name, run } of steps.toReversed()) {
      try {
        await run();
      } catch (error) {
        log()?.error({ err: error, step: name }, 'a step of the shutdown failed');
      }
    }
  };
  return {
    signal: controller.signal,
    add: (name, run) => void steps.push({ name, run }),
    run: () => (running ??= runAll()),
  };
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** `npm` forwards the Ctrl-C that the terminal also sends to this process; two so close together count as one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, rejects if `failed` does. A second signal ends the process at once,
 * which the databases survive.
 */
export function waitForEnd(failed: Promise<never>): Promise<void> {
  return new Promise((resolve, reject) => {
    let first: number | undefined;
    const onSignal = () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL_MS) process.exit(130);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    failed.catch(reject);
  });
}

/** Repeated work; a failure is logged and retried the next time. */
export interface Periodic {
  stop(): Promise<void>;
}

/** As {@link repeat}, until the process shuts down. */
export function repeatUntilShutdown(
  { log, shutdown }: { readonly log: Logger; readonly shutdown: Shutdown },
  name: string,
  everyMs: number,
  work: () => Promise<unknown>,
): void {
  const repeated = repeat(name, everyMs, log, work);
  shutdown.add(name, () => repeated.stop());
}

/** Runs `work` every `everyMs`, the first time at once, never twice at the same time. */
export function repeat(name: string, everyMs: number, log: Logger, work: () => Promise<unknown>): Periodic {
  const controller = new AbortController();
  const { signal } = controller;
  const loop = async () => {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.warn({ err: error, work: name }, 'will be tried again');
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  const done = loop();
  return {
    stop: async () => {
      controller.abort();
      await done;
    },
  };
}

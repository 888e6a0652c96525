import type { Logger } from 'pino';

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
  /** Runs every step, each even where an earlier one fails. Called again, it waits for the same end. */
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
        log()?.error({ err: error, part: name }, 'a part did not stop cleanly');
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
/** `npm` passes on the Ctrl-C that the terminal has sent to us as well; two so close together are one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, rejects where `failed` does. After it another signal ends the process
 * at once: the databases survive that, and somebody is in a hurry.
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

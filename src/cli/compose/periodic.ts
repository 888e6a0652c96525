import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Work that repeats; a failure is logged and tried again the next time. */
export interface Periodic {
  stop(): Promise<void>;
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

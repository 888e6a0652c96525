import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

const WITHIN_MS = 30_000;

/** Waits until `/readyz` answers 200, or logs what it said last: the start goes on, because what is down may come back. */
export async function waitUntilReady(url: string, log: Logger): Promise<void> {
  const until = performance.now() + WITHIN_MS;
  let last: unknown;
  while (performance.now() < until) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok === true) return;
    last = await response?.json().catch(() => undefined);
    await sleep(250);
  }
  log.warn({ readyz: last }, 'not ready yet');
}

import type { Logger } from 'pino';
import type { Freezes } from '../../contract/freeze.ts';
import type { InForce, InForceSource, SettingsSource } from '../../domain/policy/settings.ts';
import type { Store } from '../../ports/store.ts';
import { repeat } from './serve.ts';

/** How soon a process knows of a freeze without meeting it, and of a lift. */
const READ_EVERY_MS = 2_000;

/**
 * Follows what operators froze, in every process that judges calls. What is missed meanwhile only delays: the database
 * refuses whatever was judged by other freezes than those that stand.
 */
export async function followFreezes(
  source: SettingsSource,
  store: Pick<Store, 'freezes'>,
  log: Logger,
): Promise<{ readonly inForce: InForceSource; stop(): Promise<void> }> {
  let freezes: Freezes = { version: 0, standing: [] };
  let settings: InForce | undefined;
  let inForce: InForce | undefined;
  const current = (): InForce => {
    const now = source.current();
    if (inForce === undefined || now !== settings) {
      settings = now;
      inForce = { ...now, freezes };
    }
    return inForce;
  };
  const refresh = async (): Promise<InForce> => {
    const read = await store.freezes.read();
    if (read.version !== freezes.version) {
      freezes = read;
      inForce = undefined;
      log.warn(
        { freezes: read.standing.map(({ id, by, tools }) => ({ id, by, tools })) },
        'the freezes in force changed',
      );
    }
    return current();
  };
  await refresh().catch((error: unknown) => log.warn({ err: error }, 'the freezes cannot be read yet'));
  const reading = repeat('reading the freezes', READ_EVERY_MS, log, refresh);
  return { inForce: { current, problem: () => source.problem(), refresh }, stop: () => reading.stop() };
}

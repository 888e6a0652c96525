import type { CallClass } from '../../contract/call.ts';
import type { ExecuteDeps } from './deps.ts';
import { postponeCall } from './refusal.ts';

/** Claims that this process is about to write, by tool, in the order in which they were asked for. */
export type Claiming = Map<string, Set<symbol>>;

const HOUR_MS = 3_600_000;

/**
 * Claims, where no more irreversible calls of the tool than configured were claimed in the last hour. Those before it
 * that have not reached the database yet count as claimed: many approvals come at once, when somebody decides a batch.
 */
export async function claimWithinRate<T>(
  deps: Pick<ExecuteDeps, 'store' | 'settings' | 'clock'>,
  claiming: Claiming,
  call: { readonly tool: { readonly name: string }; readonly class: CallClass },
  claim: () => Promise<T>,
): Promise<T> {
  if (call.class !== 'irreversible') return claim();
  const { name } = call.tool;
  const queue = claiming.get(name) ?? new Set();
  claiming.set(name, queue);
  const before = queue.size;
  const ticket = Symbol(name);
  queue.add(ticket);
  try {
    const since = new Date(deps.clock.now() - HOUR_MS).toISOString();
    const claims = await deps.store.countClaims(name, since);
    const { irreversiblePerToolPerHour } = deps.settings.current().limits;
    if (claims + before >= irreversiblePerToolPerHour) throw postponeCall('rate_exceeded', 30_000);
    return await claim();
  } finally {
    queue.delete(ticket);
    if (queue.size === 0) claiming.delete(name);
  }
}

import { randomUUID } from 'node:crypto';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { deliverNext, type DeliverDeps } from './deliver.ts';

/** Activities of the delivery workflows, as they see them. Ordinary ones: what they return is a hint and no more. */
export interface NotifyActivities {
  /** Tells a destination what waits for it. Fails, to be tried again with back-off, where it cannot be told. */
  deliverNotices(input: { readonly destination: string }): Promise<DeliveryRun>;
}

export type DeliveryRun = { readonly kind: 'idle' | 'more' } | { readonly kind: 'wait'; readonly ms: number };

/** Messages that one run tells at most, and how long it goes on beginning others, ms. */
const MESSAGES = 100;
const RUN_MS = 20_000;
const HEARTBEAT_MS = 3_000;
/** Longer than the longest attempt; a worker that is killed holds a destination up for no longer. */
const LEASE_MS = 40_000;
const LEASED_WAIT_MS = 5_000;

export function createNotifyActivities(deps: DeliverDeps): NotifyActivities {
  return { deliverNotices: ({ destination }) => deliverNotices(deps, destination) };
}

async function deliverNotices(deps: DeliverDeps, destination: unknown): Promise<DeliveryRun> {
  // Whoever reaches Temporal can schedule this with anything.
  if (typeof destination !== 'string') throw ApplicationFailure.nonRetryable('invalid', 'invalid');
  const { deliveries } = deps.store;
  if ((await deliveries.waiting(destination, 1)).length === 0) return { kind: 'idle' };
  const token = randomUUID();
  if (!(await deliveries.lease(destination, token, LEASE_MS))) return { kind: 'wait', ms: LEASED_WAIT_MS };
  const { heartbeat, cancellationSignal } = Context.current();
  const beating = setInterval(heartbeat, HEARTBEAT_MS);
  try {
    return await runUntilDone(deps, destination, token, cancellationSignal);
  } finally {
    clearInterval(beating);
    await deliveries.release(destination, token).catch(() => undefined);
  }
}

async function runUntilDone(
  deps: DeliverDeps,
  destination: string,
  token: string,
  signal: AbortSignal,
): Promise<DeliveryRun> {
  const until = performance.now() + RUN_MS;
  for (let told = 0; told < MESSAGES && performance.now() < until && !signal.aborted; told += 1) {
    // Prolonged before each message: an attempt fits into it.
    if (!(await deps.store.deliveries.lease(destination, token, LEASE_MS))) return { kind: 'wait', ms: LEASED_WAIT_MS };
    const round = await deliverNext(deps, destination, signal);
    if (round.kind === 'more') continue;
    if (round.kind !== 'retry') return round;
    // Back-off starts anew where something went through: the workflow asks again. A time that the target names counts.
    if (told > 0 && round.afterMs === null) return { kind: 'more' };
    throw ApplicationFailure.create({
      type: round.code,
      message: round.code,
      ...(round.afterMs === null ? {} : { nextRetryDelay: round.afterMs }),
    });
  }
  return { kind: 'more' };
}

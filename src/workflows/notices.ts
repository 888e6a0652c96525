import { proxyActivities } from '@temporalio/workflow';
import type { Review } from '../contract/review.ts';
import type { GateActivities } from '../activities/api.ts';
import type { NotifyEvent } from '../activities/ports.ts';
import { GATE_TASK_QUEUE } from './messages.ts';

/** What people are told at the word of a review's own workflow, and who. */
export interface Notice {
  readonly event: NotifyEvent['event'];
  /** Groups or reviewer ids; the notifier resolves groups by the directory in force. */
  readonly to: readonly string[];
}

/**
 * Only runs whose first step said so tell people themselves; of all others what the log says is told. Histories hold
 * both.
 */
const { notify } = proxyActivities<Pick<GateActivities, 'notify'>>({
  taskQueue: GATE_TASK_QUEUE,
  startToCloseTimeout: '30s',
  // Down for an hour means late, not lost; after a day nobody is helped any more.
  scheduleToCloseTimeout: '24h',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5m' },
  summary: 'tell people',
});

/** Each workflow has its own: the sandbox loads modules for every workflow anew. */
const pending = new Set<Promise<void>>();

/** Starts telling and returns: a notice that fails or is late never holds the gate. */
export function sendNotice(review: Review, notice: Notice, key: string): void {
  const told: Promise<void> = notify({ event: notice.event, review, to: notice.to, key })
    .catch(() => undefined)
    .finally(() => pending.delete(told));
  pending.add(told);
}

/** A workflow that ends or continues as new takes its unfinished activities with it. */
export function hasNoticesPending(): boolean {
  return pending.size > 0;
}

import type { Level, Review } from '../contract/review.ts';

// When a review ends by itself, when people are reminded of it, and from when on more people may decide. Instants are
// epoch ms; those in a level or a review are ISO 8601.

/** ISO 8601 in UTC with milliseconds, of epoch ms. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** The times of an approval as policy or a question states them, in ms. */
export interface ApprovalTimes {
  /** Counted from the start of the review. */
  readonly expireAfterMs: number;
  /** Counted back from the deadline. */
  readonly remindBeforeMs: readonly number[];
  /** Counted from the start of the review. */
  readonly escalate: { readonly afterMs: number; readonly to: readonly string[] } | null;
}

/** What of an approval's times is still ahead. */
export interface Schedule {
  /** Sorted. */
  readonly remindAt: readonly number[];
  readonly escalateAt: number | null;
}

/** What has come due short of the deadline. */
export interface Due {
  readonly event: 'escalated' | 'reminder';
  readonly at: number;
}

export const NO_SCHEDULE: Schedule = { remindAt: [], escalateAt: null };

/**
 * Whether a yes under `a` would have counted under `b` too: `a` waits no longer, and lets in no other groups and none
 * earlier. Reminders let nobody in.
 */
export function areTimesAtLeastAsStrict(a: ApprovalTimes, b: ApprovalTimes): boolean {
  if (a.expireAfterMs > b.expireAfterMs) return false;
  const [own, other] = [a.escalate, b.escalate];
  if (own === null) return true;
  return other !== null && own.afterMs >= other.afterMs && own.to.every((group) => other.to.includes(group));
}

/** `notAfter`: the deadline of an earlier revision; a later one may only shorten it. */
export function deadlineOf(times: ApprovalTimes, startedAt: number, notAfter: number | null): number {
  return Math.min(startedAt + times.expireAfterMs, notAfter ?? Infinity);
}

/** What would come at or after the deadline, or before the start, never comes. */
export function scheduleOf(times: ApprovalTimes, startedAt: number, expiresAt: number): Schedule {
  const comes = (at: number): boolean => at > startedAt && at < expiresAt;
  const escalateAt = times.escalate === null ? null : startedAt + times.escalate.afterMs;
  return {
    remindAt: times.remindBeforeMs
      .map((before) => expiresAt - before)
      .filter(comes)
      .toSorted((a, b) => a - b),
    escalateAt: escalateAt !== null && comes(escalateAt) ? escalateAt : null,
  };
}

/** When something comes due next: the deadline, the escalation or a reminder. */
export function nextDueAt(expiresAt: number, { remindAt, escalateAt }: Schedule): number {
  return Math.min(expiresAt, remindAt[0] ?? Infinity, escalateAt ?? Infinity);
}

/** The escalation first, since it changes who is reminded; of several reminders missed in an outage only the last. */
export function dueBy(now: number, { remindAt, escalateAt }: Schedule): readonly Due[] {
  const reminder = remindAt.findLast((at) => at <= now);
  return [
    ...(escalateAt !== null && escalateAt <= now ? [{ event: 'escalated', at: escalateAt } as const] : []),
    ...(reminder === undefined ? [] : [{ event: 'reminder', at: reminder } as const]),
  ];
}

export function aheadOf(now: number, { remindAt, escalateAt }: Schedule): Schedule {
  return {
    remindAt: remindAt.filter((at) => at > now),
    escalateAt: escalateAt !== null && escalateAt > now ? escalateAt : null,
  };
}

/** Silence is no: from this instant on no yes counts. Null: there is no deadline. */
export function isExpired(expiresAt: number | null, at: number): boolean {
  return expiresAt !== null && at >= expiresAt;
}

/** The escalation as it stands in every level of a digest: at a fixed time, counted from the start of the review. */
export function escalationOf({ escalate }: ApprovalTimes, startedAt: number): Level['escalation'] {
  return escalate === null ? null : { at: new Date(startedAt + escalate.afterMs).toISOString(), to: [...escalate.to] };
}

/** Groups that have joined a level's approvers by escalation. A time that cannot be read lets nobody in. */
export function escalatedTo({ escalation }: Pick<Level, 'escalation'>, at: number): readonly string[] {
  return escalation !== null && Date.parse(escalation.at) <= at ? escalation.to : [];
}

/** The escalation that comes next if nobody decides before it, of a review that waits. `now`: epoch ms. */
export function nextEscalation(
  { status, expiresAt, level, levels }: Pick<Review, 'status' | 'expiresAt' | 'level' | 'levels'>,
  now: number,
): Level['escalation'] {
  const escalation = status === 'pending' ? (levels[level - 1]?.escalation ?? null) : null;
  const at = escalation === null ? Number.NaN : Date.parse(escalation.at);
  return at > now && !isExpired(expiresAt === null ? null : Date.parse(expiresAt), at) ? escalation : null;
}

import type { Review } from '../../contract/review.ts';
import { STOPPED_WORDS, wasStopped } from '../../domain/stop.ts';
import { DECISION_WORDS, EXECUTION_WORDS, STATUS_WORDS } from '../ui/words.ts';

export interface TimelineEvent {
  readonly kind: 'proposed' | 'revised' | 'decided' | 'ended' | 'started' | 'stopped' | 'finished' | 'reconciled';
  readonly at: string;
  readonly who: string;
  /** Our words. */
  readonly what: string;
  /** Somebody's words. */
  readonly words: string | null;
}

/** Proposals, versions, decisions and execution out of the state, oldest first. */
export function timelineOf(review: Review): readonly TimelineEvent[] {
  const { execution } = review;
  const { stopped } = execution;
  const events: TimelineEvent[] = review.revisions.flatMap((revision) => [
    {
      kind: revision.revision === 1 ? 'proposed' : 'revised',
      at: revision.submittedAt,
      who: revision.by,
      what: revision.revision === 1 ? 'proposed it' : `made version ${revision.revision}`,
      words: null,
    } satisfies TimelineEvent,
    ...revision.decisions.map((decision): TimelineEvent => ({
      kind: 'decided',
      at: decision.decidedAt,
      who: decision.reviewer,
      what: `${DECISION_WORDS[decision.type]} version ${decision.revision} (level ${decision.level}, ${decision.channel})`,
      words: decision.comment,
    })),
  ]);
  if (review.resolvedAt !== null) {
    events.push({
      kind: 'ended',
      at: review.resolvedAt,
      who: '',
      what: `Ended: ${STATUS_WORDS[review.status].text}`,
      words: null,
    });
  }
  if (execution.startedAt !== null) {
    events.push({ kind: 'started', at: execution.startedAt, who: '', what: 'Execution started', words: null });
  }
  if (stopped !== undefined) {
    events.push({
      kind: 'stopped',
      at: stopped.at,
      who: stopped.by,
      what: 'rejected the call, which stopped it',
      words: stopped.comment,
    });
  }
  if (execution.finishedAt !== null) {
    const what = wasStopped(review)
      ? `The call was ${STOPPED_WORDS}`
      : `Execution ended: ${EXECUTION_WORDS[execution.status].text}`;
    events.push({ kind: 'finished', at: execution.finishedAt, who: '', what, words: null });
  }
  const { reconciled } = execution;
  if (reconciled !== undefined) {
    const what =
      reconciled.outcome === 'executed' ? 'established that it happened' : 'established that it did not happen';
    events.push({ kind: 'reconciled', at: reconciled.at, who: reconciled.by, what, words: reconciled.note });
  }
  return events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

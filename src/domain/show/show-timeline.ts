import type { Review } from '../../contract/review.ts';
import { isDrill } from '../drill.ts';
import { EXECUTION, STATUS } from '../lifecycle.ts';
import { STOPPED_WORDS, wasStopped } from '../stop.ts';
import { DECISION_WORDS } from '../words.ts';
import { lineOf, said, type Event, type Line } from './shown.ts';

/** Proposals, versions, decisions and the execution, oldest first. */
export function timelineOf(review: Review): readonly Event[] {
  const { execution, revisions, resolvedAt } = review;
  const { stopped, reconciled } = execution;
  const events: Event[] = revisions.flatMap(({ revision, submittedAt, by, decisions }): Event[] => [
    {
      kind: revision === 1 ? 'proposed' : 'revised',
      at: submittedAt,
      line: isDrill(review)
        ? [said(review.proposer.owner ?? by), ' started the drill']
        : [said(by), revision > 1 ? ` made version ${revision}` : review.kind === 'call' ? ' proposed it' : ' asked'],
      comment: null,
    },
    ...decisions.map((decision): Event => {
      const { type, level, channel, decidedAt: at, reviewer, comment } = decision;
      const what = ` ${DECISION_WORDS[type]} (version ${decision.revision}, level ${level}, by ${channel})`;
      return { kind: 'decided', at, line: [said(reviewer), what], comment };
    }),
  ]);
  const add = (kind: Event['kind'], at: string | null, line: string | Line, comment: string | null = null): void => {
    if (at !== null) events.push({ kind, at, line: lineOf(line), comment });
  };
  add('ended', resolvedAt, `Review ended: ${endWords(review)}`);
  add('started', execution.startedAt, 'Execution started');
  const { deferred } = execution;
  if (deferred !== undefined) add('deferred', deferred.at, ['Call sent without effect: ', said(deferred.message)]);
  if (stopped !== undefined) {
    add('stopped', stopped.at, [said(stopped.by), ' rejected the call, which stopped it'], stopped.comment);
  }
  const end = wasStopped(review) ? `Call ${STOPPED_WORDS}` : `Execution ended: ${EXECUTION[execution.status].label}`;
  add('finished', execution.finishedAt, end);
  if (reconciled !== undefined) {
    const what = ` established that it ${reconciled.outcome === 'executed' ? 'happened' : 'did not happen'}`;
    add('reconciled', reconciled.at, [said(reconciled.by), what], reconciled.note);
  }
  return events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** How a review ended, in a sentence. */
export function endWords({ status, resolution }: Pick<Review, 'status' | 'resolution'>): string {
  return resolution?.type === 'respond' ? DECISION_WORDS.respond : STATUS[status].words;
}

import type { DecisionType } from '../../../../contract/review.ts';
import type { InboxState } from './model.ts';

/** Why nothing can be decided now, in words; undefined where it can. The server asks again, and more. */
export function refusalOf(state: InboxState, type: DecisionType): string | undefined {
  const review = state.open?.review;
  if (state.unsent !== null) return 'A decision is about to be sent: u takes it back, s sends it now.';
  if (state.open === null) return 'Open it first (enter): nobody decides on one line.';
  if (review === null || review === undefined) return 'It is still being read.';
  if (!review.allowedDecisions.includes(type)) {
    const allowed = review.allowedDecisions.join(', ');
    return allowed === '' ? 'There is nothing to decide here now.' : `It takes only: ${allowed}.`;
  }
  if (review.call.digest === null) return 'It carries no digest yet: Holdpoint is still looking into it.';
  // A no binds nobody to what was on the screen; a yes does.
  const saysYes = type === 'approve' || type === 'edit' || type === 'respond';
  if (saysYes && !state.open.seenAll) return 'You have not seen all of it: space goes on to the end.';
  return undefined;
}

import { EXECUTION_ERRORS } from '../../contract/codes.ts';
import type { ExecutionView, Review, ReviewRow, SentencePart, WrittenAmount } from '../../contract/review.ts';

/**
 * The state as its own agent may read it, wherever it is told (HTTP, MCP, a callback). An agent never receives what a
 * preview found: it could read tables through proposals. The digest covers the evidence and its time, so where there may
 * be evidence the digest is withheld too: everything else in it is known to the agent, which could try values until one
 * fits. Nor is it told which conditions held its call: it could stay just below them.
 */
export function viewForAgent({ heldBy: _, ...review }: Review): Review {
  const execution = withoutEvidence(review.execution);
  // Earlier revisions carry their digest only, and may have had evidence that is gone from the state.
  const withheld = review.evidence.length > 0 || review.revisions.length > 1;
  // The target's own word on the call itself, which is why it is blocked.
  const previewError = review.previewError?.pointer === undefined ? null : review.previewError;
  if (!withheld) return { ...withoutFactAmounts(review), previewError, execution };
  return {
    ...withoutFactAmounts(review),
    evidence: [],
    previewError,
    execution,
    call: { ...review.call, digest: null },
    revisions: review.revisions.map((revision) => ({ ...revision, call: { ...revision.call, digest: null } })),
  };
}

export function viewRowForAgent(row: ReviewRow): ReviewRow {
  return withoutFactAmounts(row);
}

/** Amounts of the evidence, and those whose currency only the evidence told. */
function withoutFactAmounts<T extends Pick<Review, 'amounts' | 'sentence'>>(review: T): T {
  const { amounts, sentence } = review;
  const isOwn = (place: WrittenAmount['currency']): boolean => place === null || typeof place === 'string';
  return {
    ...review,
    ...(amounts && { amounts: amounts.filter(({ place, currency }) => isOwn(place) && isOwn(currency)) }),
    ...(sentence && { sentence: sentence.map(partForAgent) }),
  };
}

function partForAgent(part: SentencePart): SentencePart {
  return 'value' in part ? { value: part.toAgent ?? part.value } : part;
}

/** What drifted, or could not be looked at again, is told in terms of the evidence. */
function withoutEvidence({ error, deferred, ...execution }: ExecutionView): ExecutionView {
  return {
    ...execution,
    error: error === null ? null : withoutDetail(error),
    ...(deferred === undefined ? {} : { deferred: withoutDetail(deferred) }),
  };
}

function withoutDetail<T extends { readonly code: string; readonly message: string }>(told: T): T {
  const { code } = told;
  return code === 'drifted' || code === 'pins_unreadable' ? { ...told, message: EXECUTION_ERRORS[code] } : told;
}

import { describe, expect, it } from 'vitest';
import { NOT_STARTED, type ExecutionView, type Review } from '../../src/contract/review.ts';
import { relateReviews, repeatsToConfirm, type TriedCall } from '../../src/domain/related.ts';
import { showEarlier, showEqual } from '../../src/domain/show/show-related.ts';
import { writeLine } from '../../src/domain/show/to-text.ts';
import { listRowOf, showListRow } from '../../src/storage/reviews/review-row.ts';
import { AT, reviewIdOf, reviewOf } from '../support/storage-fixtures.ts';

const MINUTE = 60_000;
const NOW = Date.parse(AT);
const ago = (minutes: number) => new Date(NOW - minutes * MINUTE).toISOString();
const idOf = (n: number) => reviewIdOf(n);
const review = reviewOf(idOf(5), { proposedAt: AT });

function tried(n: number, over: Partial<Review>, more: Partial<TriedCall> = {}): TriedCall {
  const stored = listRowOf(reviewOf(idOf(n), { proposedAt: ago(30), ...over }));
  const execution = over.execution ?? NOT_STARTED;
  const { by, editedBy } = stored;
  const row = showListRow(stored, execution.status, null, NOW);
  return { row, execution, by, editedBy, equal: false, equalBefore: false, ...more };
}

const decided = (type: 'approve' | 'reject', minutes: number): Partial<Review> => ({
  status: type === 'approve' ? 'approved' : 'rejected',
  resolvedAt: ago(minutes),
  resolution: { type, by: 'ops-1', comment: null, edited: false, retryable: false },
});
const run = (status: ExecutionView['status'], minutes: number): { readonly execution: ExecutionView } => ({
  execution: { status, error: null, startedAt: ago(minutes), finishedAt: ago(minutes) },
});
const EQUAL = { equal: true };

describe('an equal call', () => {
  it.each([
    ['waits and came earlier', tried(1, {}, EQUAL), true],
    ['waits and came later', tried(9, {}, EQUAL), false],
    ['waits for its proposer', tried(1, { status: 'changes_requested' }, EQUAL), true],
    ['is approved', tried(9, decided('approve', 1), EQUAL), true],
    ['is running', tried(1, { ...decided('approve', 1), ...run('executing', 1) }, EQUAL), true],
    ['has just run', tried(1, { ...decided('approve', 70), ...run('executed', 59) }, EQUAL), true],
    ['was sent, and nobody knows', tried(1, { ...decided('approve', 1), ...run('outcome_unknown', 1) }, EQUAL), true],
  ])('I1: that %s is named; a yes has to say that twice is meant: %#', (_name, one, mustConfirm) => {
    const related = relateReviews(review, [one]);
    expect(related).toMatchObject([{ relation: 'equal', reviewId: one.row.reviewId, mustConfirm }]);
    expect(repeatsToConfirm(related)).toHaveLength(mustConfirm ? 1 : 0);
  });

  it.each([
    ['ran more than an hour before', tried(1, { ...decided('approve', 70), ...run('executed', 61) }, EQUAL)],
    ['failed', tried(1, { ...decided('approve', 1), ...run('failed', 1) }, EQUAL)],
    ['was withdrawn', tried(1, { status: 'withdrawn', resolvedAt: ago(1) }, EQUAL)],
    ['is another call', tried(1, {})],
  ])('that %s is not', (_name, one) => {
    expect(relateReviews(review, [one])).toEqual([]);
  });
});

describe('what was tried in the hour before', () => {
  const ran = tried(1, { ...decided('approve', 20), ...run('executed', 19) });
  const edited = tried(
    2,
    {
      ...decided('approve', 2),
      ...run('executed', 1),
      revision: 2,
      revisions: [byOf(1, 'cleanup-agent'), byOf(2, 'ops-1')],
    },
    { equalBefore: true },
  );

  function byOf(revision: number, by: string): Review['revisions'][number] {
    return { revision, call: reviewOf(idOf(1)).call, submittedAt: AT, by, decisions: [] };
  }

  it('I5: is told once some of it was rejected, stopped or edited, and not otherwise', () => {
    expect(relateReviews(review, [ran])).toEqual([]);
    expect(relateReviews(review, [edited, ran])).toMatchObject([
      { relation: 'earlier', editedBy: 'ops-1', proposedAsThis: true, mustConfirm: false, endedAt: ago(1) },
      { relation: 'earlier', editedBy: null, proposedAsThis: false },
    ]);
    const stopped = { by: 'ops-2', comment: null, at: ago(1) };
    for (const one of [
      tried(1, decided('reject', 59)),
      tried(1, { ...decided('approve', 5), execution: { ...run('failed', 5).execution, stopped } }),
    ]) {
      expect(relateReviews(review, [one])).toHaveLength(1);
    }
    expect(relateReviews(review, [tried(1, decided('reject', 61))])).toEqual([]);
    expect(relateReviews(review, [tried(9, decided('reject', 1))])).toEqual([]);
  });

  it('is shown with when, what and who, and the review that it was', () => {
    const related = relateReviews(review, [tried(1, {}, EQUAL), edited, tried(3, decided('reject', 3))]);
    const shown = (over: Partial<Review>) => {
      const one = { ...review, ...over };
      return [...showEqual(one, NOW), ...showEarlier(one, NOW)].flatMap(({ blocks }) => blocks);
    };
    const lines = shown({ related }).flatMap((block) =>
      block.kind === 'warning'
        ? [writeLine(block.line)]
        : block.kind === 'pairs'
          ? block.pairs.map(({ label, value }) => `${writeLine(label)}: ${writeLine(value)}`)
          : [],
    );
    const call = 'github.repos.delete {"owner":"acme","repo":"old"}';
    expect(lines).toEqual([
      `The same call is also waiting, proposed 30 min ago (${idOf(1)}). If both are approved, it runs twice.`,
      `Ran, edited, 1 min ago: ${call}, proposed as this call is, edited by ops-1 (${idOf(2)})`,
      `Rejected 3 min ago: ${call}, decided by ops-1 (${idOf(3)})`,
    ]);
    expect(shown({ status: 'rejected', related })).toEqual([]);
    expect(shown({})).toEqual([]);
  });
});

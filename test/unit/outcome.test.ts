import { describe, expect, it } from 'vitest';
import { EXECUTION_ERRORS } from '../../src/contract/codes.ts';
import { executionViewSchema } from '../../src/contract/review.ts';
import type { LedgerRow } from '../../src/domain/ledger.ts';
import { EXECUTION_DENIALS, executionOf, outcomeOf } from '../../src/domain/outcome.ts';
import { iso, NOON, REVIEW_ID } from '../support/materials.ts';

const open: LedgerRow = {
  reviewId: REVIEW_ID,
  state: 'open',
  proposalDigest: `sha256:${'1'.repeat(64)}`,
  openedAt: iso(NOON),
  isDirect: false,
  expiresAt: iso(NOON + 1_000),
  denial: null,
  claim: null,
  deferral: null,
  outcome: null,
  reconciliation: null,
  objections: 0,
};
const claim = {
  token: 'secret-token',
  at: iso(NOON + 1),
  firstAt: iso(NOON + 1),
  sendBy: iso(NOON + 2),
  settledBy: iso(NOON + 3),
  digest: `sha256:${'2'.repeat(64)}`,
  idempotencyKey: null,
  resends: 0,
  resendAt: null,
};
const error = { code: 'lost_answer', message: 'no answer' };
const claimed: LedgerRow = { ...open, state: 'claimed', claim };
const done: LedgerRow = {
  ...claimed,
  state: 'done',
  outcome: { body: { id: 7 }, upstreamStatus: 201, error: null, finishedAt: iso(NOON + 5) },
};
const failed: LedgerRow = { ...done, state: 'failed' };
const unknown: LedgerRow = { ...claimed, state: 'unknown', outcome: { error, finishedAt: iso(NOON + 5) } };
const deferral = {
  code: 'upstream_rejected',
  message: 'The target answered 429',
  upstreamStatus: 429,
  at: iso(NOON + 2),
  retryAt: iso(NOON + 22),
  times: 2,
};
const deferred: LedgerRow = { ...open, state: 'deferred', deferral };
const denied = (reason: string): LedgerRow => ({ ...open, state: 'denied', denial: { reason, at: iso(NOON + 4) } });
const reconciled = (outcome: 'executed' | 'failed'): LedgerRow => ({
  ...unknown,
  reconciliation: { outcome, by: 'ops-1', note: 'looked', at: iso(NOON + 9) },
});

describe('law 9: what ran is told from the ledger', () => {
  it.each([
    ['open', open, 'not_started'],
    ['deferred', deferred, 'not_started'],
    ['denied while it was deferred', { ...denied('approval_stale'), deferral }, 'failed'],
    ['claimed', claimed, 'executing'],
    ['done', done, 'executed'],
    ['failed', failed, 'failed'],
    ['unknown', unknown, 'outcome_unknown'],
    ['reconciled as executed', reconciled('executed'), 'executed'],
    ['reconciled as failed', reconciled('failed'), 'failed'],
  ])('%s', (_name, row, status) => {
    const execution = executionOf(row);
    expect(execution.status).toBe(status);
    expect(executionViewSchema.safeParse(execution).error).toBeUndefined();
  });

  it('shows what the target answered, and when', () => {
    expect(executionOf(done)).toEqual({
      status: 'executed',
      body: { id: 7 },
      upstreamStatus: 201,
      error: null,
      startedAt: claim.at,
      finishedAt: iso(NOON + 5),
    });
  });

  it('shows who reconciled it, and no error where it did happen', () => {
    expect(executionOf(reconciled('executed'))).toMatchObject({ error: null, reconciled: { by: 'ops-1' } });
    expect(executionOf(reconciled('failed')).error?.code).toBe('reconciled_failed');
  });

  it('does not take the answer that left it open for the result of a call that ran', () => {
    const outcome = { error, body: { error: 'internal' }, upstreamStatus: 500, finishedAt: iso(NOON + 5) };
    const { body } = outcome;
    expect(executionOf({ ...unknown, outcome })).toMatchObject({ body, upstreamStatus: 500 });
    expect(executionOf({ ...reconciled('executed'), outcome })).not.toHaveProperty('body');
    expect(executionOf({ ...reconciled('failed'), outcome })).toMatchObject({ body, upstreamStatus: 500 });
  });

  it.each(EXECUTION_DENIALS)('calls a denial after a yes (%s) a failed execution', (code) => {
    const execution = executionOf(denied(code));
    expect(execution).toMatchObject({
      status: 'failed',
      error: { code, message: EXECUTION_ERRORS[code] },
      startedAt: null,
    });
  });

  it.each(['rejected', 'expired', 'withdrawn', 'aborted', 'forbidden', 'answered'])(
    'calls %s no execution at all',
    (reason) => {
      expect(executionOf(denied(reason))).toMatchObject({ status: 'not_started', error: null });
      expect(outcomeOf(denied(reason))).toMatchObject({ state: 'denied', denial: reason, deniedAt: iso(NOON + 4) });
    },
  );

  it('gives away no claim token', () => {
    expect(JSON.stringify(outcomeOf(done))).not.toContain(claim.token);
    expect(outcomeOf(done)).toMatchObject({ settledBy: claim.settledBy, claimedDigest: claim.digest });
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestBytes } from '../../src/domain/proof/digest.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { codeOf, CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

const TWO_OF_OPS = { ...ONE_OF_OPS, levels: [{ name: 'approval', approvers: ['ops'], quorum: 2 }] };
const OPS_THEN_FINANCE = {
  ...ONE_OF_OPS,
  separationOfDuties: true,
  levels: [
    { name: 'operations', approvers: ['ops'], quorum: 1 },
    { name: 'finance', approvers: ['finance'], quorum: 1 },
  ],
};
const OTHER_DIGEST = digestBytes('something else');

let api: Harness;
let start: number;
beforeAll(async () => {
  api = await makeHarness();
  start = api.clock.now();
});
beforeEach(() => {
  api.clock.set(start);
  api.gate.mode = 'working';
  api.gate.executes = true;
  api.gate.forcedRefusal = undefined;
  api.settings.setPolicy({ approval: ONE_OF_OPS });
});
afterAll(() => api.close());

/** The review's state at the reviewer's side of the credentials the reviewer really has. */
const reviewersWith = (id: string, groups: string[]) => {
  const { reviewers } = api.settings.current();
  api.settings.update({ reviewers: reviewers.map((r) => (r.id === id ? { ...r, groups } : r)) });
  return () => api.settings.update({ reviewers });
};

describe('what a decision does', () => {
  test('a yes is signed in the reviewer’s name over the digest that was shown', async () => {
    const review = await api.propose();
    const answer = await api.decide(review.reviewId, review.call.digest, { comment: 'fine' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'approved',
      resolution: { type: 'approve', by: 'ops-1', comment: 'fine' },
    });
    const signal = api.gate.signals.at(-1);
    expect(api.verifier.verify('decision', signal?.envelope)?.payload).toMatchObject({
      reviewId: review.reviewId,
      digest: review.call.digest,
      revision: 1,
      level: 1,
      type: 'approve',
      reviewer: { id: 'ops-1', method: 'token' },
      channel: 'api',
    });
    await api.gate.settled(review.reviewId);
    expect((await api.get(`/v1/reviews/${review.reviewId}`, 'agent-1')).body.execution.status).toBe('executed');
  });

  test('the command line says so in the record, and nothing else can be claimed', async () => {
    const review = await api.propose();
    const decideAs = (channel: string) =>
      api.send(
        'POST',
        `/v1/reviews/${review.reviewId}/decision`,
        { type: 'approve', digest: review.call.digest },
        { as: 'ops-1', headers: { 'holdpoint-channel': channel } },
      );
    const claimed = await decideAs('dashboard');
    expect([claimed.status, codeOf(claimed)]).toEqual([400, 'invalid_request']);
    expect((await decideAs('cli')).status).toBe(200);
    const payload = api.verifier.verify('decision', api.gate.signals.at(-1)?.envelope)?.payload;
    expect(payload?.channel).toBe('cli');
  });

  test('two levels: each of its own people, in order', async () => {
    api.settings.setPolicy({ approval: OPS_THEN_FINANCE });
    const review = await api.propose();
    const early = await api.decide(review.reviewId, review.call.digest, {}, 'finance-1');
    expect([early.status, codeOf(early)]).toEqual([403, 'not_an_approver']);
    const first = await api.decide(review.reviewId, review.call.digest, {}, 'ops-1');
    expect(first.body).toMatchObject({ status: 'pending', level: 2 });
    const second = await api.decide(review.reviewId, review.call.digest, {}, 'finance-1');
    expect(second.body.status).toBe('approved');
  });

  test('from the escalation on, its groups may vote too', async () => {
    api.settings.setPolicy({ approval: { ...ONE_OF_OPS, escalate: { afterMs: 60_000, to: ['managers'] } } });
    const review = await api.propose();
    const early = await api.decide(review.reviewId, review.call.digest, {}, 'manager-1');
    expect(codeOf(early)).toBe('not_an_approver');
    api.clock.advance(60_000);
    expect((await api.decide(review.reviewId, review.call.digest, {}, 'manager-1')).status).toBe(200);
  });

  test('an edit becomes a new revision with another digest, sealed like the first', async () => {
    const review = await api.propose({ tool: 'payouts.wire', arguments: { amount: 5, memo: 'first memo' } });
    const shown = review.call.arguments;
    const answer = await api.decide(review.reviewId, review.call.digest, {
      type: 'edit',
      // The sealed value goes back as it was shown; only the amount is changed.
      arguments: { ...shown, amount: 4 },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ revision: 2, call: { arguments: { amount: 4, memo: shown.memo } } });
    expect(answer.body.call.digest).not.toBe(review.call.digest);

    const other = await api.propose({ tool: 'payouts.wire', arguments: { amount: 5, memo: 'first memo' } });
    const moved = await api.decide(other.reviewId, other.call.digest, { type: 'edit', arguments: shown });
    expect([moved.status, codeOf(moved)]).toEqual([400, 'sealed_not_allowed']);
    const plain = await api.decide(other.reviewId, other.call.digest, {
      type: 'edit',
      arguments: { amount: 4, memo: 'second memo' },
    });
    expect(Object.keys(plain.body.call.arguments.memo)).toEqual(['$sealed']);
  });

  test('asking for changes, revising, deciding again', async () => {
    const review = await api.propose();
    const asked = await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'half of it' });
    expect(asked.body).toMatchObject({ status: 'changes_requested', feedback: { by: 'ops-1', comment: 'half of it' } });
    const path = `/v1/reviews/${review.reviewId}/revision`;
    const revised = await api.post(path, { arguments: { account: 'a-1', amount: 50 } }, 'agent-1');
    expect(revised.status).toBe(200);
    expect(revised.body).toMatchObject({ status: 'pending', revision: 2, call: { arguments: { amount: 50 } } });
    const stale = await api.decide(review.reviewId, review.call.digest);
    expect([stale.status, codeOf(stale)]).toEqual([409, 'digest_mismatch']);
    const now = (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body;
    expect((await api.decide(review.reviewId, now.call.digest)).body.status).toBe('approved');
  });

  test('no worker within 2 s: 202, durably queued, and it counts when one comes', async () => {
    const review = await api.propose();
    api.gate.mode = 'idle';
    const answer = await api.decide(review.reviewId, review.call.digest);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ queued: true, reviewId: review.reviewId });
    expect(api.gate.signals.at(-1)?.reviewId).toBe(review.reviewId);
  });

  test('the answer is told from its own receipt, never from the status', async () => {
    api.settings.setPolicy({ approval: TWO_OF_OPS });
    const review = await api.propose();
    // The gate refuses this one although the state still looks open.
    api.gate.mode = 'idle';
    const queued = api.decide(review.reviewId, review.call.digest, {}, 'ops-2');
    await until(() => api.gate.signals.at(-1)?.reviewId === review.reviewId);
    api.gate.forcedRefusal = 'expired';
    api.gate.mode = 'working';
    const answer = await queued;
    expect([answer.status, codeOf(answer)]).toEqual([409, 'expired']);
  });

  test('a workflow that is gone is an ended review', async () => {
    const review = await api.propose();
    api.gate.end(review.reviewId);
    const answer = await api.decide(review.reviewId, review.call.digest);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'already_resolved']);
  });

  test('Temporal down: 503 and nothing is sent', async () => {
    const review = await api.propose();
    const sent = api.gate.signals.length;
    api.gate.mode = 'down';
    const answer = await api.decide(review.reviewId, review.call.digest);
    expect([answer.status, codeOf(answer)]).toEqual([503, 'temporal_unavailable']);
    expect(api.gate.signals).toHaveLength(sent);
  });
});

/** Everything that can be wrong with a decision, in the documented order. */
const CHECKS = [
  'unauthenticated',
  'invalid_request',
  'not_found',
  'expired',
  'already_resolved',
  'not_an_approver',
  'self_approval',
  'already_voted',
  'digest_mismatch',
  'comment_required',
] as const;
type Check = (typeof CHECKS)[number];

/** What cannot be at the same time: a review ends once, and a barred reviewer never voted. */
const EXCLUSIVE: readonly (readonly [Check, Check])[] = [
  ['expired', 'already_resolved'],
  ['self_approval', 'already_voted'],
];
const isExclusive = (a: Check, b: Check): boolean => EXCLUSIVE.some(([x, y]) => x === a && y === b);

const PAIRS = CHECKS.flatMap((first, i) =>
  CHECKS.slice(i + 1)
    .filter((second) => !isExclusive(first, second))
    .map((second) => ({ first, second })),
);

/** Sends one decision with all of these things wrong with it. */
async function decideWrongly(wrong: readonly Check[]) {
  const has = (check: Check): boolean => wrong.includes(check);
  api.settings.setPolicy({ approval: { ...TWO_OF_OPS, separationOfDuties: has('self_approval') } });
  const review = await api.propose();
  // ops-3 answers for agent-1.
  const reviewer = has('self_approval') ? 'ops-3' : 'ops-1';
  if (has('already_voted')) await api.decide(review.reviewId, review.call.digest, {}, reviewer);
  if (has('already_resolved')) await api.decide(review.reviewId, review.call.digest, { type: 'reject' }, 'ops-2');
  if (has('expired')) api.clock.advance(25 * 3_600_000);
  const restore = has('not_an_approver') ? reviewersWith(reviewer, ['finance']) : () => undefined;
  const sent = api.gate.signals.length;
  const path = `/v1/reviews/${has('not_found') ? api.newReviewId() : review.reviewId}/decision`;
  const answer = await api.send(
    'POST',
    path,
    {
      type: has('comment_required') ? 'revise' : 'approve',
      digest: has('digest_mismatch') ? OTHER_DIGEST : review.call.digest,
      ...(has('invalid_request') ? { extra: true } : {}),
    },
    has('unauthenticated') ? {} : { as: reviewer },
  );
  restore();
  // A refused vote never reaches the workflow.
  expect(api.gate.signals).toHaveLength(sent);
  return answer;
}

describe('checks come in the documented order', () => {
  test.each(CHECKS)('%s alone', async (check) => {
    expect(codeOf(await decideWrongly([check]))).toBe(check);
  });

  test.each(PAIRS)('$first before $second', async ({ first, second }) => {
    expect(codeOf(await decideWrongly([first, second]))).toBe(first);
  });
});

describe('who may not decide', () => {
  test('an auditor, whatever groups it has', async () => {
    const review = await api.propose();
    const answer = await api.decide(review.reviewId, review.call.digest, {}, 'audit-1');
    expect([answer.status, codeOf(answer)]).toEqual([403, 'not_an_approver']);
  });

  test('an agent, on any review', async () => {
    const review = await api.propose();
    const answer = await api.decide(review.reviewId, review.call.digest, {}, 'agent-1');
    expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
  });

  test('whoever voted on an earlier level, under separation of duties', async () => {
    api.settings.setPolicy({ approval: OPS_THEN_FINANCE });
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest, {}, 'both-1');
    const answer = await api.decide(review.reviewId, review.call.digest, {}, 'both-1');
    expect([answer.status, codeOf(answer)]).toEqual([403, 'self_approval']);
  });

  test('a state that was changed behind our back is not what was approved', async () => {
    const review = await api.propose();
    const stored = await api.store.readReview(review.reviewId);
    if (stored === undefined) throw new Error('no such review');
    const forged = { ...stored.review, call: { ...stored.review.call, arguments: { account: 'a-1', amount: 1 } } };
    await api.store.commit({ entries: [], review: { kind: 'state', review: forged, envelopes: [], materials: [] } });
    const shown = (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body;
    // What is shown has the digest of what is shown, so what is signed can never be the other thing.
    expect(shown.call.digest).not.toBe(review.call.digest);
    const old = await api.decide(review.reviewId, review.call.digest);
    expect(codeOf(old)).toBe('digest_mismatch');
    const seen = await api.decide(review.reviewId, shown.call.digest);
    expect([seen.status, codeOf(seen)]).toEqual([409, 'digest_mismatch']);
  });
});

describe('contents', () => {
  test.each([
    [{ type: 'edit' }, 422, 'edit_invalid'],
    [{ type: 'edit', arguments: { account: 'a-1', amount: 0 } }, 422, 'edit_invalid'],
    [{ type: 'edit', arguments: { account: 'a-1', amount: 1, other: 1 } }, 422, 'edit_invalid'],
    [{ type: 'approve', arguments: { account: 'a-1', amount: 1 } }, 400, 'invalid_request'],
    [{ type: 'approve', response: 'x' }, 400, 'invalid_request'],
    [{ type: 'respond', response: 'x' }, 422, 'decision_not_allowed'],
    [{ type: 'revise' }, 422, 'comment_required'],
    [{ type: 'revise', comment: '  ' }, 422, 'comment_required'],
  ])('%j → %i %s', async (body, status, code) => {
    const review = await api.propose();
    const answer = await api.decide(review.reviewId, review.call.digest, body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });
});

test('R2: an edit that its request cannot carry is edit_invalid, with its place', async () => {
  const review = await api.propose();
  const edit = { type: 'edit', arguments: { account: 'a\u0000', amount: 1 } };
  const answer = await api.decide(review.reviewId, review.call.digest, edit);
  expect([answer.status, codeOf(answer)]).toEqual([422, 'edit_invalid']);
  expect(answer.body.errors).toMatchObject([{ pointer: '/account' }]);
});

describe('several decisions in one request', () => {
  test('each stands alone, with its own digest, in order', async () => {
    const [one, two, three] = [await api.propose(), await api.propose(), await api.propose()];
    const answer = await api.post(
      '/v1/decisions',
      {
        decisions: [
          { reviewId: one.reviewId, type: 'approve', digest: one.call.digest },
          { reviewId: two.reviewId, type: 'approve', digest: OTHER_DIGEST },
          { reviewId: three.reviewId, type: 'reject', digest: three.call.digest },
          { reviewId: three.reviewId, type: 'approve', digest: three.call.digest },
          { reviewId: api.newReviewId(), type: 'approve', digest: OTHER_DIGEST },
        ],
      },
      'ops-1',
    );
    expect(answer.status).toBe(200);
    expect(answer.body.results).toEqual([
      { reviewId: one.reviewId, httpStatus: 200 },
      { reviewId: two.reviewId, httpStatus: 409, code: 'digest_mismatch' },
      { reviewId: three.reviewId, httpStatus: 200 },
      { reviewId: three.reviewId, httpStatus: 409, code: 'already_resolved' },
      { reviewId: expect.any(String), httpStatus: 404, code: 'not_found' },
    ]);
    const left = (await api.get(`/v1/reviews/${two.reviewId}`, 'ops-1')).body;
    expect(left.status).toBe('pending');
  });
});

describe('the proposer’s own steps', () => {
  const revise = (reviewId: string, as = 'agent-1', args: unknown = { account: 'a-1', amount: 1 }) =>
    api.post(`/v1/reviews/${reviewId}/revision`, { arguments: args }, as);
  const withdraw = (reviewId: string, as = 'agent-1') => api.post(`/v1/reviews/${reviewId}/withdraw`, {}, as);

  test('a revision that nobody asked for', async () => {
    const review = await api.propose();
    const answer = await revise(review.reviewId);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'not_awaiting_revision']);
  });

  test('a revision that does not fit the schema', async () => {
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    const answer = await revise(review.reviewId, 'agent-1', { account: 'a-1' });
    expect([answer.status, codeOf(answer)]).toEqual([422, 'revision_invalid']);
    expect(answer.body.errors.length).toBeGreaterThan(0);
  });

  test('a revision that names what it answers counts once, however often it is sent', async () => {
    const review = await api.propose();
    const send = (revision: number, amount: number) =>
      api.post(
        `/v1/reviews/${review.reviewId}/revision`,
        { arguments: { account: 'a-1', amount }, revision },
        'agent-1',
      );
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    const early = await send(2, 1);
    expect([early.status, codeOf(early)]).toEqual([409, 'not_awaiting_revision']);
    const once = { status: 200, body: { revision: 2, call: { arguments: { amount: 40 } } } };
    expect(await send(1, 40)).toMatchObject(once);
    expect(await send(1, 40)).toMatchObject(once);
    // Asked again, of the next version: the answer to the first is still the answer to the first.
    const second = (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body;
    await api.decide(review.reviewId, second.call.digest, { type: 'revise', comment: 'still less' });
    expect(await send(1, 40)).toMatchObject({ status: 200, body: { revision: 2, status: 'changes_requested' } });
    const third = await send(2, 30);
    expect(third).toMatchObject({ status: 200, body: { revision: 3, call: { digest: null } } });
    const shown = (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body;
    await api.decide(review.reviewId, shown.call.digest, { type: 'reject', comment: 'no' });
    expect(await send(2, 30)).toMatchObject({ status: 200, body: { status: 'rejected', revision: 3 } });
  });

  test('what a reviewer edited was not answered by the proposer', async () => {
    const review = await api.propose();
    const edit = { type: 'edit', arguments: { account: 'a-1', amount: 5 } };
    await api.decide(review.reviewId, review.call.digest, edit);
    const body = { arguments: { account: 'a-1', amount: 1 }, revision: 1 };
    const answer = await api.post(`/v1/reviews/${review.reviewId}/revision`, body, 'agent-1');
    expect(answer.status).toBe(409);
  });

  test.each([
    ['revision', revise],
    ['withdraw', withdraw],
  ])('%s: another agent finds nothing, a reviewer may not', async (_name, act) => {
    const review = await api.propose();
    const other = await act(review.reviewId, 'agent-2');
    expect([other.status, codeOf(other)]).toEqual([404, 'not_found']);
    const reviewer = await act(review.reviewId, 'ops-1');
    expect([reviewer.status, codeOf(reviewer)]).toEqual([403, 'forbidden']);
  });

  test('withdrawing needs no body, ends the review, and works once', async () => {
    const review = await api.propose();
    const answer = await api.send('POST', `/v1/reviews/${review.reviewId}/withdraw`, undefined, { as: 'agent-1' });
    expect([answer.status, answer.body.status]).toEqual([200, 'withdrawn']);
    const again = await withdraw(review.reviewId);
    expect([again.status, codeOf(again)]).toEqual([409, 'already_resolved']);
  });

  test('after the deadline there is nothing to withdraw', async () => {
    const review = await api.propose();
    api.clock.advance(24 * 3_600_000);
    const answer = await withdraw(review.reviewId);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'expired']);
  });
});

describe('reconciling', () => {
  const reconcile = (reviewId: string, as = 'ops-1') =>
    api.post(`/v1/reviews/${reviewId}/reconcile`, { outcome: 'executed', note: 'it is there' }, as);

  async function unknown(request = { ...CREATE, tool: 'payouts.close', arguments: { id: 'a-1' } }) {
    api.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'lost' }));
    const review = await api.propose(request);
    await api.decide(review.reviewId, review.call.digest);
    await api.gate.settled(review.reviewId);
    api.answer(() => ({ status: 'executed', body: { ok: true } }));
    return review;
  }

  test('settles an unknown outcome once the request’s time-out has passed', async () => {
    const review = await unknown();
    const early = await reconcile(review.reviewId);
    expect([early.status, codeOf(early), early.headers.has('retry-after')]).toEqual([409, 'not_reconcilable', true]);
    api.clock.advance(600_000);
    const stranger = await reconcile(review.reviewId, 'finance-1');
    expect([stranger.status, codeOf(stranger)]).toEqual([403, 'not_an_approver']);
    const owner = await reconcile(review.reviewId, 'ops-3');
    expect([owner.status, codeOf(owner)]).toEqual([403, 'self_approval']);
    expect([stranger.body.detail, owner.body.detail]).toEqual([
      'Only those who may vote on the last level can settle it.',
      'The owner of the agent cannot settle its calls.',
    ]);
    const answer = await reconcile(review.reviewId);
    expect(answer.status).toBe(200);
    expect(answer.body.execution).toMatchObject({ status: 'executed', reconciled: { by: 'ops-1' } });
    const again = await reconcile(review.reviewId);
    expect([again.status, codeOf(again)]).toEqual([409, 'not_reconcilable']);
  });

  test('nothing else can be reconciled', async () => {
    const executed = await api.execute(GET);
    const answer = await reconcile(executed.body.reviewId);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'not_reconcilable']);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

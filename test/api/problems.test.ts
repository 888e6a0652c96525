import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { admitLifts } from '../../src/activities/execute/admit-lifts.ts';
import { PROBLEMS, type ProblemCode, type ReceiptRefusal } from '../../src/contract/codes.ts';
import { BODY_LIMITS, LIMITS } from '../../src/contract/constants.ts';
import { StorageError } from '../../src/ports/store.ts';
import { digestBytes } from '../../src/domain/proof/digest.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';
import { codeOf, CREATE, GET, makeHarness, type Harness, type Reply } from './support/harness.ts';

let api: Harness;
let small: Harness;
let start: number;
beforeAll(async () => {
  api = await makeHarness();
  start = api.clock.now();
  small = await makeHarness({
    settings: {
      limits: {
        pendingPerAgent: 1,
        irreversiblePerToolPerHour: 60,
        sensitivePerToolPerHour: 600,
        requestsPerMinute: 3,
      },
    },
  });
});
beforeEach(() => {
  api.clock.set(start);
  api.gate.mode = 'working';
  api.gate.forcedRefusal = undefined;
  api.settings.setPolicy({ approval: ONE_OF_OPS });
});
afterAll(async () => {
  await api.close();
  await small.close();
});

const raw = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  api.send('POST', '/v1/execute', undefined, { as: 'agent-1', raw: body, headers });
const decideOn = async (more: Record<string, unknown>, as = 'ops-1') => {
  const review = await api.propose();
  return api.decide(review.reviewId, review.call.digest, more, as);
};
const revise = (reviewId: string, args: unknown) =>
  api.post(`/v1/reviews/${reviewId}/revision`, { arguments: args }, 'agent-1');

const refusedByGate = async (receipt: ReceiptRefusal) => {
  api.gate.forcedRefusal = receipt;
  const review = await api.propose();
  api.gate.mode = 'idle';
  const answer = api.decide(review.reviewId, review.call.digest);
  await new Promise((resolve) => setTimeout(resolve, 100));
  api.gate.mode = 'working';
  return answer;
};

/** One way to provoke each problem there is. The type of this table makes sure that none is forgotten. */
const PROVOKED: Record<ProblemCode, () => Promise<Reply>> = {
  malformed_json: () => raw('{"service": '),
  duplicate_key: () => raw('{"service":"payouts","service":"payouts"}'),
  number_out_of_range: () =>
    raw('{"service":"payouts","tool":"payouts.create","arguments":{"amount":9007199254740993}}'),
  lone_surrogate: () => raw('{"service":"\\ud800"}'),
  forbidden_key: () => raw('{"service":"payouts","tool":"payouts.create","arguments":{"__proto__":{"amount":1}}}'),
  too_deep: () => raw(`${'['.repeat(200)}${']'.repeat(200)}`),
  too_many_values: () => raw(`[${'1,'.repeat(10_000)}1]`),
  invalid_request: () => api.execute({ unknown: true }),
  sealed_not_allowed: () => api.execute({ arguments: { memo: { $sealed: 'x' } } }),
  callback_not_allowed: () => api.execute({ callback: 'https://evil.example/' }),
  unauthenticated: () => api.get('/v1/reviews'),
  forbidden: () => api.post('/v1/execute', CREATE, 'ops-1'),
  not_an_approver: () => decideOn({}, 'finance-1'),
  not_an_operator: () => api.post('/v1/freezes', { tools: ['*'], why: 'x' }, 'ops-1'),
  second_person_required: async () => {
    api.settings.update({ operators: ['ops'], liftBySecondPerson: true });
    const { body } = await api.post('/v1/freezes', { tools: ['x.*'], why: 'x' }, 'ops-1');
    const answer = await api.post(`/v1/freezes/${body.freeze.id}/lift`, { why: 'x' }, 'ops-1');
    api.settings.update({ operators: [], liftBySecondPerson: false });
    return answer;
  },
  already_lifted: async () => {
    api.settings.update({ operators: ['ops'] });
    const { body } = await api.post('/v1/freezes', { tools: ['y.*'], why: 'x' }, 'ops-1');
    const path = `/v1/freezes/${body.freeze.id}/lift`;
    const first = api.post(path, { why: 'x' }, 'ops-1');
    while ((await api.store.freezes.askedLifts(1)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await admitLifts(api.executeDeps());
    await first;
    const answer = await api.post(path, { why: 'x' }, 'ops-1');
    api.settings.update({ operators: [] });
    return answer;
  },
  self_approval: async () => {
    api.settings.setPolicy({ approval: { ...ONE_OF_OPS, separationOfDuties: true } });
    return decideOn({}, 'ops-3');
  },
  not_found: () => api.get('/v1/nothing', 'ops-1'),
  method_not_allowed: () => api.get('/v1/execute', 'agent-1'),
  expired: async () => {
    const review = await api.propose();
    api.clock.advance(24 * 3_600_000);
    return api.decide(review.reviewId, review.call.digest);
  },
  already_resolved: async () => {
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest, { type: 'reject' });
    return api.decide(review.reviewId, review.call.digest);
  },
  already_started: async () => {
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest);
    return api.decide(review.reviewId, review.call.digest, { type: 'reject' });
  },
  already_voted: async () => {
    const levels = [{ name: 'approval', approvers: ['ops'], quorum: 2 }];
    api.settings.setPolicy({ approval: { ...ONE_OF_OPS, levels } });
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest);
    return api.decide(review.reviewId, review.call.digest);
  },
  digest_mismatch: () => decideOn({ digest: digestBytes('other') }),
  not_awaiting_revision: async () => revise((await api.propose()).reviewId, { account: 'a-1', amount: 1 }),
  not_reconcilable: async () => {
    const { body } = await api.execute(GET);
    return api.post(`/v1/reviews/${body.reviewId}/reconcile`, { outcome: 'executed', note: 'x' }, 'ops-1');
  },
  too_many_revisions: async () => {
    const { reviewId } = await api.propose();
    const stored = await api.store.readReview(reviewId);
    if (stored === undefined) throw new Error('no such review');
    const last = { ...stored.review, status: 'changes_requested' as const, revision: LIMITS.revisions };
    await api.store.commit({ entries: [], review: { kind: 'state', review: last, envelopes: [], materials: [] } });
    return revise(reviewId, { account: 'a-1', amount: 1 });
  },
  payload_too_large: () => api.execute({ reason: 'x'.repeat(BODY_LIMITS.call) }),
  unsupported_media_type: () => raw('{}', { 'content-type': 'text/plain' }),
  edit_invalid: () => decideOn({ type: 'edit', arguments: {} }),
  revision_invalid: async () => {
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    return revise(review.reviewId, {});
  },
  comment_required: () => decideOn({ type: 'revise' }),
  repeat_not_confirmed: async () => {
    const twice = { context: { repeats: true } };
    const [first, second] = [await api.propose(twice), await api.propose(twice)];
    await api.decide(first.reviewId, first.call.digest);
    return api.decide(second.reviewId, second.call.digest);
  },
  response_required: async () => {
    const review = await api.propose();
    const stored = await api.store.readReview(review.reviewId);
    if (stored === undefined) throw new Error('no such review');
    const question = { ...stored.review, allowedDecisions: ['respond' as const] };
    await api.store.commit({ entries: [], review: { kind: 'state', review: question, envelopes: [], materials: [] } });
    return api.decide(review.reviewId, review.call.digest, { type: 'respond' });
  },
  decision_not_allowed: () => decideOn({ type: 'respond', response: 1 }),
  idempotency_mismatch: async () => {
    await api.execute({}, 'agent-1', { 'idempotency-key': 'mismatch' });
    return api.execute(GET, 'agent-1', { 'idempotency-key': 'mismatch' });
  },
  resume_too_old: async () => {
    const proposer = { id: 'agent-2', owner: null, attested: true };
    const changes = Array.from({ length: 1_001 }, (_, n) => reviewOf(reviewIdOf(n), { proposer }));
    await Promise.all(
      changes.map((review) =>
        api.store.commit({ entries: [proposedEntry(review.reviewId)], review: stateWrite(review) }),
      ),
    );
    return api.get('/v1/events', 'agent-2', { 'last-event-id': '0' });
  },
  rate_limited: async () => {
    for (let n = 0; n < 3; n += 1) await small.get('/v1/reviews', 'ops-1');
    return small.get('/v1/reviews', 'ops-1');
  },
  too_many_pending: async () => {
    await small.execute();
    return small.execute();
  },
  // The gate says that it does not know the key that this process signs with.
  internal: () => refusedByGate('signature_invalid'),
  objection_unreadable: () => refusedByGate('objection_unreadable'),
  temporal_unavailable: () => {
    api.gate.mode = 'down';
    return api.execute();
  },
  worker_unavailable: () => api.get('/v1/audit/checkpoint', 'ops-1'),
  database_unavailable: async () => {
    const away = () => Promise.reject(new StorageError('database_unavailable', 'secret words of a driver'));
    const broken = await makeHarness({ app: { store: { ...api.store, listReviews: away } } });
    const answer = await broken.get('/v1/reviews', 'ops-1');
    await broken.close();
    return answer;
  },
};

describe('every problem', () => {
  test.each(Object.entries(PROVOKED))('%s', async (code, provoke) => {
    const row = PROBLEMS[code as ProblemCode];
    const answer = await provoke();
    expect([answer.status, codeOf(answer)]).toEqual([row.status, code]);
    expect(answer.body).toMatchObject({ type: `urn:holdpoint:problem:${code}`, title: row.title });
    expect(answer.body.instance).toBe(`urn:holdpoint:request:${answer.headers.get('x-request-id')}`);
    expect(answer.headers.has('retry-after')).toBe(row.retryable && code !== 'internal');
  });
});

describe('what is not ours to say', () => {
  test('an error of a driver says nothing of itself; the log has it under the same instance', async () => {
    const secret = 'connect ECONNREFUSED to a host of ours';
    for (const error of [new Error(secret), new StorageError('storage_corrupt', secret), secret]) {
      const broken = await makeHarness({ app: { store: { ...api.store, listReviews: () => Promise.reject(error) } } });
      const answer = await broken.get('/v1/reviews', 'ops-1');
      expect([answer.status, codeOf(answer)]).toEqual([500, 'internal']);
      expect(JSON.stringify(answer.body)).not.toContain(secret);
      expect(JSON.stringify(answer.body)).not.toContain('at ');
      const line = broken.log.find((entry) => entry.includes(answer.body.instance));
      expect(line).toContain(secret);
      await broken.close();
    }
  });
});

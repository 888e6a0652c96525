import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import type { Review } from '../../src/contract/review.ts';
import { newRef, startWorld, until, type Answer, type World } from '../support/e2e-world.ts';

/** The HTTP contract on a running Holdpoint: every outcome of a call, and every way to decide one. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const executed = { status: 'approved', execution: { status: 'executed' } };
const codeOf = ({ status, body }: Answer) => [status, body['code']];
const post = (path: string, as: Parameters<World['get']>[1], body?: unknown) =>
  world.send('POST', path, { ...(as === undefined ? {} : { as }), ...(body === undefined ? {} : { body }) });

/** Proposes and holds the answer; `decide` runs once the review can be found. */
async function executeAnd(
  tool: string,
  ref: string,
  more: Partial<ExecuteRequest>,
  decide: (review: Review) => Promise<unknown>,
) {
  const answer = world.execute(tool, { ref }, { threadId: ref, ...more });
  const reviewId = await until(
    async () => {
      const { body } = await world.get(`/v1/reviews?threadId=${ref}`);
      return (body['reviews'] as readonly Review[])[0]?.reviewId;
    },
    { what: `the review of ${ref}` },
  );
  await decide(await world.review(reviewId));
  return answer;
}

describe('law 9: every answer of execute is explicit', () => {
  test('EXECUTED: a reversible call is made at once, and its answer comes back', async () => {
    const ref = newRef('get');
    const answer = await world.execute('bank.get', { ref });
    expect(answer).toMatchObject({
      status: 200,
      body: { outcome: 'EXECUTED', class: 'reversible', gate: 'none', execution: { body: { ref } } },
    });
    expect(answer.body.decisionId).toBe(answer.body.reviewId.replace('rev_', 'dec_'));
    expect(await world.review(answer.body.reviewId)).toMatchObject({ status: 'not_required' });
    expect(world.target.seen.filter((one) => one.ref === ref)).toMatchObject([{ method: 'GET', path: `/pay/${ref}` }]);
  });

  test('EXECUTED: a sensitive one proceeds under a soft gate', async () => {
    const ref = newRef('notify');
    const answer = await world.execute('bank.notify', { ref });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'EXECUTED', class: 'sensitive', gate: 'soft' } });
    expect(world.target.count(ref)).toBe(1);
  });

  test('ESCALATE: an irreversible one waits', async () => {
    const ref = newRef('pay');
    const held = await world.execute('bank.pay', { ref, amount: 5 });
    const { reviewId } = held.body;
    expect(held).toMatchObject({
      status: 202,
      body: {
        outcome: 'ESCALATE',
        class: 'irreversible',
        gate: 'hard',
        expiresAt: expect.any(String),
        statusUrl: `${world.holdpoint.url}/v1/reviews/${reviewId}`,
      },
    });
    expect(world.target.count(ref)).toBe(0);
  });

  test('EXECUTED: a yes that comes while the answer is held', async () => {
    const ref = newRef('held');
    const answer = await executeAnd('bank.pay', ref, { waitSeconds: 30 }, ({ reviewId }) => world.decide(reviewId, {}));
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'EXECUTED', execution: { body: { paid: true } } } });
  });

  test('EXECUTED with other arguments: it is said that they were edited, and what ran', async () => {
    const ref = newRef('edited');
    const answer = await executeAnd('bank.pay', ref, { waitSeconds: 30 }, ({ reviewId }) =>
      world.decide(reviewId, { type: 'edit', arguments: { ref, amount: 7 } }),
    );
    const call = { service: 'bank', tool: 'bank.pay', arguments: { ref, amount: 7 } };
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'EXECUTED', execution: { edited: true }, call } });
    expect(world.target.seen.find((one) => one.ref === ref)?.body).toEqual({ ref, amount: 7 });
  });

  test('ESCALATE still_executing: let through, and not done while the answer was held', async () => {
    const ref = newRef('slow');
    world.target.script(ref, { kind: 'held' });
    const answer = await executeAnd('bank.slow', ref, { waitSeconds: 3 }, ({ reviewId }) => world.decide(reviewId, {}));
    expect(answer).toMatchObject({ status: 202, body: { outcome: 'ESCALATE' } });
    expect(answer.body.reasonCodes).toContain('still_executing');
    world.target.release(ref);
    expect(await world.settled(answer.body.reviewId)).toMatchObject(executed);
  });

  test.each([
    ['bank.destroy', {}, 'forbidden'],
    ['bank.pay', { amount: 2_000_000 }, 'too-much'],
    ['bank.pay', { amount: -1 }, 'arguments_invalid'],
    ['bank.pay', { account: 'x' }, 'arguments_invalid'],
    ['bank.wire', { memo: 'no' }, 'arguments_invalid'],
    ['bank.nothing', {}, 'unknown_tool'],
    ['elsewhere.pay', {}, 'unknown_tool'],
  ])('BLOCKED: %s %j is %s, and reaches nobody', async (tool, args, reason) => {
    const ref = newRef('blocked');
    const answer = await world.execute(tool, { ref, ...args });
    expect(answer).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', retryable: false } });
    expect(answer.body.reasonCodes).toContain(reason);
    expect(world.target.count(ref)).toBe(0);
  });

  test('BLOCKED: what does not fit is told by its place; a service that is not the tool’s does not fit', async () => {
    const wrong = await world.execute('bank.pay', { ref: 'x', amount: 1.5 });
    expect(wrong.body).toMatchObject({ reasonCodes: ['arguments_invalid'], errors: [{ pointer: '/amount' }] });
    const other = await world.execute('bank.pay', { ref: 'x' }, { service: 'github' });
    expect(other).toMatchObject({ status: 403, body: { outcome: 'BLOCKED' } });
  });

  test('BLOCKED: a tool outside the agent’s list', async () => {
    const answer = await world.execute('bank.notify', { ref: 'x' }, {}, { as: 'agent-2' });
    expect(answer).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', reasonCodes: ['tool_not_allowed'] } });
  });

  test('BLOCKED: rejected, with the reviewer’s words, and not to be asked again', async () => {
    const ref = newRef('rejected');
    const answer = await executeAnd('bank.pay', ref, { waitSeconds: 30 }, ({ reviewId }) =>
      world.decide(reviewId, { type: 'reject', comment: 'The invoice is a forgery' }),
    );
    expect(answer).toMatchObject({
      status: 403,
      body: { outcome: 'BLOCKED', retryable: false, comment: 'The invoice is a forgery' },
    });
    expect(answer.body.reasonCodes).toContain('rejected');
    expect(world.target.count(ref)).toBe(0);
  });

  test('BLOCKED: expired, and withdrawn: nobody said no', async () => {
    const [late, gone] = [newRef('expired'), newRef('withdrawn')];
    const [expired, withdrawn] = await Promise.all([
      world.execute('bank.brief', { ref: late }, { waitSeconds: 30 }),
      executeAnd('bank.pay', gone, { waitSeconds: 30 }, ({ reviewId }) =>
        post(`/v1/reviews/${reviewId}/withdraw`, 'agent-1'),
      ),
    ]);
    expect(expired).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', retryable: true } });
    expect(expired.body.reasonCodes).toContain('expired');
    expect(withdrawn).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', retryable: true } });
    expect(withdrawn.body.reasonCodes).toContain('withdrawn');
    expect(world.target.count(late) + world.target.count(gone)).toBe(0);
  });

  test('a caller that does not wait decides nothing: silence of the caller is not silence of people', async () => {
    const ref = newRef('impatient');
    const answer = await world.execute('bank.pay', { ref }, { waitSeconds: 1 });
    expect(answer).toMatchObject({ status: 202, body: { outcome: 'ESCALATE' } });
    expect(await world.review(answer.body.reviewId)).toMatchObject({ status: 'pending' });
  });

  test.each([
    ['bank.notify', { kind: 'answer', status: 422, body: { why: 'closed' } }, 'upstream_rejected', 'failed'],
    ['bank.notify', { kind: 'answer', status: 500, body: {} }, 'lost_answer', 'outcome_unknown'],
    ['bank.notify', { kind: 'reset' }, 'lost_answer', 'outcome_unknown'],
    ['bank.get', { kind: 'answer', status: 503, body: {} }, 'upstream_failed', 'failed'],
    ['bank.get', { kind: 'reset' }, 'lost_answer', 'failed'],
  ] as const)('ERROR: %s, %j: %s, %s', async (tool, behaviour, code, status) => {
    const ref = newRef('error');
    world.target.script(ref, behaviour);
    const answer = await world.execute(tool, { ref });
    expect(answer).toMatchObject({
      status: 502,
      body: { outcome: 'ERROR', executionError: { code }, execution: { status } },
    });
    expect(world.target.count(ref)).toBe(1);
  });
});

describe('a batch', () => {
  test('each call stands alone, and has the answer that it would have by itself', async () => {
    const refs = [newRef('batch'), newRef('batch'), newRef('batch')];
    const calls = [
      { service: 'bank', tool: 'bank.get', arguments: { ref: refs[0] } },
      { service: 'bank', tool: 'bank.pay', arguments: { ref: refs[1] } },
      { service: 'bank', tool: 'bank.destroy', arguments: {} },
      { service: 'bank', tool: 'bank.pay', arguments: { ref: refs[2] } },
    ];
    const key = newRef('key');
    const send = () =>
      world.send('POST', '/v1/execute/batch', { as: 'agent-1', headers: { 'idempotency-key': key }, body: { calls } });
    const first = await send();
    expect(first).toMatchObject({
      status: 200,
      body: {
        group: expect.stringMatching(/^grp_/),
        results: [
          { httpStatus: 200, outcome: 'EXECUTED' },
          { httpStatus: 202, outcome: 'ESCALATE' },
          { httpStatus: 403, outcome: 'BLOCKED' },
          { httpStatus: 202, outcome: 'ESCALATE' },
        ],
      },
    });
    const idsOf = ({ body }: Answer) => (body['results'] as readonly Review[]).map(({ reviewId }) => reviewId);
    const again = await send();
    expect(again.body['group']).toBe(first.body['group']);
    expect(idsOf(again)).toEqual(idsOf(first));
    expect(world.target.count(refs[0] as string)).toBe(1);
    const listed = await world.get(`/v1/reviews?group=${String(first.body['group'])}`);
    expect((listed.body['reviews'] as readonly unknown[]).length).toBe(4);

    // One no drops no sibling; several decisions go in one request.
    const [, no, , yes] = await Promise.all(idsOf(first).map((id) => world.review(id)));
    const decisions = [
      { reviewId: no?.reviewId, type: 'reject', digest: no?.call.digest },
      { reviewId: yes?.reviewId, type: 'approve', digest: yes?.call.digest },
      { reviewId: 'rev_00000000000000000000000000', type: 'approve', digest: yes?.call.digest },
      { reviewId: yes?.reviewId, type: 'approve', digest: yes?.call.digest },
    ];
    const decided = await post('/v1/decisions', 'ops-1', { decisions });
    expect(decided).toMatchObject({
      status: 200,
      body: {
        results: [
          { httpStatus: 200 },
          { httpStatus: 200 },
          { httpStatus: 404, code: 'not_found' },
          { httpStatus: 409 },
        ],
      },
    });
    expect(await world.settled(no?.reviewId ?? '')).toMatchObject({ status: 'rejected' });
    expect(await world.settled(yes?.reviewId ?? '')).toMatchObject(executed);
    expect(refs.map((ref) => world.target.count(ref))).toEqual([1, 0, 1]);
  });
});

describe('an idempotency key', () => {
  test('stands for one review: at the same time, later, and after its end', async () => {
    const ref = newRef('same');
    const key = newRef('key');
    const send = () => world.execute('bank.pay', { ref }, {}, { key });
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    expect(new Set(answers.map(({ body }) => body.reviewId)).size).toBe(1);
    const { reviewId } = answers[0]?.body ?? { reviewId: '' };
    await world.decide(reviewId, {});
    await world.settled(reviewId);
    const [one, other] = [await send(), await send()];
    expect(one).toMatchObject({ status: 200, body: { outcome: 'EXECUTED', reviewId } });
    expect(other.body).toEqual(one.body);
    expect(one.headers.get('idempotent-replayed')).toBe('true');
    expect(world.target.count(ref)).toBe(1);
  });

  test('with another body is refused, also where only a sealed value differs; another agent’s is another', async () => {
    const key = newRef('key');
    const ref = newRef('other');
    await world.execute('bank.pay', { ref }, {}, { key });
    const changed = await world.execute('bank.pay', { ref, amount: 2 }, {}, { key });
    expect(changed).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    const mine = await world.execute('bank.pay', { ref }, {}, { key, as: 'agent-2' });
    expect(mine).toMatchObject({ status: 202, body: { outcome: 'ESCALATE' } });
    const sealed = newRef('key');
    await world.execute('bank.wire', { ref, memo: 'first' }, {}, { key: sealed });
    const resealed = await world.execute('bank.wire', { ref, memo: 'second' }, {}, { key: sealed });
    expect(resealed).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  });
});

describe('deciding', () => {
  test('two levels, two people; each is asked in turn', async () => {
    const ref = newRef('chain');
    const { reviewId } = await world.hold('bank.chain', { ref });
    const mine = async (as: 'ops-1' | 'finance-1') => {
      const { body } = await world.get('/v1/reviews?approver=me&limit=200', as);
      return (body['reviews'] as readonly Review[]).some((row) => row.reviewId === reviewId);
    };
    expect([await mine('ops-1'), await mine('finance-1')]).toEqual([true, false]);
    expect(codeOf(await world.decide(reviewId, {}, 'finance-1'))).toEqual([403, 'not_an_approver']);
    const first = await world.decide(reviewId, { comment: 'Checked' }, 'ops-1');
    expect(first).toMatchObject({ status: 200, body: { status: 'pending', level: 2 } });
    expect([await mine('ops-1'), await mine('finance-1')]).toEqual([false, true]);
    expect(world.target.count(ref)).toBe(0);
    expect(await world.decide(reviewId, {}, 'finance-1')).toMatchObject({ status: 200, body: { status: 'approved' } });
    expect(await world.settled(reviewId)).toMatchObject(executed);
    expect(world.target.count(ref)).toBe(1);
  });

  test('asking for changes, again and again, until it is right', async () => {
    const ref = newRef('revise');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 9 });
    const revise = (amount: number, as: 'agent-1' | 'agent-2' = 'agent-1') =>
      post(`/v1/reviews/${reviewId}/revision`, as, { arguments: { ref, amount } });
    expect(codeOf(await revise(8))).toEqual([409, 'not_awaiting_revision']);
    expect(codeOf(await world.decide(reviewId, { type: 'revise' }))).toEqual([422, 'comment_required']);
    for (const amount of [8, 7]) {
      const asked = await world.decide(reviewId, { type: 'revise', comment: 'Less' });
      expect(asked).toMatchObject({
        status: 200,
        body: { status: 'changes_requested', feedback: { comment: 'Less' } },
      });
      expect(codeOf(await revise(amount, 'agent-2'))).toEqual([404, 'not_found']);
      expect(codeOf(await revise(-1))).toEqual([422, 'revision_invalid']);
      expect(codeOf(await world.decide(reviewId, {}))).toEqual([422, 'decision_not_allowed']);
      expect(await revise(amount)).toMatchObject({ status: 200, body: { status: 'pending' } });
    }
    const third = await world.review(reviewId);
    expect(third).toMatchObject({ revision: 3, call: { arguments: { ref, amount: 7 } } });
    expect(third.revisions.map(({ call }) => call.arguments)).toEqual([null, null, { ref, amount: 7 }]);
    expect(new Set(third.revisions.map(({ call }) => call.digest)).size).toBe(3);
    const stale = await world.decide(reviewId, { digest: third.revisions[0]?.call.digest ?? '' });
    expect(codeOf(stale)).toEqual([409, 'digest_mismatch']);
    expect((await world.decide(reviewId, {})).status).toBe(200);
    expect(await world.settled(reviewId)).toMatchObject({ ...executed, resolution: { edited: false } });
    expect(world.target.seen.filter((one) => one.ref === ref).map(({ body }) => body)).toEqual([{ ref, amount: 7 }]);
  });

  test('an edit is one yes with other arguments, of the same tool, that fit', async () => {
    const ref = newRef('edit');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 9 });
    const edit = (args: object) => world.decide(reviewId, { type: 'edit', arguments: args as never });
    expect(codeOf(await edit({ ref, amount: 'nine' }))).toEqual([422, 'edit_invalid']);
    // Into what policy forbids is no edit.
    expect(codeOf(await edit({ ref, amount: 5_000_000 }))).toEqual([422, 'edit_invalid']);
    expect(codeOf(await world.decide(reviewId, { type: 'edit' }))).toEqual([422, 'edit_invalid']);
    expect(await edit({ ref, amount: 1 })).toMatchObject({ status: 200, body: { status: 'approved', revision: 2 } });
    expect(await world.settled(reviewId)).toMatchObject({ resolution: { edited: true }, execution: { edited: true } });
    expect(world.target.seen.filter((one) => one.ref === ref).map(({ body }) => body)).toEqual([{ ref, amount: 1 }]);
  });

  test('is for reviewers, who may, on what is there', async () => {
    const review = await world.hold('bank.pay', { ref: newRef('who') });
    const { reviewId } = review;
    const body = { type: 'approve', digest: review.call.digest };
    const path = `/v1/reviews/${reviewId}/decision`;
    expect((await post(path, undefined, body)).status).toBe(401);
    expect(codeOf(await post(path, 'agent-1', body))).toEqual([403, 'forbidden']);
    expect(codeOf(await post(path, 'audit-1', body))).toEqual([403, 'not_an_approver']);
    expect(codeOf(await post(path, 'finance-1', body))).toEqual([403, 'not_an_approver']);
    expect(codeOf(await post('/v1/reviews/rev_00000000000000000000000000/decision', 'ops-1', body))).toEqual([
      404,
      'not_found',
    ]);
    expect(codeOf(await post(path, 'ops-1', { ...body, digest: `sha256:${'1'.repeat(64)}` }))).toEqual([
      409,
      'digest_mismatch',
    ]);
    expect(codeOf(await post(path, 'ops-1', { type: 'approve' }))).toEqual([400, 'invalid_request']);
    expect(codeOf(await post(path, 'ops-1', { ...body, type: 'respond', response: 1 }))).toEqual([
      422,
      'decision_not_allowed',
    ]);
    expect(await world.review(reviewId)).toMatchObject({ status: 'pending' });
    expect((await post(`/v1/reviews/${reviewId}/withdraw`, 'agent-2')).status).toBe(404);
    expect(await post(`/v1/reviews/${reviewId}/withdraw`, 'agent-1')).toMatchObject({ body: { status: 'withdrawn' } });
    expect(codeOf(await post(path, 'ops-1', body))).toEqual([409, 'already_resolved']);
    expect(codeOf(await post(`/v1/reviews/${reviewId}/withdraw`, 'agent-1'))).toEqual([409, 'already_resolved']);
  });

  test('by many at the same moment: each vote has one answer, and the call is made once', async () => {
    const ref = newRef('race');
    const { reviewId } = await world.hold('bank.pay', { ref });
    const people = ['ops-1', 'ops-2', 'ops-3', 'ops-1', 'ops-2', 'ops-3'] as const;
    const answers = await Promise.all(people.map((as) => world.decide(reviewId, {}, as)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect(await world.settled(reviewId)).toMatchObject(executed);
    expect(world.target.count(ref)).toBe(1);
    expect((await world.entries(reviewId)).filter(({ type }) => type === 'decided')).toHaveLength(1);
  });

  test('a yes and a no at the same moment: a no that is told as counted stops the call, before the yes or after it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ref = newRef('tie');
      const { reviewId } = await world.hold('bank.pay', { ref });
      const [yes, no] = await Promise.all([
        world.decide(reviewId, {}, 'ops-1'),
        world.decide(reviewId, { type: 'reject' }, 'ops-2'),
      ]);
      expect([200, 409]).toContain(yes?.status);
      expect(no?.status).toBe(no?.body['code'] === 'already_started' ? 409 : 200);
      const end = await world.settled(reviewId);
      expect(end.status).toBe(yes?.status === 200 ? 'approved' : 'rejected');
      const isStopped = end.execution.error?.code === 'stopped';
      expect(isStopped).toBe(yes?.status === 200 && no?.status === 200);
      expect(world.target.count(ref)).toBe(no?.status === 200 ? 0 : 1);
    }
  });
});

describe('what one may see', () => {
  test('an agent sees its own, without evidence and without the digest that covers it', async () => {
    const ref = newRef('seen');
    const review = await world.hold('bank.closeAccount', { ref });
    expect(review.evidence).toMatchObject([{ facts: [{ name: 'holder', value: ref }] }]);
    const own = await world.review(review.reviewId, 'agent-1');
    expect(own).toMatchObject({ evidence: [], previewError: null, call: { digest: null } });
    for (const path of ['', '/events', '/proof', '/decision']) {
      const { status } = await world.get(`/v1/reviews/${review.reviewId}${path}`, 'agent-2');
      expect([403, 404, 405]).toContain(status);
    }
    const listed = await world.get('/v1/reviews?limit=200', 'agent-2');
    const proposers = (listed.body['reviews'] as readonly Review[]).map(({ proposer }) => proposer.id);
    expect(new Set(proposers)).toEqual(new Set(['agent-2']));
    expect((await world.get('/v1/reviews?proposer=agent-1', 'agent-2')).body['reviews']).toEqual([]);
    expect((await world.get('/v1/audit/entries', 'agent-1')).status).toBe(403);
    await world.decide(review.reviewId, { type: 'reject' });
  });

  test('evidence pins what was shown: what differs at execution is drifted, and nothing is done', async () => {
    const ref = newRef('drift');
    const { reviewId } = await world.hold('bank.closeAccount', { ref });
    world.target.script(ref, { kind: 'answer', status: 200, body: { ref: 'somebody else' } });
    expect((await world.decide(reviewId, {})).status).toBe(200);
    expect(await world.settled(reviewId)).toMatchObject({
      execution: { status: 'failed', error: { code: 'drifted' } },
    });
    expect(world.target.seen.filter((one) => one.method === 'POST' && one.ref === ref)).toEqual([]);
    const own = await world.review(reviewId, 'agent-1');
    expect(JSON.stringify(own.execution)).not.toContain('somebody else');
  });

  test('explaining runs nothing', async () => {
    const ref = newRef('explained');
    const body = { service: 'bank', tool: 'bank.get', arguments: { ref } };
    expect(await post('/v1/policy/explain', 'agent-1', body)).toMatchObject({
      status: 200,
      body: { class: 'reversible', gate: 'none', blocked: false },
    });
    expect(world.target.count(ref)).toBe(0);
  });
});

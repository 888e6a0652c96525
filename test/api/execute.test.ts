import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
beforeEach(() => {
  api.gate.mode = 'working';
  api.gate.executes = true;
});
afterAll(() => api.close());

describe('outcomes', () => {
  test('a reversible call is executed and answered', async () => {
    const answer = await api.execute(GET);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      outcome: 'EXECUTED',
      class: 'reversible',
      gate: 'none',
      execution: { status: 'executed', body: { ok: true } },
    });
    expect(answer.body.decisionId).toBe(answer.body.reviewId.replace('rev_', 'dec_'));
  });

  test('an irreversible call waits, with where to look and until when', async () => {
    const answer = await api.execute();
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ outcome: 'ESCALATE', class: 'irreversible', gate: 'hard' });
    expect(answer.body.reasonCodes).toContain('irreversible-tool');
    expect(answer.body.statusUrl).toBe(`${api.url}/v1/reviews/${answer.body.reviewId}`);
    expect(Date.parse(answer.body.expiresAt)).toBe(api.clock.now() + 24 * 3_600_000);
  });

  test('waitSeconds holds the answer until the call was approved and made', async () => {
    const held = api.execute({ waitSeconds: 30, threadId: 'hold-1', context: { thread: 'hold-1' } });
    const review = await pendingOf('hold-1');
    await api.decide(review.reviewId, review.call.digest);
    const answer = await held;
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ outcome: 'EXECUTED', gate: 'hard' });
  });

  test('a rejection is BLOCKED with the reviewer’s words', async () => {
    const held = api.execute({ waitSeconds: 30, threadId: 'hold-2' });
    const review = await pendingOf('hold-2');
    await api.decide(review.reviewId, review.call.digest, { type: 'reject', comment: 'not today' });
    const answer = await held;
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ outcome: 'BLOCKED', comment: 'not today', retryable: false });
    expect(answer.body.reasonCodes).toContain('rejected');
  });

  test('a withdrawn call is BLOCKED and may be proposed again', async () => {
    const held = api.execute({ waitSeconds: 30, threadId: 'hold-3' });
    const review = await pendingOf('hold-3');
    await api.post(`/v1/reviews/${review.reviewId}/withdraw`, {}, 'agent-1');
    const answer = await held;
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ outcome: 'BLOCKED', retryable: true });
    expect(answer.body.reasonCodes).toContain('withdrawn');
  });

  test('a failed call is ERROR with what the target said', async () => {
    api.answer(() => ({
      status: 'failed',
      code: 'upstream_rejected',
      message: 'no',
      body: { error: 'gone' },
      upstreamStatus: 404,
    }));
    const answer = await api.execute(GET);
    api.answer(() => ({ status: 'executed', body: { ok: true } }));
    expect(answer.status).toBe(502);
    expect(answer.body).toMatchObject({
      outcome: 'ERROR',
      executionError: { code: 'upstream_rejected' },
      execution: { status: 'failed', body: { error: 'gone' } },
    });
  });

  test('an unknown outcome is ERROR and never called a failure', async () => {
    api.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const answer = await api.execute(GET);
    api.answer(() => ({ status: 'executed', body: { ok: true } }));
    expect(answer.status).toBe(502);
    expect(answer.body).toMatchObject({ outcome: 'ERROR', execution: { status: 'outcome_unknown' } });
  });

  test('without a worker: ESCALATE not_yet_classified, and the status URL knows of it', async () => {
    api.gate.mode = 'idle';
    const answer = await api.execute({ threadId: 'early', context: { thread: 'early' } });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      outcome: 'ESCALATE',
      reasonCodes: ['not_yet_classified'],
      class: null,
      gate: null,
      expiresAt: null,
    });
    const early = await api.get(`/v1/reviews/${answer.body.reviewId}`, 'agent-1');
    expect(early.body).toMatchObject({
      status: 'pending',
      class: null,
      threadId: 'early',
      proposer: { attested: false },
    });
    expect((await api.get(`/v1/reviews/${answer.body.reviewId}`, 'agent-2')).status).toBe(404);
    const waiting = api.get(`/v1/reviews/${answer.body.reviewId}?waitSeconds=30`, 'agent-1');
    await api.gate.wakeUp();
    const review = (await api.get(`/v1/reviews/${answer.body.reviewId}`, 'ops-1')).body;
    await api.decide(review.reviewId, review.call.digest);
    expect((await waiting).body).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });

  test.each([
    ['a tool nobody can run', { tool: 'payouts.nothing' }, 'unknown_tool'],
    ['a forbidden tool', { tool: 'payouts.destroy', arguments: {} }, 'forbidden'],
    ['arguments that do not fit', { arguments: { account: 'a-1' } }, 'arguments_invalid'],
  ])('%s is BLOCKED', async (_what, request, reason) => {
    const answer = await api.execute(request);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ outcome: 'BLOCKED', retryable: false });
    expect(answer.body.reasonCodes).toContain(reason);
    // On record, not only answered.
    expect((await api.get(`/v1/reviews/${answer.body.reviewId}`, 'agent-1')).body.status).toBe('blocked');
  });

  test('arguments_invalid says which argument', async () => {
    const answer = await api.execute({ arguments: { account: 'a-1', amount: 0 } });
    expect(answer.body.errors).toMatchObject([{ pointer: '/amount' }]);
  });

  test.each([
    ['-0', 'wire', '{"amount":-0,"memo":"abc"}', '/amount'],
    ['-0, written otherwise', 'wire', '{"amount":-0.0e1,"memo":"abc"}', '/amount'],
    ['NUL where it is sealed', 'wire', '{"amount":1,"memo":"abc\\u0000"}', '/memo'],
    ['NUL', 'create', '{"amount":1,"account":"\\u0000"}', '/account'],
  ])('R2: %s is BLOCKED with its place, and nobody is asked', async (_what, tool, args, pointer) => {
    const raw = `{"service":"payouts","tool":"payouts.${tool}","arguments":${args}}`;
    const answer = await api.send('POST', '/v1/execute', undefined, { as: 'agent-1', raw });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ reasonCodes: ['arguments_invalid'], errors: [{ pointer }] });
    const review = (await api.get(`/v1/reviews/${answer.body.reviewId}`, 'ops-1')).body;
    expect(['blocked', 404]).toContain(review.status);
  });

  test('unknown_tool says when it is the service that does not fit', async () => {
    const answer = await api.execute({ service: 'github' });
    expect(answer.body.reasonCodes).toEqual(['unknown_tool']);
    expect(answer.body.errors).toHaveLength(1);
    expect((await api.execute({ tool: 'payouts.nothing' })).body.errors).toBeUndefined();
  });

  test('a tool outside the agent’s list is BLOCKED tool_not_allowed', async () => {
    const answer = await api.execute({}, 'narrow-agent');
    expect(answer.status).toBe(403);
    expect(answer.body.reasonCodes).toContain('tool_not_allowed');
  });

  test('a frozen tool is BLOCKED frozen', async () => {
    api.settings.update({ freeze: ['payouts.*'] });
    const answer = await api.execute();
    api.settings.update({ freeze: [] });
    expect(answer.status).toBe(403);
    expect(answer.body.reasonCodes).toContain('frozen');
  });
});

describe('what is signed and started', () => {
  test('the workflow gets a proposal signed in the agent’s name, whatever the body claims', async () => {
    const answer = await api.execute({ reason: 'because', context: { a: 1 }, group: 'g-1' });
    const started = api.gate.started.at(-1);
    expect(started?.reviewId).toBe(answer.body.reviewId);
    const verified = api.verifier.verify('proposal', started?.input.proposal);
    expect(verified?.payload).toMatchObject({
      proposer: 'agent-1',
      reviewId: answer.body.reviewId,
      deploymentId: 'test-deployment',
      request: { ...CREATE, reason: 'because', context: { a: 1 }, group: 'g-1' },
    });
  });

  test('a sealed argument leaves this process in no other form', async () => {
    const secret = 'memo-that-nobody-sees';
    const wire = { tool: 'payouts.wire', arguments: { amount: 5, memo: secret } };
    const answer = await api.execute(wire, 'agent-1', { 'idempotency-key': 'sealed-1' });
    expect(answer.status).toBe(202);
    expect(JSON.stringify(api.gate.started.at(-1))).not.toContain(secret);
    const review = (await api.get(`/v1/reviews/${answer.body.reviewId}`, 'ops-1')).body;
    expect(Object.keys(review.call.arguments.memo)).toEqual(['$sealed']);
    expect(api.log.join('')).not.toContain(secret);
    // The same plaintext again is the same request, although sealing it again would give another value.
    const again = await api.execute(wire, 'agent-1', { 'idempotency-key': 'sealed-1' });
    expect(again.body.reviewId).toBe(answer.body.reviewId);
  });

  test('an error inside a sealed value is BLOCKED before it becomes invisible', async () => {
    const before = api.gate.started.length;
    const answer = await api.execute({ tool: 'payouts.wire', arguments: { amount: 5, memo: 'x' } });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      outcome: 'BLOCKED',
      reasonCodes: ['arguments_invalid'],
      errors: [{ pointer: '/memo' }],
    });
    expect(api.gate.started).toHaveLength(before);
  });

  test('an error beside a sealed value is blocked by the gate, on record', async () => {
    const answer = await api.execute({ tool: 'payouts.wire', arguments: { amount: 'five', memo: 'long enough' } });
    expect(answer.body).toMatchObject({ outcome: 'BLOCKED', errors: [{ pointer: '/amount' }] });
    expect((await api.get(`/v1/reviews/${answer.body.reviewId}`, 'agent-1')).body.status).toBe('blocked');
  });

  test('the summary for the Temporal Web UI holds no markup of the agent’s', async () => {
    await api.execute({
      arguments: { account: '[click](http://evil)\u202e', amount: 1 },
      reason: '# heading\n![x](y)',
    });
    const texts = api.gate.started.at(-1)?.texts;
    expect(Buffer.byteLength(texts?.summary ?? '')).toBeLessThanOrEqual(400);
    expect(texts?.summary).not.toContain('\u202e');
    expect(`${texts?.summary}${texts?.details}`).not.toMatch(/(?<!\\)\[click|(?<!\\)!\[|^#/m);
  });
});

describe('refusals before anything starts', () => {
  test('what is nested too deeply to be signed: the deepest that is taken is still its agent’s', async () => {
    const nested = (depth: number): object => (depth === 1 ? { end: true } : { inner: nested(depth - 1) });
    const call = (depth: number) => ({ tool: 'payouts.purge', arguments: { deep: nested(depth) } });
    expect((await api.propose(call(97))).proposer).toMatchObject({ id: 'agent-1', attested: true });
    expect(codeOf(await api.execute(call(98)))).toBe('too_deep');
  });

  test.each([
    ['in arguments', { arguments: { account: { $sealed: 'x' }, amount: 1 } }],
    ['deep in arguments', { arguments: { a: [{ b: { $sealed: 'x' } }] } }],
    ['in the context', { context: { a: { $sealed: 'x' } } }],
  ])('a $sealed of the caller’s own %s', async (_where, request) => {
    const before = api.gate.started.length;
    const answer = await api.execute(request);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'sealed_not_allowed']);
    expect(api.gate.started).toHaveLength(before);
  });

  test.each([
    ['https://agents.example.com/holdpoint/', true],
    ['https://agents.example.com/holdpoint/run/1?x=1', true],
    ['https://agents.example.com/holdpoint', false],
    ['https://agents.example.com/holdpoint-evil/', false],
    ['https://agents.example.com/holdpoint/../admin', false],
    ['https://agents.example.com/holdpoint/%2e%2e/admin', false],
    ['https://agents.example.com/holdpoint/..%2fadmin', false],
    ['https://agents.example.com.evil.example/holdpoint/', false],
    ['https://agents.example.com@evil.example/holdpoint/', false],
    ['https://user:pw@agents.example.com/holdpoint/', false],
    ['http://agents.example.com/holdpoint/', false],
    ['https://agents.example.com:8443/holdpoint/', false],
  ])('callback %s → %s', async (callback, allowed) => {
    const answer = await api.execute({ callback });
    expect(answer.status).toBe(allowed ? 202 : 400);
    if (!allowed) expect(codeOf(answer)).toBe('callback_not_allowed');
  });

  test('Temporal down: 503, nothing recorded, and the same key goes on later', async () => {
    api.gate.mode = 'down';
    const headers = { 'idempotency-key': 'through-an-outage' };
    const down = await api.execute({}, 'agent-1', headers);
    expect([down.status, codeOf(down), down.headers.get('retry-after')]).toEqual([503, 'temporal_unavailable', '2']);
    api.gate.mode = 'working';
    const up = await api.execute({}, 'agent-1', headers);
    expect(up.status).toBe(202);
    expect((await api.execute({}, 'agent-1', headers)).body.reviewId).toBe(up.body.reviewId);
  });

  test('an agent at its limit of pending reviews may still do what does not wait', async () => {
    const { limits } = api.settings.current();
    api.settings.update({ limits: { ...limits, pendingPerAgent: 1 } });
    await api.execute({}, 'agent-2');
    const answer = await api.execute({}, 'agent-2');
    expect([answer.status, codeOf(answer), answer.headers.has('retry-after')]).toEqual([429, 'too_many_pending', true]);
    expect((await api.execute(GET, 'agent-2')).status).toBe(200);
    api.settings.update({ limits });
  });

  test('proposals at the same time do not get past the limit together', async () => {
    const { limits } = api.settings.current();
    const pending = await api.store.countPending('agent-2');
    api.settings.update({ limits: { ...limits, pendingPerAgent: pending + 3 } });
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.execute({}, 'agent-2')));
    api.settings.update({ limits });
    expect(await api.store.countPending('agent-2')).toBeLessThanOrEqual(pending + 3);
    expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  });
});

describe('idempotency keys', () => {
  test('same key and body: the current state of the same review', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const request = { arguments: { account: 'k-1', amount: 100 } };
    const first = await api.execute(request, 'agent-1', headers);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const reordered = { arguments: { amount: 100, account: 'k-1' } };
    const second = await api.execute(reordered, 'agent-1', headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    const review = (await api.get(`/v1/reviews/${first.body.reviewId}`, 'ops-1')).body;
    await api.decide(review.reviewId, review.call.digest);
    await api.gate.settled(review.reviewId);
    const third = await api.execute(request, 'agent-1', headers);
    expect([third.status, third.body.outcome]).toEqual([200, 'EXECUTED']);
  });

  test('same key, other body: 422, and which review the key stands for', async () => {
    const headers = { 'idempotency-key': 'k-2' };
    const { reviewId } = (await api.execute({}, 'agent-1', headers)).body;
    const answer = await api.execute({ arguments: { account: 'a-1', amount: 101 } }, 'agent-1', headers);
    expect([answer.status, codeOf(answer), answer.body.reviewId]).toEqual([422, 'idempotency_mismatch', reviewId]);
  });

  test('keys are per proposer', async () => {
    const headers = { 'idempotency-key': 'k-3' };
    const one = await api.execute({}, 'agent-1', headers);
    const two = await api.execute({}, 'agent-2', headers);
    expect(two.body.reviewId).not.toBe(one.body.reviewId);
  });

  test('many at once with one key make one review', async () => {
    const before = api.calls.length;
    const headers = { 'idempotency-key': 'k-4' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.execute(GET, 'agent-1', headers)));
    expect(new Set(answers.map(({ body }) => body.reviewId)).size).toBe(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(api.calls).toHaveLength(before + 1);
  });

  test('a key that is too long is 400', async () => {
    const answer = await api.execute({}, 'agent-1', { 'idempotency-key': 'k'.repeat(256) });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });
});

describe('batches', () => {
  test('one result per call, in order, each on its own, under one group', async () => {
    const { status, body } = await api.post(
      '/v1/execute/batch',
      { calls: [GET, CREATE, { ...CREATE, arguments: {} }, { ...CREATE, callback: 'https://evil.example/' }] },
      'agent-1',
    );
    expect(status).toBe(200);
    expect(body.results.map((result: { httpStatus: number }) => result.httpStatus)).toEqual([200, 202, 403, 400]);
    expect(body.results[3].code).toBe('callback_not_allowed');
    expect(body.group).toMatch(/^grp_/);
    const review = (await api.get(`/v1/reviews/${body.results[1].reviewId}`, 'ops-1')).body;
    expect(review.group).toBe(body.group);
  });

  test('repeated with the same key: the same reviews and group; with another body: 422', async () => {
    const headers = { 'idempotency-key': 'batch-1' };
    const calls = [CREATE, CREATE];
    const one = await api.post('/v1/execute/batch', { calls }, 'agent-1', headers);
    const two = await api.post('/v1/execute/batch', { calls }, 'agent-1', headers);
    expect(two.body).toEqual(one.body);
    expect(new Set(one.body.results.map((r: { reviewId: string }) => r.reviewId)).size).toBe(2);
    const other = await api.post('/v1/execute/batch', { calls: [CREATE] }, 'agent-1', headers);
    expect([other.status, codeOf(other)]).toEqual([422, 'idempotency_mismatch']);
  });
});

async function pendingOf(threadId: string) {
  for (;;) {
    const { body } = await api.get(`/v1/reviews?threadId=${threadId}&status=pending`, 'ops-1');
    const row = body.reviews[0];
    if (row !== undefined) return (await api.get(`/v1/reviews/${row.reviewId}`, 'ops-1')).body;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

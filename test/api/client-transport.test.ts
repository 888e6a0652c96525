import { afterEach, describe, expect, test } from 'vitest';
import { Holdpoint } from '../../src/client/index.ts';
import { parseExactJson } from '../../src/contract/exact-number.ts';
import { aReview } from '../unit/client-fixtures.ts';
import { hangUp, json, problem, startStub, type Step, type Stub } from './client-stub.ts';

const call = { service: 'github', tool: 'github.repos.delete', arguments: { owner: 'o', repo: 'r' } };
const common = {
  decisionId: 'dec_01J00000000000000000000000',
  reviewId: 'rev_01J00000000000000000000000',
  class: 'irreversible',
  gate: 'hard',
  reasonCodes: [],
};
const escalated = { ...common, outcome: 'ESCALATE', expiresAt: null, statusUrl: '/v1/reviews/x' };

let stub: Stub;
afterEach(() => stub.close());

async function client(...steps: readonly Step[]): Promise<Holdpoint> {
  stub = await startStub(...steps);
  return new Holdpoint({ url: stub.url, apiKey: 'hpk_test', retry: { maxDelay: 1_000 } });
}

describe('execute', () => {
  test('resolves for each outcome, whatever its HTTP status', async () => {
    const execution = { status: 'failed', error: null, startedAt: null, finishedAt: null };
    const hp = await client(
      json(200, { ...common, outcome: 'EXECUTED', execution: { ...execution, status: 'executed', body: { ok: 1 } } }),
      json(202, escalated),
      json(403, { ...common, outcome: 'BLOCKED', reasonCodes: ['forbidden'], retryable: false }),
      json(502, { ...common, outcome: 'ERROR', executionError: { code: 'upstream_rejected', message: '' }, execution }),
    );
    const results = [await hp.execute(call), await hp.execute(call), await hp.execute(call), await hp.execute(call)];
    expect(results.map((d) => [d.executed, d.escalated, d.blocked])).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
      [false, false, false],
    ]);
    expect(results[0]).toMatchObject({ execution: { body: { ok: 1 } } });
    expect(results[2]).toMatchObject({ reasonCodes: ['forbidden'], retryable: false });
    expect(results[3]).toMatchObject({ executionError: { code: 'upstream_rejected' } });
    expect(results[1]?.review.id).toBe(common.reviewId);
    expect(stub.seen).toHaveLength(4);
    expect(stub.seen[0]?.headers.authorization).toBe('Bearer hpk_test');
  });

  test('B1: numbers keep their digits, as the text of their literal or as a parser of the caller has them', async () => {
    const body = '{"id":1234567890123456789,"x":1e400,"y":[1.5,6.02e23,-9007199254740993]}';
    const answer: Step = (_request, response) => {
      const text = JSON.stringify({ ...common, outcome: 'EXECUTED', execution: { status: 'executed', body: '@@' } });
      response.writeHead(200, { 'content-type': 'application/json' }).end(text.replace('"@@"', body));
    };
    const hp = await client(answer, answer);
    expect(await hp.execute(call)).toMatchObject({
      execution: { body: { id: '1234567890123456789', x: '1e400', y: [1.5, 6.02e23, '-9007199254740993'] } },
    });
    const own = new Holdpoint({ url: stub.url, apiKey: 'hpk_test', parseJson: parseExactJson });
    expect(await own.execute(call)).toMatchObject({ execution: { body: { x: { $number: '1e400' } } } });
  });

  test('tries again after 503, 429 and a broken connection, each time with the same key and body', async () => {
    const hp = await client(
      problem(503, 'temporal_unavailable', { 'retry-after': '0' }),
      problem(429, 'rate_limited', { 'retry-after': '0' }),
      hangUp,
      json(202, escalated),
    );
    const d = await hp.execute(call);
    expect(d.escalated).toBe(true);
    expect(stub.seen).toHaveLength(4);
    expect(new Set(stub.seen.map((request) => request.headers['idempotency-key'])).size).toBe(1);
    expect(stub.seen[0]?.headers['idempotency-key']).toMatch(/^\S{16,}$/);
    expect(new Set(stub.seen.map((request) => request.body)).size).toBe(1);
  });

  test('two calls have two keys; a key of the caller is used as it is', async () => {
    const hp = await client(json(202, escalated));
    await hp.execute(call);
    await hp.execute(call);
    await hp.execute(call, { idempotencyKey: 'thread-1/node-2/call-3' });
    const keys = stub.seen.map((request) => request.headers['idempotency-key']);
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[2]).toBe('thread-1/node-2/call-3');
  });

  test('a refusal is not tried again', async () => {
    const hp = await client(problem(422, 'idempotency_mismatch'));
    await expect(hp.execute(call)).rejects.toMatchObject({
      code: 'idempotency_mismatch',
      status: 422,
      retryable: false,
    });
    expect(stub.seen).toHaveLength(1);
  });

  test('hands out the error when Retry-After asks for more than the longest wait', async () => {
    const hp = await client(problem(429, 'too_many_pending', { 'retry-after': '3600' }));
    await expect(hp.execute(call)).rejects.toMatchObject({ code: 'too_many_pending', retryAfter: 3_600 });
    expect(stub.seen).toHaveLength(1);
  });

  test('gives up after the last retry', async () => {
    stub = await startStub(hangUp);
    const hp = new Holdpoint({ url: stub.url, apiKey: 'hpk_test', retry: { retries: 2, maxDelay: 10 } });
    await expect(hp.execute(call)).rejects.toMatchObject({ code: 'connection_failed', retryable: true });
    expect(stub.seen).toHaveLength(3);
  });

  test('an aborted signal ends it with the signal’s own reason', async () => {
    const hp = await client(() => undefined);
    const controller = new AbortController();
    const reason = new Error('shutting down');
    const pending = hp.execute(call, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(pending).rejects.toBe(reason);
  });

  test('a redirect is not followed: it could carry the key elsewhere', async () => {
    const hp = await client(json(307, {}, { location: '/elsewhere' }), json(200, escalated));
    await expect(hp.execute(call)).rejects.toMatchObject({ code: 'unreadable_answer', status: 307 });
    expect(stub.seen).toHaveLength(1);
  });
});

test('a batch keeps order and tells results from errors', async () => {
  const hp = await client(
    json(200, {
      group: 'g1',
      results: [
        { ...escalated, httpStatus: 202 },
        { code: 'too_many_pending', httpStatus: 429, title: 'Too many reviews are waiting' },
      ],
    }),
  );
  const { group, results } = await hp.executeBatch([call, call]);
  expect(group).toBe('g1');
  expect(results[0]).toMatchObject({ escalated: true });
  expect(results[1]).toMatchObject({ name: 'HoldpointError', code: 'too_many_pending', retryable: true });
});

test('a batch is tried again with the same key and body; a key of the caller is used as it is', async () => {
  const answered = json(200, { group: 'g1', results: [{ ...escalated, httpStatus: 202 }] });
  const hp = await client(hangUp, problem(503, 'temporal_unavailable', { 'retry-after': '0' }), answered);
  await hp.executeBatch([call]);
  await hp.executeBatch([call], { idempotencyKey: 'nightly/7', group: 'g1' });
  const keys = stub.seen.map((request) => request.headers['idempotency-key']);
  expect(keys).toEqual([keys[0], keys[0], keys[0], 'nightly/7']);
  expect(keys[0]).toMatch(/^\S{16,}$/);
  expect(new Set(stub.seen.slice(0, 3).map(({ body }) => body))).toEqual(new Set([JSON.stringify({ calls: [call] })]));
});

describe('decide', () => {
  const id = common.reviewId;
  const decision = { type: 'approve', digest: `sha256:${'00'.repeat(32)}` } as const;

  test('is not sent again when the connection breaks: the first copy may have counted', async () => {
    const hp = await client(hangUp);
    await expect(hp.reviews.decide(id, decision)).rejects.toMatchObject({ code: 'connection_failed' });
    expect(stub.seen).toHaveLength(1);
  });

  test('nor after somebody else’s 503, which says nothing about what was done', async () => {
    const hp = await client((_request, response) => response.writeHead(503).end('upstream gone'));
    await expect(hp.reviews.decide(id, decision)).rejects.toMatchObject({ code: 'unreadable_answer' });
    expect(stub.seen).toHaveLength(1);
  });

  test('is sent again when Holdpoint says that it did nothing', async () => {
    const hp = await client(problem(503, 'temporal_unavailable'), json(200, aReview({ status: 'approved' })));
    await expect(hp.reviews.decide(id, decision)).resolves.toMatchObject({
      admitted: true,
      review: { status: 'approved' },
    });
    expect(stub.seen).toHaveLength(2);
  });

  test('tells queued from admitted', async () => {
    const hp = await client(json(202, { queued: true, reviewId: id, decisionUlid: 'u1', statusUrl: '/x' }));
    await expect(hp.reviews.decide(id, decision)).resolves.toEqual({
      admitted: false,
      reviewId: id,
      decisionUlid: 'u1',
    });
  });

  test('a withdrawal that is only queued is never passed off as the state of the review', async () => {
    const id = aReview().reviewId;
    const hp = await client(json(202, { queued: true, reviewId: id, decisionUlid: 'u1', statusUrl: '/x' }));
    expect(await hp.reviews.withdraw(id)).toEqual({ admitted: false, reviewId: id, decisionUlid: 'u1' });
  });
});

describe('revise', () => {
  const asked = aReview({ status: 'changes_requested', revision: 3 });
  const revised = aReview({ revision: 4 });

  test('is sent again when the connection breaks: it names the revision that it answers', async () => {
    const hp = await client(json(200, asked), hangUp, json(200, revised));
    const result = await hp.review(asked.reviewId).revise({ n: 1 }, { reason: 'less' });
    expect(result).toMatchObject({ admitted: true, review: { revision: 4 } });
    expect(stub.seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'POST']);
    const bodies = stub.seen.slice(1).map(({ body }) => JSON.parse(body) as unknown);
    expect(bodies).toEqual(Array.from({ length: 2 }, () => ({ arguments: { n: 1 }, reason: 'less', revision: 3 })));
  });

  test('of a revision that the caller names asks for nothing first', async () => {
    const hp = await client(json(200, revised));
    await hp.review(asked.reviewId).revise({ n: 1 }, { revision: 2 });
    expect(stub.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ arguments: { n: 1 }, revision: 2 }]);
  });
});

test('listAll follows the cursor to the end', async () => {
  const hp = await client(
    json(200, { reviews: [{ reviewId: 'a' }], nextCursor: 'c1' }),
    json(200, { reviews: [{ reviewId: 'b' }], nextCursor: null }),
  );
  const ids: string[] = [];
  for await (const row of hp.reviews.listAll({ status: ['pending', 'approved'] })) ids.push(row.reviewId);
  expect(ids).toEqual(['a', 'b']);
  expect(stub.seen.map((request) => request.url)).toEqual([
    '/v1/reviews?status=pending%2Capproved',
    '/v1/reviews?cursor=c1&status=pending%2Capproved',
  ]);
});

test('the keys that callbacks are verified with', async () => {
  const keys = ['whpk_a', 'whpk_b'].map((publicKey) => ({ keyid: publicKey, publicKey, createdAt: '' }));
  const hp = await client(json(200, { keys }));
  expect(await hp.callbackKeys()).toEqual(['whpk_a', 'whpk_b']);
  expect(stub.seen[0]?.url).toBe('/v1/callback-keys');
});

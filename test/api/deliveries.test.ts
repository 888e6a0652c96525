import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness({
    app: {
      trustedKeys: () => [
        {
          keyid: 'callback:1',
          role: 'callback',
          publicKey: { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32, 255).toString('base64url') },
          createdAt: '2026-04-01T12:00:00.000Z',
        },
        {
          keyid: 'callback:0',
          role: 'callback',
          publicKey: { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32, 1).toString('base64url') },
          createdAt: '2026-04-01T12:00:00.000Z',
          retiredAt: '2026-04-01T12:00:00.000Z',
        },
      ],
    },
  });
  const { deliveries } = api.store;
  const reviewId = api.newReviewId();
  const rows = [1, 2, 3].map((sequence) => ({
    destination: `webhook:https://hooks.example.com/${sequence % 2}`,
    sequence,
    ordinal: 0,
    reviewId,
    event: 'review.pending',
    at: '2026-04-01T12:00:00.000Z',
    vote: null,
  }));
  await deliveries.fanOut(await deliveries.cursor(), 4, rows);
  await deliveries.settle('webhook:https://hooks.example.com/0', [{ sequence: 2, ordinal: 0 }], {
    state: 'failed',
    code: 'gone',
    httpStatus: 410,
    counted: false,
    mentioned: [],
  });
});
afterAll(() => api.close());

test('deliveries are listed for reviewers and auditors, newest first, page by page', async () => {
  const first = await api.get('/v1/deliveries?limit=2', 'audit-1');
  const next = await api.get(`/v1/deliveries?limit=2&cursor=${first.body.nextCursor}`, 'ops-1');
  const all = [...first.body.deliveries, ...next.body.deliveries];
  expect(all.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  expect(next.body.nextCursor).toBeNull();
  expect(all[1]).toMatchObject({ state: 'failed', code: 'gone', httpStatus: 410, attempts: 1 });
  const filtered = await api.get(
    '/v1/deliveries?state=waiting&destination=webhook:https://hooks.example.com/1',
    'ops-1',
  );
  expect(filtered.body.deliveries.map(({ sequence }: { sequence: number }) => sequence)).toEqual([3, 1]);
});

test('not for agents, and not with a cursor of one’s own', async () => {
  expect(codeOf(await api.get('/v1/deliveries', 'agent-1'))).toBe('forbidden');
  for (const cursor of [
    'x',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["1","a",0]').toString('base64url'),
  ])
    expect(codeOf(await api.get(`/v1/deliveries?cursor=${cursor}`, 'ops-1'))).toBe('invalid_request');
});

test('callback keys in force, in the form of Standard Webhooks', async () => {
  const { body } = await api.get('/v1/callback-keys', 'agent-1');
  expect(body.keys).toEqual([
    {
      keyid: 'callback:1',
      publicKey: `whpk_${Buffer.alloc(32, 255).toString('base64')}`,
      createdAt: '2026-04-01T12:00:00.000Z',
    },
  ]);
});

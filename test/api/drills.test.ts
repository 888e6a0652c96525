import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { matchEntries, openEnvelopes } from '../../src/domain/proof/proof-envelopes.ts';
import { isDrill } from '../../src/domain/drill.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { DEPLOYMENT } from '../support/gate-fixture.ts';
import { codeOf, makeHarness, type Harness } from './support/harness.ts';

const HOUR = 3_600_000;
const MEMBERS = ['ops-1', 'ops-2', 'ops-3', 'both-1'];

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());

/** In an hour of its own: each group has one drill an hour. */
async function start(group = 'ops', as = 'ops-1') {
  api.clock.advance(HOUR);
  const started = await api.post('/v1/drills', { group }, as);
  expect(started.status).toBe(202);
  await api.gate.settled(started.body.reviewId);
  return (await api.get(`/v1/reviews/${started.body.reviewId}`, as)).body;
}
const report = async (reviewId: string) => (await api.get(`/v1/drills/${reviewId}`, 'audit-1')).body;
const answer = (drill: { reviewId: string; call: { digest: string } }, as: string, headers = {}) =>
  api.post(`/v1/reviews/${drill.reviewId}/decision`, { type: 'approve', digest: drill.call.digest }, as, headers);

describe('a drill', () => {
  test('asks everyone in the group, and carries nothing that could run', async () => {
    const drill = await start();
    expect(drill).toMatchObject({
      kind: 'in-flow',
      status: 'pending',
      reasonCodes: ['drill'],
      call: { service: 'drill', tool: 'drill.answer', arguments: { group: 'ops', members: MEMBERS } },
      target: { request: null },
      levels: [{ approvers: ['ops'], quorum: MEMBERS.length }],
      allowedDecisions: ['approve'],
      separationOfDuties: false,
      proposer: { id: 'drill:ops-1', owner: 'ops-1', attested: true },
    });
    expect(isDrill(drill)).toBe(true);
    expect(JSON.stringify(showReview(drill, { now: api.clock.now(), tool: undefined, pinned: null }))).toContain(
      'This is a drill',
    );
  });

  test('waits for every answer, and ends with the last', async () => {
    const drill = await start();
    for (const [index, member] of MEMBERS.entries()) {
      expect((await report(drill.reviewId)).endedAt).toBeNull();
      expect((await answer(drill, member, index === 0 ? { 'holdpoint-channel': 'cli' } : {})).status).toBe(200);
      await api.gate.settled(drill.reviewId);
    }
    const told = await report(drill.reviewId);
    expect(told).toMatchObject({ group: 'ops', startedBy: 'ops-1', status: 'approved' });
    expect(told.endedAt).not.toBeNull();
    expect(told.members.map(({ reviewer }: { reviewer: string }) => reviewer)).toEqual(MEMBERS);
    expect(told.members.map((member: { answer: { channel: string } | null }) => member.answer?.channel)).toEqual([
      'cli',
      'api',
      'api',
      'api',
    ]);
    expect(api.calls).toEqual([]);
  });

  test('cannot be ended for all by one no', async () => {
    const drill = await start();
    const body = { type: 'reject', digest: drill.call.digest };
    expect(codeOf(await api.post(`/v1/reviews/${drill.reviewId}/decision`, body, 'ops-2'))).toBe(
      'decision_not_allowed',
    );
    expect((await report(drill.reviewId)).endedAt).toBeNull();
  });

  test.each(['finance-1', 'audit-1'])('is not started by %s, who does not decide for the group', async (reviewer) => {
    api.clock.advance(HOUR);
    expect(codeOf(await api.post('/v1/drills', { group: 'ops' }, reviewer))).toBe('forbidden');
  });

  test('is started by operators alone where there are any, also for a group that is not theirs', async () => {
    api.clock.advance(HOUR);
    api.settings.update({ operators: ['managers'] });
    expect((await api.get('/v1/session', 'manager-1')).body).toMatchObject({
      operator: true,
      drillGroups: ['ops', 'finance', 'managers'],
    });
    expect(codeOf(await api.post('/v1/drills', { group: 'ops' }, 'ops-1'))).toBe('forbidden');
    expect(codeOf(await api.post('/v1/drills', { group: 'nobody' }, 'manager-1'))).toBe('forbidden');
    expect((await api.post('/v1/drills', { group: 'ops' }, 'manager-1')).status).toBe(202);
    api.settings.update({ operators: [] });
  });

  test('is not started by an agent, nor for a group without people', async () => {
    expect(codeOf(await api.post('/v1/drills', { group: 'ops' }, 'agent-1'))).toBe('forbidden');
    expect(codeOf(await api.post('/v1/drills', { group: 'nobody' }, 'ops-1'))).toBe('forbidden');
  });

  test('is started once an hour for a group, whoever asks; other groups have their own', async () => {
    await start('ops', 'ops-1');
    const again = await api.post('/v1/drills', { group: 'ops' }, 'ops-2');
    expect(codeOf(again)).toBe('rate_limited');
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.post('/v1/drills', { group: 'finance' }, 'both-1')).status).toBe(202);
  });

  test('does not use up the hour while Temporal is away', async () => {
    api.clock.advance(HOUR);
    api.gate.mode = 'down';
    expect(codeOf(await api.post('/v1/drills', { group: 'ops' }, 'ops-1'))).toBe('temporal_unavailable');
    api.gate.mode = 'working';
    expect((await api.post('/v1/drills', { group: 'ops' }, 'ops-1')).status).toBe(202);
  });

  test('takes no call, question or longer time', async () => {
    api.clock.advance(HOUR);
    for (const more of [{ arguments: {} }, { tool: 'payouts.create' }, { title: 'Pay?' }, { ttl: '5h' }]) {
      expect(codeOf(await api.post('/v1/drills', { group: 'ops', ...more }, 'ops-1'))).toBe('invalid_request');
    }
  });

  test('is in the log as any review, with the signed request as its proposal', async () => {
    const { reviewId } = await start();
    const [proposed] = await api.store.entriesOf(reviewId);
    const record = await api.store.readRecord(reviewId);
    expect(proposed?.entry).toMatchObject({ proposer: 'drill:ops-1', tool: 'drill.answer', attested: true });
    const { findings, opened } = openEnvelopes(
      { deploymentId: DEPLOYMENT, reviewId, envelopes: [...(record?.envelopes ?? [])] },
      [
        {
          keyid: 'review-1',
          role: 'review',
          publicKey: api.keys.review.publicKey.export({ format: 'jwk' }) as Record<string, string>,
          createdAt: '2026-01-01T00:00:00.000Z',
        },
      ],
    );
    expect(findings).toEqual([]);
    expect(matchEntries(proposed === undefined ? [] : [proposed], opened)).toEqual([]);
    const call = { ...proposed, entry: { ...proposed?.entry, tool: 'payouts.create' } } as typeof proposed & object;
    expect(matchEntries([call], opened)).toMatchObject([{ code: 'entry_contradicts_envelope' }]);
  });
});

test('a real review is not a drill, whatever it is called', async () => {
  const review = await api.propose({ reason: 'This is a drill', group: 'drill', threadId: 'drill' });
  expect(codeOf(await api.get(`/v1/drills/${review.reviewId}`, 'ops-1'))).toBe('not_found');
});

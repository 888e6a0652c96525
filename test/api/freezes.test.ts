import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { admitLifts } from '../../src/activities/execute/admit-lifts.ts';
import { proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';
import { codeOf, CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness({ settings: { operators: ['ops'] } });
});
beforeEach(async () => {
  api.gate.mode = 'working';
  api.settings.update({ operators: ['ops'], liftBySecondPerson: false });
});
afterAll(() => api.close());

const freeze = async (tools: readonly string[], as = 'ops-1') =>
  api.post('/v1/freezes', { tools, why: 'an incident' }, as);
/** With an execute worker that looks for lifts. */
async function lift(freezeId: string, as = 'ops-2') {
  const answer = api.post(`/v1/freezes/${freezeId}/lift`, { why: 'over' }, as);
  const admitting = setInterval(() => void admitLifts(api.executeDeps()), 20);
  await answer.finally(() => clearInterval(admitting));
  return answer;
}

describe('a freeze', () => {
  test('blocks new calls, in a batch too, and says whose it is; a lift ends it', async () => {
    const { status, body } = await freeze(['payouts.*', 'payout.*']);
    expect([status, body]).toMatchObject([
      201,
      { freeze: { by: 'ops-1', why: 'an incident' }, unmatched: ['payout.*'] },
    ]);
    const blocked = await api.execute();
    expect(blocked).toMatchObject({
      status: 403,
      body: { outcome: 'BLOCKED', reasonCodes: ['frozen'], errors: [{ message: 'frozen by ops-1: an incident' }] },
    });
    const batch = await api.post('/v1/execute/batch', { calls: [CREATE, GET] }, 'agent-1');
    for (const result of batch.body.results) expect(result).toMatchObject({ httpStatus: 403, reasonCodes: ['frozen'] });
    expect((await api.get('/v1/freezes', 'audit-1')).body).toMatchObject({
      freezes: [{ id: body.freeze.id, lifted: null }],
      operator: false,
    });
    expect(await lift(body.freeze.id)).toMatchObject({ status: 200, body: { lifted: { by: 'ops-2', why: 'over' } } });
    expect((await api.execute(GET)).body.reasonCodes).not.toContain('frozen');
  });

  test('holds an approved call back, and its review says why', async () => {
    const reviewId = reviewIdOf(1);
    const proposer = { id: 'agent-1', owner: null, attested: true };
    const review = stateWrite(reviewOf(reviewId, { status: 'approved', proposer }));
    await api.store.commit({ entries: [proposedEntry(reviewId)], review });
    const { body } = await freeze(['github.*']);
    for (const as of ['agent-1', 'ops-1']) {
      const { execution } = (await api.get(`/v1/reviews/${reviewId}`, as)).body;
      expect(execution).toMatchObject({ status: 'not_started', frozen: { by: 'ops-1', why: 'an incident' } });
    }
    await lift(body.freeze.id);
    expect((await api.get(`/v1/reviews/${reviewId}`, 'ops-1')).body.execution).not.toHaveProperty('frozen');
  });

  test('blocks without Temporal, and nothing of the call is started', async () => {
    const { body } = await freeze(['payouts.get']);
    api.gate.mode = 'down';
    const blocked = await api.execute(GET);
    expect(blocked).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', reasonCodes: ['frozen'] } });
    expect(codeOf(await api.execute())).toBe('temporal_unavailable');
    api.gate.mode = 'working';
    expect(await api.store.readLedger(blocked.body.reviewId)).toBeUndefined();
    await lift(body.freeze.id);
  });

  test('is ordered and lifted by operators alone', async () => {
    for (const as of ['finance-1', 'audit-1']) expect(codeOf(await freeze(['*'], as))).toBe('not_an_operator');
    expect(codeOf(await freeze(['*'], 'agent-1'))).toBe('forbidden');
    const { body } = await freeze(['x.*']);
    expect(codeOf(await lift(body.freeze.id, 'finance-1'))).toBe('not_an_operator');
    api.settings.update({ operators: [] });
    const refused = await freeze(['*']);
    expect([codeOf(refused), refused.body.detail]).toEqual([
      'not_an_operator',
      expect.stringContaining('operators: [ops]'),
    ]);
    api.settings.update({ operators: ['ops'], liftBySecondPerson: true });
    expect(codeOf(await lift(body.freeze.id, 'ops-1'))).toBe('second_person_required');
    expect((await lift(body.freeze.id, 'ops-2')).status).toBe(200);
    expect(codeOf(await lift(body.freeze.id, 'ops-2'))).toBe('already_lifted');
  });

  test('stands until an execute worker has verified the lift', async () => {
    const { body } = await freeze(['x.*']);
    const path = `/v1/freezes/${body.freeze.id}/lift`;
    expect(await api.post(path, { why: 'over' }, 'ops-2')).toMatchObject({ status: 202, body: { lifted: null } });
    expect(await admitLifts(api.executeDeps())).toBe(1);
    expect(codeOf(await api.post('/v1/freezes/frz_1/lift', { why: 'over' }, 'ops-2'))).toBe('not_found');
  });

  test('takes patterns and a reason', async () => {
    for (const wrong of [
      { tools: [], why: 'x' },
      { tools: ['*.x'], why: 'x' },
      { tools: ['*'], why: ' ' },
      { tools: ['*'] },
    ]) {
      expect(codeOf(await api.post('/v1/freezes', wrong, 'ops-1'))).toBe('invalid_request');
    }
  });
});

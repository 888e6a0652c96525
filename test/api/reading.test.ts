import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ReviewRow } from '../../src/contract/review.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { TOOLS } from '../support/gate-fixture.ts';
import { claiming, proposal, proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';
import { codeOf, CREATE, GET, makeHarness, readEvents, type Harness } from './support/harness.ts';

const PURGE = { service: 'payouts', tool: 'payouts.purge', arguments: { table: 't' } };
const MONEY = [{ amount: '/amount', currency: { fact: 'currency' }, scale: 'minor' as const }];
const EVIDENCE = 'a-fact-that-agents-must-not-read';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness({
    policy: {
      tools: TOOLS.map((tool) => (tool.name === 'payouts.purge' ? { ...tool, money: MONEY } : tool)),
      rules: [{ name: 'hurried', when: ({ urgency }) => urgency === 'high', class: 'irreversible' }],
    },
  });
});
beforeEach(() => {
  api.gate.mode = 'working';
  api.gate.executes = true;
  api.answerPreview(() => ({
    ok: true,
    facts: [{ name: 'sample', label: 'Sample', value: EVIDENCE }],
    sourceHash: `sha256:${'5'.repeat(64)}`,
  }));
});
afterAll(() => api.close());

describe('who sees what', () => {
  test('reviewers and auditors see every review, an agent its own', async () => {
    const review = await api.propose();
    for (const as of ['ops-1', 'finance-1', 'audit-1', 'agent-1']) {
      expect((await api.get(`/v1/reviews/${review.reviewId}`, as)).status).toBe(200);
    }
    const other = await api.get(`/v1/reviews/${review.reviewId}`, 'agent-2');
    expect([other.status, codeOf(other)]).toEqual([404, 'not_found']);
  });

  test('an agent never receives what a preview found, in any answer', async () => {
    const held = await api.execute(PURGE);
    const { reviewId } = held.body;
    await api.gate.settled(reviewId);
    const shown = await api.get(`/v1/reviews/${reviewId}`, 'ops-1');
    expect(shown.body.evidence[0].facts[0].value).toBe(EVIDENCE);
    expect(shown.body.call.digest).toMatch(/^sha256:/);

    const own = await api.get(`/v1/reviews/${reviewId}`, 'agent-1');
    const list = await api.get('/v1/reviews', 'agent-1');
    const stream = await readEvents(
      await api.open('GET', `/v1/reviews/${reviewId}/events`, undefined, { as: 'agent-1' }),
      (events) => events.length > 0,
    );
    for (const answer of [held.body, own.body, list.body, stream.events]) {
      expect(JSON.stringify(answer)).not.toContain(EVIDENCE);
    }
    expect(own.body).toMatchObject({ evidence: [], previewError: null });
    // Everything else in the digest is known to the agent: with it, it could try values.
    expect(JSON.stringify(own.body)).not.toContain(shown.body.call.digest);
    expect(own.body.call.digest).toBeNull();
  });

  test('B1: numbers of an answer and of evidence keep their digits, in every door', async () => {
    const id = { $number: '1234567890123456789' };
    api.answerPreview(() => ({ ok: true, facts: [{ name: 'id', label: 'Id', value: id }], sourceHash: null }));
    api.answer(() => ({ status: 'executed', body: { id, x: { $number: '1e400' }, y: 12 } }));
    const literal = '{"id":1234567890123456789,"x":1e400,"y":12}';
    const rawOf = async (method: string, path: string, as: string, body?: unknown) =>
      (await api.open(method, path, body, { as })).text();
    expect(await rawOf('POST', '/v1/execute', 'agent-1', GET)).toContain(`"body":${literal}`);

    const { body: held } = await api.execute({ ...PURGE, arguments: { table: 'digits' } });
    await api.gate.settled(held.reviewId);
    const shown = await rawOf('GET', `/v1/reviews/${held.reviewId}`, 'ops-1');
    expect(shown).toContain('"value":1234567890123456789');
    const { call } = JSON.parse(shown) as { readonly call: { readonly digest: string } };
    expect((await api.decide(held.reviewId, call.digest)).status).toBe(200);
    await expect.poll(() => rawOf('GET', `/v1/reviews/${held.reviewId}`, 'agent-1')).toContain(`"body":${literal}`);
    const events = await api.open('GET', `/v1/reviews/${held.reviewId}/events`, undefined, { as: 'agent-1' });
    expect(await events.text()).toContain(`"body":${literal}`);
    // As it was hashed.
    const proof = await rawOf('GET', `/v1/reviews/${held.reviewId}/proof`, 'audit-1');
    expect(proof).not.toContain(':1234567890123456789');
    api.answer(() => ({ status: 'executed', body: { ok: true } }));
  });

  test('M1: an amount in a currency that only the evidence knows is told to reviewers, in lists and events too', async () => {
    const facts = [{ name: 'currency', label: 'Currency', value: 'huf' }];
    api.answerPreview(() => ({ ok: true, facts, sourceHash: null }));
    const { body: held } = await api.execute({ ...PURGE, arguments: { amount: 125_000 } });
    await api.gate.settled(held.reviewId);
    const readBy = async (as: string) => {
      const { body: state } = await api.get(`/v1/reviews/${held.reviewId}`, as);
      const { body: list } = await api.get('/v1/reviews?limit=200', as);
      const row = (list.reviews as ReviewRow[]).find(({ reviewId }) => reviewId === held.reviewId);
      const headers = { as, headers: { 'last-event-id': '0' } };
      const { events } = await readEvents(await api.open('GET', '/v1/events', undefined, headers), (seen) =>
        seen.some(({ data }) => data.reviewId === held.reviewId && data.status === 'pending'),
      );
      return JSON.stringify([state.amounts, row, events]);
    };
    const shown = await readBy('ops-1');
    expect(shown.split('1,250.00 HUF (125000)').length).toBeGreaterThanOrEqual(4);
    expect(await readBy('agent-1')).not.toContain('HUF');
  });

  test('nor why a preview failed', async () => {
    api.answerPreview(() => ({ ok: false, code: 'preview_refused', message: EVIDENCE }));
    const held = await api.execute(PURGE);
    await api.gate.settled(held.body.reviewId);
    expect((await api.get(`/v1/reviews/${held.body.reviewId}`, 'ops-1')).body.previewError).not.toBeNull();
    const own = await api.get(`/v1/reviews/${held.body.reviewId}`, 'agent-1');
    expect(own.body.previewError).toBeNull();
    expect(JSON.stringify(own.body)).not.toContain(EVIDENCE);
  });

  test('S1: what the target says of the call itself blocks it before anyone is asked, and the agent reads why', async () => {
    const message = '42P01: relation "t" does not exist';
    api.answerPreview(() => ({ ok: false, code: 'invalid_call', message, pointer: '/sql' }));
    const answer = await api.execute(PURGE);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      outcome: 'BLOCKED',
      class: 'irreversible',
      gate: null,
      reasonCodes: ['arguments_invalid', 'invalid_call'],
      retryable: false,
      errors: [{ pointer: '/sql', message }],
    });
    const { reviewId } = answer.body;
    await api.gate.settled(reviewId);
    for (const as of ['agent-1', 'ops-1']) {
      const { body } = await api.get(`/v1/reviews/${reviewId}`, as);
      expect(body).toMatchObject({
        status: 'blocked',
        reasonCodes: ['arguments_invalid', 'invalid_call'],
        previewError: { code: 'invalid_call', message, pointer: '/sql' },
        allowedDecisions: [],
        execution: { status: 'not_started', error: null },
      });
    }
    const { body: review } = await api.get(`/v1/reviews/${reviewId}`, 'ops-1');
    expect(codeOf(await api.decide(reviewId, review.call.digest))).toBe('already_resolved');
    expect(await api.store.readLedger(reviewId)).toMatchObject({
      state: 'denied',
      denial: { reason: 'arguments_invalid' },
    });
    const types = (await api.store.entriesOf(reviewId)).map(({ entry }) => entry.type);
    expect(types).toEqual(['proposed', 'classified']);
  });

  test('S1: a version that the target cannot make of a call is refused, and the call stays as it was', async () => {
    const held = await api.execute(PURGE);
    const { reviewId } = held.body;
    await api.gate.settled(reviewId);
    const { body: before } = await api.get(`/v1/reviews/${reviewId}`, 'ops-1');
    api.answerPreview(() => ({ ok: false, code: 'invalid_call', message: '42P01: no', pointer: '/sql' }));
    const edit = { type: 'edit', arguments: { table: 'nowhere' } };
    expect(codeOf(await api.decide(reviewId, before.call.digest, edit))).toBe('edit_invalid');
    const { body: after } = await api.get(`/v1/reviews/${reviewId}`, 'ops-1');
    expect(after).toMatchObject({ status: 'pending', revision: 1, call: { digest: before.call.digest } });
  });

  test('C2: that too few people are left to decide it is told to reviewers, by the people in force', async () => {
    const review = await api.propose({ arguments: { account: 'short', amount: 100 } });
    const path = `/v1/reviews/${review.reviewId}`;
    expect((await api.get(path, 'ops-1')).body).not.toHaveProperty('shortfall');
    const { reviewers } = api.settings.current();
    api.settings.update({ reviewers: reviewers.filter(({ groups }) => !groups.includes('ops')) });
    const shown = (await api.get(path, 'finance-1')).body;
    expect(shown.shortfall).toEqual({ level: shown.levels[0].name, quorum: 1, votes: 0, left: [], lost: [] });
    expect((await api.get(path, 'agent-1')).body).not.toHaveProperty('shortfall');
    api.settings.update({ reviewers });
    expect((await api.get(path, 'ops-1')).body).not.toHaveProperty('shortfall');
  });

  test('a tool that ran as often as it may in an hour: what is approved says so, and from when it can run', async () => {
    const [ran, waiting] = [reviewIdOf(21), reviewIdOf(22)];
    await api.store.commit(proposal(ran));
    const at = new Date().toISOString();
    const claimed = await api.store.commit({ ledger: { ...claiming(ran), at } as never, entries: [] });
    expect(claimed.ok).toBe(true);
    const proposer = { id: 'agent-1', owner: null, attested: true };
    const review = stateWrite(reviewOf(waiting, { status: 'approved', proposer }));
    await api.store.commit({ entries: [proposedEntry(waiting)], review });
    const seen = async (perHour: number, as: string) => {
      const { limits } = api.settings.current();
      api.settings.update({ limits: { ...limits, irreversiblePerToolPerHour: perHour } });
      return (await api.get(`/v1/reviews/${waiting}`, as)).body;
    };
    const limited = { perHour: 1, from: new Date(Date.parse(at) + 3_600_000).toISOString() };
    for (const as of ['agent-1', 'ops-1']) expect((await seen(1, as)).execution).toMatchObject({ limited });
    expect((await seen(2, 'ops-1')).execution).not.toHaveProperty('limited');
  });

  test('without evidence the digest is no secret', async () => {
    const review = await api.propose();
    expect((await api.get(`/v1/reviews/${review.reviewId}`, 'agent-1')).body.call.digest).toBe(review.call.digest);
  });

  test('the audit log and proofs are for reviewers and auditors', async () => {
    const review = await api.propose();
    for (const path of ['/v1/audit/entries', '/v1/audit/checkpoint', `/v1/reviews/${review.reviewId}/proof`]) {
      const answer = await api.get(path, 'agent-1');
      expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
    }
    expect((await api.get('/v1/audit/entries', 'audit-1')).status).toBe(200);
  });

  test('an id that is not one, and one that nobody knows', async () => {
    for (const id of ['nothing', 'rev_x', '%00', api.newReviewId()]) {
      const answer = await api.get(`/v1/reviews/${id}`, 'ops-1');
      expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
    }
  });
});

describe('the list', () => {
  test('rows by deadline, filtered, without digest and arguments', async () => {
    await api.propose({ threadId: 'list', group: 'list-group' });
    await api.execute({ ...GET, threadId: 'list' });
    const pending = await api.get('/v1/reviews?threadId=list&status=pending,changes_requested', 'ops-1');
    expect(pending.body.reviews).toHaveLength(1);
    const [row] = pending.body.reviews;
    expect(row).toMatchObject({ tool: 'payouts.create', votesMissing: 1, approvers: ['ops'], group: 'list-group' });
    expect(JSON.stringify(row)).not.toContain('sha256:');
    const all = await api.get('/v1/reviews?threadId=list', 'audit-1');
    expect(all.body.reviews).toHaveLength(2);
    const tool = await api.get('/v1/reviews?threadId=list&tool=payouts.get&service=payouts&group=nothing', 'ops-1');
    expect(tool.body.reviews).toHaveLength(0);
  });

  test('approver=me: what this reviewer may vote on', async () => {
    const review = await api.propose({ threadId: 'mine' });
    const ids = async (as: string): Promise<string[]> =>
      (await api.get('/v1/reviews?approver=me&threadId=mine', as)).body.reviews.map(
        (r: { reviewId: string }) => r.reviewId,
      );
    expect(await ids('ops-1')).toEqual([review.reviewId]);
    expect(await ids('finance-1')).toEqual([]);
    // In a voting group, but an auditor.
    expect(await ids('audit-1')).toEqual([]);
  });

  test('approver=me: not what this reviewer has voted on, page by page', async () => {
    const propose = () => api.propose({ threadId: 'voted' });
    const idsOf = ({ reviews }: { readonly reviews: readonly ReviewRow[] }) => reviews.map(({ reviewId }) => reviewId);
    const levels = [{ name: 'approval', approvers: ['ops'], quorum: 2 }];
    api.settings.setPolicy({ approval: { ...ONE_OF_OPS, levels } });
    const [voted, ...rest] = [await propose(), await propose(), await propose()];
    api.settings.setPolicy({ approval: ONE_OF_OPS });
    await api.decide(voted.reviewId, voted.call.digest);
    const path = '/v1/reviews?approver=me&threadId=voted';
    const first = (await api.get(`${path}&limit=1`, 'ops-1')).body;
    const second = (await api.get(`${path}&limit=1&cursor=${encodeURIComponent(first.nextCursor)}`, 'ops-1')).body;
    expect(new Set([...idsOf(first), ...idsOf(second)])).toEqual(new Set(rest.map(({ reviewId }) => reviewId)));
    expect(idsOf((await api.get(path, 'ops-2')).body)).toContain(voted.reviewId);
    // Whoever does not ask for their own sees all of it.
    const all = (await api.get('/v1/reviews?threadId=voted', 'ops-1')).body.reviews as ReviewRow[];
    expect(all.find(({ reviewId }) => reviewId === voted.reviewId)?.closedTo).toEqual(['ops-1']);
  });

  test('execution=outcome_unknown: what waits to be reconciled', async () => {
    const close = { ...CREATE, tool: 'payouts.close', arguments: { id: 'a-1' }, threadId: 'lost' };
    const path = '/v1/reviews?execution=outcome_unknown&threadId=lost';
    const idsOf = async (as: string): Promise<string[]> =>
      ((await api.get(path, as)).body.reviews as ReviewRow[]).map(({ reviewId }) => reviewId);
    api.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'lost' }));
    const lost = await api.propose(close);
    await api.decide(lost.reviewId, lost.call.digest);
    await api.gate.settled(lost.reviewId);
    api.answer(() => ({ status: 'executed', body: { ok: true } }));
    await api.propose(close);
    expect(await idsOf('ops-1')).toEqual([lost.reviewId]);
    expect(await idsOf('agent-1')).toEqual([lost.reviewId]);
    expect(await idsOf('agent-2')).toEqual([]);
    const other = await api.get('/v1/reviews?execution=executed', 'ops-1');
    expect([other.status, codeOf(other)]).toEqual([400, 'invalid_request']);
  });

  test('an agent sees its own, whatever it asks for', async () => {
    await api.propose({ threadId: 'own' }, 'agent-1');
    await api.propose({ threadId: 'own' }, 'agent-2');
    const own = await api.get('/v1/reviews?threadId=own', 'agent-2');
    expect(own.body.reviews.map((row: { proposer: { id: string } }) => row.proposer.id)).toEqual(['agent-2']);
    expect((await api.get('/v1/reviews?threadId=own&proposer=agent-1', 'agent-2')).body.reviews).toEqual([]);
  });

  test('page by page, nothing twice and nothing left out', async () => {
    const made = new Set<string>();
    for (let n = 0; n < 5; n += 1) made.add((await api.propose({ threadId: 'pages' })).reviewId);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await api.get(
        `/v1/reviews?threadId=pages&limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        'ops-1',
      );
      expect(page.body.reviews.length).toBeLessThanOrEqual(2);
      seen.push(...page.body.reviews.map((row: { reviewId: string }) => row.reviewId));
      cursor = page.body.nextCursor;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen)).toEqual(made);
  });

  test.each([
    'status=nothing',
    'limit=0',
    'limit=201',
    'limit=x',
    'cursor=%00nonsense',
    'unknown=1',
    'approver=ops-1',
    'tool=a&tool=b',
  ])('?%s is 400', async (query) => {
    const answer = await api.get(`/v1/reviews?${query}`, 'ops-1');
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });

  test('approver=me is no question for an agent', async () => {
    const answer = await api.get('/v1/reviews?approver=me', 'agent-1');
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });
});

describe('held answers', () => {
  test('waitSeconds answers when the review and its execution have ended', async () => {
    const review = await api.propose();
    const held = api.get(`/v1/reviews/${review.reviewId}?waitSeconds=30`, 'agent-1');
    await api.decide(review.reviewId, review.call.digest);
    expect((await held).body).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });

  test('running out of time is the state as it is, and decides nothing', async () => {
    const review = await api.propose();
    const answer = await api.get(`/v1/reviews/${review.reviewId}?waitSeconds=1`, 'agent-1');
    expect([answer.status, answer.body.status]).toEqual([200, 'pending']);
  });

  test.each(['61', '-1', 'x', '1.5', ''])('waitSeconds=%s is 400', async (value) => {
    const review = await api.propose();
    const answer = await api.get(`/v1/reviews/${review.reviewId}?waitSeconds=${value}`, 'agent-1');
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });
});

describe('events', () => {
  const open = (path: string, as: string, lastEventId?: number) =>
    api.open('GET', path, undefined, {
      as,
      headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
    });

  test('one review: the present state, every change, and the end', async () => {
    const review = await api.propose();
    const response = await open(`/v1/reviews/${review.reviewId}/events`, 'ops-1');
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reading = readEvents(response, () => false);
    await api.decide(review.reviewId, review.call.digest);
    const { events, ended } = await reading;
    expect(ended).toBe(true);
    expect(events[0]?.data.status).toBe('pending');
    expect(events.at(-1)?.data).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
    expect(events.every(({ event }) => event === 'review')).toBe(true);
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual([...ids].toSorted((a, b) => a - b));

    // Resumed in the middle: what came after; at the end: nothing more to come.
    const middle = await readEvents(await open(`/v1/reviews/${review.reviewId}/events`, 'ops-1', ids[0]), () => false);
    expect(middle.events.at(-1)?.id).toBe(ids.at(-1));
    expect((await open(`/v1/reviews/${review.reviewId}/events`, 'ops-1', ids.at(-1))).status).toBe(204);
  });

  test('of all: rows of what one may see, from now on', async () => {
    const all = readEvents(await open('/v1/events', 'ops-1'), (events) => events.length >= 2);
    const own = readEvents(await open('/v1/events', 'agent-2'), (events) => events.length >= 1);
    const first = await api.propose({}, 'agent-1');
    const second = await api.propose({}, 'agent-2');
    const seen = await all;
    expect(seen.events.map(({ data }) => data.reviewId)).toEqual([first.reviewId, second.reviewId]);
    expect(JSON.stringify(seen.events)).not.toContain('sha256:');
    expect((await own).events.map(({ data }) => data.reviewId)).toEqual([second.reviewId]);
  });

  test('resumed by Last-Event-ID: no review that changed in between is missed', async () => {
    const { events } = await readEventsDuring(1, () => api.propose());
    const lastSeen = events[0]?.id ?? 0;
    const missed = [await api.propose(), await api.propose(), await api.propose()];
    await api.decide(missed[0].reviewId, missed[0].call.digest, { type: 'reject' });
    const resumed = await readEvents(await open('/v1/events', 'ops-1', lastSeen), (list) => list.length >= 3);
    const last = new Map(resumed.events.map(({ data }) => [data.reviewId, data.status]));
    expect(last.get(missed[0].reviewId)).toBe('rejected');
    expect(last.get(missed[1].reviewId)).toBe('pending');
    expect(last.get(missed[2].reviewId)).toBe('pending');
  });

  test('an id that is not one is 400', async () => {
    const answer = await api.get('/v1/events', 'ops-1', { 'last-event-id': 'x' });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });

  test('a reviewer who leaves the directory gets no further event', async () => {
    const { reviewers } = api.settings.current();
    const reading = readEvents(await open('/v1/events', 'ops-2'), () => false);
    api.settings.update({ reviewers: reviewers.filter(({ id }) => id !== 'ops-2') });
    await api.propose();
    expect(await reading).toEqual({ events: [], ended: true });
    api.settings.update({ reviewers });
  });

  async function readEventsDuring(count: number, work: () => Promise<unknown>) {
    const reading = readEvents(await open('/v1/events', 'ops-1'), (events) => events.length >= count);
    await work();
    return reading;
  }
});

describe('audit', () => {
  test('entries in order, page by page, to the end', async () => {
    await api.propose();
    const size = (await api.store.head()).size;
    const indices: number[] = [];
    let from: number | null = 0;
    while (from !== null) {
      const page: { entries: { index: number }[]; nextFrom: number | null } = (
        await api.get(`/v1/audit/entries?from=${from}&limit=7`, 'audit-1')
      ).body;
      indices.push(...page.entries.map(({ index }) => index));
      from = page.nextFrom;
    }
    expect(indices).toEqual(Array.from({ length: size }, (_, index) => index));
  });

  test('no checkpoint yet: 503; then the note as it was signed', async () => {
    const early = await api.get('/v1/audit/checkpoint', 'audit-1');
    expect([early.status, codeOf(early)]).toEqual([503, 'worker_unavailable']);
    const review = await api.propose();
    const { size } = await api.store.head();
    await api.store.putCheckpoint(size, 'a signed note');
    expect((await api.get('/v1/audit/checkpoint', 'audit-1')).body).toEqual({ size, checkpoint: 'a signed note' });

    const asking = api.get(`/v1/reviews/${review.reviewId}/proof`, 'audit-1');
    await vi.waitUntil(async () => (await api.store.statements.requested(1)).length > 0);
    // The execute worker can say nothing of it.
    await api.store.statements.answer(review.reviewId);
    const proof = await asking;
    expect(proof.status).toBe(200);
    expect(proof.body).toMatchObject({
      format: 'holdpoint-proof/v1',
      reviewId: review.reviewId,
      checkpoint: 'a signed note',
      statement: null,
    });
    expect(proof.body.entries.length).toBeGreaterThan(0);
    for (const { index, inclusion } of proof.body.entries) {
      expect(inclusion).toEqual(await api.store.inclusionProof(index, size));
    }
    expect(proof.body.envelopes.map(({ kind }: { kind: string }) => kind)).toContain('proposal');
    expect(proof.body.materials).toHaveLength(1);
  });

  test('a proof of nothing', async () => {
    const answer = await api.get(`/v1/reviews/${api.newReviewId()}/proof`, 'ops-1');
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
  });
});

describe('explain', () => {
  const explain = (body: unknown, as = 'agent-1') => api.post('/v1/policy/explain', body, as);

  test('class, gate, levels and reasons, for whoever is signed in; nothing runs', async () => {
    const before = [api.gate.started.length, api.calls.length, (await api.store.head()).size];
    for (const as of ['agent-1', 'ops-1', 'audit-1']) {
      const { status, body } = await explain(CREATE, as);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        class: 'irreversible',
        gate: 'hard',
        blocked: false,
        levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
      });
    }
    expect((await explain(GET)).body).toMatchObject({ class: 'reversible', gate: 'none', levels: [] });
    expect([api.gate.started.length, api.calls.length, (await api.store.head()).size]).toEqual(before);
  });

  test.each([
    [{ ...CREATE, arguments: {} }, 'arguments_invalid'],
    [{ ...CREATE, tool: 'payouts.nothing' }, 'unknown_tool'],
    [{ ...CREATE, tool: 'payouts.wire', arguments: { amount: 1, memo: 'x' } }, 'arguments_invalid'],
  ])('%j would be blocked: %s', async (request, reason) => {
    const { body } = await explain(request);
    expect(body).toMatchObject({ blocked: true, gate: null });
    expect(body.reasonCodes).toContain(reason);
  });

  test('the urgency that a caller would give counts, and has to be one', async () => {
    const { body } = await explain({ ...GET, urgency: 'high' });
    expect(body).toMatchObject({ class: 'irreversible', gate: 'hard', rules: [{ reason: 'hurried' }] });
    expect((await explain({ ...GET, urgency: 'low' })).body).toMatchObject({ class: 'reversible', gate: 'none' });
    expect((await explain({ ...GET, urgency: 'now' })).status).toBe(400);
  });

  test('an agent’s own tool list counts for it', async () => {
    expect((await explain(CREATE, 'narrow-agent')).body.reasonCodes).toContain('tool_not_allowed');
  });

  test('a sealed argument in the clear is no error: execute would seal it', async () => {
    const { body } = await explain({ ...CREATE, tool: 'payouts.wire', arguments: { amount: 1, memo: 'long enough' } });
    expect(body).toMatchObject({ blocked: false, gate: 'hard' });
  });
});

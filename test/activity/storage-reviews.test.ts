import { beforeEach, describe, expect, it } from 'vitest';
import type { UnsettledState } from '../../src/ports/recovery.ts';
import type { ListFilter, Store } from '../../src/ports/store.ts';
import type { ExecutionView, Material, Review } from '../../src/contract/review.ts';
import type { Database, Query } from '../../src/storage/database/database.ts';
import { createReviewLists } from '../../src/storage/reviews/list.ts';
import {
  AT,
  bindingOf,
  claiming,
  DIGEST,
  LATER,
  opening,
  proposal,
  proposedEntry,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const EXECUTED: ExecutionView = { status: 'executed', body: { ok: true }, error: null, startedAt: AT, finishedAt: AT };
const DAY = 86_400_000;
const inDays = (days: number) => new Date(Date.parse(AT) + days * DAY).toISOString();

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
  });
  const put = (reviewId: string, over: Partial<Review> = {}) =>
    store.commit({ entries: [], review: stateWrite(reviewOf(reviewId, over)) });
  const listed = async (filter: ListFilter, limit = 50) =>
    (await store.listReviews(filter, limit))?.rows.map((row) => row.reviewId);

  describe('state and execution', () => {
    const id = reviewIdOf(1);

    it('the gate worker keeps what the execute worker wrote', async () => {
      await store.commit(proposal(id));
      await store.commit({
        entries: [proposedEntry(id)],
        review: { kind: 'execution', reviewId: id, execution: EXECUTED },
      });
      await store.commit({ entries: [], review: stateWrite(reviewOf(id, { status: 'approved', resolvedAt: AT })) });
      const stored = await store.readReview(id);
      expect(stored?.review).toMatchObject({ status: 'approved', execution: EXECUTED });
      expect(stored?.index).toBe(1);
      expect((await store.listReviews({}, 10))?.rows[0]).toMatchObject({
        status: 'approved',
        executionStatus: 'executed',
      });
    });

    it('an execution may come before the state', async () => {
      await store.commit({ entries: [], review: { kind: 'execution', reviewId: id, execution: EXECUTED } });
      expect(await store.readReview(id)).toBeUndefined();
      expect(await listed({})).toEqual([]);
      await put(id);
      expect((await store.readReview(id))?.review.execution).toEqual(EXECUTED);
    });

    it('unknown reviews are undefined', async () => {
      expect(await store.readReview(id)).toBeUndefined();
      expect(await store.readRecord(id)).toBeUndefined();
      expect(await store.readLedger(id)).toBeUndefined();
      expect(await store.entriesOf(id)).toEqual([]);
    });

    it('what has ended stays ended, as what it ended first', async () => {
      await put(id, { status: 'rejected', resolvedAt: AT });
      await put(id, { status: 'pending' });
      await put(id, { status: 'approved', resolvedAt: AT });
      expect((await store.readReview(id))?.review.status).toBe('rejected');
      expect(await listed({ approverGroups: ['ops'] })).toEqual([]);
      await put(id, { status: 'rejected', resolvedAt: AT, reason: 'another word' });
      expect((await store.readReview(id))?.review.reason).toBe('another word');
    });

    it('the sweeper ends a review whose workflow is gone, and nothing brings it back', async () => {
      await put(id);
      await store.commit({ entries: [], review: { kind: 'end', reviewId: id, status: 'aborted', at: LATER } });
      await put(id);
      expect((await store.readReview(id))?.review).toMatchObject({
        status: 'aborted',
        level: 0,
        allowedDecisions: [],
        resolvedAt: LATER,
        resolution: { type: 'aborted', by: null, retryable: true },
      });
      expect((await store.listReviews({ status: ['aborted'] }, 10))?.rows).toMatchObject([
        { status: 'aborted', resolvedAt: LATER, approvers: [] },
      ]);
      expect(await listed({ status: ['pending'] })).toEqual([]);
      expect(await store.countPending('cleanup-agent')).toBe(0);
    });

    it('an end does not overwrite an end', async () => {
      await put(id, { status: 'approved', resolvedAt: AT });
      await store.commit({ entries: [], review: { kind: 'end', reviewId: id, status: 'aborted', at: LATER } });
      expect((await store.readReview(id))?.review.status).toBe('approved');
    });

    it('envelopes add up and materials replace their revision', async () => {
      const envelope = (payload: string) => ({
        kind: 'decision',
        envelope: { payload, payloadType: 't', signatures: [{ sig: 's' }] },
      });
      const material = (revision: number, tool: string) =>
        ({ revision, tool, arguments: { text: 'a\u0000b' } }) as unknown as Material;
      const review = reviewOf(id);
      await store.commit({
        entries: [],
        review: { kind: 'state', review, envelopes: [envelope('one')], materials: [material(1, 'a')] },
      });
      await store.commit({ entries: [], review: { kind: 'state', review, envelopes: [], materials: [] } });
      await store.commit({
        entries: [],
        review: {
          kind: 'state',
          review,
          envelopes: [envelope('two')],
          materials: [material(1, 'b'), material(2, 'c')],
        },
      });
      expect(await store.readRecord(id)).toEqual({
        envelopes: [envelope('one'), envelope('two')],
        materials: [material(1, 'b'), material(2, 'c')],
      });
    });
  });

  describe('lists', () => {
    it('are ordered by deadline, none last, then id; pages join without gaps', async () => {
      const days = [3, 1, null, 2, 1, null, 5];
      for (const [i, day] of days.entries()) await put(reviewIdOf(i), { expiresAt: day === null ? null : inDays(day) });
      const expected = [1, 4, 3, 0, 6, 2, 5].map((n) => reviewIdOf(n));
      expect(await listed({})).toEqual(expected);
      const found: string[] = [];
      let cursor: string | null | undefined;
      let pages = 0;
      do {
        const page = await store.listReviews({}, 2, cursor ?? undefined);
        found.push(...(page?.rows.map((row) => row.reviewId) ?? []));
        cursor = page?.nextCursor;
        pages += 1;
      } while (cursor !== null && cursor !== undefined && pages < 10);
      expect(found).toEqual(expected);
      expect(pages).toBe(4);
    });

    it.each([
      '',
      'nonsense',
      Buffer.from('infinity rev_x').toString('base64url'),
      Buffer.from("x' OR 1=1 rev_").toString('base64url'),
      Buffer.from(`2026-99-99T00:00:00.000Z ${reviewIdOf(1)}`).toString('base64url'),
    ])('a cursor that is not ours is undefined: %j', async (cursor) =>
      expect(await store.listReviews({}, 10, cursor)).toBeUndefined(),
    );

    it('filters', async () => {
      await put(reviewIdOf(1), { threadId: 't-1', group: 'g-1' });
      await put(reviewIdOf(2), { proposer: { id: 'other-agent', owner: null, attested: true } });
      await put(reviewIdOf(3), {
        call: { service: 'stripe', tool: 'stripe.refunds.create', arguments: {}, digest: DIGEST },
      });
      await put(reviewIdOf(4), { status: 'expired', resolvedAt: AT });
      const cases: [ListFilter, number[]][] = [
        [{ threadId: 't-1' }, [1]],
        [{ group: 'g-1' }, [1]],
        [{ proposer: 'other-agent' }, [2]],
        [{ tool: 'stripe.refunds.create' }, [3]],
        [{ service: 'stripe' }, [3]],
        [{ status: ['expired'] }, [4]],
        [{ status: ['expired', 'pending'], service: 'github' }, [1, 2, 4]],
        [{ status: ['no such status'] }, []],
        [{ status: [] }, []],
        [{ tool: "'; --" }, []],
        [{}, [1, 2, 3, 4]],
      ];
      for (const [filter, ids] of cases) expect(await listed(filter)).toEqual(ids.map((n) => reviewIdOf(n)));
    });

    describe('outcomes that nobody knows', () => {
      const UNKNOWN: ExecutionView = { ...EXECUTED, status: 'outcome_unknown', body: null };
      const end = (n: number, execution: ExecutionView) =>
        store.commit({ entries: [], review: { kind: 'execution', reviewId: reviewIdOf(n), execution } });

      it('are listed by deadline, until they are settled', async () => {
        for (const n of [1, 2, 3, 4]) await put(reviewIdOf(n), { status: 'approved', resolvedAt: AT });
        await put(reviewIdOf(5), { status: 'not_required', resolvedAt: AT, gate: 'none', expiresAt: null });
        await end(1, EXECUTED);
        for (const n of [2, 3, 5]) await end(n, UNKNOWN);
        const unknown = { execution: 'outcome_unknown' } as const;
        expect(await listed(unknown)).toEqual([2, 3, 5].map((n) => reviewIdOf(n)));
        expect(await listed({ ...unknown, status: ['approved'] })).toEqual([2, 3].map((n) => reviewIdOf(n)));
        expect(await listed({ ...unknown, tool: 'another' })).toEqual([]);
        expect(await listed({ ...unknown, approverGroups: ['ops'] })).toEqual([]);
        await end(2, { ...UNKNOWN, status: 'executed' });
        expect(await listed(unknown)).toEqual([3, 5].map((n) => reviewIdOf(n)));
      });

      it('nor are approved calls that have not started, which are listed until they are claimed', async () => {
        for (const n of [1, 2]) await put(reviewIdOf(n), { status: 'approved', resolvedAt: AT });
        await put(reviewIdOf(3), { status: 'approved', resolvedAt: AT, kind: 'in-flow' });
        await put(reviewIdOf(4));
        const notRun = { execution: 'not_started' } as const;
        expect(await listed(notRun)).toEqual([1, 2].map((n) => reviewIdOf(n)));
        await end(1, { ...EXECUTED, status: 'executing' });
        expect(await listed(notRun)).toEqual([reviewIdOf(2)]);
        expect(await listed({ ...notRun, status: ['pending'] })).toEqual([]);
      });
    });

    it('changes: each review once, as it is now, in the order of its last change; a proposer’s own alone', async () => {
      const mine = { proposer: { id: 'another', owner: null, attested: true } };
      const change = (n: number, over: Partial<Review> = {}) =>
        store.commit({ entries: [proposedEntry(reviewIdOf(n))], review: stateWrite(reviewOf(reviewIdOf(n), over)) });
      await change(1);
      await change(2, mine);
      await change(3);
      await change(1, { status: 'rejected', resolvedAt: AT });
      await store.commit({
        entries: [],
        review: { kind: 'execution', reviewId: reviewIdOf(9), execution: EXECUTED },
      });
      const from = async (index: number, limit: number, proposer?: string, reviewId = '') =>
        (await store.changes({ index, reviewId }, limit, proposer)).map((found) => [found.index, found.row.reviewId]);
      expect(await from(0, 9)).toEqual([
        [1, reviewIdOf(2)],
        [2, reviewIdOf(3)],
        [3, reviewIdOf(1)],
      ]);
      expect(await from(1, 1, undefined, reviewIdOf(2))).toEqual([[2, reviewIdOf(3)]]);
      expect(await from(0, 9, 'another')).toEqual([[1, reviewIdOf(2)]]);
      expect((await store.changes({ index: 3, reviewId: '' }, 9))[0]?.row.status).toBe('rejected');
      expect(await Promise.all([0, 2, 9].map((most) => store.countChanges(-1, 'cleanup-agent', most)))).toEqual([
        0, 2, 2,
      ]);
      expect(await store.countChanges(2, 'another', 9)).toBe(0);
    });

    describe('walk an index that holds their order', () => {
      const SCAN_OF: readonly (readonly [string, ListFilter])[] = [
        ['reviews_by_status', {}],
        ['reviews_by_status', { status: ['pending'] }],
        ['reviews_by_tool', { status: ['pending'], tool: 'github.repos.delete' }],
        ['reviews_by_proposer', { proposer: 'cleanup-agent' }],
        ['review_approvers_order', { approverGroups: ['ops'] }],
        ['reviews_outcome_unknown', { execution: 'outcome_unknown' }],
        ['reviews_not_started', { execution: 'not_started' }],
      ];
      // As on a server: whatever the planner knows of the table, and before it knows anything.
      it.each(SCAN_OF)('%s: %j', (index, filter) =>
        expectWalk(index, (query) => createReviewLists(query).listReviews(filter, 50)),
      );
      it.each([
        ['reviews_changed', undefined],
        ['reviews_changed_by_proposer', 'cleanup-agent'],
      ])('%s: changes of %s', (index, proposer) =>
        expectWalk(index, (query) => createReviewLists(query).changes({ index: 0, reviewId: '' }, 50, proposer)),
      );

      async function expectWalk(index: string, read: (query: Query) => Promise<unknown>): Promise<void> {
        await put(reviewIdOf(1));
        const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
        await read((sql, parameters = []) => {
          asked.push({ sql, parameters });
          return database.query(sql, parameters);
        });
        const [{ sql, parameters } = { sql: '', parameters: [] }] = asked;
        const plan = await database.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, parameters);
        const lines = plan.map((line) => line['QUERY PLAN']);
        const walk = lines.findIndex((line) => line.includes(` ${index} on `));
        expect(lines[walk]).toMatch(/Index (Only )?Scan using/);
        // No sort below the merge of the walks: a page costs the same however many rows stand behind it.
        expect(lines.slice(Math.max(0, walk - 1), walk + 1).join('\n')).not.toMatch(/sort/i);
      }
    });

    it('rows say what a list shows, and nothing of the digest', async () => {
      await put(reviewIdOf(1), {
        levels: [
          {
            name: 'two',
            approvers: ['ops'],
            quorum: 2,
            escalation: null,
            status: 'open',
            decisions: [
              {
                type: 'approve',
                decisionUlid: 'x',
                reviewer: 'ops-1',
                channel: 'api',
                decidedAt: AT,
                level: 1,
                revision: 1,
                comment: null,
              },
            ],
          },
        ],
        call: {
          service: 'github',
          tool: 'github.repos.delete',
          arguments: { text: `\u202e${'ü'.repeat(600)}` },
          digest: DIGEST,
        },
      });
      const [row] = (await store.listReviews({}, 1))?.rows ?? [];
      expect(row).toMatchObject({
        votesMissing: 1,
        approvers: ['ops'],
        executionStatus: 'not_started',
        tool: 'github.repos.delete',
      });
      expect(Buffer.byteLength(row?.summary ?? '')).toBeLessThanOrEqual(400);
      expect(row?.summary).toMatch(/^github\.repos\.delete \{"text":"\\u202eü+…$/);
      expect(JSON.stringify(row)).not.toContain(DIGEST);
    });

    it('approver=me follows the open level', async () => {
      const level = (name: string, approvers: string[]) => ({
        name,
        approvers,
        quorum: 1,
        escalation: null,
        status: 'open' as const,
        decisions: [],
      });
      const levels = [level('one', ['ops']), level('two', ['finance', 'ops-lead'])];
      await put(reviewIdOf(1), { levels });
      await put(reviewIdOf(2), { levels, level: 2 });
      await put(reviewIdOf(3), { levels, status: 'changes_requested' });
      expect(await listed({ approverGroups: ['ops'] })).toEqual([reviewIdOf(1)]);
      expect(await listed({ approverGroups: ['finance', 'ops-lead'] })).toEqual([reviewIdOf(2)]);
      expect(await listed({ approverGroups: ['finance', 'ops'] })).toEqual([reviewIdOf(1), reviewIdOf(2)]);
      expect(await listed({ approverGroups: [] })).toEqual([]);
      await put(reviewIdOf(1), { levels, level: 2, expiresAt: AT });
      expect(await listed({ approverGroups: ['ops'] })).toEqual([]);
      expect(await listed({ approverGroups: ['finance'] })).toEqual([reviewIdOf(1), reviewIdOf(2)]);
      await put(reviewIdOf(1), { levels, level: 2, status: 'approved', resolvedAt: AT });
      expect(await listed({ approverGroups: ['finance'] })).toEqual([reviewIdOf(2)]);
      expect(await listed({ approverGroups: ['finance'], status: ['approved'] })).toEqual([]);
    });

    it('group names are compared whole, whatever is in them', async () => {
      const odd = 'a"b\\c,{}NULL \'$1';
      const level = {
        name: 'one',
        approvers: [odd],
        quorum: 1,
        escalation: null,
        status: 'open' as const,
        decisions: [],
      };
      await put(reviewIdOf(1), { levels: [level] });
      expect(await listed({ approverGroups: [odd] })).toEqual([reviewIdOf(1)]);
      expect(await listed({ approverGroups: ['a', 'b', '', 'NULL'] })).toEqual([]);
    });

    it('an escalation lets others in from its time on', async () => {
      const escalating = (at: string) => [
        {
          name: 'one',
          approvers: ['ops'],
          quorum: 1,
          escalation: { at, to: ['managers', 'ops'] },
          status: 'open' as const,
          decisions: [],
        },
      ];
      await put(reviewIdOf(1), { levels: escalating('2000-01-01T00:00:00.000Z') });
      await put(reviewIdOf(2), { levels: escalating('2999-01-01T00:00:00.000Z') });
      const rows = (await store.listReviews({}, 10))?.rows;
      expect(await listed({ approverGroups: ['managers'] })).toEqual([reviewIdOf(1)]);
      expect(await listed({ approverGroups: ['ops'] })).toEqual([reviewIdOf(1), reviewIdOf(2)]);
      expect(rows?.map((row) => row.approvers)).toEqual([['ops', 'managers'], ['ops']]);
    });
  });

  describe('counts', () => {
    it('pending: hard gates of one proposer that have not ended', async () => {
      await put(reviewIdOf(1));
      await put(reviewIdOf(2), { status: 'changes_requested' });
      await put(reviewIdOf(3), { gate: 'soft', status: 'not_required', resolvedAt: AT });
      await put(reviewIdOf(4), { status: 'rejected', resolvedAt: AT });
      await put(reviewIdOf(5), { proposer: { id: 'another', owner: null, attested: true } });
      expect(await store.countPending('cleanup-agent')).toBe(2);
      expect(await store.countPending('nobody')).toBe(0);
    });

    it('claims: when irreversible calls of one tool were made, counted back', async () => {
      const claimed = async (n: number, over: Partial<Review>, at: string) => {
        const reviewId = reviewIdOf(n);
        await store.commit(proposal(reviewId, over));
        await store.commit({ ledger: { ...claiming(reviewId), at } as never, entries: [] });
      };
      await claimed(1, {}, inDays(0));
      await claimed(2, {}, inDays(-1));
      await claimed(3, { class: 'reversible' }, inDays(0));
      await claimed(4, { call: { service: 's', tool: 'other', arguments: {}, digest: DIGEST } }, inDays(0));
      await store.commit(proposal(reviewIdOf(5)));
      expect(await store.nthLastClaim('github.repos.delete', 1)).toBe(inDays(0));
      expect(await store.nthLastClaim('github.repos.delete', 2)).toBe(inDays(-1));
      expect(await store.nthLastClaim('github.repos.delete', 3)).toBeUndefined();
    });

    it('sensitive calls: as many of a tool within an hour as the limit says, however many ask at once', async () => {
      const admit = (n: number, tool = 'api.note') => store.admitSensitive(tool, reviewIdOf(n), 5);
      const asked = await Promise.all(Array.from({ length: 20 }, (_, n) => admit(n)));
      expect(asked.filter((admitted) => admitted)).toHaveLength(5);
      // The same review again takes no second place, and another tool has places of its own.
      const again = await Promise.all(Array.from({ length: 20 }, (_, n) => admit(n)));
      expect(again).toEqual(asked);
      expect(await admit(21, 'api.other')).toBe(true);
      await database.query(`UPDATE holdpoint.sensitive_calls SET at = at - interval '1 hour' WHERE review_id = $1`, [
        reviewIdOf(asked.indexOf(true)),
      ]);
      expect([await admit(22), await admit(23)]).toEqual([true, false]);
    });

    it('unsettled: what has not come to an end and has not changed lately', async () => {
      const token = 'token-1';
      const lost = { error: { code: 'lost_answer', message: '' }, finishedAt: AT };
      for (let n = 1; n <= 6; n += 1) await store.commit({ ledger: opening(reviewIdOf(n)), entries: [] });
      for (let n = 2; n <= 5; n += 1) await store.commit({ ledger: claiming(reviewIdOf(n)), entries: [] });
      for (let n = 3; n <= 4; n += 1)
        await store.commit({
          ledger: { to: 'unknown', reviewId: reviewIdOf(n), token: 'token-1', outcome: lost },
          entries: [],
        });
      await store.commit({
        ledger: { to: 'reconcile', reviewId: reviewIdOf(4), outcome: 'failed', by: 'ops-1', note: 'n', at: AT },
        entries: [],
      });
      await store.commit({
        ledger: {
          to: 'finish',
          reviewId: reviewIdOf(5),
          token,
          state: 'done',
          outcome: { error: null, finishedAt: AT },
        },
        entries: [],
      });
      await store.commit({
        ledger: { to: 'deny', reviewId: reviewIdOf(6), proposalDigest: DIGEST, reason: 'expired', at: AT },
        entries: [],
      });
      const soon = new Date(Date.now() + DAY).toISOString();
      const unsettled = (state: UnsettledState, limit = 10, after: string | null = null) =>
        store.recovery.unsettled(state, soon, limit, after);
      expect(await unsettled('open')).toEqual([reviewIdOf(1)]);
      expect(await unsettled('claimed')).toEqual([reviewIdOf(2)]);
      expect(await unsettled('unknown')).toEqual([reviewIdOf(3)]);
      await store.commit({ ledger: opening(reviewIdOf(7)), entries: [] });
      expect(await unsettled('open', 1)).toEqual([reviewIdOf(1)]);
      expect(await unsettled('open', 1, reviewIdOf(1))).toEqual([reviewIdOf(7)]);
      expect(await unsettled('open', 1, reviewIdOf(7))).toEqual([]);
      expect(await store.recovery.unsettled('open', AT, 10, null)).toEqual([]);
    });
  });

  it('an idempotency key belongs to one proposer, one review and one body', async () => {
    const claim = (proposer: string, key: string, review: number, fingerprint: string) =>
      store.proposedCalls.bind(bindingOf(reviewIdOf(review), { proposer, key: { key, fingerprint } }));
    const seen = { kind: 'seen', reviewId: reviewIdOf(1), attached: false };
    expect(await claim('a', 'k', 1, 'f')).toEqual({ kind: 'new', reviewId: reviewIdOf(1) });
    expect(await claim('a', 'k', 2, 'f')).toEqual({ ...seen, matches: true });
    expect(await claim('a', 'k', 2, 'g')).toEqual({ ...seen, matches: false });
    expect(await claim('b', 'k', 3, 'g')).toEqual({ kind: 'new', reviewId: reviewIdOf(3) });
    const race = await Promise.all(Array.from({ length: 10 }, (_, i) => claim('a', 'race', 10 + i, 'f')));
    expect(race.filter((answer) => answer.kind === 'new')).toHaveLength(1);
  });

  it('of evidence the last write counts, by revision', async () => {
    const envelope = (payload: string) => ({ payload, payloadType: 't', signatures: [{ sig: 's' }] });
    await store.putEvidence(reviewIdOf(1), 1, envelope('a'));
    await store.putEvidence(reviewIdOf(1), 1, envelope('b'));
    expect(await store.readEvidence(reviewIdOf(1), 1)).toEqual(envelope('b'));
    expect(await store.readEvidence(reviewIdOf(1), 2)).toBeUndefined();
  });

  describe('erasing', () => {
    const SECRET = 'do-not-keep-me';

    async function executed(reviewId: string, resolvedAt: string): Promise<void> {
      const decision = {
        type: 'approve' as const,
        decisionUlid: 'x',
        reviewer: 'ops-1',
        channel: 'api' as const,
        decidedAt: AT,
        level: 1,
        revision: 1,
        comment: SECRET,
      };
      await store.commit({
        ledger: opening(reviewId),
        entries: [proposedEntry(reviewId)],
        review: {
          ...stateWrite(
            reviewOf(reviewId, {
              status: 'approved',
              resolvedAt,
              call: { service: 'github', tool: 'github.repos.delete', arguments: { a: SECRET }, digest: DIGEST },
              target: { connector: 'github', request: SECRET },
              reason: SECRET,
              context: { a: SECRET },
              evidence: [{ facts: [{ name: 'a', label: 'a', value: SECRET }], sourceHash: null, gatheredAt: AT }],
              levels: [
                {
                  name: 'one',
                  approvers: ['ops'],
                  quorum: 1,
                  escalation: null,
                  status: 'passed',
                  decisions: [decision],
                },
              ],
              resolution: {
                type: 'approve',
                by: 'ops-1',
                comment: SECRET,
                response: SECRET,
                edited: false,
                retryable: false,
              },
            }),
          ),
          envelopes: [
            { kind: 'decision', envelope: { payload: SECRET, payloadType: 't', signatures: [{ sig: 's' }] } },
          ],
          materials: [{ revision: 1, arguments: SECRET } as unknown as Material],
        } as never,
      });
      await store.putEvidence(reviewId, 1, { payload: SECRET, payloadType: 't', signatures: [{ sig: 's' }] });
      await store.commit({ ledger: claiming(reviewId), entries: [] });
      const outcome = { body: SECRET, error: null, finishedAt: AT };
      await store.commit({
        ledger: { to: 'finish', reviewId, token: 'token-1', state: 'done', outcome },
        entries: [],
        review: { kind: 'execution', reviewId, execution: { ...EXECUTED, body: SECRET } },
      });
    }

    it('takes everything that was said out of the database, and leaves the log as it was', async () => {
      await executed(reviewIdOf(1), inDays(-10));
      await executed(reviewIdOf(2), inDays(0));
      await put(reviewIdOf(3));
      const head = await store.head();
      expect(await store.erase(inDays(-5))).toBe(1);
      expect(await store.erase(inDays(-5))).toBe(0);
      expect(await store.head()).toEqual(head);

      const rows = await database.query<{ text: string }>(
        `SELECT concat(to_jsonb(r), to_jsonb(l), e.envelope) AS text
           FROM holdpoint.reviews r LEFT JOIN holdpoint.ledger l USING (review_id)
           LEFT JOIN holdpoint.evidence e USING (review_id) WHERE review_id = $1`,
        [reviewIdOf(1)],
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]?.text).not.toContain(SECRET);
      expect((await store.readReview(reviewIdOf(1)))?.review).toMatchObject({
        status: 'approved',
        call: { tool: 'github.repos.delete', arguments: null, digest: DIGEST },
        execution: { status: 'executed' },
      });
      expect(await store.readRecord(reviewIdOf(1))).toEqual({ envelopes: [], materials: [] });
      expect((await store.readLedger(reviewIdOf(1)))?.state).toBe('done');
      expect((await store.readReview(reviewIdOf(2)))?.review.reason).toBe(SECRET);
    });

    it('what may still happen is kept', async () => {
      const reviewId = reviewIdOf(1);
      await store.commit(proposal(reviewId, { status: 'approved', resolvedAt: inDays(-10) }));
      expect(await store.erase(inDays(-5))).toBe(0);
      await store.commit({ ledger: claiming(reviewId), entries: [] });
      await store.commit({
        ledger: {
          to: 'unknown',
          reviewId,
          token: 'token-1',
          outcome: { error: { code: 'lost_answer', message: '' }, finishedAt: AT },
        },
        entries: [],
      });
      expect(await store.erase(inDays(-5))).toBe(0);
      await store.commit({
        ledger: { to: 'reconcile', reviewId, outcome: 'executed', by: 'ops-1', note: SECRET, at: AT },
        entries: [],
      });
      expect(await store.erase(inDays(-5))).toBe(1);
      expect((await store.readLedger(reviewId))?.reconciliation).toMatchObject({ by: 'ops-1', note: '' });
    });

    it('goes in batches, each within a size, past what has to stay', async () => {
      await store.commit(proposal(reviewIdOf(0), { status: 'approved', resolvedAt: inDays(-11) }));
      const rejected = (from: number, count: number, reason = SECRET) =>
        Promise.all(
          Array.from({ length: count }, (_, n) =>
            put(reviewIdOf(from + n), { status: 'rejected', resolvedAt: inDays(-10), reason }),
          ),
        );
      const erase = async () => {
        const told: number[] = [];
        await store.erase(inDays(-5), (erased) => told.push(erased));
        return told;
      };
      await rejected(1, 101);
      expect(await erase()).toEqual([100, 101]);
      await rejected(201, 3, 'x'.repeat(1_900_000));
      expect(await erase()).toEqual([2, 3]);
    });

    it('a state written after it does not bring the words back', async () => {
      await executed(reviewIdOf(1), inDays(-10));
      await store.erase(inDays(-5));
      await put(reviewIdOf(1), { status: 'approved', resolvedAt: inDays(-10), reason: SECRET });
      await store.commit({
        entries: [],
        review: { kind: 'execution', reviewId: reviewIdOf(1), execution: { ...EXECUTED, body: SECRET } },
      });
      expect(JSON.stringify(await store.readReview(reviewIdOf(1)))).not.toContain(SECRET);
    });
  });
});

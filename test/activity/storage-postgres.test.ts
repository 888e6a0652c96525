import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Commit, Store } from '../../src/ports/store.ts';
import { originOf } from '../../src/domain/proof/checkpoint.ts';
import {
  appendLeaves,
  EMPTY_RANGE,
  hashEntry,
  hashFromBase64,
  hashToBase64,
  type Hash,
} from '../../src/domain/proof/tree.ts';
import { verifyInclusion } from '../../src/domain/proof/merkle-proof.ts';
import { grantRoles, grantRolesSql } from '../../src/storage/database/roles.ts';
import { createStore, openDatabase } from '../../src/storage/store.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import {
  AT,
  beginning,
  bindingOf,
  claiming,
  DIGEST,
  opening,
  proposal,
  proposedEntry,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../support/storage-fixtures.ts';
import { openStore } from '../support/stores.ts';

const KEYED = { key: { key: 'key', fingerprint: 'f' } };
const refused = { name: 'StorageError', code: 'write_refused' };
const until = async (condition: () => boolean | Promise<boolean>) => {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe('several processes on one PostgreSQL', () => {
  let server: Postgres;
  const open: Store[] = [];
  const storeOn = async (database: string, user?: string) => {
    const store = await createStore({ databaseUrl: server.url(database, user) });
    open.push(store);
    return store;
  };
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await Promise.all(open.map((store) => store.close()));
    server.stop();
  });

  it('started at once, they migrate once', async () => {
    const database = await server.createDatabase();
    const stores = await Promise.all(Array.from({ length: 5 }, () => storeOn(database)));
    for (const store of stores) expect((await store.head()).size).toBe(0);
  });

  it('append to one log without gaps or forks, and each of a review’s claims meets the same row', async () => {
    const database = await server.createDatabase();
    const stores = await Promise.all([storeOn(database), storeOn(database), storeOn(database)]);
    await stores[0]?.commit(proposal(reviewIdOf(9_999)));
    const results = await Promise.all(
      stores.flatMap((store, s) => [
        ...Array.from({ length: 60 }, (_, i) => store.commit(proposal(reviewIdOf(1_000 * s + i)))),
        store.commit({
          ledger: claiming(reviewIdOf(9_999), `worker-${s}`),
          entries: [proposedEntry(reviewIdOf(9_999))],
        }),
      ]),
    );
    const indices = results.flatMap((result) => (result.ok ? result.indices : [])).toSorted((a, b) => a - b);
    expect(indices).toEqual(Array.from({ length: 181 }, (_, i) => i + 1));
    expect(results.filter((result) => !result.ok)).toHaveLength(2);
    const heads = await Promise.all(stores.map((store) => store.head()));
    expect(new Set(heads.map(({ root }) => root)).size).toBe(1);
    // What three processes hashed, each on its own right edge, is one tree.
    const entries = (await stores[1]?.entries(0, 500)) ?? [];
    const { root } = appendLeaves(
      EMPTY_RANGE,
      entries.map(({ entry }) => hashEntry(entry)),
    );
    expect(heads[0]).toEqual({ size: 182, root: hashToBase64(root) });
    for (const { index, entry } of entries) {
      const proof = (await stores[2]?.inclusionProof(index, 182))?.map((text) => hashFromBase64(text) as Hash) ?? [];
      expect(verifyInclusion(hashEntry(entry), index, 182, proof, root)).toBe(true);
    }
  });

  it('hear of each other’s entries', async () => {
    const database = await server.createDatabase();
    const [here, there] = [await storeOn(database), await storeOn(database)];
    const told: number[] = [];
    await here.tail(({ index }) => void told.push(index));
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? here : there).commit({ entries: [proposedEntry(reviewIdOf(i))] }),
      ),
    );
    await until(() => told.length >= 40);
    expect(told).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  describe('roles', () => {
    const roles = { api: 'hp_api', review: 'hp_review', gate: 'hp_gate', execute: 'hp_execute' };
    let database: string;
    let api: Awaited<ReturnType<typeof openStore>>;
    let gate: Awaited<ReturnType<typeof openStore>>;
    let execute: Awaited<ReturnType<typeof openStore>>;
    let review: Awaited<ReturnType<typeof openStore>>;
    let both: Store;
    const id = reviewIdOf(1);

    beforeAll(async () => {
      database = await server.createDatabase();
      const owner = await openStore({ databaseUrl: server.url(database) });
      open.push(owner.store);
      await grantRoles(owner.database, roles);
      await grantRoles(owner.database, roles);
      for (const [login, role] of [
        ['l_api', 'hp_api'],
        ['l_gate', 'hp_gate'],
        ['l_execute', 'hp_execute'],
        ['l_review', 'hp_review'],
      ]) {
        await server.sql(database, `CREATE ROLE ${login} LOGIN IN ROLE ${role}`);
      }
      await server.sql(database, 'CREATE ROLE l_all LOGIN IN ROLE hp_gate, hp_execute; CREATE ROLE l_none LOGIN');
      const as = async (login: string) => {
        const opened = await openStore({ databaseUrl: server.url(database, login) });
        open.push(opened.store);
        return opened;
      };
      [api, gate, execute] = [await as('l_api'), await as('l_gate'), await as('l_execute')];
      both = (await as('l_all')).store;
      review = await as('l_review');
    });

    const entry = (type: 'started' | 'decided'): AuditEntry => {
      const base = {
        schemaVersion: 1 as const,
        deploymentId: 'test',
        at: AT,
        reviewId: id,
        revision: 1,
        digest: DIGEST,
      };
      return type === 'started'
        ? { ...base, type, policyDigest: DIGEST, resend: false }
        : {
            ...base,
            type,
            decisionUlid: 'x',
            decision: 'approve',
            reviewer: 'ops-1',
            channel: 'api',
            level: 1,
            envelopeDigest: DIGEST,
            status: 'approved',
          };
    };

    it('the gate opens, the execute worker claims and finishes, the api reads', async () => {
      expect(await gate.store.commit(proposal(id))).toMatchObject({ ok: true });
      expect(
        await execute.store.commit({
          ledger: claiming(id),
          entries: [entry('started')],
          review: {
            kind: 'execution',
            reviewId: id,
            execution: { status: 'executing', error: null, startedAt: AT, finishedAt: null },
          },
        }),
      ).toMatchObject({ ok: true });
      const outcome = { error: { code: 'lost_answer', message: '' }, finishedAt: AT };
      expect(
        await execute.store.commit({ ledger: { to: 'unknown', reviewId: id, token: 'token-1', outcome }, entries: [] }),
      ).toMatchObject({ ok: true });
      expect(
        await gate.store.commit({
          ledger: { to: 'reconcile', reviewId: id, outcome: 'executed', by: 'ops-1', note: 'n', at: AT },
          entries: [],
        }),
      ).toMatchObject({ ok: true });
      expect((await api.store.readReview(id))?.review.execution.status).toBe('executing');
      expect((await api.store.listReviews({}, 10))?.rows).toHaveLength(1);
      expect(await api.store.inclusionProof(0, 2)).toHaveLength(1);
      expect(await api.store.proposedCalls.bind(bindingOf(id, KEYED))).toEqual({ kind: 'new', reviewId: id });
      expect(await api.store.proposedCalls.bind(bindingOf(id, KEYED))).toMatchObject({ kind: 'seen' });
      await api.store.proposedCalls.note('agent', { call: 'c', intent: 'i' }, id, 2, AT);
      expect(await api.store.mcpRequests.begin('request', 'key', AT, AT)).toBe('key');
      await api.store.mcpRequests.answered('request');
      await execute.store.putEvidence(id, 1, { payload: 'p', payloadType: 't', signatures: [{ sig: 's' }] });
      expect(await gate.store.readEvidence(id, 1)).toBeDefined();
      await execute.store.putCheckpoint(1, originOf('test'));
      expect(await api.store.checkpoint()).toMatchObject({ size: 1 });
      expect(await gate.store.erase(AT)).toBe(0);
      const listed = { name: 'x', digest: DIGEST, parts: {}, definition: { description: null, inputSchema: {} } };
      await execute.store.putUpstreamTools('tickets', [listed]);
      await execute.store.putUpstreamTools('tickets', [{ ...listed, digest: `sha256:${'9'.repeat(64)}` }]);
      await execute.store.putUpstreamTools('tickets', []);
      expect(await api.store.readUpstreamTools()).toMatchObject([{ first: DIGEST, digest: null }]);
      expect(await gate.store.readUpstreamTools()).toHaveLength(1);
      await expect(
        execute.database.query(`UPDATE holdpoint.upstream_tools SET first_digest = ''`),
      ).rejects.toMatchObject(refused);
    });

    it('the execute worker begins a call without a workflow, and its entries go with no other', async () => {
      const [begun, other] = [reviewIdOf(20), reviewIdOf(21)];
      expect(await execute.store.commit(beginning(begun))).toMatchObject({ ok: true, row: { isDirect: true } });
      const more = { ...beginning(other), entries: [...beginning(other).entries, proposedEntry(reviewIdOf(22))] };
      await expect(execute.store.commit(more)).rejects.toMatchObject(refused);
      expect(await execute.store.commit(beginning(begun))).toMatchObject({ ok: false, why: 'refused' });
    });

    const denial = { to: 'deny', reviewId: reviewIdOf(2), proposalDigest: DIGEST, reason: 'x', at: AT } as const;
    const finish = {
      to: 'finish',
      reviewId: reviewIdOf(2),
      token: 'token-1',
      state: 'done',
      outcome: { error: null, finishedAt: AT },
    } as const;
    const unknown = { to: 'unknown', reviewId: reviewIdOf(2), token: 'token-1', outcome: finish.outcome } as const;
    const mayNot: [string, () => Store, Commit][] = [
      ['gate: claim', () => gate.store, { ledger: claiming(reviewIdOf(2)), entries: [] }],
      ['gate: begin', () => gate.store, beginning(reviewIdOf(2))],
      ['api: begin', () => api.store, beginning(reviewIdOf(2))],
      [
        'execute: begin what is held',
        () => execute.store,
        { ...beginning(reviewIdOf(2)), entries: [entry('decided')] },
      ],
      ['gate: finish', () => gate.store, { ledger: finish, entries: [] }],
      ['gate: unknown', () => gate.store, { ledger: unknown, entries: [] }],
      ['gate: say that it was started', () => gate.store, { entries: [entry('started')] }],
      ['execute: open', () => execute.store, { ledger: opening(reviewIdOf(2)), entries: [] }],
      [
        'execute: reconcile',
        () => execute.store,
        { ledger: { to: 'reconcile', reviewId: id, outcome: 'failed', by: 'x', note: 'x', at: AT }, entries: [] },
      ],
      ['execute: say that somebody decided', () => execute.store, { entries: [entry('decided')] }],
      ['execute: show a state', () => execute.store, { entries: [], review: stateWrite(reviewOf(id)) }],
      [
        'execute: end a review',
        () => execute.store,
        { entries: [], review: { kind: 'end', reviewId: id, status: 'aborted', at: AT } },
      ],
      ['api: open', () => api.store, { ledger: opening(reviewIdOf(2)), entries: [] }],
      ['api: deny', () => api.store, { ledger: denial, entries: [] }],
      ['api: claim', () => api.store, { ledger: claiming(reviewIdOf(2)), entries: [] }],
      ['api: write an entry', () => api.store, { entries: [proposedEntry(id)] }],
      ['api: show a state', () => api.store, { entries: [], review: stateWrite(reviewOf(id)) }],
    ];
    it.each(mayNot)('%s is refused', async (_name, store, commit) => {
      const before = await both.head();
      await expect(store().commit(commit)).rejects.toMatchObject(refused);
      expect(await both.head()).toEqual(before);
      expect(await both.readLedger(reviewIdOf(2))).toBeUndefined();
    });

    it('no login that may not append can hold the line of appends', async () => {
      for (const statement of ['SELECT FROM holdpoint.audit_head FOR SHARE', 'SELECT holdpoint.lock_head()']) {
        await expect(api.database.query(statement)).rejects.toMatchObject(refused);
      }
    });

    it('the reviewers’ api alone may store an objection, and nobody takes one back', async () => {
      const envelope = { payload: 'p', payloadType: 't', signatures: [{ sig: 's' }] };
      const objected = reviewIdOf(6);
      await gate.store.commit({ ledger: opening(objected), entries: [] });
      for (const { store } of [api, gate, execute]) {
        await expect(store.objections.object(objected, envelope)).rejects.toMatchObject(refused);
      }
      expect(await Promise.all([review, api].map(({ store }) => store.objections.mayObject()))).toEqual([true, false]);
      expect(await review.store.objections.object(objected, envelope)).toBe('stored');
      await expect(review.store.commit({ ledger: opening(reviewIdOf(7)), entries: [] })).rejects.toMatchObject(refused);
      for (const { database: login } of [api, gate, execute, review]) {
        for (const statement of [
          'DELETE FROM holdpoint.objections',
          `UPDATE holdpoint.objections SET envelope = ''`,
          `INSERT INTO holdpoint.objections (review_id, hash, envelope) VALUES ('x', '', '')`,
        ]) {
          await expect(login.query(statement)).rejects.toMatchObject(refused);
        }
      }
      const [stored] = await execute.store.objections.ofReview(objected, 10);
      await execute.store.objections.setUnreadable(stored?.n ?? 0, true);
      expect(await api.store.objections.countUnreadable()).toBe(1);
      await gate.store.objections.settle(stored?.n ?? 0);
      // Settled or not, a claim has to have judged it.
      expect(await execute.store.commit({ ledger: claiming(objected), entries: [] })).toMatchObject({ ok: false });
    });

    it('a type hidden in another field does not deceive', async () => {
      const hidden = { ...entry('started'), digest: `,"type":"decided"${'a'.repeat(10)}` } as AuditEntry;
      await expect(gate.store.commit({ entries: [hidden] })).rejects.toMatchObject(refused);
      const nul = proposedEntry(reviewIdOf(3), { proposer: 'temporal:\u0000,"type":"started"' });
      expect(await gate.store.commit({ entries: [nul] })).toMatchObject({ ok: true });
    });

    it.each([
      `UPDATE holdpoint.ledger SET state = 'claimed', claimed_at = now()`,
      `INSERT INTO holdpoint.ledger (review_id, proposal_digest, state, opened_at) VALUES ('x', 'x', 'open', now())`,
      'DELETE FROM holdpoint.ledger',
      'UPDATE holdpoint.audit_head SET size = 0',
      `INSERT INTO holdpoint.audit_entries (idx, leaf, hash) VALUES (99, '{}', '')`,
      `UPDATE holdpoint.reviews SET status = 'approved'`,
      'DELETE FROM holdpoint.checkpoints',
      'DELETE FROM holdpoint.idempotency',
      'SELECT holdpoint.may_execute(), holdpoint.may_gate()',
      `SELECT holdpoint.move_ledger('[]')`,
      `SELECT holdpoint.write_reviews('[]', '')`,
      'CREATE TABLE holdpoint.mine (a int)',
      'ALTER TABLE holdpoint.ledger DISABLE TRIGGER ALL',
      'GRANT hp_execute TO l_gate',
    ])('no login may: %s', async (statement) => {
      for (const { database: login } of [api, gate, execute]) {
        await expect(login.query(statement)).rejects.toMatchObject(refused);
      }
    });

    it.each(['gate', 'api'] as const)('%s may not write evidence or checkpoints', async (name) => {
      const { store } = name === 'gate' ? gate : api;
      await expect(
        store.putEvidence(id, 1, { payload: 'p', payloadType: 't', signatures: [{ sig: 's' }] }),
      ).rejects.toMatchObject(refused);
      await expect(store.putCheckpoint(9, 'forged')).rejects.toMatchObject(refused);
      await expect(store.putUpstreamTools('tickets', [])).rejects.toMatchObject(refused);
    });

    it('the execute worker may say no, and may not bind a call or erase', async () => {
      await gate.store.commit({ ledger: opening(reviewIdOf(4)), entries: [] });
      const deny = { ...denial, reviewId: reviewIdOf(4) };
      expect(await execute.store.commit({ ledger: deny, entries: [] })).toMatchObject({
        ok: true,
        row: { state: 'denied' },
      });
      for (const { store } of [gate, execute]) {
        await expect(store.proposedCalls.bind(bindingOf(id, KEYED))).rejects.toMatchObject(refused);
        await expect(store.proposedCalls.note('a', { call: 'c', intent: 'i' }, id, 9, AT)).rejects.toMatchObject(
          refused,
        );
        await expect(store.mcpRequests.begin('request', 'key', AT, AT)).rejects.toMatchObject(refused);
      }
      await expect(execute.database.query(`SELECT holdpoint.erase_reviews('[]')`)).rejects.toMatchObject(refused);
    });

    it('only the gate worker may count a sensitive call as let through', async () => {
      expect(await gate.store.admitSensitive('api.note', id, 1)).toBe(true);
      for (const { store } of [api, execute]) {
        await expect(store.admitSensitive('api.note', reviewIdOf(6), 1)).rejects.toMatchObject(refused);
      }
      const forget = 'DELETE FROM holdpoint.sensitive_calls';
      for (const { database: login } of [api, gate, execute]) {
        await expect(login.query(forget)).rejects.toMatchObject(refused);
      }
    });

    it('a login of both may do both, a login of none nothing', async () => {
      expect(await both.commit(proposal(reviewIdOf(5)))).toMatchObject({ ok: true });
      expect(await both.commit({ ledger: claiming(reviewIdOf(5)), entries: [] })).toMatchObject({ ok: true });
      await expect(createStore({ databaseUrl: server.url(database, 'l_none') })).rejects.toMatchObject(refused);
    });

    it('role names are identifiers and nothing else', () => {
      expect(() => grantRolesSql({ ...roles, api: 'x"; DROP ROLE postgres; --' })).toThrow(TypeError);
    });
  });

  it('a login that may not make the schema is refused where there is none', async () => {
    const database = await server.createDatabase();
    await server.sql(database, 'CREATE ROLE l_poor LOGIN');
    await expect(createStore({ databaseUrl: server.url(database, 'l_poor') })).rejects.toMatchObject(refused);
  });
});

describe('a PostgreSQL that goes away', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  it('says so, loses nothing it acknowledged, and the tail catches up', async () => {
    const database = await server.createDatabase();
    const store = await createStore({ databaseUrl: server.url(database) });
    const told: number[] = [];
    await store.tail(({ index }) => void told.push(index));
    await store.commit(proposal(reviewIdOf(1)));
    await until(() => told.length === 1);

    server.crash();
    const unavailable = { name: 'StorageError', code: 'database_unavailable' };
    await expect(store.commit({ ...proposal(reviewIdOf(2)), key: 'second' })).rejects.toMatchObject(unavailable);
    const many = Array.from({ length: 200 }, (_, i) => store.commit(proposal(reviewIdOf(100 + i))));
    const ends = await Promise.allSettled(many);
    expect(ends.every((end) => end.status === 'rejected')).toBe(true);
    await expect(store.head()).rejects.toMatchObject(unavailable);
    await expect(store.ping()).rejects.toMatchObject(unavailable);

    server.restart();
    const other = await openDatabase({ databaseUrl: server.url(database) });
    await until(() =>
      store.ping().then(
        () => true,
        () => false,
      ),
    );
    expect(await store.readLedger(reviewIdOf(1))).toMatchObject({ state: 'open' });
    expect(await store.commit({ ...proposal(reviewIdOf(2)), key: 'second' })).toMatchObject({ ok: true, indices: [1] });
    await until(() => told.length === 2);
    expect(told).toEqual([0, 1]);
    await other.close();
    await store.close();
  });

  it('its words never reach a caller', async () => {
    const failure = createStore({ databaseUrl: 'postgresql://nobody:secret@127.0.0.1:9/nowhere' });
    const error: unknown = await failure.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'database_unavailable' });
    expect((error as Error).message).not.toMatch(/secret|127\.0\.0\.1|nobody/);
  });
});

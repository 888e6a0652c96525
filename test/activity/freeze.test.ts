import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ulid } from 'ulid';
import { admitLifts } from '../../src/activities/execute/admit-lifts.ts';
import { createDirectActivities } from '../../src/activities/execute/index.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { DsseEnvelope, EnvelopePayload } from '../../src/contract/envelope.ts';
import { digestBytes } from '../../src/domain/proof/digest.ts';
import type { Signer } from '../../src/ports/connector.ts';
import type { Store } from '../../src/ports/store.ts';
import { migrate } from '../../src/storage/database/migrate.ts';
import { grantRoles } from '../../src/storage/database/roles.ts';
import { createStore, openDatabase } from '../../src/storage/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { DEPLOYMENT, makeFixture, REVIEWERS, type GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, later, makeJourneys } from '../support/gate-journey.ts';
import type { Steps } from '../support/gate-hooks.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { beginning, claiming, opening, reviewIdOf } from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const CREATE = { account: 'a-1', amount: 5 };
const EMPTY = { steps: [], keys: [], entries: [], nodes: [], reviews: [], executions: [], ends: [] };
const OPERATORS = { operators: ['ops'] };
const waits = (code: string) => ({ failure: later(code), sent: 0, state: 'open' });
const stranger = signerOf(makeKey('stranger'));
const digestOf = ({ payload }: DsseEnvelope): string => digestBytes(Buffer.from(payload, 'base64'));

interface Frozen {
  readonly freezeId: string;
  readonly envelope: DsseEnvelope;
}

/** Stores a freeze as the reviewers' api does; other workers are not told. */
async function freeze(
  { store, signers }: Pick<GateFixture, 'store' | 'signers'>,
  tools: readonly string[],
  by = 'ops-1',
  signer: Signer = signers.review,
): Promise<Frozen> {
  const freezeId = `frz_${ulid()}`;
  const at = new Date().toISOString();
  const envelope = signer.sign('freeze', {
    deploymentId: DEPLOYMENT,
    freezeId,
    tools: [...tools],
    why: 'an incident',
    reviewer: { id: by, method: 'token' },
    channel: 'api',
    frozenAt: at,
  });
  await store.commit({
    freeze: { to: 'freeze', freezeId, envelope },
    entries: [frozenEntry(freezeId, tools, by, digestOf(envelope))],
  });
  return { freezeId, envelope };
}

function frozenEntry(freezeId: string, tools: readonly string[], by: string, envelopeDigest: string): AuditEntry {
  const base = { schemaVersion: 1, deploymentId: DEPLOYMENT, at: new Date().toISOString() } as const;
  return { ...base, type: 'frozen', freezeId, tools: [...tools], by, channel: 'api', envelopeDigest };
}

onEveryDatabase((engine) => {
  let database: Database;
  let store: Store;
  let gate: GateFixture;
  let steps: Steps;
  beforeAll(async () => {
    ({ database, store } = await engine.fresh());
  });
  beforeEach(async () => {
    gate = await makeFixture({ store, settings: OPERATORS });
    await liftAll();
    await gate.settings.refresh();
    steps = makeJourneys(gate);
  });

  const lift = async (
    frozen: Frozen,
    over: Partial<EnvelopePayload<'lift'>> = {},
    signer: Signer = gate.signers.review,
  ) => {
    const { freezeId, envelope } = frozen;
    const signed = signer.sign('lift', {
      deploymentId: DEPLOYMENT,
      freezeId,
      freezeDigest: digestOf(envelope),
      why: 'over',
      reviewer: { id: 'ops-2', method: 'token' },
      channel: 'api',
      liftedAt: new Date().toISOString(),
      ...over,
    });
    const stored = await store.freezes.askLift(freezeId, signed);
    const lifted = await admitLifts(gate.executeDeps());
    return { stored, lifted, verdict: await store.freezes.readLift(signed), signed };
  };
  /** Also what an earlier test of this file left. */
  const liftAll = async () => {
    for (const { id } of (await store.freezes.read()).standing) {
      const { digest } = (await store.freezes.find(id)) ?? {};
      await lift({ freezeId: id, envelope: { payload: '' } as DsseEnvelope }, { freezeDigest: digest ?? '' });
    }
  };

  describe('the database refuses what was judged without a freeze that stands:', () => {
    it('opening, claiming, resending and beginning a call', async () => {
      const [held, sent] = [reviewIdOf(1), reviewIdOf(2)];
      const { version } = await gate.settings.refresh().then(({ freezes }) => freezes ?? { version: 0 });
      const now = { freezeVersion: version };
      for (const id of [held, sent]) await store.commit({ ledger: opening(id), entries: [] });
      await store.commit({ ledger: { ...claiming(sent), ...now } as never, entries: [] });
      const frozen = await freeze(gate, ['payouts.*']);
      const begun = beginning(reviewIdOf(3));
      const resend = { to: 'resend', reviewId: sent, token: 'token-1', resends: 0 } as const;
      const at = new Date().toISOString();
      const judgedBy = (freezeVersion: number) => [
        { ledger: { ...opening(reviewIdOf(4)), freezeVersion } as never, entries: [] },
        { ledger: { ...claiming(held), freezeVersion } as never, entries: [] },
        { ledger: { ...resend, at, resendAt: at, freezeVersion }, entries: [] },
        { ...begun, ledger: { ...begun.ledger, freezeVersion } },
      ];
      for (const step of judgedBy(version))
        expect(await store.commit(step as never)).toMatchObject({ why: 'outdated' });
      for (const step of judgedBy(version + 1)) expect((await store.commit(step as never)).ok).toBe(true);
      expect(await store.freezes.isCurrent(version)).toBe(false);
      await lift(frozen);
    });

    it('a worker that heard nothing of it claims nothing, and finds out', async () => {
      const { input } = await steps.approved('payouts.create', CREATE);
      const frozen = await freeze(gate, ['payouts.create']);
      expect(await steps.attempt(input)).toEqual(waits('not_open'));
      expect(await steps.attempt(input)).toEqual(waits('frozen'));
      await lift(frozen);
      expect(await steps.attempt(input)).toEqual(EXECUTED);
    });

    it('makes no reversible call without a workflow, and goes on where another tool is frozen', async () => {
      const proposed = () =>
        gate.proposeDirect(gate.newReviewId(), { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p' } });
      const run = (proposal = proposed()) => createDirectActivities(gate.executeDeps()).executeFree({ proposal });
      const other = await freeze(gate, ['github.*']);
      expect(await run()).toMatchObject({ status: 'executed' });
      const frozen = await freeze(gate, ['payouts.g*']);
      expect(await run()).toMatchObject({ status: 'not_free' });
      expect(gate.calls).toHaveLength(1);
      await lift(other);
      await lift(frozen);
      expect(await run()).toMatchObject({ status: 'executed' });
    });

    it('previews nothing', async () => {
      const { reviewId, input } = await steps.open('payouts.purge', { before: '2024' });
      const seen = gate.previews.length;
      await freeze(gate, ['*']);
      const { proposal } = input;
      const gather = steps
        .run()
        .gatherEvidence({ reviewId, revision: 1, proposal: proposal as DsseEnvelope, change: null });
      await expect(gather).rejects.toMatchObject({ type: 'reclassified' });
      expect(gate.previews).toHaveLength(seen);
    });

    it('a new call is BLOCKED, although the gate worker heard nothing of it', async () => {
      const frozen = await freeze(gate, ['payouts.create']);
      expect((await steps.open('payouts.create', CREATE)).opened).toMatchObject({ kind: 'blocked' });
      await lift(frozen);
      expect((await steps.open('payouts.create', CREATE)).opened).toMatchObject({ kind: 'held' });
    });
  });

  describe('a freeze stands', () => {
    it('when its author is gone, no longer an operator, or its key is no longer trusted', async () => {
      const { input } = await steps.approved('payouts.create', CREATE);
      await freeze(gate, ['payouts.*']);
      await gate.settings.refresh();
      gate.settings.update({ operators: ['finance'], reviewers: REVIEWERS.filter(({ id }) => id !== 'ops-1') });
      expect(await steps.attempt(input)).toMatchObject({ failure: later('frozen'), sent: 0 });
      gate.trust.roles.review = [];
      await gate.settings.refresh();
      expect(await steps.attempt(input)).toMatchObject({ failure: later('frozen'), sent: 0 });
    });

    it('also one that cannot be read, or that nobody is known to have signed: then everything it could mean is stopped', async () => {
      const freezeId = `frz_${ulid()}`;
      const envelope = stranger.sign('statement', {} as never);
      await store.commit({
        freeze: { to: 'freeze', freezeId, envelope },
        entries: [frozenEntry(freezeId, ['x'], 'ops-1', digestOf(envelope))],
      });
      expect((await store.freezes.read()).standing).toMatchObject([{ id: freezeId, tools: ['*'] }]);
      await lift({ freezeId, envelope });
      expect((await store.freezes.read()).standing).toEqual([]);
    });
  });

  describe('only a lift ends it:', () => {
    let frozen: Frozen;
    beforeEach(async () => {
      await gate.settings.refresh();
      await liftAll();
      frozen = await freeze(gate, ['payouts.*']);
    });
    const ends = async (made: ReturnType<typeof lift>) => {
      const { lifted, verdict } = await made;
      const { standing } = await store.freezes.read();
      expect(lifted).toBe(1 - standing.length);
      return verdict;
    };

    it('not one that another key signed, of another freeze, deployment or person', async () => {
      expect(await ends(lift(frozen, {}, stranger))).toBe('signature_invalid');
      expect(await ends(lift(frozen, {}, gate.signers.propose))).toBe('signature_invalid');
      expect(await ends(lift(frozen, { freezeId: `frz_${ulid()}` }))).toBe('envelope_invalid');
      expect(await ends(lift(frozen, { freezeDigest: `sha256:${'0'.repeat(64)}` }))).toBe('envelope_invalid');
      expect(await ends(lift(frozen, { deploymentId: 'another' }))).toBe('envelope_invalid');
      for (const id of ['finance-1', 'audit-1', 'ghost']) {
        expect(await ends(lift(frozen, { reviewer: { id, method: 'token' } }))).toBe('not_an_operator');
      }
    });

    it('takes a second person where the configuration says so', async () => {
      gate.settings.update({ liftBySecondPerson: true });
      const own = { reviewer: { id: 'ops-1', method: 'token' } } as const;
      expect(await ends(lift(frozen, own))).toBe('second_person_required');
      expect(await ends(lift(frozen))).toBe('lifted');
    });

    it('once: a lift sent again, and another one, lift nothing that was frozen since', async () => {
      const { signed } = await lift(frozen);
      await freeze(gate, ['payouts.*']);
      expect(await store.freezes.askLift(frozen.freezeId, signed)).toBe('not_frozen');
      expect(await ends(lift(frozen))).toBeUndefined();
      expect((await store.freezes.read()).standing).toHaveLength(1);
    });

    it('and it stays lifted when who lifted it is gone; the log says who did what', async () => {
      expect(await ends(lift(frozen))).toBe('lifted');
      gate.settings.update({ operators: [], reviewers: [] });
      expect((await gate.settings.refresh()).freezes?.standing).toEqual([]);
      const entries = (await store.entries(0, 10_000)).map(({ entry }) => entry);
      const told = entries.filter((entry) => 'freezeId' in entry && entry.freezeId === frozen.freezeId);
      expect(told).toMatchObject([
        { type: 'frozen', by: 'ops-1', tools: ['payouts.*'], envelopeDigest: digestOf(frozen.envelope) },
        { type: 'lifted', by: 'ops-2' },
      ]);
      expect(await store.freezes.find(frozen.freezeId)).toMatchObject({
        why: 'an incident',
        lifted: { by: 'ops-2', why: 'over' },
      });
    });

    it('no statement of the owner takes one back', async () => {
      for (const sql of [
        'DELETE FROM holdpoint.freezes',
        "UPDATE holdpoint.freezes SET envelope = '{}' WHERE lifted_version IS NULL",
        'TRUNCATE holdpoint.freezes CASCADE',
      ]) {
        await expect(database.query(sql)).rejects.toThrow();
      }
    });
  });

  it('an entry that fits no freeze is refused, and a freeze without its entry', async () => {
    const freezeId = `frz_${ulid()}`;
    const { envelope } = await freeze(gate, ['x.*']);
    const entry = frozenEntry(freezeId, ['x.*'], 'ops-1', digestOf(envelope));
    const write = { to: 'freeze', freezeId, envelope } as const;
    for (const entries of [[], [{ ...entry, envelopeDigest: `sha256:${'0'.repeat(64)}` }], [entry, entry]]) {
      await expect(store.commit({ freeze: write, entries })).rejects.toMatchObject({ code: 'write_refused' });
    }
    expect(await store.commit({ freeze: write, entries: [entry] })).toMatchObject({ ok: true });
    expect(await store.commit({ freeze: write, entries: [entry] })).toMatchObject({ ok: false });
    await liftAll();
  });
});

describe('each login of PostgreSQL', () => {
  let server: Postgres;
  const open: Store[] = [];
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await Promise.all(open.map((store) => store.close()));
    server.stop();
  });

  it('does its part of freezing and no other: the api cannot lift, the workers cannot freeze', async () => {
    const name = await server.createDatabase();
    const owner = await openDatabase({ databaseUrl: server.url(name) });
    await migrate(owner);
    await grantRoles(owner);
    const as = async (role: string): Promise<Store> => {
      await owner.query(`CREATE ROLE f_${role} LOGIN PASSWORD 'f' IN ROLE holdpoint_${role}`);
      const store = await createStore({ databaseUrl: server.url(name, `f_${role}`) });
      open.push(store);
      return store;
    };
    const [api, review, gate, execute] = [await as('api'), await as('review'), await as('gate'), await as('execute')];
    const reviewing = await openDatabase({ databaseUrl: server.url(name, 'f_review') });
    const fixture = await makeFixture({ store: review, settings: OPERATORS });
    const { freezeId, envelope } = await freeze(fixture, ['*']);
    for (const store of [api, gate, execute]) {
      await expect(freeze({ ...fixture, store }, ['*'])).rejects.toMatchObject({ code: 'write_refused' });
      await expect(store.freezes.askLift(freezeId, envelope)).rejects.toMatchObject({ code: 'write_refused' });
    }
    const signed = stranger.sign('lift', {} as never);
    await review.freezes.askLift(freezeId, signed);
    const [asked] = await execute.freezes.askedLifts(1);
    const [base, n] = [frozenEntry(freezeId, [], 'ops-1', digestOf(signed)), asked?.n ?? 0] as const;
    const { tools: _none, ...rest } = base as Extract<AuditEntry, { type: 'frozen' }>;
    const lifting = {
      freeze: { to: 'lift', freezeId, n } as const,
      entries: [{ ...rest, type: 'lifted' } as AuditEntry],
    };
    for (const store of [api, review, gate]) {
      await expect(store.commit(lifting)).rejects.toMatchObject({ code: 'write_refused' });
      await expect(store.commit({ entries: lifting.entries })).rejects.toMatchObject({ code: 'write_refused' });
    }
    const head = await review.head();
    const forged = (payload: object) =>
      reviewing.query('SELECT holdpoint.commit_group($1)', [JSON.stringify({ ...EMPTY, size: head.size, ...payload })]);
    await expect(forged({ executions: [{}] })).rejects.toMatchObject({ code: 'write_refused' });
    await expect(review.commit({ key: 'decided:another', entries: [] })).rejects.toMatchObject({
      code: 'write_refused',
    });
    await expect(execute.commit({ entries: lifting.entries })).rejects.toMatchObject({ code: 'write_refused' });
    expect(await execute.commit(lifting)).toMatchObject({ ok: true });
    expect((await review.freezes.read()).standing).toEqual([]);
    await reviewing.close();
    await owner.close();
  });
});

import { beforeEach, expect, it, vi } from 'vitest';
import type { ProofFile } from '../../src/contract/audit.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { Store } from '../../src/ports/store.ts';
import { verifyProof } from '../../src/domain/proof/verify-proof.ts';
import { answerStatements, type StatementDeps } from '../../src/activities/execute/answer-statements.ts';
import type { ServiceContext } from '../../src/api/service/context.ts';
import { proof as serveProof } from '../../src/api/service/proof.ts';
import { signEnvelope } from '../../src/domain/proof/dsse.ts';
import { createCheckpointer } from '../../src/storage/log/checkpointer.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { createLogFollower } from '../../src/storage/log/log-follower.ts';
import { DEPLOYMENT, KEYS, materialOf, REVIEW, Story, TRUST } from '../support/proof-fixture.ts';
import { AT, opening, proposedEntry, reviewIdOf, reviewOf } from '../support/storage-fixtures.ts';
import { onEveryDatabase, temporaryFolder } from '../support/stores.ts';

onEveryDatabase((engine) => {
  const folder = temporaryFolder();
  let rounds = 0;
  let store: Store;
  let database: Database;
  let statements: StatementDeps;
  let now: number;
  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
    rounds += 1;
    now = Date.parse(AT);
    const file = `${folder}/checkpoint-${rounds}`;
    const checkpointer = createCheckpointer({ store, deploymentId: DEPLOYMENT, key: KEYS.execute, trusted: [], file });
    statements = {
      store,
      settings: { current: () => ({ deploymentId: DEPLOYMENT }) } as StatementDeps['settings'],
      signer: { keyid: 'execute', sign: (kind, said) => signEnvelope(kind, said, KEYS.execute.privateKey, 'execute') },
      clock: { now: () => now },
      checkpointNow: async () => (await checkpointer.checkpointNow()).checkpoint,
      follower: createLogFollower(store),
    };
  });

  /** Commits a story entry by entry, between entries of others. */
  async function record(story: Story): Promise<void> {
    const review = reviewOf(REVIEW, { status: 'approved', resolvedAt: AT });
    const { envelopes, materials } = story;
    await store.commit({ entries: [], review: { kind: 'state', review, envelopes, materials } });
    for (const [n, entry] of story.entries.entries()) {
      await Promise.all([
        store.commit({ entries: [proposedEntry(reviewIdOf(100 + n))] }),
        store.commit({ entries: [entry] }),
      ]);
    }
  }
  /** As the api serves it, through a file; the execute worker signs what is asked for meanwhile, or is away. */
  async function proofOf(reviewId: string, worker: 'there' | 'away' = 'there'): Promise<ProofFile> {
    const context = {
      store,
      settings: statements.settings,
      trustedKeys: () => TRUST,
    } as unknown as ServiceContext;
    const { signal } = new AbortController();
    // Waits no longer for who is away.
    const serving = serveProof(context, reviewId, worker === 'there' ? signal : AbortSignal.abort());
    if (worker === 'there') await vi.waitUntil(async () => (await answerStatements(statements)) > 0);
    return JSON.parse(JSON.stringify(await serving)) as ProofFile;
  }
  const verdictOf = async (worker?: 'there' | 'away') => verifyProof(await proofOf(REVIEW, worker), TRUST);
  const plain = materialOf({ arguments: { text: 'a\u0000b', deep: [{ n: 1e21 }] } });
  const executed = () => new Story().proposed().classified(plain).decided(plain, 'ops-1').started(plain).finished();

  it('what is served verifies, and is whole', async () => {
    await record(executed());
    now += 60_000;
    expect(await verdictOf()).toMatchObject({
      ok: true,
      findings: [],
      checkpoint: { size: 10 },
      completeness: { n: 5, size: 10, at: '2026-04-01T12:01:00.000Z' },
    });
  });

  it('a call that was stopped: the objection is proved, and others that were stored are not in the way', async () => {
    const story = new Story().proposed().classified(plain).decided(plain, 'ops-1').objected(plain, 'ops-2');
    const objection = story.envelopes.pop()?.envelope as DsseEnvelope;
    await store.commit({ ledger: opening(REVIEW), entries: [] });
    for (const envelope of [{ ...objection, payload: 'e30=' }, objection])
      await store.objections.object(REVIEW, envelope);
    await record(story);
    const verdict = await verdictOf();
    expect(verdict).toMatchObject({ ok: true, findings: [] });
    expect(verdict.file?.envelopes.at(-1)?.envelope).toEqual(objection);
  });

  it('with the execute worker away it is served with the last statement, or without one', async () => {
    const story = new Story().proposed().classified(plain).decided(plain, 'ops-1');
    await record(story);
    await statements.checkpointNow();
    expect((await verdictOf('away')).findings).toEqual([{ code: 'completeness_unknown' }]);
    expect(await verdictOf()).toMatchObject({ ok: true, completeness: { n: 3 } });
    for (const entry of story.started(plain).entries.slice(3)) await store.commit({ entries: [entry] });
    await statements.checkpointNow();
    const later = await verdictOf('away');
    expect(later).toMatchObject({ ok: true, completeness: { n: 3 } });
    expect(later.file?.entries).toHaveLength(4);
  });

  it('rows that are hidden from the api are missed by the statement', async () => {
    await record(executed());
    await database.exclusively((_query, script) =>
      script(`ALTER TABLE holdpoint.audit_entries DISABLE TRIGGER append_only;
        UPDATE holdpoint.audit_entries SET review_id = 'rev_hidden' WHERE review_id = '${REVIEW}' AND n > 3`),
    );
    expect((await verdictOf()).findings).toContainEqual({ code: 'proof_incomplete' });
  });

  it('entries that do not follow one another, or do not hash to the log, get no statement', async () => {
    await record(executed());
    const forge = (leaf: string) =>
      database.exclusively((_query, script) =>
        script(`ALTER TABLE holdpoint.audit_entries DISABLE TRIGGER append_only;
          UPDATE holdpoint.audit_entries SET leaf = ${leaf} WHERE review_id = '${REVIEW}' AND n = 5`),
      );
    await forge(`replace(leaf, '"n":5', '"n":4')`);
    await store.statements.request(REVIEW);
    await expect(answerStatements(statements)).rejects.toMatchObject({ code: 'storage_corrupt' });
    expect(await store.statements.read(REVIEW)).toEqual({ statement: null, isRequested: false });
  });

  it('after retention the entries still verify, and the proof says that the rest is gone', async () => {
    await record(executed());
    const ended = reviewOf(REVIEW, { status: 'rejected', resolvedAt: AT });
    await store.commit({ entries: [], review: { kind: 'state', review: ended, envelopes: [], materials: [] } });
    expect(await store.erase('2027-01-01T00:00:00.000Z')).toBe(1);
    expect((await verdictOf()).findings).toEqual([{ code: 'erased' }]);
  });

  it('an unknown review has none', async () => {
    await expect(proofOf(reviewIdOf(999), 'away')).rejects.toMatchObject({ code: 'not_found' });
  });
});

import { beforeEach, expect, it } from 'vitest';
import type { ProofFile } from '../../src/contract/audit.ts';
import type { Store } from '../../src/contract/store.ts';
import { verifyProof } from '../../src/core/log/verify-proof.ts';
import { buildProof } from '../../src/storage/build-proof.ts';
import { createCheckpointer } from '../../src/storage/checkpointer.ts';
import { DEPLOYMENT, KEYS, materialOf, REVIEW, Story, TRUST } from '../support/proof-fixture.ts';
import { AT, proposedEntry, reviewIdOf, reviewOf } from '../support/storage-fixtures.ts';
import { onEveryDatabase, temporaryFolder } from '../support/stores.ts';

onEveryDatabase((engine) => {
  const folder = temporaryFolder();
  let rounds = 0;
  let store: Store;
  let checkpoint: () => Promise<string>;
  beforeEach(async () => {
    ({ store } = await engine.fresh());
    rounds += 1;
    const file = `${folder}/checkpoint-${rounds}`;
    const checkpointer = createCheckpointer({ store, deploymentId: DEPLOYMENT, key: KEYS.execute, trusted: [], file });
    checkpoint = () => checkpointer.checkpointNow();
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
  const proofOf = async (reviewId: string, note: string): Promise<ProofFile | undefined> => {
    const proof = await buildProof(store, reviewId, note, { deploymentId: DEPLOYMENT, keys: TRUST });
    // What a verifier gets has been through a file.
    return proof === undefined ? undefined : (JSON.parse(JSON.stringify(proof)) as ProofFile);
  };
  const plain = materialOf({ arguments: { text: 'a\u0000b', deep: [{ n: 1e21 }] } });
  const executed = () => new Story().proposed().classified(plain).decided(plain, 'ops-1').started(plain).finished();

  it('what storage gives back verifies', async () => {
    await record(executed());
    const proof = await proofOf(REVIEW, await checkpoint());
    expect(proof?.entries).toHaveLength(5);
    expect(verifyProof(proof, TRUST)).toMatchObject({ ok: true, findings: [], checkpoint: { size: 10 } });
  });

  it('entries newer than the checkpoint are left out', async () => {
    const story = new Story().proposed().classified(plain).decided(plain, 'ops-1');
    await record(story);
    const note = await checkpoint();
    const [, , , started] = story.started(plain).entries;
    if (started !== undefined) await store.commit({ entries: [started] });
    const proof = await proofOf(REVIEW, note);
    expect(proof?.entries.map(({ entry }) => entry.type)).toEqual(['proposed', 'classified', 'decided']);
    expect(verifyProof(proof, TRUST).ok).toBe(true);
    expect(verifyProof(await proofOf(REVIEW, await checkpoint()), TRUST).file?.entries).toHaveLength(4);
  });

  it('after retention the entries still verify, and the proof says that the rest is gone', async () => {
    await record(executed());
    const ended = reviewOf(REVIEW, { status: 'rejected', resolvedAt: AT });
    await store.commit({ entries: [], review: { kind: 'state', review: ended, envelopes: [], materials: [] } });
    expect(await store.erase('2027-01-01T00:00:00.000Z')).toBe(1);
    const verdict = verifyProof(await proofOf(REVIEW, await checkpoint()), TRUST);
    expect(verdict.findings).toEqual([{ code: 'erased' }]);
  });

  it('an unknown review has none, and what is no checkpoint gives none', async () => {
    await record(executed());
    expect(await proofOf(reviewIdOf(999), await checkpoint())).toBeUndefined();
    await expect(proofOf(REVIEW, 'nonsense')).rejects.toBeInstanceOf(TypeError);
  });
});

import type { JsonObject } from '../../src/contract/json.ts';
import type { ReviewId } from '../../src/contract/ids.ts';
import type { Store } from '../../src/ports/store.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import { stateWrite } from './storage-fixtures.ts';

/** Writes a second version of a stored review, with evidence of its own, as the gate does once it is admitted. */
export async function writeSecondVersion(
  store: Store,
  reviewId: string,
  change: { readonly arguments: JsonObject; readonly rows: number; readonly at: string },
): Promise<void> {
  const id = reviewId as ReviewId;
  const review = (await store.readReview(id))?.review;
  const first = (await store.readRecord(id))?.materials[0];
  if (review === undefined || first === undefined) throw new Error('no such review');
  const { at } = change;
  const evidence = {
    facts: [{ name: 'rows', label: 'Rows', value: change.rows }],
    sourceHash: null,
    gatheredAt: at,
  };
  const material = { ...first, revision: 2, arguments: change.arguments, evidence };
  const call = { ...review.call, arguments: change.arguments, digest: digestMaterial(material) };
  const version = { revision: 2, call, submittedAt: at, by: review.proposer.id, decisions: [] };
  const base = { schemaVersion: 1, deploymentId: review.deploymentId, reviewId: id, at } as const;
  const envelopeDigest = `sha256:${'00'.repeat(32)}`;
  await store.commit({
    entries: [{ ...base, type: 'revised', revision: 2, by: review.proposer.id, envelopeDigest }],
    review: {
      ...stateWrite({ ...review, revision: 2, call, evidence: [evidence], revisions: [...review.revisions, version] }),
      materials: [material],
    } as ReturnType<typeof stateWrite>,
  });
}

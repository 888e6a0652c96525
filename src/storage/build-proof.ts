import type { ProofFile } from '../contract/audit.ts';
import type { TrustedKey } from '../contract/envelope.ts';
import type { Store } from '../contract/store.ts';
import { parseCheckpoint } from '../core/log/checkpoint.ts';
import { parseNote } from '../core/log/note.ts';

/**
 * The portable proof of one review: everything that shows what was decided, and that the log holds it. Entries newer
 * than the checkpoint are left out, so ask for a checkpoint first where the review has just changed.
 *
 * @param checkpoint a signed checkpoint, as the execute worker wrote it
 * @param trust the deployment's public keys, for convenience; a verifier brings its own
 * @returns undefined where the review is unknown or nothing of it is in the checkpoint yet
 * @throws TypeError where `checkpoint` is not one
 */
export async function buildProof(
  store: Pick<Store, 'entriesOf' | 'readRecord' | 'inclusionProof'>,
  reviewId: string,
  checkpoint: string,
  trust: { readonly deploymentId: string; readonly keys: readonly TrustedKey[] },
): Promise<ProofFile | undefined> {
  const size = parseCheckpoint(parseNote(checkpoint)?.text ?? '')?.size;
  if (size === undefined) throw new TypeError('not a checkpoint');
  const covered = (await store.entriesOf(reviewId)).filter(({ index }) => index < size);
  if (covered.length === 0) return undefined;
  const record = await store.readRecord(reviewId);
  const entries = await Promise.all(
    covered.map(async ({ index, entry }) => ({
      index,
      entry,
      inclusion: [...(await store.inclusionProof(index, size))],
    })),
  );
  return {
    format: 'holdpoint-proof/v1',
    deploymentId: trust.deploymentId,
    reviewId,
    checkpoint,
    entries,
    envelopes: [...(record?.envelopes ?? [])],
    materials: [...(record?.materials ?? [])],
    keys: [...trust.keys],
  };
}

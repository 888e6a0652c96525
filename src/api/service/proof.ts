import type { CheckpointResponse } from '../../contract/api.ts';
import type { IndexedEntry, ProofFile } from '../../contract/audit.ts';
import { LIMITS } from '../../contract/constants.ts';
import { dsseEnvelopeSchema } from '../../contract/envelope.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { envelopeDigestOf } from '../../domain/proof/digest.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';
import { Waker } from './hub.ts';

/** How long a proof waits for a checkpoint that covers it, for a statement, and how often it looks, in ms. */
const COVERED_WITHIN = 5_000;
const STATED_WITHIN = 5_000;
const LOOK_EVERY = 50;

/** Everything that proves one review to somebody without access to anything here. */
export async function proof(context: ServiceContext, reviewId: ReviewId, signal: AbortSignal): Promise<ProofFile> {
  if ((await context.store.readRecord(reviewId)) === undefined) throw new ProblemError('not_found');
  const statement = await requestStatement(context, reviewId, signal);
  // After the statement: they are all that it counts, or more.
  const entries = await context.store.entriesOf(reviewId);
  const record = await context.store.readRecord(reviewId);
  if (record === undefined || entries.length === 0) throw new ProblemError('not_found');
  const checkpoint = await checkpointCovering(context, entries, signal);
  const proven = entries.map(async ({ index, entry }) => ({
    index,
    entry,
    inclusion: [...(await context.store.inclusionProof(index, checkpoint.size))],
  }));
  return {
    format: 'holdpoint-proof/v1',
    deploymentId: context.settings.current().deploymentId,
    reviewId,
    checkpoint: checkpoint.checkpoint,
    entries: await Promise.all(proven),
    // Picked by name: what the store keeps beside them is no part of the format.
    envelopes: [
      ...record.envelopes.map(({ kind, envelope }) => ({ kind, envelope })),
      ...(await objectionsNamed(context, reviewId, entries)),
    ],
    statement,
    materials: [...record.materials],
    keys: [...context.trustedKeys()],
  };
}

/** The objections that an entry names; whatever else was stored proves nothing. */
async function objectionsNamed(
  { store }: ServiceContext,
  reviewId: ReviewId,
  entries: readonly IndexedEntry[],
): Promise<ProofFile['envelopes']> {
  const named = new Set(entries.flatMap(({ entry }) => (entry.type === 'objected' ? [entry.envelopeDigest] : [])));
  if (named.size === 0) return [];
  const stored = await store.objections.ofReview(reviewId, LIMITS.objections);
  return stored.flatMap((objection) => {
    const envelope = dsseEnvelopeSchema.safeParse(objection.envelope).data;
    if (envelope === undefined || !named.has(envelopeDigestOf(envelope))) return [];
    return [{ kind: 'decision', envelope }];
  });
}

/** A statement signed now; with the execute worker away the last one it gave, which names its time. */
async function requestStatement(
  { store }: ServiceContext,
  reviewId: ReviewId,
  signal: AbortSignal,
): Promise<ProofFile['statement']> {
  await store.statements.request(reviewId);
  const pause = new Waker();
  for (let waited = 0; ; waited += LOOK_EVERY) {
    const { statement, isRequested } = await store.statements.read(reviewId);
    if (!isRequested || waited >= STATED_WITHIN) return statement;
    if ((await pause.next(LOOK_EVERY, signal)) === 'aborted') return statement;
  }
}

/** Checkpoints are signed by the execute worker, a little after the entries. */
async function checkpointCovering(
  context: ServiceContext,
  entries: readonly IndexedEntry[],
  signal: AbortSignal,
): Promise<CheckpointResponse> {
  const size = Math.max(...entries.map(({ index }) => index)) + 1;
  const pause = new Waker();
  for (let waited = 0; waited < COVERED_WITHIN; waited += LOOK_EVERY) {
    const latest = await context.store.checkpoint();
    if (latest !== undefined && latest.size >= size) return { size: latest.size, checkpoint: latest.note };
    if ((await pause.next(LOOK_EVERY, signal)) === 'aborted') break;
  }
  throw new ProblemError('worker_unavailable', { detail: 'No checkpoint covers this review yet. Try again shortly.' });
}

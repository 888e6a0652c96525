import { StorageError } from '../../ports/store.ts';
import type { Checkpoint } from '../../domain/proof/checkpoint.ts';
import type { ExecuteDeps } from './deps.ts';

/** Requests that are answered in one go. */
const BATCH = 50;

export interface StatementDeps extends Pick<ExecuteDeps, 'store' | 'settings' | 'signer' | 'clock'> {
  /** Signs the head of the log as it is now. Throws `log_rolled_back` where it does not extend what was signed before. */
  checkpointNow(): Promise<Checkpoint>;
  /** Knows the last entry of each review from leaves that it hashed itself, up to the checkpoint it was given last. */
  readonly follower: {
    advance(to: Checkpoint): Promise<void>;
    tailOf(reviewId: string): { readonly n: number; readonly last: number } | undefined;
  };
}

/**
 * Signs how many entries each review has that a statement is asked for. An answer says only what is true of the log,
 * so a request needs no proof of its own. Returns how many statements were signed.
 */
export async function answerStatements(deps: StatementDeps): Promise<number> {
  const { store, settings, signer, clock, follower } = deps;
  const requested = await store.statements.requested(BATCH);
  if (requested.length === 0) return 0;
  // Before the head is read: everything recorded by then is in it.
  const at = new Date(clock.now()).toISOString();
  let size: number;
  try {
    const checkpoint = await deps.checkpointNow();
    await follower.advance(checkpoint);
    ({ size } = checkpoint);
  } catch (error) {
    // Nothing can be signed about such a log; the proof is served without a statement.
    const isBad =
      error instanceof StorageError && (error.code === 'log_rolled_back' || error.code === 'storage_corrupt');
    if (isBad) for (const reviewId of requested) await store.statements.answer(reviewId);
    throw error;
  }
  let signed = 0;
  for (const reviewId of requested) {
    const tail = follower.tailOf(reviewId);
    const { deploymentId } = settings.current();
    const statement =
      tail === undefined ? undefined : signer.sign('statement', { deploymentId, reviewId, ...tail, size, at });
    await store.statements.answer(reviewId, statement);
    signed += statement === undefined ? 0 : 1;
  }
  return signed;
}

import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Review } from '../../contract/review.ts';
import { isFinal } from '../../domain/lifecycle.ts';
import { envelopeDigestOf } from '../../domain/proof/digest.ts';
import { StorageError } from '../../ports/store.ts';
import type { HandOff, HandOffEnd } from '../hand-off.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';
import { FREE_RESULT_WITHIN } from './wait-for-outcome.ts';

type Context = Pick<ServiceContext, 'store' | 'log'>;

export interface DirectCall {
  readonly reviewId: ReviewId;
  readonly proposal: DsseEnvelope;
  /** The longest that the call may take, ms. */
  readonly callMs: number;
  /** Starts `gatedCall` under the same id. */
  startGate(): Promise<unknown>;
}

/**
 * - `ended`: its execution ended.
 * - `gated`: nothing was done, and `gatedCall` was started: answered as if it had been from the first.
 * - `going`: it is under way, or may have run, and `gatedCall` settles it; or its caller's time is over.
 */
export type DirectEnd =
  | { readonly kind: 'ended'; readonly review: Review }
  | { readonly kind: 'gated' }
  | { readonly kind: 'going' };

/**
 * Hands a call to an execute worker and tells what came of it from the database alone. When the caller's time is over, or
 * the caller is gone, nothing is cancelled: what is unclear in the end becomes `gatedCall` in any case.
 */
export async function makeDirectly(
  context: Context,
  handOff: HandOff,
  call: DirectCall,
  signal: AbortSignal,
): Promise<DirectEnd> {
  const settling = settle(context, handOff, call);
  settling.catch((err: unknown) => {
    context.log.warn({ err, reviewId: call.reviewId }, 'a call without a workflow could not be settled');
  });
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve({ kind: 'going' });
    const timer = setTimeout(leave, FREE_RESULT_WITHIN);
    signal.addEventListener('abort', leave);
    const cease = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    };
    settling.finally(cease).then(resolve, reject);
  });
}

async function settle(context: Context, handOff: HandOff, call: DirectCall): Promise<DirectEnd> {
  const { reviewId } = call;
  const { end, mayHaveRun } = await handOver(context, handOff, call);
  const review = await readEnded(context, reviewId, mayHaveRun);
  if (review !== undefined) {
    // A person has to settle it, through its workflow. Where it cannot be started now, the sweep does.
    if (review.execution.status === 'outcome_unknown') void call.startGate().catch(() => undefined);
    return { kind: 'ended', review };
  }
  if (end === 'refused' && (await isOthers(context, call))) return { kind: 'gated' };
  if (end === 'unclear') context.log.info({ reviewId }, 'a call without a workflow goes on in one');
  await startGate(call, mayHaveRun);
  return { kind: end === 'refused' ? 'gated' : 'going' };
}

async function handOver(
  context: Context,
  handOff: HandOff,
  { reviewId, proposal, callMs }: DirectCall,
): Promise<{ readonly end: HandOffEnd; readonly mayHaveRun: boolean }> {
  try {
    const end = await handOff.run(reviewId, proposal, callMs);
    // What came through Temporal may be forged, also that nothing was done.
    return { end, mayHaveRun: end !== 'refused' || handOff.isRemote };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    // By a worker of this process, which has not sent it. Its row may be claimed all the same.
    context.log.warn({ err: error, reviewId }, 'a call without a workflow was not made');
    return { end: 'unclear', mayHaveRun: false };
  }
}

/** The review whose execution has ended; undefined: it has not, as far as the database knows. */
async function readEnded({ store }: Context, reviewId: ReviewId, mayHaveRun: boolean): Promise<Review | undefined> {
  try {
    const stored = await store.readReview(reviewId);
    return stored !== undefined && isFinal(stored.review) ? stored.review : undefined;
  } catch (error) {
    if (!mayHaveRun || !(error instanceof StorageError)) throw error;
    throw new ProblemError('database_unavailable', { reviewId, detail: mayHaveRunDetail(reviewId), cause: error });
  }
}

/** The row is that of another proposal under this id: of the same request, repeated. Its own hand-off sees to it. */
async function isOthers({ store }: Context, { reviewId, proposal }: DirectCall): Promise<boolean> {
  const row = await store.readLedger(reviewId);
  return row !== undefined && row.proposalDigest !== envelopeDigestOf(proposal);
}

async function startGate({ reviewId, startGate: start }: DirectCall, mayHaveRun: boolean): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!mayHaveRun || !(error instanceof ProblemError) || error.code !== 'temporal_unavailable') throw error;
    throw new ProblemError('temporal_unavailable', { reviewId, detail: mayHaveRunDetail(reviewId), cause: error });
  }
}

function mayHaveRunDetail(reviewId: ReviewId): string {
  return `The call was handed over and may have run. Ask for ${reviewId} before you send it again.`;
}

import { createHash, createHmac } from 'node:crypto';
import type { AgentPrincipal } from '../principal.ts';
import type { ServiceContext } from './context.ts';
import { redactFor } from './read.ts';
import type { ExecuteRequest } from '../../contract/execute.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import type { Assessment } from '../../domain/policy/assess.ts';
import { canonicalJson } from '../../domain/proof/digest.ts';
import { StorageError } from '../../ports/store.ts';

/** How long a rejection answers the same call, ms. */
const STANDS_FOR_MS = 3_600_000;

/**
 * The review of the same call that people have just rejected: asked again, they would only be pestered. The same means
 * service, tool, arguments and context, byte for byte in their canonical form; any other call is a new one. What it says
 * can only keep a call from people, never bring one past them.
 */
export async function findRejection(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
  assessment: Assessment,
): Promise<Review | undefined> {
  if (!attaches(assessment)) return undefined;
  const since = new Date(context.clock.now() - STANDS_FOR_MS).toISOString();
  const fingerprint = fingerprintCall(context, { ...request, context: assessment.context });
  const reviewId = await context.store.proposedCalls.findRejected(principal.id, fingerprint, since);
  const stored = reviewId === undefined ? undefined : await context.store.readReview(reviewId);
  return stored === undefined ? undefined : redactFor(principal, stored.review);
}

/** Remembers what was proposed. Where that fails people may be asked twice, and nothing worse. */
export async function noteCall(
  context: ServiceContext,
  principal: AgentPrincipal,
  reviewId: ReviewId,
  request: ExecuteRequest,
  assessment: Assessment,
): Promise<void> {
  if (attaches(assessment)) await note(context, principal, reviewId, { ...request, context: assessment.context });
}

/** The same for what the proposer has revised: a no to it is one to the call as it then stood. */
export async function noteRevision(
  context: ServiceContext,
  principal: AgentPrincipal,
  { reviewId, call, context: facts }: Review,
  args: JsonObject,
): Promise<void> {
  await note(context, principal, reviewId, { ...call, arguments: args, context: facts });
}

async function note(
  context: ServiceContext,
  principal: AgentPrincipal,
  reviewId: ReviewId,
  call: FingerprintedCall,
): Promise<void> {
  try {
    await context.store.proposedCalls.note(principal.id, fingerprintCall(context, call), reviewId);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    context.log.warn({ reviewId, code: error.code }, 'a call could not be remembered');
  }
}

/** Only a call that people are asked about can have been rejected by them. */
function attaches(assessment: Assessment): boolean {
  return assessment.kind === 'held' && assessment.approval.reproposal === 'attach';
}

/** `context`: as it counts, pinned facts laid over what the caller said. */
type FingerprintedCall = Pick<ExecuteRequest, 'service' | 'tool' | 'arguments'> & { readonly context: JsonObject };

/** Over the plaintext, keyed: sealed values come sealed anew each time, and nobody who reads the table can try some. */
function fingerprintCall({ fingerprintKey }: ServiceContext, call: FingerprintedCall): string {
  const { service, tool, arguments: args, context } = call;
  return fingerprintBody({ service, tool, arguments: args, context }, fingerprintKey);
}

/**
 * Keyed fingerprint of a plaintext body: two equal bodies have the same one, and whoever reads the table cannot try
 * values of sealed arguments against it.
 */
export function fingerprintBody(body: unknown, key: Uint8Array): string {
  return createHmac('sha256', key).update(canonicalJson(body)).digest('hex');
}

/** Key of one call of a batch. Hashed, so that it cannot meet a key that the caller gives to a single call. */
export function batchItemKey(key: string, index: number): string {
  return `batch:${index}:${createHash('sha256').update(key).digest('hex')}`;
}

import { createHmac } from 'node:crypto';
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
  fingerprint: string,
): Promise<Review | undefined> {
  const since = new Date(context.clock.now() - STANDS_FOR_MS).toISOString();
  const reviewId = await context.store.proposedCalls.findRejected(principal.id, fingerprint, since);
  const stored = reviewId === undefined ? undefined : await context.store.readReview(reviewId);
  return stored === undefined ? undefined : redactFor(principal, stored.review);
}

/**
 * Remembers what was proposed, or revised: a no to a revision is one to the call as it then stood. Where that fails
 * people may be asked twice, and nothing worse.
 */
export async function noteCall(
  context: ServiceContext,
  principal: AgentPrincipal,
  reviewId: ReviewId,
  fingerprint: string,
): Promise<void> {
  try {
    await context.store.proposedCalls.note(principal.id, fingerprint, reviewId);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    context.log.warn({ reviewId, code: error.code }, 'a call could not be recorded for reproposals');
  }
}

/** Only a call that people are asked about can have been rejected by them. */
export function attaches(assessment: Assessment): boolean {
  return assessment.kind === 'held' && assessment.approval.reproposal === 'attach';
}

/** `context`: as it counts, pinned facts laid over what the caller said. */
type FingerprintedCall = Pick<ExecuteRequest, 'service' | 'tool' | 'arguments'> & { readonly context: JsonObject };

/** Over the plaintext, keyed: sealed values come sealed anew each time, and nobody who reads the table can try some. */
export function fingerprintCall({ fingerprintKey }: ServiceContext, call: FingerprintedCall): string {
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

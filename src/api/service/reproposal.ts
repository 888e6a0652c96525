import { createHmac } from 'node:crypto';
import type { AgentPrincipal } from '../principal.ts';
import { isoNow, type ServiceContext } from './context.ts';
import { assessForAgent } from './assess.ts';
import type { ExecuteRequest } from '../../contract/execute.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import type { Assessment } from '../../domain/policy/assess.ts';
import { findAgent } from '../../domain/policy/settings.ts';
import { canonicalJson } from '../../domain/proof/digest.ts';
import { comparableCall, comparableIntent } from '../../domain/same-call.ts';
import { StorageError } from '../../ports/store.ts';
import type { CallFingerprints } from '../../ports/proposed-calls.ts';

/**
 * A call that is proposed again: where policy says `attach`, the review that waits for people or that they have just
 * rejected stands for it, and they are not asked a second time. That can only keep a call from people, never bring one
 * past them.
 */

/** Only a call that people are asked about can have another one stand for it. */
export function isHeld(assessment: Assessment): assessment is Extract<Assessment, { kind: 'held' }> {
  return assessment.kind === 'held';
}

type FingerprintedCall = Pick<ExecuteRequest, 'service' | 'tool' | 'arguments'> & {
  readonly threadId?: string | null | undefined;
  readonly callback?: string | null | undefined;
};

/** Over the plaintext, keyed: sealed values come sealed anew each time, and someone who can read the table cannot guess them. */
export function fingerprintsOf(
  context: ServiceContext,
  request: FingerprintedCall,
  assessment: Extract<Assessment, { kind: 'held' }>,
): CallFingerprints {
  const tool = context.settings.current().policy.findTool(request.tool);
  const call = comparableCall(request, assessment.context, tool);
  const keyed = (body: unknown): string => fingerprintBody(body, context.fingerprintKey);
  return { call: keyed(call), intent: keyed({ call, ...comparableIntent(request, assessment) }) };
}

/**
 * What arguments would make of a review's call, as its own agent would propose them. Undefined where nothing can be
 * known of it: the agent is gone, policy would not hold it, or this process has no key of the agents' side.
 */
export function fingerprintsOfVersion(
  context: ServiceContext,
  review: Review,
  args: JsonObject,
): CallFingerprints | undefined {
  const settings = context.settings.current();
  const agent = findAgent(settings, review.proposer.id);
  if (agent === undefined || context.proposeSigner === undefined || !review.proposer.attested) return undefined;
  const { threadId, callback, urgency } = review;
  const call = { service: review.call.service, tool: review.call.tool, arguments: args };
  const principal = { kind: 'agent', id: agent.id, agent } as const satisfies AgentPrincipal;
  const assessment = assessForAgent(settings, principal, {
    ...call,
    context: review.context,
    urgency: urgency ?? undefined,
  });
  return isHeld(assessment) ? fingerprintsOf(context, { ...call, threadId, callback }, assessment) : undefined;
}

/**
 * Notes a version that a review has got: a later proposal is compared with the call as it stands. Where that fails people
 * may be asked twice, and nothing worse.
 */
export async function noteVersion(
  context: ServiceContext,
  review: Review,
  revision: number,
  fingerprints: CallFingerprints | undefined,
): Promise<void> {
  if (fingerprints === undefined) return;
  const { reviewId, proposer } = review;
  try {
    await context.store.proposedCalls.note(proposer.id, fingerprints, reviewId, revision, isoNow(context));
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    context.log.warn({ reviewId, code: error.code }, 'a version of a call could not be noted for reproposals');
  }
}

/**
 * Keyed fingerprint of a plaintext body: two equal bodies have the same one, and whoever reads the table cannot try
 * values of sealed arguments against it.
 */
export function fingerprintBody(body: unknown, key: Uint8Array): string {
  return createHmac('sha256', key).update(canonicalJson(body)).digest('hex');
}

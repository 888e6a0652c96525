import { executeRequestSchema, type ExecuteRequest } from '../../contract/execute.ts';
import { dsseEnvelopeSchema, type DsseEnvelope, type ProposalPayload } from '../../contract/envelope.ts';
import type { Proposer } from '../../domain/policy/assess.ts';
import { canonicalJson, digestOf } from '../../domain/proof/digest.ts';
import { findAgent, type Settings } from '../../domain/policy/settings.ts';
import { parseStrictJson } from '../../domain/json/strict-json.ts';
import type { EnvelopeVerifier } from '../../ports/connector.ts';

/** What a start of `gatedCall` amounts to once its envelope, if any, has been verified. */
export interface ReadProposal {
  readonly reviewId: string;
  readonly proposer: Proposer;
  /** Null: the request has not the documented shape. */
  readonly request: ExecuteRequest | null;
  readonly envelope: DsseEnvelope | null;
  /** Binds the ledger row to this proposal. */
  readonly proposalDigest: string;
  /** ISO 8601, as it was signed; null: it is unsigned. */
  readonly proposedAt: string | null;
  /** Set where the propose key signed that the call goes without a workflow. An agent's own key cannot. */
  readonly direct: ProposalPayload['direct'] | null;
}

/**
 * A valid envelope for this very review is the proposal, and nothing beside it counts. Without one the argument is
 * taken as an unsigned request: an envelope of another review, a forged one and none at all are the same.
 */
export async function readProposal(
  input: { readonly reviewId: string; readonly request: unknown },
  settings: Settings,
  verifier: EnvelopeVerifier,
  starterIdentity: () => Promise<string>,
): Promise<ReadProposal> {
  const attested = verifyProposal(input, settings, verifier);
  if (attested !== undefined) return attested;
  const request = pickRequest(input.request);
  return {
    reviewId: input.reviewId,
    proposer: { attested: false, id: unattestedId(await starterIdentity()), owner: null },
    request,
    envelope: null,
    proposalDigest: request === null ? digestOf({ undecodable: input.reviewId }) : digestUnattested(request),
    proposedAt: null,
    direct: null,
  };
}

/**
 * What the ledger row of an unsigned call is bound to. The execute worker takes it again: without it, the row of one call could be
 * spent on another.
 */
export function digestUnattested(call: Pick<ExecuteRequest, 'service' | 'tool' | 'arguments'>): string {
  return digestOf({ unattested: { service: call.service, tool: call.tool, arguments: call.arguments } });
}

/** The starter chose its identity: cut to size without leaving half a character, which has no canonical form. */
function unattestedId(identity: string): string {
  return `temporal:${identity}`.slice(0, 128).toWellFormed();
}

/** The verified proposal of a review, or undefined. Without `reviewId`, of the review that it names. Also the execute worker's own check. */
export function verifyProposal(
  input: { readonly reviewId?: string; readonly request: unknown },
  settings: Settings,
  verifier: EnvelopeVerifier,
): ReadProposal | undefined {
  const envelope = dsseEnvelopeSchema.safeParse(property(input.request, 'proposal'));
  if (!envelope.success) return undefined;
  const verified = verifier.verify('proposal', envelope.data);
  if (verified === undefined) return undefined;
  const { payload } = verified;
  const { reviewId = payload.reviewId } = input;
  if (payload.reviewId !== reviewId || payload.deploymentId !== settings.deploymentId) return undefined;
  if (verified.agentKeyOf !== undefined && verified.agentKeyOf !== payload.proposer) return undefined;
  const agent = findAgent(settings, payload.proposer);
  if (agent === undefined) return undefined;
  return {
    reviewId,
    proposer: { attested: true, id: agent.id, owner: agent.owner ?? null, agent },
    request: payload.request,
    envelope: envelope.data,
    proposalDigest: verified.payloadDigest,
    proposedAt: payload.proposedAt,
    direct: (verified.agentKeyOf === undefined ? payload.direct : undefined) ?? null,
  };
}

/**
 * The documented fields of an unsigned request; a class, a status and whatever else it claims are ignored. Null also
 * for what has no canonical form (half characters, nesting beyond the stack): it could not be approved.
 */
function pickRequest(value: unknown): ExecuteRequest | null {
  const picked: Record<string, unknown> = {};
  for (const key of ['service', 'tool', 'arguments', 'reason', 'threadId']) {
    const item = property(value, key);
    if (item !== undefined) picked[key] = item;
  }
  if (!hasCanonicalForm(picked)) return null;
  const parsed = executeRequestSchema.safeParse(picked);
  return parsed.success ? parsed.data : null;
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** Also false beyond the depth that the API accepts, so that nothing after it runs out of stack. */
export function hasCanonicalForm(value: unknown): boolean {
  try {
    return parseStrictJson(canonicalJson(value)).ok;
  } catch {
    return false;
  }
}

import type { Evidence } from '../../contract/call.ts';
import type { EvidencePayload } from '../../contract/envelope.ts';
import type { JsonObject } from '../../contract/json.ts';
import { LIMITS } from '../../contract/review.ts';
import { assessCall, findTool, type Proposer } from '../../core/assess.ts';
import { verifyProposal } from '../gate/proposal.ts';
import { previewDigest } from '../gate/revision.ts';
import type { GatherEvidenceInput } from '../api.ts';
import type { ExecuteDeps } from './deps.ts';
import { refuseCall } from './refusal.ts';

/** Longest preview, ms; the connector's own limits are below it. */
const PREVIEW_TIMEOUT_MS = 7_000;

/**
 * Gathers evidence and writes it, signed, to the database. Only what somebody signed is previewed: the arguments come
 * from the envelopes, so scheduling this activity by hand reads nothing that a proposal could not.
 */
export async function gatherEvidence(deps: ExecuteDeps, input: GatherEvidenceInput): Promise<void> {
  const settings = deps.settings.current();
  const proposal = verifyProposal(
    { reviewId: input.reviewId, request: { proposal: input.proposal } },
    settings,
    deps.verifier,
  );
  const request = proposal?.request;
  const args = request === undefined || request === null ? undefined : signedArguments(deps, input, request.arguments);
  if (proposal === undefined || !request || args === undefined) throw refuseCall('not_authorized');
  const { tool, service } = request;
  const assessment = assessCall({
    service,
    tool,
    arguments: args,
    context: request.context ?? {},
    proposer: proposal.proposer satisfies Proposer,
    settings,
    stayHeld: true,
  });
  const definition = findTool(settings, tool);
  if (assessment.kind === 'blocked' || definition === undefined) throw refuseCall('reclassified');
  const { target } = assessment;
  const connector = deps.connector(target.connector);
  const found =
    connector?.preview === undefined
      ? ({ ok: false, code: 'preview_unavailable', message: 'This worker cannot preview the tool' } as const)
      : await connector.preview({
          tool: definition,
          arguments: args,
          target,
          signal: AbortSignal.timeout(PREVIEW_TIMEOUT_MS),
        });
  const gatheredAt = new Date(deps.clock.now()).toISOString();
  const evidence: Evidence | null = found.ok
    ? { facts: [...found.facts], sourceHash: found.sourceHash, gatheredAt }
    : null;
  const tooLarge = evidence !== null && Buffer.byteLength(JSON.stringify(evidence)) > LIMITS.evidence;
  const payload: EvidencePayload = {
    deploymentId: settings.deploymentId,
    reviewId: input.reviewId,
    revision: input.revision,
    previewOf: previewDigest({ tool, arguments: args, target }),
    evidence: tooLarge ? null : evidence,
    error: errorOf(found, tooLarge),
    gatheredAt,
  };
  const secrets = connector?.secrets() ?? [];
  const clean = deps.scrub(payload as unknown as JsonObject, secrets) as unknown as EvidencePayload;
  await deps.store.putEvidence(input.reviewId, input.revision, deps.signer.sign('evidence', clean));
}

function errorOf(
  found: { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string },
  tooLarge: boolean,
): EvidencePayload['error'] {
  if (tooLarge) return { code: 'evidence_too_large', message: 'The preview is larger than 64 KiB' };
  return found.ok ? null : { code: found.code, message: found.message };
}

/** The arguments that this revision was signed with: the proposer's, its revision's, or a reviewer's edit. */
function signedArguments(deps: ExecuteDeps, input: GatherEvidenceInput, proposed: JsonObject): JsonObject | undefined {
  if (input.change === null) return proposed;
  if (input.change.kind === 'revision') {
    const payload = deps.verifier.verify('revision', input.change.envelope)?.payload;
    return payload?.reviewId === input.reviewId ? payload.arguments : undefined;
  }
  const payload = deps.verifier.verify('decision', input.change.envelope)?.payload;
  return payload?.reviewId === input.reviewId ? payload.editedArguments : undefined;
}

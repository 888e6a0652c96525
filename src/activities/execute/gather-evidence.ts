import type { Evidence, Fact, Urgency } from '../../contract/call.ts';
import type { EvidencePayload } from '../../contract/envelope.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { LIMITS } from '../../contract/constants.ts';
import { fitJson, isOmission } from '../../domain/json/fit.ts';
import { storable } from '../../domain/json/storable.ts';
import { isUnclaimed } from '../../domain/ledger.ts';
import { assessCall, findTool, type Proposer } from '../../domain/policy/assess.ts';
import { freezeVersionOf } from '../../domain/policy/frozen.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import { verifyProposal } from '../gate/proposal.ts';
import { previewDigest } from '../gate/prepare-revision.ts';
import type { GatherEvidenceInput } from '../api.ts';
import type { Connector, PreviewInput, PreviewResult } from '../../ports/connector.ts';
import { refuseCall, type ExecuteDeps } from './deps.ts';
import { verifyOwn } from '../own-envelope.ts';

/** Longest preview, ms; the connector's own limits are below it. */
const PREVIEW_TIMEOUT_MS = 7_000;

/**
 * Gathers evidence and writes it, signed, to the database. Only signed calls are previewed, and only while the review is
 * open: the arguments come from the envelopes, so scheduling this activity by hand reads nothing that a proposal could
 * not.
 */
export async function gatherEvidence(deps: ExecuteDeps, input: GatherEvidenceInput): Promise<void> {
  const { reviewId, revision } = input;
  if (!Number.isSafeInteger(revision) || revision < 1 || revision > LIMITS.revisions)
    throw refuseCall('not_authorized');
  const call = await readSignedCall(deps, input, deps.settings.current());
  // A preview reaches the target too, so what is frozen in the database counts, not what this worker knows of it.
  const known = deps.settings.current();
  const isCurrent = await deps.store.freezes.isCurrent(freezeVersionOf(known));
  const settings = isCurrent ? known : await deps.settings.refresh();
  const { tool, service, arguments: args, context, urgency, proposer } = call;
  const question = { service, tool, arguments: args, context, urgency, proposer, settings, stayHeld: true };
  const assessment = assessCall(question);
  const definition = findTool(settings, tool);
  if (assessment.kind === 'blocked' || definition?.preview === undefined) throw refuseCall('reclassified');
  const { target } = assessment;
  const connector = deps.connector(target.connector);
  const found = await preview(connector, { tool: definition, arguments: args, target });
  const gatheredAt = new Date(deps.clock.now()).toISOString();
  const secrets = connector?.secrets() ?? [];
  const clean = <T>(value: T): T => deps.scrub(storable(value as Json), secrets) as T;
  const evidence: Evidence | null = found.ok
    ? { facts: fitFacts(clean([...found.facts])), sourceHash: found.sourceHash, gatheredAt }
    : null;
  const tooLarge = evidence !== null && bytesOf(evidence) > LIMITS.evidence;
  const payload: EvidencePayload = {
    deploymentId: settings.deploymentId,
    reviewId,
    revision,
    previewOf: previewDigest({ tool, arguments: args, target }),
    evidence: tooLarge ? null : evidence,
    error: clean(errorOf(found, tooLarge)),
    gatheredAt,
  };
  await deps.store.putEvidence(reviewId, revision, deps.signer.sign('evidence', payload));
}

/** Facts within their limit: of values that are too large less is shown, and what is missing is marked. */
function fitFacts(facts: readonly Fact[]): Fact[] {
  const names = facts.map((fact) => ({ ...fact, value: null }));
  const room = LIMITS.evidence - bytesOf(names) - AROUND_FACTS;
  const values = facts.map(({ value }) => value);
  if (bytesOf(values) <= room) return [...facts];
  const fitted = fitJson(values, room, 'Its tool should declare fewer facts') as readonly Json[];
  const last = fitted.at(-1);
  const kept = isOmission(last) && last.items !== undefined ? fitted.length - 1 : fitted.length;
  return facts.map((fact, index) => ({
    ...fact,
    value: index < kept ? (fitted[index] ?? null) : { $omitted: 'response_too_large', bytes: bytesOf(fact.value) },
  }));
}

/** Bytes of the rest of an evidence. */
const AROUND_FACTS = 512;

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

async function preview(
  connector: Connector | undefined,
  input: Pick<PreviewInput, 'tool' | 'arguments' | 'target'>,
): Promise<PreviewResult> {
  if (connector?.preview === undefined) {
    return { ok: false, code: 'preview_unavailable', message: 'This worker cannot preview the tool' };
  }
  return connector.preview({ ...input, signal: AbortSignal.timeout(PREVIEW_TIMEOUT_MS) });
}

function errorOf(found: PreviewResult, tooLarge: boolean): EvidencePayload['error'] {
  if (tooLarge) return { code: 'evidence_too_large', message: 'The preview is larger than 64 KiB' };
  if (found.ok) return null;
  const { code, message, pointer } = found;
  return { code, message, ...(pointer === undefined ? {} : { pointer }) };
}

interface SignedCall {
  readonly proposer: Proposer;
  readonly service: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly context: JsonObject;
  readonly urgency: Urgency | undefined;
}

/** The call as it was signed, of a review that is open for this proposal. Throws `not_authorized`. */
async function readSignedCall(deps: ExecuteDeps, input: GatherEvidenceInput, settings: Settings): Promise<SignedCall> {
  const proposal = verifyProposal(
    { reviewId: input.reviewId, request: { proposal: input.proposal } },
    settings,
    deps.verifier,
  );
  if (!proposal?.request) throw refuseCall('not_authorized');
  const { proposer, request, proposalDigest } = proposal;
  const args = input.change === null ? request.arguments : changedArguments(deps, input, proposer.id, settings);
  const row = args === undefined ? undefined : await deps.store.readLedger(input.reviewId);
  if (args === undefined || row === undefined || !isUnclaimed(row.state) || row.proposalDigest !== proposalDigest) {
    throw refuseCall('not_authorized');
  }
  const { service, tool, context = {}, urgency } = request;
  return { proposer, service, tool, arguments: args, context, urgency };
}

/** The arguments that a later version was signed with: the proposer's own revision, or a reviewer's edit. */
function changedArguments(
  deps: ExecuteDeps,
  { reviewId, change }: GatherEvidenceInput,
  proposer: string,
  settings: Settings,
): JsonObject | undefined {
  const own = { reviewId, deploymentId: settings.deploymentId };
  if (change?.kind === 'revision') {
    const verified = verifyOwn(deps.verifier, 'revision', change.envelope, own);
    if (verified === undefined) return undefined;
    const { payload, agentKeyOf = proposer } = verified;
    return payload.proposer === proposer && agentKeyOf === proposer ? payload.arguments : undefined;
  }
  if (change?.kind !== 'decision') return undefined;
  const payload = verifyOwn(deps.verifier, 'decision', change.envelope, own)?.payload;
  return payload?.type === 'edit' ? payload.editedArguments : undefined;
}

import type { CallClass, Evidence, Target, Urgency } from '../../contract/call.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { Level, Material } from '../../contract/review.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import {
  assessCall,
  findArgumentErrors,
  findTool,
  levelsOf,
  type Assessment,
  type Proposer,
} from '../../domain/policy/assess.ts';
import { authorizeExecution, readRecordedDecisions } from '../../domain/authorize/authorize.ts';
import { canonicalJson, sameJson } from '../../domain/proof/digest.ts';
import { isWeakerClass } from '../../domain/policy/strictness.ts';
import { freezeVersionOf } from '../../domain/policy/frozen.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import { digestUnattested, verifyProposal } from '../gate/proposal.ts';
import { attachEvidence } from '../gate/prepare-revision.ts';
import type { Connector } from '../../ports/connector.ts';
import type { ExecuteCallInput } from '../api.ts';
import { awaitLift, refuseCall, type ExecuteDeps } from './deps.ts';

/** A call that may be made: everything in it is bound by what was verified here. */
export interface AuthorizedCall {
  readonly tool: ToolDefinition;
  /** By the policy in force. */
  readonly class: CallClass;
  readonly digest: string;
  /** Until when its approval may wait to be executed (epoch ms); null: it needed none. */
  readonly staleAt: number | null;
  /** Levels as signed and as in force: a reviewer who may vote on any of them may object. */
  readonly levels: readonly Level[];
  /** Of the policy that it was authorized under. */
  readonly policyDigest: string;
  /** Of the freezes that were in force. */
  readonly freezeVersion: number;
  readonly target: Target;
  readonly connector: Connector;
  /** Opened; never leaves the execute worker. */
  readonly arguments: JsonObject;
  /** Plaintext of sealed values, to scrub. */
  readonly opened: readonly string[];
}

/**
 * Decides again, from the envelopes and the audit log, whether this call may be made. The input came through Temporal, so
 * an attacker who can schedule activities controls all of it: nothing in it counts until a signature or the ledger confirms it.
 */
export async function authorizeCall(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: LedgerRow,
): Promise<AuthorizedCall> {
  const { material } = input;
  const { settings, proposer, assessment, levels } = assessInForce(deps, input, row);
  if (assessment.kind === 'blocked' && assessment.reasonCodes.includes('frozen')) throw awaitLift(settings, material);
  const held = assessment.kind === 'held' ? assessment.approval : null;
  const decisions = input.decisions.flatMap((envelope) => deps.verifier.verify('decision', envelope) ?? []);
  const isEdited = input.previous !== null && decisions.some(({ payload }) => payload.type === 'edit');
  const [entries, isEvidenceSigned] = await Promise.all([
    deps.store.entriesOf(input.reviewId),
    material.evidence === null && !isEdited ? true : holdsSignedEvidence(deps, material),
  ]);
  const verdict = authorizeExecution({
    material,
    // The version that an edit leads to is not itself signed, so the approval in the edit counts only with the evidence that
    // the execute worker signed: an old preview must not replace one with a different result.
    previous: isEdited && isEvidenceSigned ? input.previous : null,
    decisions,
    record: readRecordedDecisions(entries.map(({ entry }) => entry)),
    now: {
      verdict: assessment.kind,
      class: assessment.class,
      levels,
      separationOfDuties: held?.separationOfDuties ?? false,
      owner: proposer.owner,
    },
    mayRunFree: proposer.attested || settings.unattested === 'allow',
    settings,
    ledgerExpiresAt: row.expiresAt === null ? null : Date.parse(row.expiresAt),
    at: deps.clock.now(),
  });
  if (!verdict.ok) throw refuseCall(verdict.code);
  const tool = findTool(settings, material.tool);
  if (tool === undefined || assessment.kind === 'blocked') throw refuseCall('reclassified');
  // Another base URL, another path, another mode: what would run is no longer what was shown.
  if (!sameJson(assessment.target, material.target)) throw refuseCall('drifted');
  assertTrulyShown(material, assessment, isEvidenceSigned);
  const { target } = assessment;
  const opened = await openSealed(deps, material, settings, tool);
  const connector = deps.connector(target.connector);
  if (connector === undefined) throw refuseCall('credential_missing');
  return {
    tool,
    class: assessment.class,
    digest: verdict.digest,
    staleAt: verdict.staleAt,
    levels: [...material.levels, ...levels],
    policyDigest: settings.policy.digest,
    freezeVersion: freezeVersionOf(settings),
    target,
    connector,
    ...opened,
  };
}

/** Classifies the call again by the policy in force, for the proposer that signatures and the ledger confirm. */
export function assessInForce(
  deps: ExecuteDeps,
  input: Pick<ExecuteCallInput, 'reviewId' | 'material' | 'proposal'>,
  row: LedgerRow,
) {
  const settings = deps.settings.current();
  const { material } = input;
  if (material.reviewId !== input.reviewId) throw refuseCall('not_authorized');
  const known = establishProposal(deps, input, row, settings);
  const { proposer } = known;
  const assessment = assessCall({
    service: material.service,
    tool: material.tool,
    arguments: material.arguments,
    // The proposer's own words: a context in the input could leave out what made the call strict.
    context: known.context,
    urgency: known.urgency,
    proposer,
    settings,
    // A later revision stays held because the first one was, whatever its own class.
    stayHeld: material.revision > 1,
  });
  const levels = assessment.kind === 'held' ? levelsOf(assessment.approval, known.startedAt) : [];
  return { settings, proposer, assessment, levels };
}

/**
 * An attacker who continues a workflow of their own under our workflow type controls what reviewers are shown, and the
 * reviewers' approvals of it are real. So everything that the digest covers besides the call is compared with what only
 * Holdpoint can write: the class with policy, the context with proposal and configuration, evidence with the preview that
 * the execute worker signed. Showing no evidence is fine: a preview may come too late, and reviewers see that it is missing.
 */
function assertTrulyShown(
  material: Material,
  assessment: Exclude<Assessment, { kind: 'blocked' }>,
  isEvidenceSigned: boolean,
): void {
  if (isWeakerClass(material.class, assessment.class)) throw refuseCall('reclassified');
  if (!sameJson(assessment.context, material.context)) throw refuseCall('drifted');
  if (material.evidence !== null && !isEvidenceSigned) throw refuseCall('not_authorized');
}

/** Whether the material's evidence is what the execute worker signed for it. When it was gathered does not matter. */
async function holdsSignedEvidence(deps: ExecuteDeps, material: Material): Promise<boolean> {
  const signed = (await attachEvidence(deps, { material })).material.evidence;
  const contentOf = (found: Evidence | null): string => canonicalJson(found && [found.sourceHash, found.facts]);
  return contentOf(signed) === contentOf(material.evidence);
}

interface KnownProposal {
  readonly proposer: Proposer;
  readonly context: JsonObject;
  readonly urgency: Urgency | undefined;
  /** Epoch ms; from here the levels in force count their escalation. */
  readonly startedAt: number;
}

/**
 * Checks that the proposal is the one in the material. An attested proposer needs its envelope, for this review and this
 * ledger row. Without one the proposer counts as unattested: then the row must be that of an unsigned call, and the
 * proposer named in the signed decisions must not be an agent.
 */
function establishProposal(
  deps: ExecuteDeps,
  input: Pick<ExecuteCallInput, 'reviewId' | 'material' | 'proposal'>,
  row: LedgerRow,
  settings: Settings,
): KnownProposal {
  const { material } = input;
  const isFirst = material.revision === 1;
  const proposal = verifyProposal(
    { reviewId: input.reviewId, request: { proposal: input.proposal } },
    settings,
    deps.verifier,
  );
  if (proposal === undefined) {
    const bound = !isFirst || digestUnattested(material) === row.proposalDigest;
    if (!bound || !material.proposer.startsWith('temporal:')) throw refuseCall('not_authorized');
    const proposer = { attested: false, id: material.proposer, owner: null } as const;
    return { proposer, context: {}, urgency: undefined, startedAt: Date.parse(row.openedAt) };
  }
  const { request, proposer } = proposal;
  const bound =
    proposal.proposalDigest === row.proposalDigest &&
    proposer.id === material.proposer &&
    request?.tool === material.tool &&
    request.service === material.service &&
    (!isFirst || sameJson(request.arguments, material.arguments));
  if (!bound) throw refuseCall('not_authorized');
  const startedAt = Date.parse(proposal.proposedAt ?? row.openedAt);
  return { proposer, context: request.context ?? {}, urgency: request.urgency, startedAt };
}

/** The arguments in the clear. Throws `seal_broken`, `invalid_call`. */
export async function openSealed(
  deps: Pick<ExecuteDeps, 'unsealer'>,
  material: Pick<Material, 'reviewId' | 'arguments'>,
  settings: Settings,
  tool: ToolDefinition,
): Promise<{ readonly arguments: JsonObject; readonly opened: readonly string[] }> {
  const pointers = tool.seal ?? [];
  if (pointers.length === 0) return { arguments: material.arguments, opened: [] };
  const binding = { reviewId: material.reviewId, tool: tool.name, pointers };
  const opened = await deps.unsealer.open(material.arguments, binding).catch(() => undefined);
  if (opened === undefined) throw refuseCall('seal_broken');
  const call = { tool: tool.name, arguments: opened.arguments };
  const errors = findArgumentErrors(settings, call, { sealed: false });
  if (errors.length > 0) throw refuseCall('invalid_call');
  return opened;
}

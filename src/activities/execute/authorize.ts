import type { Target } from '../../contract/call.ts';
import type { DecisionPayload } from '../../contract/envelope.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { LedgerRow } from '../../contract/store.ts';
import { assessCall, findTool, levelsOf, type Proposer } from '../../core/assess.ts';
import { authorizeExecution } from '../../core/authorize.ts';
import { canonicalJson } from '../../core/digest.ts';
import type { Settings } from '../../core/settings.ts';
import { verifyProposal } from '../gate/proposal.ts';
import type { ExecuteCallInput } from '../api.ts';
import type { ExecuteDeps } from './deps.ts';
import { postponeCall, refuseCall } from './refusal.ts';

/** A call that may be made: everything in it is bound by what was verified here. */
export interface AuthorizedCall {
  readonly tool: ToolDefinition;
  readonly digest: string;
  readonly target: Target;
  /** Opened; never leaves the execute worker. */
  readonly arguments: JsonObject;
  /** Plaintext of sealed values, to scrub. */
  readonly opened: readonly string[];
}

/**
 * Says again, from the envelopes alone, whether this call may be made. The input came through Temporal: whoever can
 * schedule an activity chose it, so nothing of it counts until a signature or the ledger vouches for it.
 */
export async function authorizeCall(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: LedgerRow,
): Promise<AuthorizedCall> {
  const settings = deps.settings.current();
  const { material } = input;
  if (material.reviewId !== input.reviewId) throw refuseCall('not_authorized');
  const proposer = establishProposer(deps, input, row, settings);
  const assessment = assessCall({
    service: material.service,
    tool: material.tool,
    arguments: material.arguments,
    context: material.context,
    proposer,
    settings,
  });
  if (assessment.kind === 'blocked' && assessment.reasonCodes.includes('frozen')) throw postponeCall('frozen', 5_000);
  const held = assessment.kind === 'held' ? assessment.approval : null;
  const verdict = authorizeExecution({
    material,
    previous: input.previous,
    decisions: verifiedDecisions(deps, input),
    now: {
      verdict: assessment.kind,
      class: assessment.class,
      levels: held === null ? [] : levelsOf(held, Date.parse(row.openedAt)),
      separationOfDuties: held?.separationOfDuties ?? false,
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
  if (canonicalJson(assessment.target) !== canonicalJson(material.target)) throw refuseCall('drifted');
  await assertWithinRate(deps, settings, assessment.class, tool.name);
  return { tool, digest: verdict.digest, target: assessment.target, ...(await open(deps, input, settings, tool)) };
}

/**
 * The proposer as the material names it, if what came with it bears that out. An attested proposer needs its
 * envelope, for this review and the ledger's row; without one the proposer counts as unattested, and the name that
 * the decisions were signed on must not be an agent's.
 */
function establishProposer(deps: ExecuteDeps, input: ExecuteCallInput, row: LedgerRow, settings: Settings): Proposer {
  const { material } = input;
  const proposal = verifyProposal(
    { reviewId: input.reviewId, request: { proposal: input.proposal } },
    settings,
    deps.verifier,
  );
  if (proposal === undefined) {
    if (!material.proposer.startsWith('temporal:')) throw refuseCall('not_authorized');
    return { attested: false, id: material.proposer, owner: null };
  }
  const { request } = proposal;
  const isFirst = material.revision === 1;
  const bound =
    proposal.proposalDigest === row.proposalDigest &&
    proposal.proposer.id === material.proposer &&
    request?.tool === material.tool &&
    request.service === material.service &&
    (!isFirst || canonicalJson(request.arguments) === canonicalJson(material.arguments));
  if (!bound) throw refuseCall('not_authorized');
  return proposal.proposer;
}

function verifiedDecisions(deps: ExecuteDeps, input: ExecuteCallInput): readonly DecisionPayload[] {
  return input.decisions.flatMap((envelope) => {
    const verified = deps.verifier.verify('decision', envelope);
    return verified === undefined ? [] : [verified.payload];
  });
}

async function assertWithinRate(
  deps: ExecuteDeps,
  settings: Settings,
  callClass: string | null,
  tool: string,
): Promise<void> {
  if (callClass !== 'irreversible') return;
  const since = new Date(deps.clock.now() - 3_600_000).toISOString();
  const claims = await deps.store.countClaims(tool, since);
  if (claims >= settings.limits.irreversiblePerToolPerHour) throw postponeCall('rate_exceeded', 30_000);
}

async function open(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  settings: Settings,
  tool: ToolDefinition,
): Promise<{ readonly arguments: JsonObject; readonly opened: readonly string[] }> {
  const pointers = tool.seal ?? [];
  const { material } = input;
  if (pointers.length === 0) return { arguments: material.arguments, opened: [] };
  const binding = { reviewId: input.reviewId, tool: tool.name, pointers };
  const opened = await deps.unsealer.open(material.arguments, binding).catch(() => undefined);
  if (opened === undefined) throw refuseCall('seal_broken');
  const errors = settings.policy.tools.get(tool.name)?.validate(opened.arguments, { sealed: false }) ?? [];
  if (errors.length > 0) throw refuseCall('invalid_call');
  return opened;
}

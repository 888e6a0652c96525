import type { Evidence } from '../../contract/call.ts';
import type { HeldBy, Material, MetCondition } from '../../contract/review.ts';
import { deadlineOf, NO_SCHEDULE, scheduleOf } from '../../domain/deadline.ts';
import { writeAmounts } from '../../domain/money.ts';
import { assessCall, findTool, levelsOf, type Assessment } from '../../domain/policy/assess.ts';
import { digestMaterial, digestOf } from '../../domain/proof/digest.ts';
import { findAgent, type Settings } from '../../domain/policy/settings.ts';
import { clip } from '../../domain/text/visible.ts';
import { writeSentence } from '../../domain/show/title.ts';
import type { ClassifiedRevision, PreparedRevision, PrepareRevisionInput, WithEvidence } from '../api.ts';
import type { GateDeps } from './deps.ts';
import { verifyOwn } from '../own-envelope.ts';

/** A revision as it is proposed. */
type RevisionInput = Pick<
  Material,
  'reviewId' | 'revision' | 'kind' | 'proposer' | 'owner' | 'service' | 'tool' | 'arguments'
> & {
  readonly settings: Settings;
  /** Epoch ms; deadline and escalation count from here. */
  readonly startedAt: number;
  /** Epoch ms, or null: a deadline that this revision may only shorten. */
  readonly notAfter: number | null;
};

/** One revision of the call out of its assessment: the digest's material and what goes with it. */
export function buildRevision(input: RevisionInput, assessment: Assessment, wantsPreview: boolean): ClassifiedRevision {
  const held = assessment.kind === 'held' ? assessment.approval : null;
  const { settings, startedAt, notAfter, ...call } = input;
  const expiresAt = held === null ? notAfter : deadlineOf(held, startedAt, notAfter);
  const material: Material = {
    ...call,
    schemaVersion: 1,
    deploymentId: settings.deploymentId,
    arguments: assessment.kind === 'blocked' && assessment.withhold ? {} : call.arguments,
    target: assessment.kind === 'blocked' ? null : assessment.target,
    evidence: null,
    context: assessment.context,
    class: assessment.class ?? 'irreversible',
    levels: held === null ? [] : levelsOf(held, startedAt),
    separationOfDuties: held?.separationOfDuties ?? false,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    policyDigest: settings.policy.digest,
  };
  return {
    material,
    digest: wantsPreview ? null : digestMaterial(material),
    gate: assessment.gate,
    reasonCodes: assessment.override ? [...assessment.reasonCodes, 'override'] : assessment.reasonCodes,
    schedule: held === null || expiresAt === null ? NO_SCHEDULE : scheduleOf(held, startedAt, expiresAt),
    wantsPreview,
    override: assessment.override,
    ...wordsOf(settings, material),
    ...(assessment.kind === 'held' && call.kind === 'call' ? { heldBy: heldByOf(assessment) } : {}),
  };
}

/** As much of it as people read: a policy may have any number of rules, of 4,096 characters each. */
const MOST_RULES = 10;
const MOST_READS = 20;
const CONDITION = 400;

function heldByOf({ fired, approval }: Assessment & { readonly kind: 'held' }): HeldBy {
  const short = <T extends MetCondition>(met: T): T => ({
    ...met,
    source: clip(met.source, CONDITION),
    reads: met.reads.slice(0, MOST_READS),
  });
  const rules = fired.slice(0, MOST_RULES).map((rule) => short(rule));
  return { rules, approval: short(approval.selectedBy) };
}

/** What of the call is money, and what it does in a sentence, by the policy in force. */
function wordsOf(
  settings: Settings,
  { kind, tool, arguments: args, evidence }: Material,
): Pick<ClassifiedRevision, 'amounts' | 'sentence'> {
  if (kind === 'in-flow') return { amounts: [] };
  const { money, title } = findTool(settings, tool) ?? {};
  const amounts = writeAmounts(money, args, evidence?.facts ?? []);
  return { amounts, sentence: writeSentence(tool, title, args, amounts) };
}

/** The same revision with the evidence that came for it. */
function withEvidence(
  settings: Settings,
  material: Material,
  evidence: Evidence | null,
): Omit<WithEvidence, 'previewError'> {
  const complete: Material = { ...material, evidence };
  return { material: complete, digest: digestMaterial(complete), ...wordsOf(settings, complete) };
}

/**
 * A row that was open before (a reset, a second start) keeps the deadline it had, where that is earlier. `kept`: ISO
 * 8601, of the ledger.
 */
export function keepEarlierDeadline(revision: ClassifiedRevision, kept: string | null): ClassifiedRevision {
  const { expiresAt } = revision.material;
  if (kept === null || expiresAt === null || Date.parse(kept) >= Date.parse(expiresAt)) return revision;
  const material = { ...revision.material, expiresAt: kept };
  return { ...revision, material, digest: revision.digest === null ? null : digestMaterial(material) };
}

/**
 * Other arguments of the same tool, judged as if proposed anew by the same proposer. What was held stays held: where the
 * new arguments alone would need no decision, the approval in force for them is still asked for.
 */
export function prepareRevision(deps: Pick<GateDeps, 'settings'>, input: PrepareRevisionInput): PreparedRevision {
  const settings = deps.settings.current();
  const { previous } = input;
  const { reviewId, kind, proposer, owner, service, tool, context } = previous;
  const agent = input.attested ? findAgent(settings, proposer) : undefined;
  if (input.attested && agent === undefined) return { ok: false };
  const assessment = assessCall({
    service,
    tool,
    arguments: input.arguments,
    context,
    urgency: input.urgency,
    proposer:
      agent === undefined
        ? { attested: false, id: proposer, owner: null }
        : { attested: true, id: agent.id, owner: agent.owner ?? null, agent },
    settings,
    stayHeld: true,
  });
  if (assessment.kind !== 'held') return { ok: false };
  const changed: RevisionInput = {
    reviewId,
    revision: previous.revision + 1,
    kind,
    proposer,
    owner,
    service,
    tool,
    arguments: input.arguments,
    settings,
    startedAt: input.startedAt,
    notAfter: previous.expiresAt === null ? null : Date.parse(previous.expiresAt),
  };
  const previewed = findTool(settings, tool)?.preview !== undefined;
  return { ok: true, revision: buildRevision(changed, assessment, input.attested && previewed) };
}

/** Another wording of an in-flow question: same people, same deadline, new digest. */
export function prepareQuestion(input: PrepareRevisionInput): PreparedRevision {
  const material: Material = {
    ...input.previous,
    revision: input.previous.revision + 1,
    arguments: input.arguments,
  };
  return {
    ok: true,
    revision: {
      material,
      digest: digestMaterial(material),
      gate: 'hard',
      reasonCodes: ['in_flow'],
      schedule: NO_SCHEDULE,
      wantsPreview: false,
      override: false,
      amounts: [],
    },
  };
}

/**
 * Reads back what the execute worker signed about this very revision. A missing, forged or foreign envelope means no
 * evidence: the call is then gated without a preview.
 */
export async function attachEvidence(
  deps: Pick<GateDeps, 'store' | 'verifier' | 'settings'>,
  input: { readonly material: Material },
): Promise<WithEvidence> {
  const settings = deps.settings.current();
  const { material } = input;
  const envelope = await deps.store.readEvidence(material.reviewId, material.revision);
  const payload = envelope && verifyOwn(deps.verifier, 'evidence', envelope, material)?.payload;
  if (payload?.revision !== material.revision || payload.previewOf !== previewDigest(material)) {
    return {
      ...withEvidence(settings, material, null),
      previewError: { code: 'preview_unavailable', message: 'The execute worker did not gather evidence in time' },
    };
  }
  return { ...withEvidence(settings, material, payload.evidence), previewError: payload.error };
}

/** What a preview was made of. */
export function previewDigest(material: Pick<Material, 'tool' | 'arguments' | 'target'>): string {
  return digestOf({ tool: material.tool, arguments: material.arguments, target: material.target });
}

import type { JsonObject } from '../../contract/json.ts';
import type {
  DecisionType,
  DecisionView,
  ExecutionView,
  HeldBy,
  Material,
  Review,
  ReviewStatus,
  SentencePart,
  WrittenAmount,
} from '../../contract/review.ts';
import { isoOf } from '../deadline.ts';
import { decisionsTaken, isStoppable, stateOfGate } from '../eligibility.ts';
import { STATUS, type EndedStatus } from '../lifecycle.ts';
import { isEnded, type GateState } from './state.ts';

/** What never changes over the life of a review. */
export type ReviewBase = Pick<
  Review,
  | 'reviewId'
  | 'decisionId'
  | 'deploymentId'
  | 'kind'
  | 'proposer'
  | 'reason'
  | 'urgency'
  | 'threadId'
  | 'group'
  | 'callback'
  | 'title'
  | 'upstreamChanges'
  | 'proposedAt'
  | 'workflow'
>;

/** One revision of the call as it was classified. `digest` is null while evidence is still being gathered. */
export interface RevisionRecord {
  readonly material: Material;
  readonly digest: string | null;
  readonly gate: Review['gate'];
  readonly reasonCodes: readonly string[];
  readonly amounts?: readonly WrittenAmount[];
  readonly heldBy?: HeldBy | undefined;
  readonly sentence?: readonly SentencePart[] | undefined;
  readonly previewError: Review['previewError'];
  readonly submittedAt: string;
  /** Who wrote this revision: the proposer, or the reviewer who edited. */
  readonly by: string;
  readonly decisions: readonly DecisionView[];
}

export interface ReviewRecord {
  readonly base: ReviewBase;
  /** Oldest first; at least one. */
  readonly revisions: readonly RevisionRecord[];
  readonly gate: GateState | null;
  /** How it ended without a gate, or in an earlier run. */
  readonly ungated: { readonly status: EndedStatus; readonly at: string } | null;
  readonly allowed: readonly DecisionType[];
  readonly execution: ExecutionView;
}

/** The full state of a review, as every door shows it. */
export function viewReview(record: ReviewRecord): Review {
  const current = record.revisions.at(-1);
  if (current === undefined) throw new RangeError('a review has at least one revision');
  const { material } = current;
  const status = statusOf(record);
  const level = record.gate?.tag === 'pending' ? record.gate.level : 0;
  const expiresAt = record.gate === null ? material.expiresAt : isoOf(record.gate.spec.expiresAt);
  return {
    ...record.base,
    status,
    class: status === 'blocked' && current.reasonCodes.includes('unknown_tool') ? null : material.class,
    gate: current.gate,
    reasonCodes: [...current.reasonCodes],
    call: callView(material, current.digest, material.arguments),
    target: material.target,
    revision: material.revision,
    revisions: record.revisions.map((revision) => ({
      revision: revision.material.revision,
      call: callView(revision.material, revision.digest, revision === current ? material.arguments : null),
      submittedAt: revision.submittedAt,
      by: revision.by,
      decisions: [...revision.decisions],
    })),
    levels: material.levels.map((definition, index) => ({
      ...definition,
      status: levelStatus(record.gate, index + 1),
      decisions: current.decisions.filter((decision) => decision.level === index + 1),
    })),
    level,
    separationOfDuties: material.separationOfDuties,
    policyDigest: material.policyDigest,
    allowedDecisions: allowedNow(record, current),
    context: material.context,
    evidence: material.evidence === null ? [] : [material.evidence],
    ...(current.amounts === undefined || current.amounts.length === 0 ? {} : { amounts: [...current.amounts] }),
    ...(current.heldBy === undefined ? {} : { heldBy: current.heldBy }),
    ...(current.sentence === undefined || current.sentence.length === 0 ? {} : { sentence: [...current.sentence] }),
    previewError: current.previewError,
    expiresAt,
    resolvedAt: resolvedAt(record),
    resolution: resolutionOf(record, current),
    feedback:
      record.gate?.tag === 'changes_requested'
        ? { by: record.gate.by, comment: record.gate.comment, at: isoOf(record.gate.at) }
        : null,
    execution: isEdited(record) ? { ...record.execution, edited: true } : record.execution,
  };
}

export function statusOf(record: Pick<ReviewRecord, 'gate' | 'ungated'>): ReviewStatus {
  return record.ungated?.status ?? record.gate?.tag ?? 'pending';
}

function callView(material: Material, digest: string | null, args: JsonObject | null): Review['call'] {
  return { service: material.service, tool: material.tool, arguments: args, digest };
}

function levelStatus(gate: GateState | null, level: number): 'waiting' | 'open' | 'passed' {
  if (gate?.tag === 'approved') return 'passed';
  if (gate?.tag !== 'pending') return 'waiting';
  if (level < gate.level) return 'passed';
  return level === gate.level ? 'open' : 'waiting';
}

function allowedNow(record: ReviewRecord, current: RevisionRecord): DecisionType[] {
  if (current.digest === null || record.gate === null) return [];
  const stops = record.gate.tag === 'approved' && isStoppable(record.base.kind, record.execution.status);
  return decisionsTaken(stops ? 'approved' : stateOfGate(record.gate).phase, record.allowed);
}

function resolvedAt(record: ReviewRecord): string | null {
  if (record.ungated !== null) return record.ungated.at;
  return record.gate !== null && isEnded(record.gate) ? isoOf(record.gate.at) : null;
}

/** A reviewer changed what was finally approved. */
function isEdited(record: ReviewRecord): boolean {
  return record.revisions.some((revision) => revision.decisions.some((decision) => decision.type === 'edit'));
}

function resolutionOf(record: ReviewRecord, current: RevisionRecord): Review['resolution'] {
  const plain = { by: null, comment: null, edited: isEdited(record), retryable: false };
  if (record.ungated !== null) return { ...plain, type: STATUS[record.ungated.status].resolution };
  const { gate } = record;
  if (gate === null || !isEnded(gate)) return null;
  const { resolution: type, mayRetry: retryable } = STATUS[gate.tag];
  const ended = { ...plain, type, retryable };
  switch (gate.tag) {
    case 'approved':
      return gate.answer.kind === 'respond'
        ? { ...ended, type: 'respond', by: gate.by, comment: gate.comment, response: gate.answer.response }
        : { ...ended, by: gate.by, comment: gate.comment };
    case 'rejected':
      return { ...ended, by: gate.by, comment: gate.comment };
    case 'withdrawn':
      return { ...ended, by: gate.by };
    case 'aborted':
      return { ...ended, comment: current.material.kind === 'call' ? gate.reason : null };
    default:
      return ended;
  }
}

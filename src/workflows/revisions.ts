import { proxyActivities } from '@temporalio/workflow';
import type {
  Admitted,
  ExecuteActivities,
  GatherEvidenceInput,
  ClassifiedRevision,
  WithEvidence,
} from '../activities/api.ts';
import type { Prepared } from '../domain/gate/decide.ts';
import { specOf, type GateState } from '../domain/gate/state.ts';
import type { RevisionRecord } from '../domain/gate/view.ts';
import type { InboxItem } from './inbox.ts';
import { activities } from './local.ts';
import type { ReviewRun } from './review-run.ts';
import {
  classifiedEntry,
  decidedEntry,
  ledgerAfter,
  viewOf,
  withDecision,
  type Change,
  type EntryBase,
} from '../domain/gate/change.ts';
import { EXECUTE_TASK_QUEUE } from './messages.ts';

/** A revision that is complete: classified, rendered, with its evidence and digest. Undefined: not a valid call. */
export interface CompleteRevision {
  readonly revision: ClassifiedRevision;
  readonly digest: string;
  readonly previewError: RevisionRecord['previewError'];
}

/** Other arguments of the same tool, up to their digest. `change` is the signed envelope that brought them. */
export async function prepare(
  run: ReviewRun,
  args: ClassifiedRevision['material']['arguments'],
  change: Parameters<typeof gatherEvidence>[2],
): Promise<CompleteRevision | undefined> {
  const prepared = await activities.prepareRevision({
    previous: run.current.material,
    urgency: run.record.base.urgency,
    attested: run.attested,
    arguments: args,
    startedAt: run.startedAt,
    question: run.record.base.kind === 'in-flow',
  });
  if (!prepared.ok) return undefined;
  const { revision } = prepared;
  if (!revision.wantsPreview)
    return revision.digest === null ? undefined : { revision, digest: revision.digest, previewError: null };
  const found = await gatherEvidence(run, revision, change);
  if (found.previewError?.pointer !== undefined) return undefined;
  return {
    revision: { ...revision, ...found },
    digest: found.digest,
    previewError: found.previewError,
  };
}

/** `editor`: the reviewer whose edit it is, if it is one. */
export function preparedOf(run: ReviewRun, complete: CompleteRevision | undefined, editor?: string): Prepared {
  if (complete === undefined) return { ok: false };
  const { material } = complete.revision;
  const before = run.current.material.evidence;
  return {
    ok: true,
    spec: specOf(material, complete.digest, run.allowed, editor),
    evidenceChanged: factsOf(material.evidence) !== factsOf(before),
  };
}

/** Evidence is the same where it says the same; when it was gathered does not matter. */
function factsOf(evidence: ClassifiedRevision['material']['evidence']): string {
  return JSON.stringify(evidence === null ? null : [evidence.sourceHash, evidence.facts]);
}

/** The change to a new revision, by an edit or by the proposer. */
export function revisedChange(
  run: ReviewRun,
  next: GateState,
  complete: CompleteRevision | undefined,
  fact: Extract<Admitted, { kind: 'decision' | 'revision' }>,
  item: InboxItem,
): Omit<Change, 'key'> {
  if (complete === undefined) throw new TypeError('a ruling without a revision');
  const { revision, digest, previewError } = complete;
  const edit = fact.kind === 'decision' ? fact : null;
  const by = fact.kind === 'decision' ? fact.fact.reviewer : fact.fact.proposer;
  const { base } = run.record;
  const added: RevisionRecord = {
    material: revision.material,
    digest,
    gate: 'hard',
    reasonCodes: revision.reasonCodes,
    amounts: revision.amounts,
    heldBy: revision.heldBy,
    sentence: revision.sentence,
    previewError,
    submittedAt: new Date(Date.now()).toISOString(),
    by,
    // Wherever the editor stood, the yes to the new revision is one on its first level.
    decisions: edit !== null && editorCounts(next) ? [{ ...viewOf(edit), level: 1 }] : [],
  };
  const revisions = edit === null ? run.record.revisions : withDecision(run.record.revisions, edit);
  return {
    record: { ...run.record, gate: next, revisions: [...revisions.map(forgetArguments), added] },
    ledger: ledgerAfter(run, next, item.at),
    materials: [revision.material],
    entries: [
      ...(edit === null ? [] : [(entry: EntryBase) => decidedEntry(entry, edit, next)]),
      (entry) => ({ ...entry, type: 'revised', revision: next.spec.revision, by, envelopeDigest: fact.envelopeDigest }),
      ({ at }) => classifiedEntry(base, { ...revision, gate: 'hard' }, 'pending', at),
    ],
    envelopes: [item],
  };
}

/** Older revisions are shown by digest; the database keeps what they were. */
function forgetArguments(revision: RevisionRecord): RevisionRecord {
  const { amounts: _amounts, heldBy: _heldBy, sentence: _sentence, ...rest } = revision;
  return { ...rest, material: { ...revision.material, arguments: {}, target: null, evidence: null } };
}

/** Whether the editor's yes stands on the new revision. */
function editorCounts(next: GateState): boolean {
  return next.tag === 'approved' || (next.tag === 'pending' && next.votes.length > 0);
}

const { gatherEvidence: gather } = proxyActivities<Pick<ExecuteActivities, 'gatherEvidence'>>({
  taskQueue: EXECUTE_TASK_QUEUE,
  // A preview that does not come in time is done without: people are still asked.
  scheduleToCloseTimeout: '10s',
  retry: { maximumAttempts: 1 },
  summary: 'Check what the call would change, without changing it',
});

/**
 * Evidence for one revision. Whether the activity says that it worked means nothing (it could have been completed from
 * outside); what counts is the signed envelope that the execute worker left in the database.
 */
export async function gatherEvidence(
  run: Pick<ReviewRun, 'proposal' | 'reviewId'>,
  revision: Pick<ClassifiedRevision, 'material'>,
  change: GatherEvidenceInput['change'],
): Promise<WithEvidence> {
  const { proposal, reviewId } = run;
  if (proposal !== null) {
    await gather({ reviewId, revision: revision.material.revision, proposal, change }).catch(() => undefined);
  }
  return activities.attachEvidence({ material: revision.material });
}

import { allHandlersFinished, condition } from '@temporalio/workflow';
import type { AdmitInput, Admitted, RecordOutcome } from '../activities/api.ts';
import { prepare, preparedOf, revisedChange, type CompleteRevision } from './revisions.ts';
import { admissionKey, deny, ruleOnVote, stateAfter, voteChange, type Change } from '../domain/gate/change.ts';
import {
  checkFact,
  checkRevision,
  decideEdit,
  decideRevision,
  decideWithdrawal,
  type Ruling,
} from '../domain/gate/decide.ts';
import { aheadOf } from '../domain/deadline.ts';
import { isEnded, type GateState } from '../domain/gate/state.ts';
import type { InboxItem } from './inbox.ts';
import { activities } from './local.ts';
import type { ReviewRun } from './review-run.ts';
import { refusalOfReconcile } from '../domain/eligibility.ts';
import { reconcileExecution } from '../domain/outcome.ts';

type Fact = Exclude<Admitted, { kind: 'refused' }>;
type Decision = Extract<Fact, { kind: 'decision' }>;
/** `held`: accepted, and not recorded, since an objection stands in the way of the answer. */
type Step = 'done' | 'superseded' | 'held';

/**
 * Admits the next batch: one local activity verifies up to 50 envelopes, then each is judged in the order it came.
 * Whatever is refused is answered in its receipt and changes nothing. A vote that comes alone, as nearly all do, is
 * recorded by that activity too: one local activity less between a decision and its call.
 */
export async function processBatch(run: ReviewRun): Promise<Step> {
  const batch = run.inbox.take();
  const admitted = await activities.admit({
    reviewId: run.reviewId,
    proposer: run.record.base.proposer.id,
    items: batch.map(({ kind, envelope }) => ({ kind, envelope })),
    isOpen: run.gate !== null && !isEnded(run.gate),
    ...recordIfSingleVote(batch, run),
  });
  let step: Step = 'done';
  for (const { item, fact } of inOrder(batch, admitted)) {
    // What is stored is judged anew: an objection that was refused, e.g. of a reviewer who may only vote now, would
    // otherwise keep every answer from being recorded.
    const isStored = fact.kind === 'decision' && fact.stored !== undefined;
    if (!isStored && run.inbox.wasAnswered(fact.decisionUlid)) continue;
    if (step === 'superseded') run.inbox.answer(fact.decisionUlid, 'already_resolved');
    else step = await judge(run, item, fact);
  }
  return step;
}

/** Deny first: what was stored as a no comes before what this batch brought. */
function inOrder(
  batch: readonly InboxItem[],
  admitted: readonly Admitted[],
): readonly { readonly item: InboxItem; readonly fact: Fact }[] {
  const stored = admitted.slice(batch.length).flatMap((fact) => {
    if (fact.kind !== 'decision' || fact.stored === undefined) return [];
    return [{ item: { kind: fact.kind, ...fact.stored }, fact }];
  });
  const brought = batch.flatMap((item, index) => {
    const fact = admitted[index];
    return fact === undefined || fact.kind === 'refused' ? [] : [{ item, fact }];
  });
  return [...stored, ...brought];
}

/** Lets the activity judge and record a vote by itself. */
function recordIfSingleVote(
  [item, ...others]: readonly InboxItem[],
  run: ReviewRun,
): Pick<AdmitInput, 'recordIfSingleVote'> {
  if (item?.kind !== 'decision' || others.length > 0 || run.gate === null) return {};
  const { record, proposalDigest } = run;
  return { recordIfSingleVote: { record, proposalDigest, arrivedAt: item.at, now: Date.now() } };
}

async function judge(run: ReviewRun, item: InboxItem, fact: Fact): Promise<Step> {
  const { gate } = run;
  if (fact.kind === 'reconciliation') return settleByHand(run, item, fact);
  if (gate === null) {
    run.inbox.answer(fact.decisionUlid, 'already_resolved');
    return 'done';
  }
  switch (fact.kind) {
    case 'decision':
      return fact.fact.type === 'edit' ? judgeRevision(run, gate, item, fact) : judgeVote(run, item, fact);
    case 'revision':
      return judgeRevision(run, gate, item, fact);
    case 'withdrawal': {
      const ruling = decideWithdrawal(gate, fact.fact, item.at);
      return carryOut(run, item, fact, ruling, (next) => ({
        record: { ...run.record, gate: next },
        entries: [
          (base) => ({ ...base, type: 'withdrawn', by: fact.fact.proposer, envelopeDigest: fact.envelopeDigest }),
        ],
        ledger: deny(run, 'withdrawn', item.at),
        envelopes: [item],
      }));
    }
    default:
      return fact satisfies never;
  }
}

async function judgeVote(run: ReviewRun, item: InboxItem, fact: Decision): Promise<Step> {
  const ruling = ruleOnVote(run, fact, item.at);
  const step = await carryOut(run, item, fact, ruling, (next) => voteChange(run, fact, next, item));
  if (ruling.ok && step === 'done' && fact.fact.type === 'approve') {
    run.carrying = [...run.carrying, item.envelope];
  }
  return step;
}

/** An edit or the proposer's revision: prepared first, then judged. It voids what was decided before. */
async function judgeRevision(
  run: ReviewRun,
  gate: GateState,
  item: InboxItem,
  fact: Decision | Extract<Fact, { kind: 'revision' }>,
): Promise<Step> {
  const edit = fact.kind === 'decision' ? fact : null;
  const refusal =
    fact.kind === 'decision' ? checkFact(gate, fact.fact, item.at) : checkRevision(gate, fact.fact, item.at);
  const args = fact.kind === 'decision' ? fact.fact.editedArguments : fact.fact.arguments;
  if (refusal !== undefined || args === null) return refuse(run, fact, refusal ?? 'edit_invalid');
  const complete = await prepare(run, args, { kind: fact.kind, envelope: item.envelope });
  const prepared = preparedOf(run, complete, edit?.fact.reviewer);
  const ruling =
    fact.kind === 'decision'
      ? decideEdit(gate, fact.fact, prepared, item.at)
      : decideRevision(gate, fact.fact, prepared, item.at);
  const before = run.current.material;
  const step = await carryOut(run, item, fact, ruling, (next) => revisedChange(run, next, complete, fact, item));
  if (ruling.ok && step === 'done') {
    // Of an edit that counts as its editor's yes, the execute worker has to see what was edited.
    const editorCounts = run.current.decisions.length > 0;
    run.previous = editorCounts ? before : null;
    run.carrying = editorCounts ? [item.envelope] : [];
    renewSchedule(run, complete);
  }
  return step;
}

/** Records an accepted ruling, then answers; a refused one is answered only. */
async function carryOut(
  run: ReviewRun,
  item: InboxItem,
  fact: Fact,
  ruling: Ruling,
  change: (next: GateState) => Omit<Change, 'key'>,
): Promise<Step> {
  const { gate } = run;
  if (!ruling.ok || gate === null) return refuse(run, fact, ruling.ok ? 'already_resolved' : ruling.code);
  const next = stateAfter(gate, ruling);
  const { ok, why } = await put(run, fact, { ...change(next), key: admissionKey(fact.decisionUlid) });
  if (why !== undefined) {
    // The next batch reads an objection from the database, and judges it first.
    if (why === 'objected') run.inbox.putBack(item);
    else run.inbox.answer(fact.decisionUlid, why);
    return 'held';
  }
  if (!ok) {
    run.inbox.answer(fact.decisionUlid, 'already_resolved');
    return 'superseded';
  }
  run.inbox.answer(fact.decisionUlid, 'accepted');
  return 'done';
}

/** Not `ok`: the ledger stands elsewhere, or an objection stands in the way. */
async function put(run: ReviewRun, fact: Fact, change: Change): Promise<RecordOutcome> {
  const recorded = fact.kind === 'decision' ? fact.recorded : undefined;
  if (recorded === undefined) return run.commit(change);
  if (recorded.ok) run.adopt(change.record);
  return recorded;
}

/** Another revision may come under another approval: its reminders and its escalation count from now on. */
function renewSchedule(run: ReviewRun, complete: CompleteRevision | undefined): void {
  // A question keeps its people and its times, whatever its wording.
  if (complete === undefined || run.record.base.kind === 'in-flow') return;
  run.schedule = aheadOf(Date.now(), complete.revision.schedule);
}

/** An objection from the database gets no receipt: it is judged again with every batch, and at the claim. */
function refuse(run: ReviewRun, fact: Fact, code: Extract<Ruling, { ok: false }>['code']): Step {
  if (fact.kind === 'decision' && fact.stored !== undefined) return 'done';
  run.inbox.answer(fact.decisionUlid, code);
  return 'done';
}

/** Late votes get their answer before the workflow ends. */
export async function drainSignals(run: ReviewRun): Promise<void> {
  const { inbox } = run;
  do {
    while (inbox.size > 0) await processBatch(run);
    await condition(allHandlersFinished);
  } while (inbox.size > 0);
}

/**
 * A reviewer has found out what became of a call of unknown outcome. Only from `unknown`, only by a person who may
 * vote on the last level and does not own the proposer, and only once the request can no longer be in flight.
 */
export async function settleByHand(
  run: ReviewRun,
  item: InboxItem,
  fact: Extract<Admitted, { kind: 'reconciliation' }>,
): Promise<'done'> {
  const outcome = await activities.readOutcome({ reviewId: run.reviewId });
  const { levels, owner } = run.current.material;
  const isUnknown = outcome.state === 'unknown' && outcome.execution.reconciled === undefined;
  const refusal =
    refusalOfReconcile(
      { isUnknown, settledBy: outcome.settledBy, levels, owner },
      { id: fact.by, groups: fact.groups },
      item.at,
    ) ?? (fact.digest === outcome.claimedDigest ? undefined : 'digest_mismatch');
  if (refusal !== undefined) {
    run.inbox.answer(fact.decisionUlid, refusal);
    return 'done';
  }
  const at = new Date(Date.now()).toISOString();
  const reconciled = { outcome: fact.outcome, by: fact.by, note: fact.note, at };
  const execution = reconcileExecution(outcome.execution, reconciled);
  const { ok } = await run.commit({
    key: admissionKey(fact.decisionUlid),
    record: { ...run.record, execution },
    entries: [
      (base) => ({
        ...base,
        type: 'reconciled',
        outcome: fact.outcome,
        by: fact.by,
        envelopeDigest: fact.envelopeDigest,
      }),
    ],
    ledger: { to: 'reconcile', reviewId: run.reviewId, outcome: fact.outcome, by: fact.by, note: fact.note, at },
    envelopes: [item],
    settlesExecution: true,
  });
  run.inbox.answer(fact.decisionUlid, ok ? 'accepted' : 'not_reconcilable');
  return 'done';
}

import type { Admitted, AdmitInput, RecordOutcome } from '../activities/api.ts';
import { classifiedAgain, revisedChange, revisedEntry } from './changes.ts';
import {
  admissionKey,
  decidedEntry,
  deny,
  ruleOnVote,
  stateAfter,
  voteChange,
  type Change,
} from '../domain/gate/change.ts';
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
import { gate as activities } from './local.ts';
import { settleByHand } from './reconciliation.ts';
import type { Session } from './session.ts';
import { prepare, preparedOf, type Complete } from './versions.ts';

type Fact = Exclude<Admitted, { kind: 'refused' }>;
type Decision = Extract<Fact, { kind: 'decision' }>;
/** `held`: accepted, and not recorded, since an objection stands in the way of the answer. */
type Step = 'done' | 'superseded' | 'held';

/**
 * Admits the next batch: one local activity verifies up to 50 envelopes, then each is judged in the order it came.
 * Whatever is refused is answered in its receipt and changes nothing. A vote that comes alone, as nearly all do, is
 * recorded by that activity too: one local activity less between a decision and its call.
 */
export async function processBatch(session: Session): Promise<Step> {
  const batch = session.inbox.take();
  const admitted = await activities.admit({
    reviewId: session.reviewId,
    proposer: session.record.base.proposer.id,
    items: batch.map(({ kind, envelope }) => ({ kind, envelope })),
    isOpen: session.gate !== null && !isEnded(session.gate),
    ...aloneIn(batch, session),
  });
  let step: Step = 'done';
  for (const { item, fact } of inOrder(batch, admitted)) {
    // What is stored is judged anew: an objection that was refused, e.g. of a reviewer who may only vote now, would
    // otherwise keep every answer from being recorded.
    const isStored = fact.kind === 'decision' && fact.stored !== undefined;
    if (!isStored && session.inbox.wasAnswered(fact.decisionUlid)) continue;
    if (step === 'superseded') session.inbox.answer(fact.decisionUlid, 'already_resolved');
    else step = await judge(session, item, fact);
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

/** What the activity needs to judge a decision by itself. */
function aloneIn([item, ...others]: readonly InboxItem[], session: Session): Pick<AdmitInput, 'alone'> {
  if (item?.kind !== 'decision' || others.length > 0 || session.gate === null) return {};
  const { record, proposalDigest } = session;
  return { alone: { record, proposalDigest, arrivedAt: item.at, now: Date.now() } };
}

async function judge(session: Session, item: InboxItem, fact: Fact): Promise<Step> {
  const { gate } = session;
  if (fact.kind === 'reconciliation') return settleByHand(session, item, fact);
  if (gate === null) {
    session.inbox.answer(fact.decisionUlid, 'already_resolved');
    return 'done';
  }
  switch (fact.kind) {
    case 'decision':
      return fact.fact.type === 'edit' ? judgeEdit(session, gate, item, fact) : judgeVote(session, item, fact);
    case 'revision':
      return judgeRevision(session, gate, item, fact);
    case 'withdrawal': {
      const ruling = decideWithdrawal(gate, fact.fact, item.at);
      return carryOut(session, item, fact, ruling, (next) => ({
        record: { ...session.record, gate: next },
        entries: [
          (base) => ({ ...base, type: 'withdrawn', by: fact.fact.proposer, envelopeDigest: fact.envelopeDigest }),
        ],
        ledger: deny(session, 'withdrawn', item.at),
        envelopes: [item],
      }));
    }
    default:
      return fact satisfies never;
  }
}

async function judgeVote(session: Session, item: InboxItem, fact: Decision): Promise<Step> {
  const ruling = ruleOnVote(session, fact, item.at);
  const step = await carryOut(session, item, fact, ruling, (next) => voteChange(session, fact, next, item));
  if (ruling.ok && step === 'done' && fact.fact.type === 'approve') {
    session.carrying = [...session.carrying, item.envelope];
  }
  return step;
}

async function judgeEdit(session: Session, gate: GateState, item: InboxItem, fact: Decision): Promise<Step> {
  const refusal = checkFact(gate, fact.fact, item.at);
  const args = fact.fact.editedArguments;
  if (refusal !== undefined || args === null) return refuse(session, fact, refusal ?? 'edit_invalid');
  const version = await prepare(session, args, { kind: 'decision', envelope: item.envelope });
  const prepared = preparedOf(session, version, fact.fact.reviewer);
  const before = session.current.material;
  const ruling = decideEdit(gate, fact.fact, prepared, item.at);
  const step = await carryOut(session, item, fact, ruling, (next) => ({
    ...revisedChange(session, next, version, fact.fact.reviewer, fact, item.at),
    entries: [
      (base) => decidedEntry(base, fact, next),
      (base) => revisedEntry(base, next, fact.fact.reviewer, fact.envelopeDigest),
      (base) => classifiedAgain(session, base.at, version),
    ],
    envelopes: [item],
  }));
  if (ruling.ok && step === 'done') {
    const editorCounts = session.current.decisions.length > 0;
    session.previous = editorCounts ? before : null;
    session.carrying = editorCounts ? [item.envelope] : [];
    renewSchedule(session, version);
  }
  return step;
}

async function judgeRevision(
  session: Session,
  gate: GateState,
  item: InboxItem,
  fact: Extract<Fact, { kind: 'revision' }>,
): Promise<Step> {
  const refusal = checkRevision(gate, fact.fact, item.at);
  if (refusal !== undefined) return refuse(session, fact, refusal);
  const version = await prepare(session, fact.fact.arguments, { kind: 'revision', envelope: item.envelope });
  const ruling = decideRevision(gate, fact.fact, preparedOf(session, version), item.at);
  const step = await carryOut(session, item, fact, ruling, (next) => ({
    ...revisedChange(session, next, version, fact.fact.proposer, null, item.at),
    entries: [
      (base) => revisedEntry(base, next, fact.fact.proposer, fact.envelopeDigest),
      (base) => classifiedAgain(session, base.at, version),
    ],
    envelopes: [item],
  }));
  if (ruling.ok && step === 'done') {
    session.previous = null;
    session.carrying = [];
    renewSchedule(session, version);
  }
  return step;
}

/** Records an accepted ruling, then answers; a refused one is answered only. */
async function carryOut(
  session: Session,
  item: InboxItem,
  fact: Fact,
  ruling: Ruling,
  change: (next: GateState) => Omit<Change, 'key'>,
): Promise<Step> {
  const { gate } = session;
  if (!ruling.ok || gate === null) return refuse(session, fact, ruling.ok ? 'already_resolved' : ruling.code);
  const next = stateAfter(gate, ruling);
  const { ok, why } = await put(session, fact, { ...change(next), key: admissionKey(fact.decisionUlid) });
  if (why !== undefined) {
    // The next batch reads an objection from the database, and judges it first.
    if (why === 'objected') session.inbox.putBack(item);
    else session.inbox.answer(fact.decisionUlid, why);
    return 'held';
  }
  if (!ok) {
    session.inbox.answer(fact.decisionUlid, 'already_resolved');
    return 'superseded';
  }
  session.inbox.answer(fact.decisionUlid, 'accepted');
  return 'done';
}

/** Not `ok`: the ledger stands elsewhere, or an objection stands in the way. */
async function put(session: Session, fact: Fact, change: Change): Promise<RecordOutcome> {
  const recorded = fact.kind === 'decision' ? fact.recorded : undefined;
  if (recorded === undefined) return session.commit(change);
  if (recorded.ok) session.adopt(change.record);
  return recorded;
}

/** Another version may come under another approval: its reminders and its escalation count from now on. */
function renewSchedule(session: Session, complete: Complete | undefined): void {
  // A question keeps its people and its times, whatever its wording.
  if (complete === undefined || session.record.base.kind === 'in-flow') return;
  session.schedule = aheadOf(Date.now(), complete.version.schedule);
}

/** An objection from the database gets no receipt: it is judged again with every batch, and at the claim. */
function refuse(session: Session, fact: Fact, code: Extract<Ruling, { ok: false }>['code']): Step {
  if (fact.kind === 'decision' && fact.stored !== undefined) return 'done';
  session.inbox.answer(fact.decisionUlid, code);
  return 'done';
}

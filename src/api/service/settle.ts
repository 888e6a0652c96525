import { setTimeout as sleep } from 'node:timers/promises';
import { PROBLEMS, type ProblemCode, type ReceiptCode } from '../../contract/codes.ts';
import type { AuditEntry } from '../../contract/audit.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import { StorageError } from '../../ports/store.ts';
import { envelopeDigestOf } from '../../domain/proof/digest.ts';
import type { GateSignal } from '../gate-client.ts';
import type { Principal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';
import { readVisible } from './read.ts';
import type { Caller, Settled } from './types.ts';

/** How long an answer waits for the receipt, in ms. */
const RECEIPT_WITHIN = 2_000;
/**
 * The audit entry of an admitted signal comes by itself; only a refusal has to be asked for. The workflow is the slowest
 * to ask, most of all while it is busy, and what refuses is nearly always somebody else's entry that came first.
 */
const FIRST_QUERY_AFTER = 600;
const QUERY_EVERY = 200;

interface Signal {
  readonly reviewId: ReviewId;
  readonly name: GateSignal;
  readonly envelope: DsseEnvelope;
  readonly decisionUlid: string;
}

/** A signed no. */
interface SignedObjection {
  readonly reviewId: ReviewId;
  readonly envelope: DsseEnvelope;
  readonly decisionUlid: string;
  readonly type: 'reject' | 'revise';
  readonly revision: number;
  /** The call is approved already: no gate waits for it, and the execute worker finds it by itself. */
  readonly isApproved: boolean;
}

/**
 * Sends a signed signal and waits for what became of *it*. That it counted is told from its own audit entry alone:
 * any process that polls the gate's task queue can answer queries, so a query brings refusals and nothing else.
 */
export async function sendAndSettle(
  context: ServiceContext,
  principal: Principal,
  signal: Signal,
  caller: Caller,
): Promise<Settled> {
  const { reviewId, decisionUlid, envelope } = signal;
  const code = await awaitAnswer(context, { reviewId, envelope }, caller, {
    send: async () => {
      if ((await context.gate.signal(reviewId, signal.name, envelope)) === 'gone') {
        throw new ProblemError(signal.name === 'reconcile' ? 'not_reconcilable' : 'already_resolved');
      }
    },
    ask: () => context.gate.refusal(reviewId, decisionUlid),
  });
  return conclude(context, principal, signal, code, caller);
}

/**
 * Stores a no, then wakes the gate. Stored, it counts until the call is claimed, whatever becomes of the signal; every
 * answer comes from the database.
 */
export async function storeAndSettle(
  context: ServiceContext,
  principal: Principal,
  objection: SignedObjection,
  caller: Caller,
): Promise<Settled> {
  const { reviewId, envelope } = objection;
  const code = await awaitAnswer(context, objection, caller, {
    send: async () => {
      const answer = await context.store.objections.object(reviewId, envelope);
      if (answer !== 'stored') throw new ProblemError(answer);
      if (objection.isApproved) return;
      await context.gate.signal(reviewId, 'submitDecision', envelope).catch((error: unknown) => {
        context.log.warn(
          { err: error, reviewId },
          'an objection is stored; the gate could not be woken and will find it later',
        );
      });
    },
    ask: () => answerFromDatabase(context, objection).catch(() => undefined),
  });
  return conclude(context, principal, objection, code, caller);
}

interface Asking {
  send(): Promise<void>;
  /** Undefined: no answer yet. */
  ask(): Promise<ReceiptCode | undefined>;
}

/** Waits for the audit entry that names the envelope, and asks meanwhile whether it was refused. */
async function awaitAnswer(
  context: ServiceContext,
  { reviewId, envelope }: Pick<Signal, 'reviewId' | 'envelope'>,
  caller: Caller,
  { send, ask }: Asking,
): Promise<ReceiptCode | undefined> {
  const own = envelopeDigestOf(envelope);
  const over = new AbortController();
  let settle: (code: ReceiptCode | undefined) => void = () => {};
  const settled = new Promise<ReceiptCode | undefined>((resolve) => {
    settle = resolve;
  });
  await context.hub.start();
  const overtaken = new AbortController();
  const stop = context.hub.onReview(reviewId, ({ entry }) => {
    if (names(entry, own)) settle('accepted');
    else overtaken.abort();
  });
  const timer = setTimeout(() => settle(undefined), RECEIPT_WITHIN);
  const leave = (): void => settle(undefined);
  caller.signal.addEventListener('abort', leave);
  try {
    await send();
    void poll(ask, overtaken.signal, over.signal).then((code) => code !== undefined && settle(code));
    // The tail may lag behind what is committed.
    return (await settled) ?? ((await isRecorded(context, reviewId, own)) ? 'accepted' : undefined);
  } finally {
    over.abort();
    clearTimeout(timer);
    caller.signal.removeEventListener('abort', leave);
    stop();
  }
}

async function isRecorded({ store }: ServiceContext, reviewId: ReviewId, own: string): Promise<boolean> {
  try {
    return (await store.entriesOf(reviewId)).some(({ entry }) => names(entry, own));
  } catch (error) {
    // It was sent: a 503 would invite to send it again.
    if (error instanceof StorageError) return false;
    throw error;
  }
}

/** What became of a stored no. The ledger is read before the log, where the step that denied it has its entry. */
async function answerFromDatabase(
  { store }: ServiceContext,
  { reviewId, envelope, type, revision }: SignedObjection,
): Promise<ReceiptCode | undefined> {
  const row = await store.readLedger(reviewId);
  const review = (await store.readReview(reviewId))?.review;
  const own = envelopeDigestOf(envelope);
  if ((await store.entriesOf(reviewId)).some(({ entry }) => names(entry, own))) return 'accepted';
  if (row === undefined || review === undefined) return undefined;
  if (row.claim !== null) return 'already_started';
  if (row.denial !== null) return row.denial.reason === 'expired' ? 'expired' : 'already_resolved';
  if (review.revision > revision) return 'digest_mismatch';
  return type === 'revise' && hasEnded(review.status) ? 'already_resolved' : undefined;
}

async function conclude(
  context: ServiceContext,
  principal: Principal,
  { reviewId, decisionUlid }: Pick<Signal, 'reviewId' | 'decisionUlid'>,
  code: ReceiptCode | undefined,
  caller: Caller,
): Promise<Settled> {
  const statusUrl = `${caller.baseUrl}/v1/reviews/${reviewId}`;
  const queued = { httpStatus: 202, queued: { queued: true, reviewId, decisionUlid, statusUrl } } as const;
  if (code === undefined) return queued;
  if (code !== 'accepted') throw new ProblemError(problemOf(context, code));
  try {
    return { httpStatus: 200, review: await readVisible(context, principal, reviewId) };
  } catch (error) {
    // It counted: a 503 would invite to send it again.
    if (error instanceof StorageError) return queued;
    throw error;
  }
}

/** Asks again and again, one question at a time, until there is an answer or nobody waits for it any more. */
async function poll(ask: Asking['ask'], overtaken: AbortSignal, over: AbortSignal): Promise<ReceiptCode | undefined> {
  await rest(FIRST_QUERY_AFTER, AbortSignal.any([overtaken, over]));
  for (; !over.aborted; await rest(QUERY_EVERY, over)) {
    const code = await ask();
    if (code !== undefined) return code;
  }
  return undefined;
}

/** Until the time is over, or `cut` is aborted. */
async function rest(ms: number, cut: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: cut }).catch(() => undefined);
}

function names(entry: AuditEntry, envelopeDigest: string): boolean {
  return 'envelopeDigest' in entry && entry.envelopeDigest === envelopeDigest;
}

/** Refusals that no caller can cause are faults of ours, e.g. a signing key that the workers do not trust. */
function problemOf(context: ServiceContext, code: Exclude<ReceiptCode, 'accepted'>): ProblemCode {
  if (Object.hasOwn(PROBLEMS, code)) return code as ProblemCode & typeof code;
  context.log.error({ code }, 'the gate refused what this process signed');
  return 'internal';
}

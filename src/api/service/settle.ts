import { setTimeout as sleep } from 'node:timers/promises';
import { PROBLEMS, type ProblemCode, type ReceiptCode } from '../../contract/codes.ts';
import type { AuditEntry } from '../../contract/audit.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { StorageError } from '../../contract/store.ts';
import { digestBytes } from '../../core/digest.ts';
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
  /** What to say where no workflow is open under this id. */
  readonly goneCode: ProblemCode;
}

/**
 * Sends a signed signal and waits for what became of *it*: its own audit entry (accepted) or its own receipt. The
 * review's status is never taken for an answer; another's signal may have changed it.
 */
export async function sendAndSettle(
  context: ServiceContext,
  principal: Principal,
  signal: Signal,
  caller: Caller,
): Promise<Settled> {
  const { reviewId, decisionUlid } = signal;
  const payloadDigest = digestBytes(Buffer.from(signal.envelope.payload, 'base64'));
  const over = new AbortController();
  let settle: (code: ReceiptCode | undefined) => void = () => {};
  const settled = new Promise<ReceiptCode | undefined>((resolve) => {
    settle = resolve;
  });
  await context.hub.start();
  const overtaken = new AbortController();
  const stop = context.hub.onReview(reviewId, ({ entry }) => {
    if (isEntryOf(entry, decisionUlid, payloadDigest)) settle('accepted');
    else overtaken.abort();
  });
  const timer = setTimeout(() => settle(undefined), RECEIPT_WITHIN);
  const leave = (): void => settle(undefined);
  caller.signal.addEventListener('abort', leave);
  try {
    if ((await context.gate.signal(reviewId, signal.name, signal.envelope)) === 'gone') {
      throw new ProblemError(signal.goneCode);
    }
    void pollReceipt(context, signal, overtaken.signal, over.signal).then((code) => code !== undefined && settle(code));
    return await conclude(context, principal, signal, await settled, caller);
  } finally {
    over.abort();
    clearTimeout(timer);
    caller.signal.removeEventListener('abort', leave);
    stop();
  }
}

async function conclude(
  context: ServiceContext,
  principal: Principal,
  { reviewId, decisionUlid }: Signal,
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
async function pollReceipt(
  context: ServiceContext,
  { reviewId, decisionUlid }: Signal,
  overtaken: AbortSignal,
  over: AbortSignal,
): Promise<ReceiptCode | undefined> {
  await rest(FIRST_QUERY_AFTER, AbortSignal.any([overtaken, over]));
  for (; !over.aborted; await rest(QUERY_EVERY, over)) {
    const code = await context.gate.receipt(reviewId, decisionUlid);
    if (code !== undefined) return code;
  }
  return undefined;
}

/** Until the time is over, or `cut` is aborted. */
async function rest(ms: number, cut: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: cut }).catch(() => undefined);
}

function isEntryOf(entry: AuditEntry, decisionUlid: string, payloadDigest: string): boolean {
  switch (entry.type) {
    case 'decided':
      return entry.decisionUlid === decisionUlid;
    case 'revised':
    case 'withdrawn':
    case 'reconciled':
      return entry.envelopeDigest === payloadDigest;
    default:
      return false;
  }
}

/** Refusals that no caller can cause are faults of ours, e.g. a signing key that the workers do not trust. */
function problemOf(context: ServiceContext, code: Exclude<ReceiptCode, 'accepted'>): ProblemCode {
  if (Object.hasOwn(PROBLEMS, code)) return code as ProblemCode & typeof code;
  context.log.error({ code }, 'the gate refused what this process signed');
  return 'internal';
}

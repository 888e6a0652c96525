import { ApplicationFailure } from '@temporalio/activity';
import { z } from 'zod';
import { dsseEnvelopeSchema } from '../../contract/envelope.ts';
import { reviewIdSchema } from '../../contract/ids.ts';
import { materialSchema } from '../../contract/review.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import { findTool } from '../../domain/policy/assess.ts';
import { digestMaterial } from '../../domain/proof/digest.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import { StorageError } from '../../ports/store.ts';
import type { ExecuteCallInput } from '../api.ts';
import { authorizeCall, type AuthorizedCall } from './authorize-call.ts';
import { claimCall, SEND_WITHIN_MS, type ClaimedCall, type Claiming } from './claim-call.ts';
import { deferCall } from './defer-call.ts';
import { heartbeating, postponeCall, postponeRefused, refuseCall, type ExecuteDeps } from './deps.ts';
import { recordResult, startedEntry } from './record-result.ts';
import { resendWait, resendWindow, sendCall, waitToResend } from './send-call.ts';

const BEAT_MS = 3_000;

/** What this process is doing now. */
interface InFlight {
  /** When a call whose answer was lost may be sent again (epoch ms), by review. */
  readonly resends: Map<string, number>;
  /** Attempts that run now, by review. */
  readonly attempts: Map<string, Promise<void>>;
  readonly claiming: Claiming;
}

/**
 * Makes a call at most once; if its outcome is lost, records it as unknown. The ledger decides: an attempt that finds the
 * row settled returns, one that finds another attempt's claim never calls (unless the target is idempotent), and only the
 * attempt that claims sends. Where that send provably had no effect, it gives the claim back, and a later attempt begins
 * anew.
 */
export function createCallExecution(deps: ExecuteDeps): (given: ExecuteCallInput) => Promise<void> {
  const inFlight: InFlight = { attempts: new Map(), claiming: new Map(), resends: new Map() };
  const { attempts } = inFlight;
  return async (given) => {
    const input = readInput(given);
    const { reviewId } = input;
    await heartbeating(BEAT_MS, async () => {
      // One at a time: a second attempt would take the first one's claim for that of a lost worker. It learns the result of
      // the first from the ledger, since the two may have been given different envelopes.
      for (let running; (running = attempts.get(reviewId)) !== undefined;) await running.catch(() => undefined);
      const attempt = attemptCall(deps, inFlight, input).finally(() => attempts.delete(reviewId));
      attempts.set(reviewId, attempt);
      await attempt;
    });
  };
}

/** Ten levels with a quorum of twenty each, and an edit. */
const MAX_DECISIONS = 201;

const inputSchema = z.object({
  reviewId: reviewIdSchema,
  material: materialSchema,
  previous: materialSchema.nullable(),
  proposal: dsseEnvelopeSchema.nullable(),
  decisions: z.array(dsseEnvelopeSchema).max(MAX_DECISIONS),
});

/**
 * Checks that the input has the shape that `gatedCall` sends. An attacker who can reach Temporal can schedule the activity
 * with any input: another shape, nesting that exhausts the stack, or material without a digest is refused first.
 */
function readInput(given: ExecuteCallInput): ExecuteCallInput {
  try {
    const input = inputSchema.parse(given);
    digestMaterial(input.material);
    if (input.previous !== null) digestMaterial(input.previous);
    return input;
  } catch {
    throw refuseCall('not_authorized');
  }
}

async function attemptCall(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput): Promise<void> {
  const row = await deps.store.readLedger(input.reviewId);
  if (row === undefined) throw refuseCall('not_authorized');
  switch (row.state) {
    case 'open':
      return claimAndSend(deps, inFlight, input, row);
    case 'deferred': {
      const wait = Date.parse(row.deferral?.retryAt ?? '') - deps.clock.now();
      if (wait > 0) throw postponeCall('deferred', wait, `deferred (${row.deferral?.code}): ${row.deferral?.message}`);
      return claimAndSend(deps, inFlight, input, row);
    }
    case 'claimed':
      return settleClaim(deps, inFlight, input, row);
    case 'denied':
    case 'done':
    case 'failed':
    case 'unknown':
      return;
    default:
      return row.state satisfies never;
  }
}

async function claimAndSend(
  deps: ExecuteDeps,
  inFlight: InFlight,
  input: ExecuteCallInput,
  row: LedgerRow,
): Promise<void> {
  await assertLogIntact(deps);
  const call = await authorizeCall(deps, input, row);
  const claimed = await claimCall(deps, inFlight.claiming, input, row, call);
  if (claimed === undefined) return;
  await send(deps, inFlight, input, call, claimed, { resend: false });
}

/** Settles another attempt's claim that has no result: sends again where that is safe, records `unknown` otherwise. */
async function settleClaim(
  deps: ExecuteDeps,
  inFlight: InFlight,
  input: ExecuteCallInput,
  row: LedgerRow,
): Promise<void> {
  // A request for other material than was claimed (from outside, or from a run that was reset after the claim) says nothing
  // about the claimed call. It may settle it as unknown once the request can no longer be in flight. So may every attempt
  // where the claim was made without a workflow: its worker is no earlier attempt of this activity, and may still be alive.
  const left = Date.parse(row.claim?.settledBy ?? '') - deps.clock.now();
  const isForeign = row.isDirect || digestMaterial(input.material) !== row.claim?.digest;
  if (isForeign && left > 0) throw postponeCall('not_open', left);
  // However often this activity is scheduled, the call is sent again no sooner than this.
  const resendAt = Math.max(inFlight.resends.get(input.reviewId) ?? 0, Date.parse(row.claim?.resendAt ?? '') || 0);
  const wait = resendAt - deps.clock.now();
  if (wait > 0) throw postponeCall('lost_answer', wait);
  const call = await authorizeResend(deps, input, row);
  if (call === undefined) {
    await recordResult(deps, input, row, {
      status: 'outcome_unknown',
      code: 'lost_worker',
      message: 'The worker that had claimed the call was lost',
    });
    return;
  }
  const { row: resent, sendBy } = await claimResend(deps, input, row, call);
  await send(deps, inFlight, input, call, { row: resent, sendBy }, { resend: true });
}

/**
 * Notes in the ledger that the call is sent again: from then on the first attempt cannot give the claim back, and no other
 * worker sends it before its time.
 */
async function claimResend(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: LedgerRow,
  call: AuthorizedCall,
): Promise<ClaimedCall> {
  const { token = '', resends = 0 } = row.claim ?? {};
  const now = deps.clock.now();
  const resendAt = new Date(now + (resendWait(call.tool, row, now) ?? 0)).toISOString();
  const claimed = await deps.store.commit({
    ledger: {
      to: 'resend',
      reviewId: input.reviewId,
      token,
      at: new Date(now).toISOString(),
      resends,
      resendAt,
      freezeVersion: call.freezeVersion,
    },
    // One entry however often the call is sent again under this claim.
    entries: resends === 0 ? [startedEntry(deps, input, call, { resend: true })] : [],
  });
  if (!claimed.ok || claimed.row === null) throw await postponeRefused(deps, claimed);
  return { row: claimed.row, sendBy: now + SEND_WITHIN_MS };
}

/**
 * A call is sent again only to idempotent targets, with the same key, inside its window, and while still authorized.
 * Undefined: it must never be sent again. Throws where it can only not be sent now.
 */
async function authorizeResend(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: LedgerRow,
): Promise<AuthorizedCall | undefined> {
  const tool = findTool(deps.settings.current(), input.material.tool);
  const window = tool === undefined ? undefined : resendWindow(tool, row);
  if (window === undefined || deps.clock.now() >= window.to) return undefined;
  await assertLogIntact(deps);
  const call = await authorizeCall(deps, input, row).catch((error: unknown) => {
    if (error instanceof ApplicationFailure && error.nonRetryable === true) return undefined;
    throw error;
  });
  return call?.digest === row.claim?.digest ? call : undefined;
}

/** Past the claim nothing interrupts this: no cancellation, no shutdown, no lost heartbeat. */
async function send(
  deps: ExecuteDeps,
  { resends }: InFlight,
  input: ExecuteCallInput,
  call: AuthorizedCall,
  { row, sendBy }: ClaimedCall,
  { resend }: { readonly resend: boolean },
): Promise<void> {
  const result = await sendCall(call, input.material.evidence, { row, sendBy }, { resend });
  const now = deps.clock.now();
  const wait = waitToResend(call.tool, row, result, now);
  if (wait !== null) {
    resends.set(input.reviewId, now + wait);
    throw postponeCall('lost_answer', wait);
  }
  resends.delete(input.reviewId);
  const secrets = [...call.connector.secrets(), ...call.opened];
  if (!resend) await deferCall(deps, input, row, call, result, secrets);
  await recordResult(deps, input, row, withResends(result, row), secrets);
}

/** What stays unknown says how often the call was sent. */
function withResends(result: ConnectorResult, { claim }: LedgerRow): ConnectorResult {
  const resends = claim?.resends ?? 0;
  if (result.status !== 'outcome_unknown' || resends === 0) return result;
  return { ...result, message: `${result.message}; it was sent ${resends + 1} times under one key` };
}

export async function assertLogIntact(deps: ExecuteDeps): Promise<void> {
  try {
    await deps.assertLogIntact();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'log_rolled_back') {
      throw postponeCall('log_rolled_back', 30_000);
    }
    throw error;
  }
}

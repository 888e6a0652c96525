import { ApplicationFailure, asyncLocalStorage } from '@temporalio/activity';
import { z } from 'zod';
import { dsseEnvelopeSchema } from '../../contract/envelope.ts';
import { reviewIdSchema } from '../../contract/ids.ts';
import { durationMs, type ToolDefinition } from '../../contract/policy.ts';
import { materialSchema } from '../../contract/review.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import { findTool } from '../../domain/policy/assess.ts';
import { digestMaterial } from '../../domain/proof/digest.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import { StorageError } from '../../ports/store.ts';
import type { ExecuteCallInput } from '../api.ts';
import { authorizeCall, type AuthorizedCall } from './authorize-call.ts';
import { claimCall, SEND_WITHIN_MS, type ClaimedCall, type Claiming } from './claim-call.ts';
import { postponeCall, refuseCall, type ExecuteDeps } from './deps.ts';
import { recordResult, startedEntry } from './record-result.ts';

/** The first wait before a call is sent again, ms. */
const RESEND_FIRST_MS = 2_000;

/** An idempotency key is used again no longer than this after the claim, unless the tool says otherwise. */
const IDEMPOTENCY_WINDOW = '1h';

/** What this process is doing now. */
interface InFlight {
  /** When a call whose answer was lost may be sent again (epoch ms), by review. */
  readonly resends: Map<string, number>;
  /** Attempts that run now, by review. */
  readonly attempts: Map<string, Promise<void>>;
  readonly claiming: Claiming;
}

/**
 * Makes a call once, or makes it visible that nobody knows. The ledger decides: an attempt that finds the row settled
 * returns, one that finds another's claim never calls (unless the target is idempotent), and only the one that claims
 * sends.
 */
export function createCallExecution(deps: ExecuteDeps): (given: ExecuteCallInput) => Promise<void> {
  const inFlight: InFlight = { attempts: new Map(), claiming: new Map(), resends: new Map() };
  const { attempts } = inFlight;
  return async (given) => {
    const input = readInput(given);
    const { reviewId } = input;
    // In tests of what it does, no worker runs it and nobody waits for a sign of life.
    const beat = setInterval(() => asyncLocalStorage.getStore()?.heartbeat(), 3_000);
    try {
      // One at a time: a second attempt would take the first one's claim for that of a lost worker. What came of the
      // first it learns from the ledger, since the first may have been asked with other envelopes.
      for (let running; (running = attempts.get(reviewId)) !== undefined;) await running.catch(() => undefined);
      const attempt = attemptCall(deps, inFlight, input).finally(() => attempts.delete(reviewId));
      attempts.set(reviewId, attempt);
      await attempt;
    } finally {
      clearInterval(beat);
    }
  };
}

/** Ten levels of twenty voices each, and an edit. */
const MAX_DECISIONS = 201;

const inputSchema = z.object({
  reviewId: reviewIdSchema,
  material: materialSchema,
  previous: materialSchema.nullable(),
  proposal: dsseEnvelopeSchema.nullable(),
  decisions: z.array(dsseEnvelopeSchema).max(MAX_DECISIONS),
});

/**
 * The activity's input in the shape that a workflow of ours gives it. Anybody who reaches Temporal can schedule the
 * activity with anything: what has another shape, runs out of stack or has no digest is refused before it is looked at.
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

/** Another attempt's claim without a result. */
async function settleClaim(
  deps: ExecuteDeps,
  inFlight: InFlight,
  input: ExecuteCallInput,
  row: LedgerRow,
): Promise<void> {
  // Whoever asks for something else than what was claimed (from outside, or from a run that was reset behind the claim)
  // knows nothing of it, but may say that nobody does, once the request can no longer be on its way.
  const left = Date.parse(row.claim?.settledBy ?? '') - deps.clock.now();
  if (digestMaterial(input.material) !== row.claim?.digest && left > 0) throw postponeCall('not_open', left);
  // Whatever schedules this more often than it is told to: no sooner.
  const wait = (inFlight.resends.get(input.reviewId) ?? 0) - deps.clock.now();
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
  const sendBy = deps.clock.now() + SEND_WITHIN_MS;
  // One entry for all the times that it is sent again under this claim.
  await deps.store.commit({
    key: `resend:${row.claim?.token}`,
    entries: [startedEntry(deps, input, call, { resend: true })],
  });
  await send(deps, inFlight, input, call, { row, sendBy }, { resend: true });
}

/**
 * Sending again is for idempotent targets alone, with the same key, inside its window, and still authorized. Undefined:
 * never again. It throws where it is only not now.
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
  { connector, ...call }: AuthorizedCall,
  { row, sendBy }: ClaimedCall,
  { resend }: { readonly resend: boolean },
): Promise<void> {
  const result = await connector
    .execute({
      tool: call.tool,
      arguments: call.arguments,
      target: call.target,
      evidence: input.material.evidence,
      idempotencyKey: row.claim?.idempotencyKey ?? null,
      sendBy,
      resend,
    })
    .catch((): ConnectorResult => ({
      status: 'outcome_unknown',
      code: 'lost_answer',
      message: 'The connector failed',
    }));
  const now = deps.clock.now();
  const wait = result.status === 'outcome_unknown' && result.isFinal !== true ? resendWait(call.tool, row, now) : null;
  if (wait !== null) {
    resends.set(input.reviewId, now + wait);
    throw postponeCall('lost_answer', wait);
  }
  resends.delete(input.reviewId);
  await recordResult(deps, input, row, result, [...connector.secrets(), ...call.opened]);
}

/**
 * How long to wait before the call is sent again, ms; null: not again. As long as it has taken so far, so that waits
 * double, and at most a sixth of the window: 15 times in an hour.
 */
function resendWait(tool: ToolDefinition, row: LedgerRow, now: number): number | null {
  const window = resendWindow(tool, row);
  if (window === undefined) return null;
  const wait = Math.min(Math.max(now - window.from, RESEND_FIRST_MS), (window.to - window.from) / 6);
  return now + wait < window.to ? wait : null;
}

/** From when to when the target knows the key (epoch ms); undefined where there is none. */
function resendWindow(
  tool: ToolDefinition,
  { claim }: LedgerRow,
): { readonly from: number; readonly to: number } | undefined {
  if (claim === null || claim.idempotencyKey === null || tool.idempotency === undefined) return undefined;
  const from = Date.parse(claim.at);
  return { from, to: from + durationMs(tool.idempotency.window ?? IDEMPOTENCY_WINDOW) };
}

async function assertLogIntact(deps: ExecuteDeps): Promise<void> {
  try {
    await deps.assertLogIntact();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'log_rolled_back') {
      throw postponeCall('log_rolled_back', 30_000);
    }
    throw error;
  }
}

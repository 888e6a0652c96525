import { ApplicationFailure, asyncLocalStorage } from '@temporalio/activity';
import { durationMs, type ToolDefinition } from '../../contract/policy.ts';
import type { LedgerRow, LedgerTransition } from '../../domain/ledger.ts';
import { StorageError } from '../../ports/store.ts';
import { findTool } from '../../domain/policy/assess.ts';
import { digestMaterial } from '../../domain/proof/digest.ts';
import type { ExecuteCallInput } from '../api.ts';
import type { Connector, ConnectorResult } from '../../ports/connector.ts';
import { authorizeCall, type AuthorizedCall } from './authorize.ts';
import { IDEMPOTENCY_WINDOW, SEND_WITHIN_MS, SETTLE_MARGIN_MS, type ExecuteDeps } from './deps.ts';
import { readInput } from './input.ts';
import { judgeObjections } from './objections.ts';
import { claimWithinRate, type Claiming } from './rate.ts';
import { postponeCall, refuseCall } from './refusal.ts';
import { commitOf, finish, startedEntry } from './write-ledger.ts';

type Row = LedgerRow;
const iso = (ms: number): string => new Date(ms).toISOString();

/** The first wait before a call is sent again, ms. */
const RESEND_FIRST_MS = 2_000;

/** What this process is about. */
export interface InFlight {
  /** When a call whose answer was lost may be sent again (epoch ms), by review. */
  readonly resends: Map<string, number>;
  /** Attempts that run now, by review. */
  readonly attempts: Map<string, Promise<void>>;
  readonly claiming: Claiming;
}

/**
 * Makes the call once, or makes it visible that nobody knows. The ledger decides: an attempt that finds the row
 * settled returns, one that finds another's claim never calls (unless the target is idempotent), and only the one
 * that claims sends.
 */
export async function executeCall(deps: ExecuteDeps, inFlight: InFlight, given: ExecuteCallInput): Promise<void> {
  const input = readInput(given);
  // In tests of what it does, no worker runs it and nobody waits for a sign of life.
  const beat = setInterval(() => asyncLocalStorage.getStore()?.heartbeat(), 3_000);
  try {
    // One at a time: a second attempt would take the first one's claim for that of a lost worker. What came of the
    // first it learns from the ledger, since the first may have been asked with other envelopes.
    const { attempts } = inFlight;
    for (let running; (running = attempts.get(input.reviewId)) !== undefined;) await running.catch(() => undefined);
    await track(attempts, input.reviewId, attempt(deps, inFlight, input));
  } finally {
    clearInterval(beat);
  }
}

async function attempt(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput): Promise<void> {
  const row = await deps.store.readLedger(input.reviewId);
  if (row === undefined) throw refuseCall('not_authorized');
  switch (row.state) {
    case 'open':
      return claimAndCall(deps, inFlight, input, row);
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

async function claimAndCall(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput, row: Row): Promise<void> {
  await assertLogIntact(deps);
  const call = await authorizeCall(deps, input, row);
  const connector = deps.connector(call.target.connector);
  if (connector === undefined) throw refuseCall('credential_missing');
  const objections = await judgeObjections(deps, row, call);
  if (objections === 'stopped') return;
  const now = deps.clock.now();
  const sendBy = now + SEND_WITHIN_MS;
  const claim: LedgerTransition = {
    to: 'claim',
    reviewId: input.reviewId,
    token: deps.newToken(),
    at: iso(now),
    sendBy: iso(sendBy),
    settledBy: iso(sendBy + timeoutOf(call.tool, connector) + SETTLE_MARGIN_MS),
    digest: call.digest,
    // Made now, not when the call was proposed: targets forget keys after a day.
    idempotencyKey: call.tool.idempotency === undefined ? null : `holdpoint-${input.reviewId}`,
    objections,
  };
  const started = startedEntry(deps, input, call, false);
  const claimed = await claimWithinRate(deps, inFlight.claiming, call, () => commitOf(deps, row, claim, started));
  if (!claimed.ok || claimed.row?.claim?.token !== claim.token) {
    // Lost the race for the row, or a reviewer objected meanwhile: the next attempt finds out what became of it.
    throw postponeCall('not_open', 100);
  }
  await send(deps, inFlight, input, call, connector, claimed.row, { sendBy, resend: false });
}

/** Another attempt's claim without a result. */
async function settleClaim(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput, row: Row): Promise<void> {
  // Whoever asks for something else than what was claimed (somebody from outside, or a run that was reset behind the
  // claim) knows nothing of it, but may say that nobody does, once the request can no longer be on its way.
  const left = Date.parse(row.claim?.settledBy ?? '') - deps.clock.now();
  if (digestMaterial(input.material) !== row.claim?.digest && left > 0) throw postponeCall('not_open', left);
  // Whatever schedules this more often than it is told to: no sooner.
  const wait = (inFlight.resends.get(input.reviewId) ?? 0) - deps.clock.now();
  if (wait > 0) throw postponeCall('lost_answer', wait);
  const again = await authorizeResend(deps, input, row);
  if (again === undefined) {
    await finish(deps, input, row, {
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
    entries: [startedEntry(deps, input, again.call, true)],
  });
  await send(deps, inFlight, input, again.call, again.connector, row, { sendBy, resend: true });
}

/**
 * Sending again is for idempotent targets alone, with the same key, inside its window, and still authorized. Undefined:
 * never again. It throws where it is only not now.
 */
async function authorizeResend(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: Row,
): Promise<{ readonly call: AuthorizedCall; readonly connector: Connector } | undefined> {
  const tool = findTool(deps.settings.current(), input.material.tool);
  const window = tool === undefined ? undefined : resendWindow(tool, row);
  if (window === undefined || deps.clock.now() >= window.to) return undefined;
  await assertLogIntact(deps);
  const call = await authorizeCall(deps, input, row).catch((error: unknown) => {
    if (error instanceof ApplicationFailure && error.nonRetryable === true) return undefined;
    throw error;
  });
  if (call === undefined || call.digest !== row.claim?.digest) return undefined;
  const connector = deps.connector(call.target.connector);
  return connector === undefined ? undefined : { call, connector };
}

/** Past the claim nothing interrupts this: no cancellation, no shutdown, no lost heartbeat. */
async function send(
  deps: ExecuteDeps,
  { resends }: InFlight,
  input: ExecuteCallInput,
  call: AuthorizedCall,
  connector: Connector,
  row: Row,
  { sendBy, resend }: { readonly sendBy: number; readonly resend: boolean },
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
  await finish(deps, input, row, result, [...connector.secrets(), ...call.opened]);
}

/**
 * How long to wait before the call is sent again, ms; null: not again. As long as it has taken so far, so that waits
 * double, and at most a sixth of the window: 15 times in an hour.
 */
function resendWait(tool: ToolDefinition, row: Row, now: number): number | null {
  const window = resendWindow(tool, row);
  if (window === undefined) return null;
  const wait = Math.min(Math.max(now - window.from, RESEND_FIRST_MS), (window.to - window.from) / 6);
  return now + wait < window.to ? wait : null;
}

/** From when to when the target knows the key (epoch ms); undefined where there is none. */
function resendWindow(
  tool: ToolDefinition,
  { claim }: Row,
): { readonly from: number; readonly to: number } | undefined {
  if (claim === null || claim.idempotencyKey === null || tool.idempotency === undefined) return undefined;
  const from = Date.parse(claim.at);
  return { from, to: from + durationMs(tool.idempotency.window ?? IDEMPOTENCY_WINDOW) };
}

async function assertLogIntact(deps: ExecuteDeps): Promise<void> {
  try {
    await deps.assertLogIntact();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'log_rolled_back')
      throw postponeCall('log_rolled_back', 30_000);
    throw error;
  }
}

function timeoutOf(tool: ToolDefinition, connector: Connector): number {
  return tool.timeout === undefined ? connector.timeoutMs : durationMs(tool.timeout);
}

async function track(attempts: InFlight['attempts'], reviewId: string, work: Promise<void>): Promise<void> {
  attempts.set(reviewId, work);
  try {
    await work;
  } finally {
    attempts.delete(reviewId);
  }
}

import { heartbeat } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry } from '../../contract/audit.ts';
import { durationMs, type ToolDefinition } from '../../contract/policy.ts';
import type { ExecutionOutcome, LedgerRow, LedgerTransition } from '../../contract/store.ts';
import { digestOf } from '../../core/digest.ts';
import { executionOf } from '../../core/outcome.ts';
import { entryOf } from '../../core/gate/entries.ts';
import type { ExecuteCallInput } from '../api.ts';
import type { Connector, ConnectorResult } from '../ports.ts';
import { authorizeCall, type AuthorizedCall } from './authorize.ts';
import { IDEMPOTENCY_WINDOW, SEND_WITHIN_MS, SETTLE_MARGIN_MS, type ExecuteDeps } from './deps.ts';
import { outcomeOfResult } from './result.ts';
import { postponeCall, refuseCall } from './refusal.ts';

type Row = LedgerRow;
const iso = (ms: number): string => new Date(ms).toISOString();

/** Calls that this process has claimed and not yet finished, by review. */
export type InFlight = Map<string, Promise<void>>;

/**
 * Makes the call once, or makes it visible that nobody knows. The ledger decides: an attempt that finds the row
 * settled returns, one that finds another's claim never calls (unless the target is idempotent), and only the one
 * that claims sends.
 */
export async function executeCall(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput): Promise<void> {
  const beat = setInterval(() => heartbeat(), 3_000);
  try {
    // A second attempt in the same process waits for the first instead of calling its outcome unknown.
    const running = inFlight.get(input.reviewId);
    if (running !== undefined) return await running;
    const row = await deps.store.readLedger(input.reviewId);
    if (row === undefined) throw refuseCall('not_authorized');
    switch (row.state) {
      case 'open':
        return await claimAndCall(deps, inFlight, input, row);
      case 'claimed':
        return await settleClaim(deps, inFlight, input, row);
      case 'denied':
      case 'done':
      case 'failed':
      case 'unknown':
        return;
      default:
        return row.state satisfies never;
    }
  } finally {
    clearInterval(beat);
  }
}

async function claimAndCall(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput, row: Row): Promise<void> {
  await deps.assertLogIntact();
  const call = await authorizeCall(deps, input, row);
  const connector = deps.connector(call.target.connector);
  if (connector === undefined) throw refuseCall('credential_missing');
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
  };
  const claimed = await commitOf(deps, row, claim, startedEntry(deps, input, call, false));
  if (!claimed.ok || claimed.row?.claim?.token !== claim.token) {
    // Lost the race for the row: the next attempt finds out what became of it.
    throw postponeCall('not_open', 100);
  }
  await track(inFlight, input.reviewId, send(deps, input, call, connector, claimed.row, sendBy));
}

/** Another attempt's claim without a result. */
async function settleClaim(deps: ExecuteDeps, inFlight: InFlight, input: ExecuteCallInput, row: Row): Promise<void> {
  const resend = await authorizeResend(deps, input, row);
  if (resend !== undefined) {
    const entry = startedEntry(deps, input, resend.call, true);
    await deps.store.commit({ entries: [entry] });
    const sendBy = deps.clock.now() + SEND_WITHIN_MS;
    return await track(inFlight, input.reviewId, send(deps, input, resend.call, resend.connector, row, sendBy));
  }
  await finish(deps, input, row, {
    status: 'outcome_unknown',
    code: 'lost_worker',
    message: 'The worker that had claimed the call was lost',
  });
}

/** Sending again is for idempotent targets alone, with the same key, inside its window, and still authorized. */
async function authorizeResend(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: Row,
): Promise<{ readonly call: AuthorizedCall; readonly connector: Connector } | undefined> {
  const claim = row.claim;
  if (claim === null || claim.idempotencyKey === null) return undefined;
  const call = await authorizeCall(deps, input, row).catch(() => undefined);
  if (call?.tool.idempotency === undefined || call.digest !== claim.digest) return undefined;
  const windowMs = durationMs(call.tool.idempotency.window ?? IDEMPOTENCY_WINDOW);
  if (deps.clock.now() > Date.parse(claim.at) + windowMs) return undefined;
  const connector = deps.connector(call.target.connector);
  return connector === undefined ? undefined : { call, connector };
}

/** Past the claim nothing interrupts this: no cancellation, no shutdown, no lost heartbeat. */
async function send(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  call: AuthorizedCall,
  connector: Connector,
  row: Row,
  sendBy: number,
): Promise<void> {
  const result = await connector
    .execute({
      tool: call.tool,
      arguments: call.arguments,
      target: call.target,
      evidence: input.material.evidence,
      idempotencyKey: row.claim?.idempotencyKey ?? null,
      sendBy,
    })
    .catch((): ConnectorResult => ({
      status: 'outcome_unknown',
      code: 'lost_answer',
      message: 'The connector failed',
    }));
  if (result.status === 'outcome_unknown' && mayResend(deps, call.tool, row)) throw postponeCall('lost_answer', 2_000);
  await finish(deps, input, row, result, [...connector.secrets(), ...call.opened]);
}

function mayResend(deps: ExecuteDeps, tool: ToolDefinition, row: Row): boolean {
  if (row.claim === null || row.claim.idempotencyKey === null || tool.idempotency === undefined) return false;
  const windowMs = durationMs(tool.idempotency.window ?? IDEMPOTENCY_WINDOW);
  return deps.clock.now() < Date.parse(row.claim.at) + windowMs;
}

/** Records what came of it. The call has been made: this is tried until the database takes it. */
async function finish(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: Row,
  result: ConnectorResult,
  secrets: readonly string[] = [],
): Promise<void> {
  const outcome = outcomeOfResult(result, iso(deps.clock.now()), (value) => deps.scrub(value, secrets));
  for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      const now = (await deps.store.readLedger(input.reviewId)) ?? row;
      const entry = finishedEntry(deps, input, result, outcome, now.state === 'unknown');
      const written = await commitOf(deps, now, transitionOf(input, row, result, outcome), entry);
      // Reconciled meanwhile: what the target said is still put on record.
      if (!written.ok && result.status !== 'outcome_unknown') await deps.store.commit({ entries: [entry] });
      return;
    } catch {
      await sleep(wait);
    }
  }
}

function transitionOf(
  input: ExecuteCallInput,
  row: Row,
  result: ConnectorResult,
  outcome: ExecutionOutcome,
): LedgerTransition {
  const { reviewId } = input;
  if (result.status === 'outcome_unknown') return { to: 'unknown', reviewId, outcome };
  const state = result.status === 'executed' ? 'done' : 'failed';
  return { to: 'finish', reviewId, token: row.claim?.token ?? '', state, outcome };
}

async function commitOf(deps: ExecuteDeps, row: Row, ledger: LedgerTransition, entry: AuditEntry) {
  const execution = executionOf(afterTransition(row, ledger));
  return await deps.store.commit({
    ledger,
    entries: [entry],
    review: { kind: 'execution', reviewId: row.reviewId, execution },
  });
}

/** The row as the transition will leave it, for the row that people see. */
function afterTransition(row: Row, step: LedgerTransition): Row {
  switch (step.to) {
    case 'claim':
      return { ...row, state: 'claimed', claim: { ...step } };
    case 'finish':
      return { ...row, state: step.state, outcome: step.outcome };
    case 'unknown':
      return { ...row, state: 'unknown', outcome: step.outcome };
    case 'open':
    case 'tighten':
    case 'deny':
    case 'reconcile':
      return row;
    default:
      return step satisfies never;
  }
}

function startedEntry(deps: ExecuteDeps, input: ExecuteCallInput, call: AuthorizedCall, resend: boolean): AuditEntry {
  return {
    ...entryOf(input.material, iso(deps.clock.now())),
    type: 'started',
    revision: input.material.revision,
    digest: call.digest,
    policyDigest: deps.settings.current().policy.digest,
    resend,
  };
}

function finishedEntry(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  result: ConnectorResult,
  outcome: ExecutionOutcome,
  late: boolean,
): AuditEntry {
  const base = entryOf(input.material, iso(deps.clock.now()));
  if (result.status === 'outcome_unknown') return { ...base, type: 'unknown', errorCode: result.code };
  return {
    ...base,
    type: 'finished',
    status: result.status,
    errorCode: outcome.error?.code ?? null,
    resultDigest: outcome.body === undefined ? null : digestOf(outcome.body),
    late,
  };
}

function timeoutOf(tool: ToolDefinition, connector: Connector): number {
  return tool.timeout === undefined ? connector.timeoutMs : durationMs(tool.timeout);
}

async function track(inFlight: InFlight, reviewId: string, work: Promise<void>): Promise<void> {
  inFlight.set(reviewId, work);
  try {
    await work;
  } finally {
    inFlight.delete(reviewId);
  }
}

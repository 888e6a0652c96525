import { durationMs, type ToolDefinition } from '../../contract/policy.ts';
import type { Evidence } from '../../contract/call.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import type { AuthorizedCall } from './authorize-call.ts';
import type { ClaimedCall } from './claim-call.ts';

/** The first wait before a call is sent again, ms. */
const RESEND_FIRST_MS = 2_000;

/** An idempotency key is used again no longer than this after the claim, unless the tool says otherwise. */
const IDEMPOTENCY_WINDOW = '1h';

/** Makes the request. A connector that breaks may have sent it. */
export function sendCall(
  call: Pick<AuthorizedCall, 'tool' | 'arguments' | 'target' | 'connector'>,
  evidence: Evidence | null,
  { row, sendBy }: ClaimedCall,
  { resend }: { readonly resend: boolean },
): Promise<ConnectorResult> {
  const { connector, tool, target } = call;
  return connector
    .execute({
      tool,
      arguments: call.arguments,
      target,
      evidence,
      idempotencyKey: row.claim?.idempotencyKey ?? null,
      sendBy,
      resend,
    })
    .catch(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'The connector failed' }));
}

/** How long to wait, ms, before a call with this result is sent again; null: the result is the one to record. */
export function waitToResend(
  tool: ToolDefinition,
  row: LedgerRow,
  result: ConnectorResult,
  now: number,
): number | null {
  const isOpen = result.status === 'outcome_unknown' && result.isFinal !== true;
  return isOpen ? resendWait(tool, row, now, result.retryAfterMs) : null;
}

/**
 * How long to wait before the call is sent again, ms; null: it is not sent again. Waits double (each is as long as it has
 * taken so far) up to a sixth of the window: 15 times in an hour. `askedMs`: at least so long, by the target's own word.
 */
export function resendWait(tool: ToolDefinition, row: LedgerRow, now: number, askedMs = 0): number | null {
  const window = resendWindow(tool, row);
  if (window === undefined) return null;
  const usual = Math.min(Math.max(now - window.from, RESEND_FIRST_MS), (window.to - window.from) / 6);
  const wait = Math.max(usual, askedMs);
  return now + wait < window.to ? wait : null;
}

/** From when to when the target knows the key (epoch ms); undefined where there is none. */
export function resendWindow(
  tool: ToolDefinition,
  { claim }: LedgerRow,
): { readonly from: number; readonly to: number } | undefined {
  if (claim === null || claim.idempotencyKey === null || tool.idempotency === undefined) return undefined;
  const from = Date.parse(claim.firstAt);
  return { from, to: from + durationMs(tool.idempotency.window ?? IDEMPOTENCY_WINDOW) };
}

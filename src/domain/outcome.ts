import type { LedgerRow, LedgerState } from './ledger.ts';
import { NOT_STARTED } from '../contract/constants.ts';
import type { ExecutionView } from '../contract/review.ts';
import { EXECUTION_ERRORS, type ExecutionErrorCode, type ReasonCode } from '../contract/codes.ts';
import { defined } from '../contract/defined.ts';

/** What the ledger says of a call. */
export interface Outcome {
  readonly state: LedgerState;
  /** Reason code of a denial, and when. */
  readonly denial: string | null;
  readonly deniedAt: string | null;
  readonly execution: ExecutionView;
  /** Reconciling is allowed from then on. */
  readonly settledBy: string | null;
  readonly claimedDigest: string | null;
  readonly expiresAt: string | null;
  /** Claimed without a workflow: it needed no decision, whatever policy says of it now. Absent: false. */
  readonly isDirect?: true;
}

/**
 * Denials that came after a yes: the execution ended, not the decision. The ledger row is denied, the review stays
 * approved, the execution is `failed` with this code.
 */
export const EXECUTION_DENIALS = [
  'stopped',
  'approval_stale',
  'drifted',
  'not_authorized',
  'reclassified',
  'invalid_call',
  'seal_broken',
  'credential_missing',
] as const satisfies readonly ExecutionErrorCode[];
export type ExecutionDenial = (typeof EXECUTION_DENIALS)[number];

/** Reason codes of a call that its target cannot make as it is, told when it is proposed. The ledger keeps the first. */
export const INVALID_CALL = ['arguments_invalid', 'invalid_call'] as const satisfies readonly ReasonCode[];

export function isExecutionDenial(reason: string | null | undefined): reason is ExecutionDenial {
  return EXECUTION_DENIALS.some((code) => code === reason);
}

/**
 * What the execute worker may answer of a call that it will not make. That a reviewer stopped it is the ledger's to say:
 * anyone who reaches Temporal can fail an activity with any code, and a call must not be shown as stopped if no one did.
 */
export type CallRefusal = Exclude<ExecutionDenial, 'stopped'>;

export function isCallRefusal(reason: string | undefined): reason is CallRefusal {
  return reason !== 'stopped' && isExecutionDenial(reason);
}

/** What a ledger row says of the call, as people are shown it. */
export function executionOf(row: LedgerRow): ExecutionView {
  const { claim, outcome, reconciliation, deferral: deferred } = row;
  if (claim === null) {
    const execution = row.denial === null ? NOT_STARTED : deniedExecution(row.denial.reason, row.denial.at);
    return deferred === null ? execution : { ...execution, deferred };
  }
  const base: ExecutionView = {
    status: statusOf(row),
    error: outcome?.error ?? null,
    startedAt: claim.at,
    finishedAt: outcome?.finishedAt ?? null,
    ...defined({ body: outcome?.body, upstreamStatus: outcome?.upstreamStatus, retryAfter: outcome?.retryAfter }),
    ...(row.state === 'unknown' ? { reconcilableFrom: claim.settledBy } : {}),
  };
  return reconciliation === null ? base : reconcileExecution(base, reconciliation);
}

/** An execution whose outcome a person has found out. An answer that left it open is no result of a call that ran. */
export function reconcileExecution(
  { body, ...execution }: ExecutionView,
  reconciled: NonNullable<ExecutionView['reconciled']>,
): ExecutionView {
  const { outcome: status, note: message } = reconciled;
  if (status === 'executed') return { ...execution, status, error: null, reconciled };
  return { ...execution, status, ...defined({ body }), error: { code: 'reconciled_failed', message }, reconciled };
}

export function outcomeOf(row: LedgerRow): Outcome {
  return {
    state: row.state,
    denial: row.denial?.reason ?? null,
    deniedAt: row.denial?.at ?? null,
    execution: executionOf(row),
    settledBy: row.claim?.settledBy ?? null,
    claimedDigest: row.claim?.digest ?? null,
    expiresAt: row.expiresAt,
    ...(row.isDirect ? { isDirect: true } : {}),
  };
}

function statusOf(row: LedgerRow): ExecutionView['status'] {
  if (row.reconciliation !== null) return row.reconciliation.outcome;
  switch (row.state) {
    case 'open':
    case 'deferred':
    case 'denied':
      return 'not_started';
    case 'claimed':
      return 'executing';
    case 'done':
      return 'executed';
    case 'failed':
      return 'failed';
    case 'unknown':
      return 'outcome_unknown';
    default:
      return row.state satisfies never;
  }
}

/** The execution of a call that was denied: `failed` where the denial came after a yes, else it never started. */
export function deniedExecution(reason: string, at: string): ExecutionView {
  if (!isExecutionDenial(reason)) return NOT_STARTED;
  return {
    status: 'failed',
    error: { code: reason, message: EXECUTION_ERRORS[reason] },
    startedAt: null,
    finishedAt: at,
  };
}

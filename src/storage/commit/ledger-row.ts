import type { Deferral, ExecutionOutcome, LedgerRow, LedgerState, LedgerTransition } from '../../domain/ledger.ts';
import { storableText } from '../../domain/json/storable.ts';

/** A row of `holdpoint.ledger` as `to_jsonb` gives it; times with the session's offset. */
export interface StoredLedgerRow {
  review_id: string;
  proposal_digest: string;
  direct: boolean;
  state: LedgerState;
  opened_at: string;
  expires_at: string | null;
  denial_reason: string | null;
  denied_at: string | null;
  claim_token: string | null;
  claimed_at: string | null;
  first_claimed_at: string | null;
  send_by: string | null;
  settled_by: string | null;
  claim_digest: string | null;
  idempotency_key: string | null;
  resends: number;
  resend_at: string | null;
  deferral: string | null;
  deferrals: number;
  outcome: string | null;
  reconciled_outcome: 'executed' | 'failed' | null;
  reconciled_by: string | null;
  reconciled_note: string | null;
  reconciled_at: string | null;
  objections: number;
}

export function readLedgerRow(row: StoredLedgerRow): LedgerRow {
  return {
    reviewId: row.review_id,
    state: row.state,
    proposalDigest: row.proposal_digest,
    openedAt: iso(row.opened_at),
    isDirect: row.direct,
    expiresAt: row.expires_at === null ? null : iso(row.expires_at),
    denial: row.denied_at === null ? null : { reason: row.denial_reason ?? '', at: iso(row.denied_at) },
    claim:
      row.claimed_at === null
        ? null
        : {
            token: row.claim_token ?? '',
            at: iso(row.claimed_at),
            firstAt: iso(row.first_claimed_at ?? row.claimed_at),
            sendBy: iso(row.send_by ?? row.claimed_at),
            digest: row.claim_digest ?? '',
            idempotencyKey: row.idempotency_key,
            settledBy: iso(row.settled_by ?? row.claimed_at),
            resends: row.resends,
            resendAt: row.resend_at === null ? null : iso(row.resend_at),
          },
    deferral: row.deferral === null ? null : { ...(JSON.parse(row.deferral) as Deferral), times: row.deferrals },
    outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as ExecutionOutcome),
    reconciliation:
      row.reconciled_at === null || row.reconciled_outcome === null
        ? null
        : {
            outcome: row.reconciled_outcome,
            by: row.reconciled_by ?? '',
            note: row.reconciled_note ?? '',
            at: iso(row.reconciled_at),
          },
    objections: row.objections,
  };
}

/** A transition as `commit_group` takes it. */
export type Step = Readonly<Record<string, string | number | null>> & {
  readonly to: LedgerTransition['to'];
  readonly review_id: string;
};

export function stepOf(transition: LedgerTransition): Step {
  const { to, reviewId: review_id } = transition;
  switch (transition.to) {
    case 'open':
      return {
        to,
        review_id,
        proposal_digest: transition.proposalDigest,
        at: transition.at,
        expires_at: transition.expiresAt,
        ...(transition.freezeVersion === undefined ? {} : { freeze_version: transition.freezeVersion }),
      };
    case 'tighten':
      return { to, review_id, expires_at: transition.expiresAt };
    case 'deny':
      return {
        to,
        review_id,
        proposal_digest: transition.proposalDigest,
        reason: storableText(transition.reason),
        at: transition.at,
        ...(transition.objections === undefined ? {} : { objections: transition.objections }),
      };
    case 'begin':
      return { to, review_id, proposal_digest: transition.proposalDigest, ...claimColumns(transition) };
    case 'claim':
      return { to, review_id, ...claimColumns(transition), objections: transition.objections };
    case 'defer':
      return { to, review_id, token: transition.token, deferral: JSON.stringify(transition.deferral) };
    case 'resend':
      return {
        to,
        review_id,
        token: transition.token,
        at: transition.at,
        resends: transition.resends,
        resend_at: transition.resendAt,
        freeze_version: transition.freezeVersion,
      };
    case 'finish':
      return {
        to,
        review_id,
        token: transition.token,
        state: transition.state,
        ...(transition.resends === undefined ? {} : { resends: transition.resends }),
        outcome: JSON.stringify(transition.outcome),
      };
    case 'unknown':
      return {
        to,
        review_id,
        token: transition.token,
        state: 'unknown',
        outcome: JSON.stringify(transition.outcome),
      };
    case 'reconcile':
      return {
        to,
        review_id,
        outcome: transition.outcome,
        reconciler: storableText(transition.by),
        note: storableText(transition.note),
        at: transition.at,
      };
    default:
      return transition satisfies never;
  }
}

function claimColumns(transition: Extract<LedgerTransition, { to: 'begin' | 'claim' }>) {
  return {
    token: transition.token,
    at: transition.at,
    send_by: transition.sendBy,
    settled_by: transition.settledBy,
    digest: transition.digest,
    idempotency_key: transition.idempotencyKey,
    freeze_version: transition.freezeVersion,
  };
}

function iso(time: string): string {
  return new Date(time).toISOString();
}

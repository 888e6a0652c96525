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

const CLAIM = ['token', 'at', 'sendBy', 'settledBy', 'digest', 'idempotencyKey', 'freezeVersion'] as const;
/** What each step takes along; nothing else of a transition reaches the database. */
const MEMBERS: {
  readonly [T in LedgerTransition['to']]: readonly (keyof Extract<LedgerTransition, { to: T }> & string)[];
} = {
  open: ['proposalDigest', 'at', 'expiresAt', 'freezeVersion'],
  tighten: ['expiresAt'],
  deny: ['proposalDigest', 'reason', 'at', 'objections'],
  begin: ['proposalDigest', ...CLAIM],
  claim: [...CLAIM, 'objections'],
  defer: ['token', 'deferral'],
  resend: ['token', 'at', 'resends', 'resendAt', 'freezeVersion'],
  finish: ['token', 'state', 'resends', 'outcome'],
  unknown: ['token', 'outcome'],
  reconcile: ['outcome', 'by', 'note', 'at'],
};

/** Members in snake case, objects as text. */
export function stepOf(transition: LedgerTransition): Step {
  const { to, reviewId: review_id } = transition;
  const given: Readonly<Record<string, unknown>> = { ...transition };
  const columns = MEMBERS[to].flatMap((member) => {
    const value = given[member];
    return value === undefined ? [] : [[columnOf(member), columnValue(value)] as const];
  });
  return { to, review_id, ...(to === 'unknown' ? { state: 'unknown' } : {}), ...Object.fromEntries(columns) };
}

function columnOf(member: string): string {
  return member === 'by' ? 'reconciler' : member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function columnValue(value: unknown): string | number | null {
  if (typeof value === 'string') return storableText(value);
  return typeof value === 'number' || value === null ? value : JSON.stringify(value);
}

function iso(time: string): string {
  return new Date(time).toISOString();
}

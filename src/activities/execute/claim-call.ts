import { callTimeoutMs } from '../../domain/call-timeout.ts';
import { isoOf } from '../../domain/deadline.ts';
import { nextClaimAt } from '../../domain/deferral.ts';
import { entryOf } from '../../domain/gate/change.ts';
import { findStanding, type Objection } from '../../domain/gate/objections.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import { deniedExecution } from '../../domain/outcome.ts';
import type { ExecuteCallInput } from '../api.ts';
import { readObjections } from '../objections.ts';
import type { AuthorizedCall } from './authorize-call.ts';
import { postponeCall, postponeRefused, type ExecuteDeps } from './deps.ts';
import { commitStep, startedEntry } from './record-result.ts';

/** How long after the claim the request may still be sent, ms. */
export const SEND_WITHIN_MS = 10_000;

/** What a claim adds to the connector's own time-out before the request can be taken for lost, ms. */
const SETTLE_MARGIN_MS = 5_000;

/** How long a claim waits for an objection that does not verify, e.g. for the key that signed it, ms. */
const UNREADABLE_DELAY_MS = 5_000;

/** Claims that this process is about to write, by tool, in the order in which they were asked for. */
export type Claiming = Map<string, Set<symbol>>;

export interface ClaimedCall {
  /** The ledger row after the claim. */
  readonly row: LedgerRow;
  /** Epoch ms. */
  readonly sendBy: number;
}

/**
 * Claims the ledger row for an authorized call, in one transaction with the audit entry. Only the holder of the claim's
 * token may send, once. Undefined: a reviewer's objection stands, and the call will not be made.
 */
export async function claimCall(
  deps: ExecuteDeps,
  claiming: Claiming,
  input: ExecuteCallInput,
  row: LedgerRow,
  call: AuthorizedCall,
): Promise<ClaimedCall | undefined> {
  const objections = await judgeObjections(deps, row, call);
  if (objections === 'stopped') return undefined;
  const { reviewId } = input;
  const claim = newClaim(deps, reviewId, call);
  const { at, sendBy } = claim;
  const { tool, revision } = input.material;
  const noted = { reviewId, tool, revision, digest: call.digest, policyDigest: call.policyDigest, at, sendBy };
  const claimed = await withinRate(deps, claiming, call, async () => {
    // First: a database that is restored from a backup forgets the claim, and the call must not be made again then.
    await deps.journal.claiming(claim.token, noted);
    return commitStep(
      deps,
      { to: 'claim', reviewId, ...claim, objections, freezeVersion: call.freezeVersion },
      { ...row, state: 'claimed', claim },
      startedEntry(deps, input, call, { resend: false }),
    );
  });
  if (!claimed.ok || claimed.row?.claim?.token !== claim.token) {
    deps.journal.ended(claim.token, reviewId, 'not_made');
    throw await postponeRefused(deps, claimed);
  }
  return { row: claimed.row, sendBy: Date.parse(sendBy) };
}

/** A claim that is made now. */
export function newClaim(
  deps: Pick<ExecuteDeps, 'clock' | 'newToken'>,
  reviewId: string,
  call: Pick<AuthorizedCall, 'tool' | 'connector' | 'digest'>,
): NonNullable<LedgerRow['claim']> {
  const now = deps.clock.now();
  const sendBy = now + SEND_WITHIN_MS;
  return {
    token: deps.newToken(),
    at: isoOf(now),
    sendBy: isoOf(sendBy),
    settledBy: isoOf(sendBy + callTimeoutMs(call.tool, call.connector.timeoutMs) + SETTLE_MARGIN_MS),
    digest: call.digest,
    // Made now, not when the call was proposed: targets forget keys after a day.
    idempotencyKey: call.tool.idempotency === undefined ? null : `holdpoint-${reviewId}`,
    // Those of the first claim, where this one follows a deferral: the database keeps them.
    firstAt: isoOf(now),
    resends: 0,
    resendAt: null,
  };
}

/**
 * Judges every objection right before the claim. Returns how many there are, for the claim to name: the database refuses
 * the claim if another one has been stored since. `stopped`: an objection stands, and the call will not be made.
 */
async function judgeObjections(
  deps: ExecuteDeps,
  row: LedgerRow,
  call: Pick<AuthorizedCall, 'digest' | 'levels'>,
): Promise<number | 'stopped'> {
  const { count, verified, isUnreadable } = await readObjections(deps, row);
  const standing = findStanding(verified, call, deps.settings.current(), deps.clock.now());
  if (standing !== undefined) {
    await stopCall(deps, row, standing);
    return 'stopped';
  }
  if (isUnreadable) throw postponeCall('objection_unreadable', UNREADABLE_DELAY_MS);
  return count;
}

/** Denies an approved call in the name of the reviewer who rejected it. The review stays approved. */
export async function stopCall(
  deps: Pick<ExecuteDeps, 'store' | 'settings' | 'clock'>,
  row: Pick<LedgerRow, 'reviewId' | 'proposalDigest'>,
  { payload, payloadDigest }: Objection,
): Promise<void> {
  const { reviewId, proposalDigest } = row;
  const at = isoOf(deps.clock.now());
  const stopped = { by: payload.reviewer.id, comment: payload.comment ?? null, at: payload.decidedAt };
  const { ok } = await deps.store.commit({
    key: `objected:${payloadDigest}`,
    ledger: { to: 'deny', reviewId, proposalDigest, reason: 'stopped', at },
    entries: [
      {
        ...entryOf({ deploymentId: deps.settings.current().deploymentId, reviewId }, at),
        type: 'objected',
        decisionUlid: payload.decisionUlid,
        reviewer: payload.reviewer.id,
        channel: payload.channel,
        revision: payload.revision,
        digest: payload.digest,
        envelopeDigest: payloadDigest,
      },
    ],
    review: { kind: 'execution', reviewId, execution: { ...deniedExecution('stopped', at), stopped } },
  });
  // Already denied or claimed: the next attempt finds out.
  if (!ok) throw postponeCall('not_open', 100);
}

/**
 * Claims unless the configured number of irreversible calls of the tool was claimed in the last hour. Claims of this
 * process that have not reached the database yet count too: a batch decision approves many calls at once.
 */
async function withinRate<T>(
  deps: Pick<ExecuteDeps, 'store' | 'settings' | 'clock'>,
  claiming: Claiming,
  call: Pick<AuthorizedCall, 'tool' | 'class'>,
  claim: () => Promise<T>,
): Promise<T> {
  if (call.class !== 'irreversible') return claim();
  const { name } = call.tool;
  const queue = claiming.get(name) ?? new Set();
  claiming.set(name, queue);
  const before = queue.size;
  const ticket = Symbol(name);
  queue.add(ticket);
  try {
    const { irreversiblePerToolPerHour: perHour } = deps.settings.current().limits;
    const allowed = perHour - before;
    if (allowed <= 0 || nextClaimAt(await deps.store.nthLastClaim(name, allowed), deps.clock.now()) !== null) {
      throw postponeCall('rate_exceeded', 30_000, `${name} ran ${perHour} times in the last hour`);
    }
    return await claim();
  } finally {
    queue.delete(ticket);
    if (queue.size === 0) claiming.delete(name);
  }
}

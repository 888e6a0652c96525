import { entryOf } from '../../domain/gate/change.ts';
import type { Deferral, LedgerRow } from '../../domain/ledger.ts';
import { deferralWait } from '../../domain/deferral.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import type { ExecuteCallInput } from '../api.ts';
import type { AuthorizedCall } from './authorize-call.ts';
import { postponeCall, type ExecuteDeps } from './deps.ts';
import { commitStep, scrubText, untilWritten } from './record-result.ts';

/**
 * Gives the claim back for a call that provably did not run, and throws, so that the next attempt judges everything again.
 * Returns where the failure is to be recorded instead: the result proves nothing, the call needed no approval (its caller
 * waits for the answer), too little of the approval's time is left, or the row is not this claim's any more.
 *
 * Only for the attempt that claimed: after a resend, another request may have had the effect that this one had not.
 */
export async function deferCall(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: LedgerRow,
  { staleAt }: Pick<AuthorizedCall, 'staleAt'>,
  result: ConnectorResult,
  secrets: readonly string[],
): Promise<void> {
  const { claim } = row;
  if (result.status !== 'failed' || result.isDeferrable !== true || claim === null || staleAt === null) return;
  const { code, upstreamStatus, retryAfterMs } = result;
  const now = deps.clock.now();
  const wait = deferralWait({ firstAt: Date.parse(claim.firstAt), now, staleAt, retryAfterMs: retryAfterMs ?? 0 });
  if (wait === null) return;
  const at = new Date(now).toISOString();
  let deferral: Deferral = {
    code,
    message: scrubText(result.message, (value) => deps.scrub(value, secrets)),
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    at,
    retryAt: new Date(now + wait).toISOString(),
  };
  const { retryAt } = deferral;
  const times = (row.deferral?.times ?? 0) + 1;
  const written = await untilWritten(
    () =>
      commitStep(
        deps,
        { to: 'defer', reviewId: row.reviewId, token: claim.token, deferral },
        { ...row, state: 'deferred', claim: null, deferral: { ...deferral, times } },
        {
          ...entryOf(input.material, at),
          type: 'deferred',
          errorCode: code,
          upstreamStatus: upstreamStatus ?? null,
          retryAt,
        },
        { key: `defer:${claim.token}`, of: input.material },
      ),
    () => {
      deferral = { ...deferral, message: '' };
    },
  );
  if (!written.ok) return;
  deps.journal.ended(claim.token, row.reviewId, 'not_made');
  throw postponeCall('deferred', wait, `deferred (${code}): ${deferral.message}`);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry } from '../../contract/audit.ts';
import type { ExecutionOutcome, LedgerRow, LedgerTransition } from '../../domain/ledger.ts';
import { StorageError } from '../../ports/store.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { entryOf } from '../../domain/gate/change.ts';
import { executionOf } from '../../domain/outcome.ts';
import type { ExecuteCallInput } from '../api.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import type { AuthorizedCall } from './authorize.ts';
import type { ExecuteDeps } from './deps.ts';
import { bareOutcome, outcomeOfResult } from './result.ts';

/** What execution writes: each step of the ledger with the entry that records it and the row that shows it. */
const iso = (ms: number): string => new Date(ms).toISOString();

/** Records what came of it. The call has been made: this is tried until the database takes it. */
export async function finish(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  row: LedgerRow,
  result: ConnectorResult,
  secrets: readonly string[] = [],
): Promise<void> {
  let outcome = outcomeOfResult(result, iso(deps.clock.now()), (value) => deps.scrub(value, secrets));
  // A write whose answer was lost is found done when it is repeated.
  const key = `finish:${input.reviewId}:${deps.newToken()}`;
  for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      const now = (await deps.store.readLedger(input.reviewId)) ?? row;
      const entry = finishedEntry(deps, input, result, outcome, now.state !== 'claimed');
      const written = await commitOf(deps, now, transitionOf(input, row, result, outcome), entry, key);
      // Settled otherwise meanwhile, by hand for instance: what the target said is still put on record.
      if (!written.ok && result.status !== 'outcome_unknown') {
        await deps.store.commit({ key: `${key}:late`, entries: [entry] });
      }
      return;
    } catch (error) {
      if (error instanceof StorageError && error.code === 'write_refused') outcome = bareOutcome(outcome);
      await sleep(wait);
    }
  }
}

function transitionOf(
  input: ExecuteCallInput,
  row: LedgerRow,
  result: ConnectorResult,
  outcome: ExecutionOutcome,
): LedgerTransition {
  const { reviewId } = input;
  if (result.status === 'outcome_unknown') return { to: 'unknown', reviewId, outcome };
  const state = result.status === 'executed' ? 'done' : 'failed';
  return { to: 'finish', reviewId, token: row.claim?.token ?? '', state, outcome };
}

export async function commitOf(
  deps: ExecuteDeps,
  row: LedgerRow,
  ledger: LedgerTransition,
  entry: AuditEntry,
  key?: string,
) {
  const execution = executionOf(afterTransition(row, ledger));
  return deps.store.commit({
    ...(key === undefined ? {} : { key }),
    ledger,
    entries: [entry],
    review: { kind: 'execution', reviewId: row.reviewId, execution },
  });
}

/** The row as the transition will leave it, for the row that people see. */
function afterTransition(row: LedgerRow, step: LedgerTransition): LedgerRow {
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

export function startedEntry(
  deps: ExecuteDeps,
  input: ExecuteCallInput,
  call: AuthorizedCall,
  resend: boolean,
): AuditEntry {
  return {
    ...entryOf(input.material, iso(deps.clock.now())),
    type: 'started',
    revision: input.material.revision,
    digest: call.digest,
    policyDigest: call.policyDigest,
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

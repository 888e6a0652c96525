import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry } from '../../contract/audit.ts';
import { LIMITS } from '../../contract/constants.ts';
import type { Json } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { entryOf } from '../../domain/gate/change.ts';
import { fitJson } from '../../domain/json/fit.ts';
import { storable } from '../../domain/json/storable.ts';
import { findTool } from '../../domain/policy/assess.ts';
import type { ExecutionOutcome, LedgerRow, LedgerTransition } from '../../domain/ledger.ts';
import { executionOf } from '../../domain/outcome.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import { StorageError } from '../../ports/store.ts';
import type { ExecuteCallInput } from '../api.ts';
import type { AuthorizedCall } from './authorize-call.ts';
import type { ExecuteDeps } from './deps.ts';
import { defined } from '../../contract/defined.ts';

/**
 * Writes what came of a call. It has been made, so this is tried until the database accepts it. `onRefused`: the database
 * refuses the data, so that less has to be written.
 */
export async function untilWritten<T>(write: () => Promise<T>, onRefused: () => void): Promise<T> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await write();
    } catch (error) {
      if (error instanceof StorageError && error.code === 'write_refused') onRefused();
      await sleep(wait);
    }
  }
}

/** Records the result. */
export async function recordResult(
  deps: ExecuteDeps,
  input: Pick<ExecuteCallInput, 'reviewId' | 'material'>,
  row: LedgerRow,
  result: ConnectorResult,
  secrets: readonly string[] = [],
): Promise<void> {
  const { reviewId } = input;
  if (row.claim !== null && !row.isDirect) deps.journal.ended(row.claim.token, reviewId, result.status);
  const advice = adviceFor(findTool(deps.settings.current(), input.material.tool));
  const scrub = (value: Json): Json => deps.scrub(value, secrets);
  let outcome = outcomeOfResult(result, nowOf(deps), scrub, advice);
  // With a key, repeating a write whose answer was lost writes nothing twice.
  const key = `finish:${reviewId}:${deps.newToken()}`;
  const write = async (): Promise<void> => {
    const now = (await deps.store.readLedger(reviewId)) ?? row;
    const entry = resultEntry(deps, input, result, outcome, now.state !== 'claimed');
    const state = STATE_AFTER[result.status];
    const { token = '', resends = 0 } = row.claim ?? {};
    const step: LedgerTransition =
      state === 'unknown'
        ? { to: 'unknown', reviewId, token, outcome }
        : { to: 'finish', reviewId, token, state, resends, outcome };
    const written = await commitStep(deps, step, { ...now, state, outcome }, entry, { key, of: input.material });
    // Sent again meanwhile: this failure says nothing of that send.
    if (written.ok || result.status === 'outcome_unknown' || written.row?.state === 'claimed') return;
    // Settled differently in the meantime, e.g. by hand: the target's answer is still recorded.
    await deps.store.commit({ key: `${key}:late`, entries: [entry] });
  };
  await untilWritten(write, () => {
    outcome = bareOutcome(outcome);
  });
}

const STATE_AFTER = { executed: 'done', failed: 'failed', outcome_unknown: 'unknown' } as const;

/** Writes a step of the ledger, the entry that records it, and the row that people see: `after`, as the step leaves it. */
export async function commitStep(
  { store }: Pick<ExecuteDeps, 'store'>,
  ledger: LedgerTransition,
  after: LedgerRow,
  entry: AuditEntry,
  { key, of }: { readonly key?: string; readonly of?: Pick<Material, 'proposer' | 'tool' | 'class'> } = {},
) {
  return store.commit({
    ...(key === undefined ? {} : { key }),
    ledger,
    entries: [entry],
    review: { kind: 'execution', reviewId: after.reviewId, execution: executionOf(after), of },
  });
}

export function startedEntry(
  deps: Pick<ExecuteDeps, 'clock'>,
  { material }: Pick<ExecuteCallInput, 'material'>,
  call: Pick<AuthorizedCall, 'digest' | 'policyDigest'>,
  { resend }: { readonly resend: boolean },
): AuditEntry {
  return {
    ...entryOf(material, nowOf(deps)),
    type: 'started',
    revision: material.revision,
    digest: call.digest,
    policyDigest: call.policyDigest,
    resend,
  };
}

/** `late`: the row was settled before this result came. */
function resultEntry(
  deps: Pick<ExecuteDeps, 'clock'>,
  input: Pick<ExecuteCallInput, 'material'>,
  result: ConnectorResult,
  outcome: ExecutionOutcome,
  late: boolean,
): AuditEntry {
  const base = entryOf(input.material, nowOf(deps));
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

type AnswerParts = Pick<
  Partial<Extract<ConnectorResult, { status: 'failed' }>>,
  'body' | 'retryAfterMs' | 'upstreamStatus'
>;

/**
 * What is stored of a connector's answer: scrubbed of credentials and opened values, then what fits into 256 KiB, so that no
 * row can outgrow what a query may return. `at`: ISO 8601.
 */
function outcomeOfResult(
  result: ConnectorResult,
  at: string,
  scrub: (value: Json) => Json,
  advice: string,
): ExecutionOutcome {
  const { body, retryAfterMs, upstreamStatus }: AnswerParts = { ...result };
  return {
    ...defined({
      body: body === undefined ? undefined : fitJson(scrub(storable(body)), LIMITS.responseBody, advice),
      retryAfter: retryAfterMs === undefined ? undefined : new Date(Date.parse(at) + retryAfterMs).toISOString(),
      upstreamStatus,
    }),
    error: result.status === 'executed' ? null : { code: result.code, message: scrubText(result.message, scrub) },
    finishedAt: at,
  };
}

/** The bare fact, for where the database refuses everything beside it. */
function bareOutcome(outcome: ExecutionOutcome): ExecutionOutcome {
  const { body, error, ...fact } = outcome;
  return {
    ...fact,
    ...(body === undefined ? {} : { body: { $omitted: 'not_storable' } }),
    error: error === null ? null : { code: error.code, message: '' },
  };
}

export function scrubText(message: string, scrub: (value: Json) => Json): string {
  // Scrubbed before it is cut, so that no secret is cut beyond recognition; made storable after, for half a character.
  const clean = scrub(storable(message));
  return typeof clean === 'string' ? (storable(clean.slice(0, 2_000)) as string) : '';
}

/** Arguments by which APIs let a caller ask for less. */
const ASK_FOR_LESS =
  /^(?:per_?page|page|page_?size|limit|offset|first|after|cursor|count|top|max_?results|fields|select|since)$/i;

/** How an agent gets the rest of a list that is too long, in the terms of the tool where it says so. */
function adviceFor(tool: ToolDefinition | undefined): string {
  const properties = tool?.arguments?.['properties'] ?? {};
  const names = Object.keys(properties).filter((name) => ASK_FOR_LESS.test(name));
  return names.length === 0
    ? 'Ask for less: a smaller page, a filter, or fewer fields.'
    : `Ask for less: this tool takes ${names.slice(0, 5).join(', ')}.`;
}

function nowOf({ clock }: Pick<ExecuteDeps, 'clock'>): string {
  return new Date(clock.now()).toISOString();
}

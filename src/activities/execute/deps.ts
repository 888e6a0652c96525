import { asyncLocalStorage } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { CallRefusal } from '../../domain/outcome.ts';
import { findFreeze } from '../../domain/policy/assess.ts';
import type { InForce, InForceSource } from '../../domain/policy/settings.ts';
import type { Clock, Connector, EnvelopeVerifier, Signer, Unsealer } from '../../ports/connector.ts';
import type { ClaimJournal } from '../../ports/claim-journal.ts';
import type { CommitResult, Store } from '../../ports/store.ts';
import { refuse } from '../refuse.ts';

/** What the execute worker's activities are given: the only place with credentials. */
export interface ExecuteDeps {
  readonly store: Store;
  readonly settings: InForceSource;
  readonly verifier: EnvelopeVerifier;
  readonly signer: Signer;
  readonly unsealer: Unsealer;
  /** By connector name; undefined: this worker cannot reach it. */
  connector(name: string): Connector | undefined;
  /** Removes secrets, raw or encoded, from every string of a value. */
  scrub(value: Json, secrets: readonly string[]): Json;
  readonly clock: Clock;
  /** A fresh unguessable claim token. */
  newToken(): string;
  readonly journal: ClaimJournal;
  /** Throws while the log does not extend the checkpoint that this worker keeps (`log_rolled_back`). */
  assertLogIntact(): Promise<void>;
}

/** The call will not be made, now or later. The workflow records the refusal in the ledger. */
export function refuseCall(code: CallRefusal): ApplicationFailure {
  return refuse(code);
}

/** The call cannot be made yet. Temporal tries again until the approval is stale. `delay` in ms. */
export function postponeCall(
  code:
    | 'frozen'
    | 'rate_exceeded'
    | 'not_open'
    | 'deferred'
    | 'log_rolled_back'
    | 'lost_answer'
    | 'objection_unreadable',
  delay: number,
  message: string = code,
): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: false, nextRetryDelay: delay });
}

/** A step that was refused: another attempt moved the row, a reviewer objected, or tools were frozen. The next attempt finds out. */
export async function postponeRefused(
  { settings }: Pick<ExecuteDeps, 'settings'>,
  result: CommitResult,
): Promise<ApplicationFailure> {
  if (!result.ok && result.why === 'outdated') await settings.refresh();
  return postponeCall('not_open', 100);
}

/** How long a frozen call waits until it is looked at again, ms. */
const FROZEN_DELAY_MS = 3_000;

/** The call waits for a freeze to be lifted. Says whose, and why. */
export function awaitLift(settings: InForce, call: { readonly tool: string; readonly arguments: JsonObject }) {
  const freeze = findFreeze(settings, call);
  const ordered = typeof freeze === 'object' ? freeze : undefined;
  return postponeCall('frozen', FROZEN_DELAY_MS, ordered && `frozen by ${ordered.by}: ${ordered.why}`);
}

/** Tells Temporal every `ms` that the activity is alive, while it works. Does nothing outside a worker. */
export async function heartbeating<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const beat = setInterval(() => asyncLocalStorage.getStore()?.heartbeat(), ms);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}

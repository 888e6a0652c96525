import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { GateClient } from '../gate-client.ts';
import type { HandOff } from '../hand-off.ts';
import { ProblemError } from '../problem.ts';
import { TailHub } from './hub.ts';
import { Lane } from './scan.ts';
import type { TrustedKey } from '../../contract/envelope.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { InForceSource } from '../../domain/policy/settings.ts';
import { Reservations } from '../../domain/reservations.ts';
import { loadSqlParser } from '../../domain/sql/parser.ts';
import { ulidOf } from '../../domain/ulid.ts';
import type { Clock, Signer } from '../../ports/connector.ts';
import type { Store } from '../../ports/store.ts';
import { isoOf } from '../../domain/deadline.ts';

export type { Clock, Signer } from '../../ports/connector.ts';

/** Encrypts the values at a tool's `seal` pointers to the execute worker's public key. */
export type SealArguments = (
  args: JsonObject,
  binding: {
    readonly deploymentId: string;
    readonly reviewId: string;
    readonly tool: string;
    readonly pointers: readonly string[];
  },
) => Promise<JsonObject>;

/** What the service needs. Everything that reaches outside comes in here; nothing is read from the environment. */
export interface ServiceDeps {
  readonly settings: InForceSource;
  readonly store: Store;
  readonly gate: GateClient;
  /** Absent: every call takes the workflow. */
  readonly handOff?: HandOff | undefined;
  /** Signs proposals, revisions and withdrawals. Absent: this process does not take them (`--role review`). */
  readonly proposeSigner?: Signer | undefined;
  /** Signs decisions and reconciliations. Absent: this process does not take them (`--role propose`). */
  readonly reviewSigner?: Signer | undefined;
  readonly seal: SealArguments;
  /** Secret of at least 32 bytes, the same in every api process: keys the fingerprints of idempotent bodies. */
  readonly fingerprintKey: Uint8Array;
  /** Public keys that go along with a proof file. */
  readonly trustedKeys: () => readonly TrustedKey[];
  /** Fills `workflow.url`: a link into the Temporal Web UI, e.g. `http://127.0.0.1:8233`; null: there is none. */
  readonly temporalUi: string | null;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What the functions of the service share, whichever door (HTTP, MCP) calls them. They know nothing of a transport: they
 * take validated shapes, and throw refusals as `ProblemError`.
 */
export interface ServiceContext extends ServiceDeps {
  readonly hub: TailHub;
  /** Calls of each proposer on their way to being classified. */
  readonly reservations: Reservations;
  readonly scans: Lane;
  /** Lists have turns of their own: the inbox does not wait for an export. */
  readonly lists: Lane;
}

export function createService(deps: ServiceDeps): ServiceContext {
  return {
    ...deps,
    hub: new TailHub(deps.store),
    reservations: new Reservations(),
    scans: new Lane(),
    lists: new Lane(),
  };
}

/** Loads the SQL parser and begins to follow the audit log: before the first request. `hub.stop()` ends it. */
export async function startService({ hub }: ServiceContext): Promise<void> {
  await loadSqlParser();
  await hub.start();
}

/** Signer of the agents' side; `not_found` where this process has another role. */
export function proposeSignerOf(context: ServiceContext): Signer {
  return context.proposeSigner ?? missing();
}

/** Signer of the reviewers' side; `not_found` where this process has another role. */
export function reviewSignerOf(context: ServiceContext): Signer {
  return context.reviewSigner ?? missing();
}

function missing(): never {
  throw new ProblemError('not_found');
}

export function isoNow(context: ServiceContext): string {
  return isoOf(context.clock.now());
}

/** A new ULID of a time (epoch ms). */
export function newUlid(now: number): string {
  return ulidOf(now, randomUUID());
}

/** Of these keys, those that sign or seal now: one that was retired, for whatever reason, does not any more. */
export function keysInForce(keys: readonly TrustedKey[], role: TrustedKey['role']): readonly TrustedKey[] {
  return keys.filter((key) => key.role === role && key.retiredAt === undefined);
}

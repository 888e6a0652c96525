import type { ServiceDeps, Signer } from '../deps.ts';
import { ProblemError } from '../problem.ts';
import { TailHub } from './hub.ts';
import { Reservations } from '../../domain/reservations.ts';
import { ScanLane } from './scan.ts';

/** What the parts of the service share. */
export interface ServiceContext extends ServiceDeps {
  readonly hub: TailHub;
  /** Calls of each proposer on their way to being classified. */
  readonly reservations: Reservations;
  readonly scans: ScanLane;
  /** Lists have turns of their own: the inbox does not wait for an export. */
  readonly lists: ScanLane;
}

export function createContext(deps: ServiceDeps): ServiceContext {
  return {
    ...deps,
    hub: new TailHub(deps.store),
    reservations: new Reservations(),
    scans: new ScanLane(),
    lists: new ScanLane(),
  };
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

/** ISO 8601 in UTC with milliseconds. */
export function isoNow(context: ServiceContext): string {
  return new Date(context.clock.now()).toISOString();
}

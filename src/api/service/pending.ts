import type { AgentPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import { assessForAgent } from './assess.ts';
import type { ServiceContext } from './context.ts';
import type { ExecuteRequest } from '../../contract/execute.ts';

/** Calls of each proposer on their way to being classified; they are not in the store yet but count. */
export class PendingReservations {
  readonly #counts = new Map<string, number>();

  /** Counts one more; returns how many there are now and how to give it back. */
  take(proposer: string): { readonly count: number; readonly release: () => void } {
    const count = (this.#counts.get(proposer) ?? 0) + 1;
    this.#counts.set(proposer, count);
    let held = true;
    return {
      count,
      release: () => {
        if (!held) return;
        held = false;
        const left = (this.#counts.get(proposer) ?? 1) - 1;
        if (left === 0) this.#counts.delete(proposer);
        else this.#counts.set(proposer, left);
      },
    };
  }
}

/**
 * Holds an agent to its limit of pending hard reviews. At the limit only what policy would let through at once is
 * still taken: reversible work never waits for people. Returns how to give the reservation back.
 */
export async function reservePending(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
): Promise<() => void> {
  const { limits } = context.settings.current();
  const { count, release } = context.reservations.take(principal.id);
  try {
    const stored = await context.store.countPending(principal.id);
    if (stored + count > limits.pendingPerAgent && wouldWait(context, principal, request)) {
      throw new ProblemError('too_many_pending');
    }
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function wouldWait(context: ServiceContext, principal: AgentPrincipal, request: ExecuteRequest): boolean {
  return assessForAgent(context.settings.current(), principal, request).kind === 'held';
}

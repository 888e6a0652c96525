import type { AgentPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import { assessForAgent } from './assess.ts';
import type { ServiceContext } from './context.ts';
import type { ExecuteRequest } from '../../contract/execute.ts';

/**
 * Holds an agent to its limit of pending hard reviews, before anything is recorded: the gate worker blocks what comes
 * past here. At the limit only what policy would let through at once is still taken: reversible work never waits for
 * people. Returns how to give the reservation back.
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

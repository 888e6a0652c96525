import { ApplicationFailure } from '@temporalio/common';
import type { CallRefusal } from '../../domain/outcome.ts';

/** The call will not be made, now or later. The workflow has the ledger say so. */
export function refuseCall(code: CallRefusal): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message: code, nonRetryable: true });
}

/** The call cannot be made yet. Temporal tries again until the approval is stale. `delay` in ms. */
export function postponeCall(
  code: 'frozen' | 'rate_exceeded' | 'not_open' | 'log_rolled_back' | 'lost_answer' | 'objection_unreadable',
  delay: number,
): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message: code, nonRetryable: false, nextRetryDelay: delay });
}

import { ApplicationFailure } from '@temporalio/common';

/** An activity that will not do what it is asked, now or later: Temporal does not try it again. */
export function refuse(code: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message: code, nonRetryable: true });
}

import { CancellationScope } from '@temporalio/workflow';
import type { Cancellation } from './gate-loop.ts';

/** Notes when Temporal asks for this workflow to be cancelled; the gate decides what that means. */
export function watchCancellation(): Cancellation {
  const cancellation: Cancellation = { at: null };
  CancellationScope.current().cancelRequested.catch(() => {
    cancellation.at = Date.now();
  });
  return cancellation;
}

import type { ConnectorResult } from '../ports/connector.ts';
import { EXECUTION_ERRORS, type ExecutionErrorCode } from '../contract/codes.ts';

/** A failure that is certain: nothing happened, or the target said so. */
export function failed(
  code: ExecutionErrorCode,
  message: string = EXECUTION_ERRORS[code],
): ConnectorResult & { readonly status: 'failed' } {
  return { status: 'failed', code, message };
}

export function outcomeUnknown(message: string = EXECUTION_ERRORS.lost_answer): ConnectorResult {
  return { status: 'outcome_unknown', code: 'lost_answer', message };
}

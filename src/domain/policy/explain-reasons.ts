import type { JsonObject } from '../../contract/json.ts';
import type { Reason } from '../../contract/review.ts';
import { findNotPlain } from '../render/index.ts';
import type { InForce } from './settings.ts';

/** What there is to say of a call's reason codes beyond their titles, by the policy in force. */
export function explainReasons(
  settings: Pick<InForce, 'policy'>,
  call: { readonly tool: string; readonly arguments: JsonObject | null },
  reasonCodes: readonly string[],
): readonly Reason[] {
  if (call.arguments === null || !reasonCodes.includes('not_plain_select')) return [];
  const definition = settings.policy.findTool(call.tool)?.definition;
  const message = definition === undefined ? undefined : findNotPlain(definition, call.arguments);
  return message === undefined ? [] : [{ code: 'not_plain_select', message }];
}

import type { ExplainRequest } from '../../contract/api.ts';
import type { Urgency } from '../../contract/call.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { NUMBER_KEY, parseExactJson, writeJson } from '../../contract/exact-number.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { draftOf, fitsFields, readDraft, type ObjectDraft } from '../decide/draft.ts';

export interface CallDraft {
  readonly arguments: ObjectDraft;
  readonly context: ObjectDraft;
  readonly urgency: Urgency;
}

/** What `POST /v1/policy/explain` takes. */
export type Call = ExplainRequest;

export const NO_MEMBERS: ObjectDraft = { kind: 'object', members: [] };

/** The call that a draft is. With errors it is not to be sent; their pointers begin with `/arguments` or `/context`. */
export function readCall(
  { service, tool }: Pick<Call, 'service' | 'tool'>,
  draft: CallDraft,
): { readonly call: Call; readonly errors: readonly ArgumentError[] } {
  const args = readDraft(draft.arguments);
  const context = readDraft(draft.context);
  const at = (root: string, errors: readonly ArgumentError[]): readonly ArgumentError[] =>
    errors.map(({ pointer, message }) => ({ pointer: root + pointer, message }));
  return {
    call: {
      service,
      tool,
      arguments: args.value as JsonObject,
      ...(draft.context.members.length === 0 ? {} : { context: context.value as JsonObject }),
      ...(draft.urgency === 'normal' ? {} : { urgency: draft.urgency }),
    },
    errors: [...at('/arguments', args.errors), ...at('/context', context.errors)],
  };
}

export function writeCall({ service: _service, ...request }: Call): string {
  return writeJson(request, 2);
}

/** Undefined: it holds more than fields are good for, or a number that needs its digits. */
export function draftOfCall(call: Call): CallDraft | undefined {
  const { context = {}, urgency = 'normal' } = call;
  const parts = [call.arguments, context];
  if (!parts.every(fitsFields) || JSON.stringify(parts).includes(`"${NUMBER_KEY}"`)) return undefined;
  return {
    arguments: draftOf(call.arguments) as ObjectDraft,
    context: draftOf(context) as ObjectDraft,
    urgency,
  };
}

/** The part of a request that policy looks at; undefined where there is no call in it. */
export function parseCall(text: string): Call | undefined {
  let request: Json;
  try {
    request = parseExactJson(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(request)) return undefined;
  const { tool, arguments: args, context, urgency } = request;
  if (typeof tool !== 'string' || !isJsonObject(args)) return undefined;
  // The service is the first part of a tool's name, unless the request says otherwise.
  const service = typeof request['service'] === 'string' ? request['service'] : (tool.split('.')[0] ?? '');
  return {
    service,
    tool,
    arguments: args,
    ...(context === undefined || context === null ? {} : { context: context as JsonObject }),
    ...(urgency === undefined ? {} : { urgency: urgency as Urgency }),
  };
}

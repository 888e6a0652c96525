import type { Explanation } from '../../contract/api.ts';
import { parseExactJson } from '../../contract/exact-number.ts';

/** The part of a pasted request that policy looks at; undefined where there is no call in it. */
export function readPastedCall(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const request = value as Readonly<Record<string, unknown>>;
  const { tool, arguments: args, context, urgency } = request;
  if (typeof tool !== 'string' || typeof args !== 'object' || args === null || Array.isArray(args)) return undefined;
  // The service is the first part of a tool's name, unless the request says otherwise.
  const service = typeof request['service'] === 'string' ? request['service'] : (tool.split('.')[0] ?? '');
  return {
    service,
    tool,
    arguments: args,
    ...(context === undefined || context === null ? {} : { context }),
    ...(urgency === undefined ? {} : { urgency }),
  };
}

/** Lines of the policy file that hold a rule that fired. A source reads `policy.yaml:12 <condition>`. */
export function firedLines(rules: Explanation['rules'], file: string): readonly number[] {
  return rules.flatMap(({ source }) => {
    const [, name, line] = /^(.*?):(\d+) /.exec(source) ?? [];
    return name === file && line !== undefined ? [Number(line)] : [];
  });
}

import type { Json } from '../../contract/json.ts';
import type { HttpRequestTemplate } from '../../contract/policy.ts';
import { fromJson } from './cel-values.ts';
import { compileExpression, createEvaluation, type ExpressionResult } from './expression.ts';

/** What a tool's `request.success` says: the statuses that mean success, and a condition on the body. */
interface Success {
  /** Null: 200–299. */
  readonly statuses: readonly number[] | null;
  /** CEL over `body`; null: the status alone counts. */
  readonly condition: string | null;
}

const BODY = new Map([['body', 'dyn']]);

export function readSuccess(success: HttpRequestTemplate['success']): Success {
  const items = success === undefined ? [] : [success].flat();
  const statuses = items.filter((item) => typeof item === 'number');
  const condition = items.find((item) => typeof item === 'string') ?? null;
  return { statuses: statuses.length === 0 ? null : statuses, condition };
}

export function isSuccessStatus(success: HttpRequestTemplate['success'], status: number): boolean {
  return readSuccess(success).statuses?.includes(status) ?? (status >= 200 && status <= 299);
}

export function compileBodyCondition(text: string): ExpressionResult {
  return compileExpression(text, BODY, 'body.ok == true');
}

/** Whether a body says success. Undefined: it does not say, since the condition fails on it. */
export function judgeBody(condition: string, body: Json): boolean | undefined {
  const compiled = compileBodyCondition(condition);
  if (!compiled.ok) return undefined;
  const variables = { body: fromJson(body, undefined) };
  const verdict = compiled.expression.evaluate({ variables, evaluation: createEvaluation() });
  return verdict.ok ? verdict.value : undefined;
}

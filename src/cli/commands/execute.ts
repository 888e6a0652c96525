import type { ExecuteResult, Resolution } from '../../client/index.ts';
import type { Urgency } from '../../contract/call.ts';
import type { Io } from '../ui/io.ts';
import { Exit, type ExitName } from '../ui/exit.ts';
import { indent, quote } from '../ui/review-view.ts';
import { visible, visibleJson } from '../../domain/text/visible.ts';
import type { GlobalOptions } from './action.ts';
import { connect } from './connect.ts';
import { readJsonObject } from './json-argument.ts';
import { defined } from '../../contract/defined.ts';

export interface ExecuteOptions extends GlobalOptions {
  readonly arguments: string;
  readonly service?: string;
  readonly reason?: string;
  readonly urgency?: Urgency;
  readonly context?: string;
  readonly thread?: string;
  readonly group?: string;
  readonly idempotencyKey?: string;
  readonly wait?: string | true;
}

export async function execute(io: Io, options: ExecuteOptions, tool: string): Promise<void> {
  const { client } = connect(io, options, 'agent');
  const { service = tool.split('.')[0] as string, reason, urgency, context, thread: threadId, group } = options;
  const args = await readJsonObject(io, '--arguments', options.arguments);
  const facts = context === undefined ? undefined : await readJsonObject(io, '--context', context);
  const result = await client.execute(
    { service, tool, arguments: args, ...defined({ reason, urgency, context: facts, threadId, group }) },
    { signal: io.signal, ...defined({ idempotencyKey: options.idempotencyKey }) },
  );
  if (options.wait !== undefined && result.escalated) {
    if (!io.json) io.print(...renderResult(result));
    const timeout = options.wait === true ? {} : { timeout: options.wait };
    return finish(io, await result.review.resolution({ ...timeout, signal: io.signal }));
  }
  const { review: _, ...data } = result;
  io.data(data);
  io.print(...renderResult(result));
  leave(result.executed ? 'ok' : result.escalated ? 'waiting' : result.blocked ? 'refused' : 'failed');
}

function finish(io: Io, end: Resolution): void {
  io.data(end);
  io.print(...renderResolution(end));
  leave(end.executed ? 'ok' : end.status === 'failed' || end.status === 'outcome_unknown' ? 'failed' : 'refused');
}

function leave(exit: ExitName): void {
  if (exit !== 'ok') throw new Exit(exit);
}

function renderResult(result: ExecuteResult): string[] {
  const lines = renderOutcome(result);
  if (result.attached !== true) return lines;
  return [...lines, 'attached: the same call was proposed before, and its review stands for this one'];
}

function renderOutcome(result: ExecuteResult): string[] {
  const reasons = result.reasonCodes.map(visible).join(', ');
  if (result.executed) return ['executed', ...indent(visibleJson(result.execution.body ?? null))];
  if (result.escalated) {
    const until = result.expiresAt === null ? '' : `, until ${result.expiresAt}`;
    const waiting = `waiting: ${result.reviewId}${until}${reasons === '' ? '' : ` (${reasons})`}`;
    const explained = (result.reasons ?? []).map(({ message }) => `  ${visible(message)}`);
    const feedback = result.feedback === undefined ? [] : ['changes requested:', ...quote(result.feedback.comment)];
    return [waiting, ...explained, ...feedback];
  }
  if (result.blocked) {
    return [
      `blocked: ${reasons}`,
      ...(result.comment === undefined ? [] : quote(result.comment)),
      ...(result.errors ?? []).map(({ pointer, message }) => `  ${visible(pointer) || '/'}: ${visible(message)}`),
    ];
  }
  const { code, message } = result.executionError;
  const { body } = result.execution;
  const said = body === undefined ? [] : indent(visibleJson(body));
  return [`error: ${visible(code)}: ${visible(message)}`, ...said, `review: ${result.reviewId}`];
}

function renderResolution(end: Resolution): string[] {
  const edited = end.edited
    ? ['a reviewer edited the arguments; these are now in force:', ...indent(visibleJson(end.call.arguments))]
    : [];
  const words = end.comment === null ? [] : quote(end.comment);
  if (end.executed) return ['executed', ...edited, ...indent(visibleJson(end.execution.body ?? null)), ...words];
  if (end.status === 'approved') return ['approved', ...edited, ...words];
  if ('reasonCodes' in end) return [`${end.status}: ${end.reasonCodes.map(visible).join(', ')}`, ...words];
  const { body } = end.execution;
  const said = body === undefined ? [] : indent(visibleJson(body));
  return [
    `${end.status}: ${visible(end.executionError.code)}: ${visible(end.executionError.message)}`,
    ...said,
    ...edited,
  ];
}

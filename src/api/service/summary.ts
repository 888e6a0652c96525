import type { ExecuteRequest } from '../../contract/execute.ts';
import { clip, escapeMarkdown, summarizeCall } from '../../domain/gate/describe.ts';

/** Limits of Temporal's static summary and details, in bytes. */
const SUMMARY_BYTES = 400;
const DETAILS_BYTES = 20_000;

/** The call in one line of Markdown. */
export function summarizeStart(request: ExecuteRequest): string {
  return clip(escapeMarkdown(summarizeCall(request)), SUMMARY_BYTES);
}

/** What was proposed, in Markdown, for the Temporal Web UI while nobody has classified it yet. */
export function describeStart(request: ExecuteRequest, proposer: string): string {
  const lines = [
    `Proposed by ${escapeMarkdown(proposer)}: ${escapeMarkdown(request.tool)}`,
    ...(request.reason === undefined ? [] : [`The agent says: ${escapeMarkdown(request.reason)}`]),
    `Arguments: ${escapeMarkdown(JSON.stringify(request.arguments))}`,
  ];
  return clip(lines.join('\n\n'), DETAILS_BYTES);
}

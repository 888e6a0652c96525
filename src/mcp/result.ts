import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ExecuteResponse } from '../contract/execute.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { ExecutionView, Review } from '../contract/review.ts';
import type { ProblemError } from '../api/problem.ts';
import type { Queued } from '../contract/api.ts';
import { PROBLEMS } from '../contract/codes.ts';
import { whyItWaits } from '../domain/deferral.ts';
import { STATUS } from '../domain/lifecycle.ts';
import { QUEUED_WORDS } from '../domain/stop.ts';
import { numbersAsText, writeJson } from '../contract/exact-number.ts';
import { isOmission, type Omission } from '../domain/json/fit.ts';
import { isJsonObject } from '../domain/json/pointer.ts';
import { formatCount } from '../domain/text/time.ts';
import { clip, findSteering, visibleLines } from '../domain/text/visible.ts';

/** Longest words of one person, in characters. */
const TEXT_LIMIT = 100_000;

type Content = CallToolResult['content'][number];

/** What a tool call came to, for a model: a sentence, and the same as data. `review` fills in what an edit changed. */
export function resultOf(
  response: ExecuteResponse,
  review: Review | undefined,
  reviewsUrl: string,
): CallToolResult & { readonly structuredContent: JsonObject } {
  const { reviewId, class: callClass, gate, reasonCodes } = response;
  const common = { reviewId, class: callClass, gate, reasonCodes, ...attachedOf(response) };
  switch (response.outcome) {
    case 'EXECUTED': {
      const { execution } = response;
      const edited = execution.edited === true;
      const comment = review?.resolution?.comment ?? null;
      const said = {
        outcome: 'EXECUTED',
        ...common,
        edited,
        ...(edited && review !== undefined
          ? { ran: { tool: review.call.tool, arguments: review.call.arguments } }
          : {}),
        ...(comment === null ? {} : { comment }),
      };
      const sentence = edited
        ? 'Done, but not as proposed: a reviewer changed the arguments before approving. `ran` has the arguments that were used; do not propose the original again.'
        : 'Done.';
      return withBody(sentence, said, execution.body);
    }
    case 'ESCALATE':
      return pending(response, review, `${reviewsUrl}/${reviewId}`);
    case 'BLOCKED': {
      const { retryable, comment, errors } = response;
      const said = { outcome: 'BLOCKED', ...common, retryable, ...(comment === undefined ? {} : { comment }) };
      return tell(blockedSentence(response), { ...said, ...(errors === undefined ? {} : { errors }) }, true);
    }
    case 'ERROR': {
      const { execution, executionError } = response;
      const comment = execution.stopped?.comment ?? null;
      const said = {
        outcome: 'ERROR',
        ...common,
        error: executionError,
        retryable: false,
        executionStatus: execution.status,
        ...(comment === null ? {} : { comment }),
      };
      return withBody(errorSentence(execution), said, execution.body, true);
    }
    default:
      return response satisfies never;
  }
}

/** A refusal with a stable code, before anything was proposed. */
export function problemResult(problem: ProblemError): CallToolResult {
  const { code, detail, errors, retryAfterSeconds } = problem;
  const { retryable } = PROBLEMS[code];
  const said = {
    outcome: 'REFUSED',
    code,
    detail,
    retryable,
    ...(errors === undefined ? {} : { errors: errors as unknown as Json }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  return tell(detail, said, true);
}

function pending(
  response: Extract<ExecuteResponse, { outcome: 'ESCALATE' }>,
  review: Review | undefined,
  link: string,
): CallToolResult & { readonly structuredContent: JsonObject } {
  const { reviewId, reasonCodes, reasons, expiresAt } = response;
  const status = review?.status ?? 'pending';
  const common = {
    outcome: 'PENDING',
    reviewId,
    status,
    class: response.class,
    reasonCodes,
    ...(reasons === undefined ? {} : { reasons }),
    expiresAt,
    link,
    ...attachedOf(response),
  };
  if (status === 'changes_requested') {
    const next = { tool: 'holdpoint_revise', arguments: { reviewId } };
    const feedback = review?.feedback?.comment ?? null;
    return tell('A reviewer asks for changes; send other arguments with holdpoint_revise.', {
      ...common,
      feedback,
      next,
    });
  }
  const next = { tool: 'holdpoint_await', arguments: { reviewId } };
  const deferred = review?.execution.deferred;
  if (deferred !== undefined) {
    const { code, message, retryAt } = deferred;
    const sentence = `Approved, but not done yet: it was sent without effect, and is made again by itself, not before ${retryAt}. Call holdpoint_await with the reviewId to learn the outcome; do not propose it again.`;
    return tell(sentence, { ...common, deferred: { code, message, retryAt }, next });
  }
  const [waits] = review === undefined ? [] : whyItWaits(review.execution);
  if (waits !== undefined) {
    const { code, message, from } = waits;
    const until = from === null ? 'once that is over' : `not before ${from}`;
    const sentence = `Approved, but not done yet (${message}). It is made by itself, ${until}. Call holdpoint_await with the reviewId to learn the outcome; do not propose it again.`;
    return tell(sentence, { ...common, waits: { code, message, from }, next });
  }
  if (STATUS[status].answer === 'execution') {
    const sentence =
      'No decision is awaited any more: it is running, or waits to run. Call holdpoint_await with the reviewId to learn the outcome; do not propose it again.';
    return tell(sentence, { ...common, next });
  }
  const sentence =
    'Not done yet: it waits for a human decision. Call holdpoint_await with the reviewId to learn the outcome; do not propose it again. A reviewer decides at the link, after signing in.';
  const again = 'You proposed the same call before, and people have one review of it. ';
  return tell(response.attached === true ? `${again}${sentence}` : sentence, { ...common, next });
}

/** Told in every answer: nothing new was begun. */
function attachedOf({ attached }: ExecuteResponse): { readonly attached?: true } {
  return attached === undefined ? {} : { attached };
}

/** A withdrawal or a revision that no worker has processed yet: nothing has changed so far. */
export function queuedResult({ reviewId, decisionUlid }: Queued): CallToolResult {
  const next = { tool: 'holdpoint_await', arguments: { reviewId } };
  const sentence = `It is ${QUEUED_WORDS}: the call may still be approved and run. Call holdpoint_await with the reviewId.`;
  return tell(sentence, { outcome: 'QUEUED', reviewId, decisionUlid, next });
}

function errorSentence({ status, stopped }: ExecutionView): string {
  if (status === 'outcome_unknown')
    return 'It was sent, and it is unknown whether it took effect. A human will find out. Do not repeat it.';
  if (stopped === undefined) return 'It was allowed and failed.';
  const words = stopped.comment === null ? '' : '; see `comment`';
  return `It was approved, and a human stopped it before it ran${words}. Do not propose it again.`;
}

function blockedSentence({ reasonCodes, comment }: Extract<ExecuteResponse, { outcome: 'BLOCKED' }>): string {
  if (reasonCodes.includes('rejected')) {
    return comment === undefined
      ? 'A human rejected it. It did not run; do not propose it again.'
      : 'A human rejected it; see `comment`. It did not run; do not propose it again.';
  }
  if (reasonCodes.includes('expired')) return 'Nobody decided in time, so it did not run. Nobody rejected it either.';
  if (reasonCodes.includes('arguments_invalid')) return 'The arguments are not valid; see `errors`. It did not run.';
  return 'It did not run; see `reasonCodes`.';
}

/**
 * A sentence, then the same as data. Nothing in it is changed: numbers that many parsers would round are bare in the text and
 * text in `structuredContent`, and characters that steer a terminal or hide text are listed, so that a client can mark them.
 */
function tell(
  sentence: string,
  said: JsonObject,
  isError = false,
  parts: readonly Content[] = [],
): CallToolResult & { readonly structuredContent: JsonObject } {
  const found = findSteering([...textsIn(said), ...parts.flatMap((part) => ('text' in part ? [part.text] : []))]);
  const all = found.length === 0 ? said : { ...said, hiddenCharacters: found };
  const note =
    found.length === 0 ? '' : ` It holds characters that hide text or steer a terminal: ${found.join(', ')}.`;
  return {
    content: [textPart(`${sentence}${note}\n${writeJson(all)}`), ...parts],
    structuredContent: numbersAsText(all) as JsonObject,
    ...(isError ? { isError } : {}),
  };
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(textsIn);
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsIn(item)]);
}

/**
 * The answer of the target goes along: as it is where an upstream MCP server gave it in parts, else as JSON. It was
 * written outside: nothing in it is a link that a client would follow.
 */
function withBody(
  sentence: string,
  said: JsonObject,
  body: Json | undefined,
  isError = false,
): CallToolResult & { readonly structuredContent: JsonObject } {
  const parts = partsOf(body);
  if (parts === undefined) return tell(sentence, body === undefined ? said : { ...said, result: body }, isError);
  const { structuredContent } = body as { readonly structuredContent?: Json };
  return tell(
    sentence,
    structuredContent === undefined ? said : { ...said, result: structuredContent },
    isError,
    parts,
  );
}

/** The content of an upstream's `CallToolResult`; undefined: it is something else. */
function partsOf(body: Json | undefined): readonly Content[] | undefined {
  if (typeof body !== 'object' || body === null || !('content' in body) || !Array.isArray(body.content))
    return undefined;
  return body.content.flatMap((part: Json) => {
    const { resource } = isJsonObject(part) ? part : {};
    if (!isJsonObject(part) || !isJsonObject(resource) || typeof resource['text'] !== 'string') return [partOf(part)];
    // The text of an embedded resource as it is, after what it is.
    const { text, ...about } = resource;
    return [partOf({ ...part, resource: about }), textPart(text as string)];
  });
}

function partOf(part: Json): Content {
  if (isOmission(part)) return textPart(omissionWords('Content', part));
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return textPart(writeJson(part));
  const { type, text, data, mimeType } = part as JsonObject;
  if (type === 'text' && typeof text === 'string') return textPart(text);
  if (type === 'text' && isOmission(text)) {
    const { beginning } = text;
    return textPart(`${beginning === undefined ? '' : `${beginning}…\n`}${omissionWords('The text', text)}`);
  }
  const isMedia = type === 'image' || type === 'audio';
  if (isMedia && typeof mimeType === 'string' && MEDIA.test(mimeType) && mimeType.startsWith(`${type}/`)) {
    if (isOmission(data)) return textPart(omissionWords(mimeType, data));
    if (typeof data === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(data)) return { type, data, mimeType };
  }
  return textPart(writeJson(part));
}

const MEDIA = /^(image|audio)\/[a-z0-9.+-]{1,60}$/;

/** `[image/png of 533,336 bytes: too large, left out]` */
function omissionWords(what: string, { bytes, items, advice }: Omission): string {
  const size = bytes === undefined ? '' : ` of ${formatCount(bytes)} bytes`;
  const parts = items === undefined ? what : `${what}: ${formatCount(items)} more parts`;
  return `[${parts}${size}: too large, left out.${advice === undefined ? '' : ` ${advice}`}]`;
}

/** Words of others for people, with what a reader would not see made visible. */
export function showWords(text: string): string {
  return visibleLines(clip(text, TEXT_LIMIT)).join('\n');
}

function textPart(text: string): Content & { readonly type: 'text' } {
  return { type: 'text', text };
}

import type { Connector, ConnectorResult, ExecuteInput } from '../../ports/connector.ts';
import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { Json } from '../../contract/json.ts';
import { durationMs, type ToolDefinition } from '../../contract/policy.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { renderHttpRequest, type HttpTargetRequest } from '../../domain/render/http.ts';
import { omitted } from '../json-text.ts';
import { redact } from '../redact.ts';
import { failed, outcomeUnknown } from '../results.ts';
import type { BodyRead } from './body.ts';
import { exchange, systemResolver, type ExchangeOptions, type ExchangeResult, type Resolver } from './exchange.ts';
import { fetchHttpFacts } from './preview.ts';
import { credentialOf, wireRequest } from './request.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

export interface HttpConnectorOptions {
  readonly config: HttpConnectorConfig;
  /** Resolved; null: the target needs none. */
  readonly secret: string | null;
  /** Name resolution; tests put a hostile one in its place. */
  readonly resolve?: Resolver;
}

/**
 * Makes declarative HTTP calls. A tool's own `timeout` may shorten the connector's, never lengthen it, so that
 * `timeoutMs` bounds everything one call does, the second look at pinned facts included.
 */
export function createHttpConnector({ config, secret, resolve = systemResolver }: HttpConnectorOptions): Connector {
  const credential = secret === null ? null : credentialOf(config, secret);
  const timeoutMs = config.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationMs(config.timeout);
  const guards = { resolve, allowPrivateAddresses: config.allowPrivateAddresses === true };

  function getFacts(signal: AbortSignal, sendBy: number) {
    return (url: string): Promise<ExchangeResult> =>
      exchange(wireRequest({ method: 'GET', url, headers: {} }, credential, null), { ...guards, sendBy, signal });
  }

  return {
    timeoutMs,
    secrets: () => (secret === null ? [] : [secret]),
    close: () => Promise.resolve(),

    async preview({ tool, arguments: args, signal }) {
      if (tool.preview === undefined || !('requests' in tool.preview)) {
        return { ok: false, code: 'preview_unavailable', message: 'The tool has no preview' };
      }
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      return fetchHttpFacts(tool.preview, config, args, getFacts(bounded, Number.POSITIVE_INFINITY));
    },

    async execute(input) {
      const request = openedRequest(input, config);
      if (request === undefined) return failed('invalid_call');
      const signal = AbortSignal.timeout(timeoutOf(input.tool, timeoutMs));
      // A resend is the same call under the same key: facts may differ because the first time was the change.
      const drift = input.resend === true ? undefined : await findDrift(input, config, getFacts(signal, input.sendBy));
      if (drift !== undefined) return drift;
      const wire = wireRequest(request, credential, idempotencyOf(input));
      const options: ExchangeOptions = { ...guards, sendBy: input.sendBy, signal };
      const answer = await exchange(wire, options);
      return settleResend(input, resultOf(input.tool, answer), answer.kind === 'answer' && answer.isReplayed);
    },
  };
}

function timeoutOf(tool: ToolDefinition, connectorMs: number): number {
  return tool.timeout === undefined ? connectorMs : Math.min(durationMs(tool.timeout), connectorMs);
}

function idempotencyOf({
  tool,
  idempotencyKey,
}: ExecuteInput): { readonly header: string; readonly key: string } | null {
  if (tool.idempotency === undefined || idempotencyKey === null) return null;
  return { header: tool.idempotency.header, key: idempotencyKey };
}

/** Renders again, with sealed values opened; everything but the body must come out as it was approved. */
function openedRequest(input: ExecuteInput, config: HttpConnectorConfig): HttpTargetRequest | undefined {
  const rendered = renderHttpRequest(input.tool, config, input.arguments);
  const approved = input.target.request as unknown as HttpTargetRequest;
  if (!rendered.ok || rendered.value.method !== approved.method || rendered.value.url !== approved.url)
    return undefined;
  return digestOf(rendered.value.headers) === digestOf(approved.headers) ? rendered.value : undefined;
}

/** Looks again at pinned facts. Undefined: what was shown still holds. */
async function findDrift(
  { tool, arguments: args, evidence }: ExecuteInput,
  config: HttpConnectorConfig,
  getFacts: (url: string) => Promise<ExchangeResult>,
): Promise<ConnectorResult | undefined> {
  const pinned = evidence?.sourceHash ?? null;
  if (pinned === null || tool.preview === undefined || !('requests' in tool.preview)) return undefined;
  const now = await fetchHttpFacts(tool.preview, config, args, getFacts);
  if (now.ok) return now.sourceHash === pinned ? undefined : failed('drifted');
  // Answered otherwise than before, e.g. 404: what was shown is not there any more.
  return now.code === 'target_unreachable' ? failed('target_unreachable', now.message) : failed('drifted', now.message);
}

function resultOf(tool: ToolDefinition, result: ExchangeResult): ConnectorResult {
  switch (result.kind) {
    case 'not_sent':
      return notSent(result.why);
    case 'lost':
      return isRead(tool) ? failed('lost_answer') : outcomeUnknown();
    case 'answer':
      return answered(tool, result.status, result.body);
  }
}

function notSent(why: (ExchangeResult & { kind: 'not_sent' })['why']): ConnectorResult {
  switch (why) {
    case 'refused':
      return failed('target_refused');
    case 'unreachable':
      return failed('target_unreachable');
    case 'stale':
      return failed('target_unreachable', 'The connection stood too late; nothing was sent');
    case 'invalid':
      return failed('invalid_call');
  }
}

function answered(tool: ToolDefinition, status: number, body: BodyRead): ConnectorResult {
  const success = tool.request?.success?.includes(status) ?? (status >= 200 && status <= 299);
  if (success) {
    // The head said yes, but what came of it was cut off: for anything but a read nobody can say.
    if (body.kind === 'broken') return isRead(tool) ? failed('lost_answer') : outcomeUnknown();
    return { status: 'executed', body: bodyOf(tool, body), upstreamStatus: status };
  }
  if (!isRead(tool) && mayHaveHappened(status)) return outcomeUnknown(`The target answered ${status}`);
  const code = status >= 500 ? 'upstream_failed' : 'upstream_rejected';
  const message = `The target answered ${status}`;
  return { status: 'failed', code, message, body: bodyOf(tool, body), upstreamStatus: status };
}

/** 5xx says nothing of how far the target got; 302 and 303 are what follows a form that was accepted. */
function mayHaveHappened(status: number): boolean {
  return status >= 500 || status === 302 || status === 303 || (status >= 200 && status <= 299);
}

/** A call without effect: its failure is certain whatever became of the answer. */
function isRead(tool: ToolDefinition): boolean {
  return tool.request?.method === 'GET' && tool.class === 'reversible';
}

/**
 * What is kept of an answer. One that is larger than the limit (or not text) was still an answer: the call counts as
 * what its status says, and `{"$omitted": why}` stands where the body would be.
 */
function bodyOf(tool: ToolDefinition, body: BodyRead): Json {
  switch (body.kind) {
    case 'json':
    case 'text':
      return redact(body.value, tool.redact);
    case 'omitted':
      return omitted(body.why);
    case 'broken':
      return null;
  }
}

/** Answers that say something of this sending alone, not of the call that the key stands for. */
const SAYS_NOTHING_OF_THE_FIRST = new Set([401, 403, 407, 408, 409, 425, 429]);

/** After a lost answer only an answer about the call settles it. One that was replayed is the answer to the first time. */
function settleResend(input: ExecuteInput, result: ConnectorResult, isReplayed: boolean): ConnectorResult {
  const isFinal = isReplayed && input.idempotencyKey !== null;
  if (result.status === 'outcome_unknown') return isFinal ? { ...result, isFinal } : result;
  if (input.resend !== true || result.status !== 'failed') return result;
  const status = result.upstreamStatus;
  const decisive =
    status !== undefined && status >= 400 && status < 500 && (isFinal || !SAYS_NOTHING_OF_THE_FIRST.has(status));
  return decisive ? result : outcomeUnknown('Sent again, and the answer does not tell what became of the first time');
}

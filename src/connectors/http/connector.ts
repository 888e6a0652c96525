import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { Json } from '../../contract/json.ts';
import type { DeferOn, ToolDefinition } from '../../contract/policy.ts';
import { isSuccessStatus, judgeBody, readSuccess } from '../../domain/policy/success.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import type { FindProxy } from '../../domain/proxy.ts';
import { renderHttpRequest, type HttpTargetRequest } from '../../domain/render/http.ts';
import { callTimeoutMs, connectorTimeoutMs } from '../../domain/call-timeout.ts';
import { withRetryAfter } from '../../domain/retry-after.ts';
import type { Connector, ConnectorResult, ExecuteInput, PreviewResult } from '../../ports/connector.ts';
import { failed, notNow, outcomeUnknown, redact, NO_PREVIEW } from '../answer.ts';
import { credentialFailure, SeenSecrets, type Secret } from '../credential.ts';
import {
  exchange,
  failedToSend,
  systemResolver,
  tryConnect,
  type ExchangeRequest,
  type ExchangeResult,
  type Resolver,
} from './exchange.ts';
import type { BodyRead } from './read-body.ts';
import { fetchHttpFacts, type FactsResult, type FetchFacts } from './facts.ts';
import { findNewName } from './moved.ts';

interface HttpConnectorOptions {
  readonly config: HttpConnectorConfig;
  /** Null: the target needs none. */
  readonly secret: Secret | null;
  readonly proxy: FindProxy;
  /** Name resolution; tests put a hostile one in its place. */
  readonly resolve?: Resolver;
}

/** Makes declarative HTTP calls. `timeoutMs` bounds everything one call does, the second look at pinned facts included. */
export function createHttpConnector({
  config,
  secret,
  proxy,
  resolve = systemResolver,
}: HttpConnectorOptions): Connector {
  const seen = new SeenSecrets();
  const read = secret === null ? null : seen.watch(secret);
  const credentialNow = (): Credential | null => (read === null ? null : credentialOf(config, read()));
  const timeoutMs = connectorTimeoutMs(config);
  const guards = { resolve, proxy, allowPrivateAddresses: config.allowPrivateAddresses === true };

  function getFacts(credential: Credential | null, signal: AbortSignal, sendBy: number) {
    return (url: string): Promise<ExchangeResult> =>
      exchange(wireRequest({ method: 'GET', url, headers: {} }, credential, null), { ...guards, sendBy, signal });
  }

  return {
    timeoutMs,
    secrets: () => seen.values(),
    close: () => Promise.resolve(),
    reach: (signal) => tryConnect(config.baseUrl, { ...guards, sendBy: Number.POSITIVE_INFINITY, signal }),

    async preview({ tool, arguments: args, signal }) {
      if (tool.preview === undefined || !('requests' in tool.preview)) return NO_PREVIEW;
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const getFact = getFacts(credentialNow(), bounded, Number.POSITIVE_INFINITY);
        return resultOfPreview(await fetchHttpFacts({ ...tool, preview: tool.preview }, config, args, getFact));
      } catch (error) {
        const failure = credentialFailure(error);
        if (failure === undefined) throw error;
        return { ok: false, code: failure.code, message: failure.message };
      }
    },

    async execute(input) {
      const request = openedRequest(input, config);
      if (request === undefined) return failed('invalid_call');
      let credential: Credential | null;
      try {
        credential = credentialNow();
      } catch (error) {
        return settleResend(input, credentialFailure(error) ?? failed('credential_missing'), false);
      }
      const signal = AbortSignal.timeout(callTimeoutMs(input.tool, timeoutMs));
      // A resend is the same call under the same key: facts may differ because the first time was the change.
      const drift =
        input.resend === true ? undefined : await findDrift(input, config, getFacts(credential, signal, input.sendBy));
      if (drift !== undefined) return drift;
      const wire = wireRequest(request, credential, idempotencyOf(input));
      const answer = await exchange(wire, { ...guards, sendBy: input.sendBy, signal });
      const moved = await findNewName(input.tool, config, wire.url, answer, getFacts(credential, signal, Infinity));
      const isReplayed = answer.kind === 'answer' && answer.isReplayed;
      return settleResend(input, resultOf(input.tool, answer, moved), isReplayed);
    },
  };
}

function idempotencyOf({
  tool,
  idempotencyKey,
}: ExecuteInput): { readonly header: string; readonly key: string } | null {
  if (tool.idempotency === undefined || idempotencyKey === null) return null;
  return { header: tool.idempotency.header, key: idempotencyKey };
}

/** What was approved; where values in its body are sealed, the same request with these opened. */
function openedRequest(input: ExecuteInput, config: HttpConnectorConfig): HttpTargetRequest | undefined {
  const approved = input.target.request as unknown as HttpTargetRequest;
  const opened = renderHttpRequest(input.tool, config, input.arguments);
  if (!opened.ok) return undefined;
  const compared = (request: HttpTargetRequest): string =>
    digestOf({ ...request, ...(input.tool.seal === undefined ? {} : { body: null, clears: null }) } as unknown as Json);
  return compared(opened.value) === compared(approved) ? opened.value : undefined;
}

function resultOfPreview({ unread: _, ...result }: FactsResult): PreviewResult {
  return result;
}

/** Looks again at pinned facts. Undefined: what was shown still holds. */
async function findDrift(
  { tool, arguments: args, evidence }: ExecuteInput,
  config: HttpConnectorConfig,
  getFacts: FetchFacts,
): Promise<ConnectorResult | undefined> {
  const pinned = evidence?.sourceHash ?? null;
  if (pinned === null || tool.preview === undefined || !('requests' in tool.preview)) return undefined;
  const now = await fetchHttpFacts({ ...tool, preview: tool.preview }, config, args, getFacts, evidence?.facts);
  if (now.ok && now.sourceHash === pinned) return undefined;
  const couldNotLook = now.unread.find((answer) => !isOtherAnswer(answer));
  if (couldNotLook === undefined || now.unread.some(isOtherAnswer))
    return failed('drifted', now.ok ? undefined : now.message);
  if (couldNotLook.kind === 'not_sent') return failedToSend(couldNotLook);
  const message = now.ok ? undefined : now.message;
  return notNow('pins_unreadable', message, couldNotLook.kind === 'answer' ? couldNotLook.retryAfterMs : undefined);
}

/** What was shown is not there any more: gone, or moved. Any other answer only means that it could not be checked. */
function isOtherAnswer(answer: ExchangeResult): boolean {
  return answer.kind === 'answer' && (answer.status === 404 || answer.status === 410 || isRedirect(answer.status));
}

function isRedirect(status: number): boolean {
  return status >= 300 && status <= 399;
}

function resultOf(tool: ToolDefinition, result: ExchangeResult, moved?: string): ConnectorResult {
  switch (result.kind) {
    case 'not_sent':
      return failedToSend(result);
    case 'lost':
      return isRead(tool) ? failed('lost_answer') : outcomeUnknown();
    case 'answer':
      return answered(tool, result, moved);
  }
}

type Answer = Extract<ExchangeResult, { kind: 'answer' }>;

/** `moved`: what the target is called now, in words. */
function answered(tool: ToolDefinition, answer: Answer, moved?: string): ConnectorResult {
  const { status, body, retryAfterMs } = answer;
  if (isSuccessStatus(tool.request?.success, status)) return succeeded(tool, answer);
  const message = moved ?? withRetryAfter(`The target answered ${status}`, retryAfterMs);
  const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
  const isProof = provesNothingRan(tool.deferOn, answer);
  const said = { body: bodyOf(tool, body), upstreamStatus: status, ...asked };
  if (!isRead(tool) && mayHaveHappened(status) && !isProof) return { ...outcomeUnknown(message), ...said };
  const code = status >= 500 ? 'upstream_failed' : 'upstream_rejected';
  const proof = isProof ? { isDeferrable: true as const } : {};
  return { ...failed(code, message), ...said, ...proof };
}

/**
 * The tool names this answer as a proof that the call did not run. What the target has stored under the idempotency key it
 * would answer each time.
 */
function provesNothingRan(deferOn: DeferOn | undefined, { status, headers, isReplayed }: Answer): boolean {
  if (isReplayed) return false;
  return (deferOn ?? []).some((proof) => {
    if (typeof proof === 'number') return proof === status;
    const value = headers[proof.header.toLowerCase()];
    return proof.status === status && value !== undefined && (proof.value === undefined || proof.value === value);
  });
}

/** The status says success; the body may say otherwise, or nothing. */
function succeeded(tool: ToolDefinition, { status, body }: Answer): ConnectorResult {
  const unknown = (message?: string): ConnectorResult =>
    isRead(tool) ? failed('lost_answer', message) : { ...outcomeUnknown(message), isFinal: message !== undefined };
  // The body was cut off: except for a read, the outcome is unknown.
  if (body.kind === 'broken') return unknown();
  const { condition } = readSuccess(tool.request?.success);
  const verdict = condition === null ? true : body.kind === 'omitted' ? undefined : judgeBody(condition, body.value);
  const kept = { body: bodyOf(tool, body), upstreamStatus: status };
  if (verdict === undefined)
    return { ...unknown(`The target answered ${status}, and its body does not say whether it succeeded`), ...kept };
  return verdict
    ? { status: 'executed', ...kept }
    : { ...failed('upstream_rejected', `The target answered ${status}, and its body says that it failed`), ...kept };
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
 * What there is of an answer. One that is larger than can be read (or not text) was still an answer: the call counts as
 * what its status says, and `{"$omitted": why}` stands where the body would be.
 */
function bodyOf(tool: ToolDefinition, body: BodyRead): Json {
  switch (body.kind) {
    case 'json':
    case 'text':
      return redact(body.value, tool.redact);
    case 'omitted':
      return body.value;
    case 'broken':
      return null;
  }
}

/** Statuses that concern this attempt alone, not the call that the key stands for. */
const ABOUT_THIS_ATTEMPT = new Set([401, 403, 407, 408, 409, 425, 429]);

/** After a lost answer, only an answer about the call itself settles it. A replayed answer is the answer to the first attempt. */
function settleResend(input: ExecuteInput, result: ConnectorResult, isReplayed: boolean): ConnectorResult {
  const isFinal = isReplayed && input.idempotencyKey !== null;
  if (result.status === 'outcome_unknown') return isFinal ? { ...result, isFinal } : result;
  if (input.resend !== true || result.status !== 'failed') return result;
  const status = result.upstreamStatus;
  const decisive =
    status !== undefined && status >= 400 && status < 500 && (isFinal || !ABOUT_THIS_ATTEMPT.has(status));
  if (decisive) return result;
  const { retryAfterMs } = result;
  const unknown = outcomeUnknown('Sent again; the answer does not say what happened the first time');
  return retryAfterMs === undefined ? unknown : { ...unknown, retryAfterMs };
}

interface Credential {
  /** Lower case. */
  readonly header: string;
  readonly value: string;
}

/** `Authorization: Bearer …` unless the connector names another header (then without a scheme) or scheme. */
function credentialOf(config: HttpConnectorConfig, secret: string): Credential {
  const header = (config.credentialHeader ?? 'Authorization').toLowerCase();
  const scheme = config.credentialScheme ?? (config.credentialHeader === undefined ? 'Bearer' : '');
  return { header, value: scheme === '' ? secret : `${scheme} ${secret}` };
}

const USER_AGENT = 'holdpoint';

/** What goes over the wire. The credential is set last, so that neither a tool nor a caller can override it. */
function wireRequest(
  request: HttpTargetRequest,
  credential: Credential | null,
  idempotency: { readonly header: string; readonly key: string } | null,
): ExchangeRequest {
  const headers: Record<string, string> = { 'user-agent': USER_AGENT, accept: 'application/json' };
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
  headers['accept-encoding'] = 'gzip';
  const { body } = request;
  if (body !== undefined) headers['content-type'] = body.type;
  if (idempotency !== null) headers[idempotency.header.toLowerCase()] = idempotency.key;
  if (credential !== null) headers[credential.header] = credential.value;
  return { method: request.method, url: request.url, headers, ...(body === undefined ? {} : { body: body.text }) };
}

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { digestWithoutDescription, type ListedTool, type ToolListing } from '../../domain/upstream.ts';
import { storable } from '../../domain/json/storable.ts';
import type { Connector, ConnectorResult } from '../../ports/connector.ts';
import { callTimeoutMs, connectorTimeoutMs } from '../../domain/call-timeout.ts';
import { withRetryAfter } from '../../domain/retry-after.ts';
import { failed, notNow, outcomeUnknown, redact, type FailedResult, TOO_LATE } from '../answer.ts';
import { ConnectorError, credentialFailure, SeenSecrets } from '../credential.ts';
import { failedToConnect } from '../http/exchange.ts';
import { listUpstreamTools } from './listing.ts';
import { createTransport, NotSentError, PostRefused, type McpTransportOptions } from './transport.ts';

/**
 * Calls tools of an upstream MCP server. The server is started, or connected to, with the first call and kept until it
 * goes away. It gets no capabilities: it can ask neither for samples nor for input.
 */
export function createMcpConnector({ config, secret, env, proxy }: McpTransportOptions): Connector {
  const seen = new SeenSecrets();
  const upstream = new Upstream({
    config,
    secret: secret === null ? null : seen.watch(secret),
    proxy,
    env: () => {
      const values = env();
      Object.values(values).forEach((value) => seen.note(value));
      return values;
    },
  });
  const timeoutMs = connectorTimeoutMs(config);
  return {
    timeoutMs,
    secrets: () => seen.values(),
    close: () => upstream.close(),
    listTools: () => upstream.list(timeoutMs),
    reach: () =>
      upstream.list(CONNECT_MS).then(
        () => undefined,
        (error: unknown) => connectFailureOf(error),
      ),
    onToolsChanged: (listener) => upstream.onToolsChanged(listener),

    async execute({ tool, arguments: args, target, sendBy }) {
      const { tool: name, definition } = target.request as unknown as Readonly<Record<string, unknown>>;
      if (typeof name !== 'string') return failed('invalid_call');
      const deadline = Date.now() + callTimeoutMs(tool, timeoutMs);
      const left = (): number => Math.max(deadline - Date.now(), 1);
      const isTooLate = (): boolean => Date.now() > Math.min(sendBy, deadline);
      let session: Session;
      try {
        const take = (): Promise<Session> => upstream.take(Math.min(left(), CONNECT_MS));
        session = await take();
        if (isTooLate()) return TOO_LATE;
        if (typeof definition === 'string') {
          const drifted = await findDrift(upstream, name, definition, Math.min(left(), CONNECT_MS));
          if (drifted !== undefined) return drifted;
          // Listing may have found that the first one was over.
          session = await take();
        }
      } catch (error) {
        return connectFailureOf(error);
      }
      if (isTooLate()) return TOO_LATE;
      const { client, isHttpSession } = session;
      const isInSession = isHttpSession();
      try {
        // With sealed arguments opened.
        const result = await upstream.during(session, () =>
          client.request({ method: 'tools/call', params: { name, arguments: args } }, anyResultSchema, {
            timeout: left(),
            // Asks for progress: it keeps connections alive on the way while the call takes its time.
            onprogress: () => undefined,
          }),
        );
        return answered(tool, result as JsonObject);
      } catch (error) {
        if (isInSession && isSessionOver(error)) {
          upstream.retire(session);
          // By the protocol, 404 says that there is no such session, so the call that was sent in it did not run.
          if ((error as StreamableHTTPError).code === 404) return notNow('session_ended');
        }
        return failureOf(tool, error);
      }
    },
  };
}

/** Whatever came: a part that the SDK's own schema does not know is no lost answer. */
const anyResultSchema = z.looseObject({});

/** Longest that opening a session, or listing tools before a call, may take, ms. */
const CONNECT_MS = 30_000;

/** The server does not know the session: 404 by the protocol, 400 by many servers. */
function isSessionOver(error: unknown): boolean {
  return error instanceof StreamableHTTPError && (error.code === 404 || error.code === 400);
}

/** A failure if the server no longer lists the tool as it was approved. Nothing has been sent. */
async function findDrift(
  upstream: Upstream,
  tool: string,
  definition: string,
  timeoutMs: number,
): Promise<ConnectorResult | undefined> {
  let listed: readonly ListedTool[];
  try {
    listed = await upstream.known(timeoutMs);
  } catch {
    return notNow('target_unreachable', 'The upstream server does not list its tools');
  }
  const now = listed.find(({ name }) => name === tool);
  // Approved by one of the two, as the configuration says: it was rendered again before the claim.
  if (now?.digest === definition || (now && digestWithoutDescription(now.parts) === definition)) return undefined;
  return failed('drifted', 'The upstream server changed the tool');
}

function answered(tool: ToolDefinition, result: JsonObject): ConnectorResult {
  const body = bodyOf(result, tool.redact);
  if (result['isError'] !== true) return { status: 'executed', body };
  return { status: 'failed', code: 'upstream_rejected', message: 'The tool reported an error', body };
}

function bodyOf(result: JsonObject, pointers: readonly string[] | undefined): Json {
  return redact(storable(result), pointers);
}

/** No session could be opened; the call was not sent. */
function connectFailureOf(error: unknown): FailedResult {
  if (error instanceof StreamableHTTPError && error.code !== undefined) {
    const message = `The upstream server answered ${error.code} instead of opening a session`;
    const retryAfterMs = error instanceof PostRefused ? error.retryAfterMs : undefined;
    return notNow('target_unreachable', withRetryAfter(message, retryAfterMs), retryAfterMs);
  }
  return credentialFailure(error) ?? failedToConnect(error);
}

/** JSON-RPC errors that say the request was not carried out. */
const REFUSALS = new Set<number>([
  ErrorCode.InvalidRequest,
  ErrorCode.MethodNotFound,
  ErrorCode.InvalidParams,
  ErrorCode.ParseError,
]);

/** The request was on its way: only a plain refusal says that nothing happened. */
function failureOf(tool: ToolDefinition, error: unknown): ConnectorResult {
  if (error instanceof NotSentError || error instanceof ConnectorError) return connectFailureOf(error);
  if (error instanceof McpError) {
    const sentence = error.message.replace(/^MCP error -?[0-9]+: /, '');
    if (REFUSALS.has(error.code)) {
      return failed('upstream_rejected', `The upstream server refused the call (${error.code}): ${sentence}`);
    }
    if (!OWN_ERRORS.has(sentence)) {
      return outcomeUnknown(`The upstream server answered with an error (${error.code}): ${sentence}`);
    }
  }
  if (error instanceof PostRefused) {
    const { code: status = 0, body, retryAfterMs } = error;
    const message = withRetryAfter(`The target answered ${status}`, retryAfterMs);
    const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
    // The status of the very POST that carried the call.
    const isProof = tool.deferOn?.includes(status) === true;
    if (!isProof && (status < 400 || status >= 500)) return { ...outcomeUnknown(message), ...asked };
    const said = body === null ? {} : { body: redact(body, tool.redact) };
    const proof = isProof ? { isDeferrable: true as const } : {};
    return { ...failed('upstream_rejected', message), upstreamStatus: status, ...said, ...asked, ...proof };
  }
  return outcomeUnknown();
}

/** What the SDK's client says by itself where no answer came. */
const OWN_ERRORS = new Set(['Connection closed', 'Request timed out', 'Maximum total timeout exceeded']);

interface Session {
  readonly client: Client;
  /** Whether the server has given it a session id. */
  isHttpSession(): boolean;
  /** The environment that its process was started with. */
  readonly env: string;
  /** Calls that are being made in it. */
  calls: number;
  close(): Promise<void>;
}

/** A session that is being opened, and then is. */
interface Begun {
  readonly opening: Promise<Session>;
  session?: Session;
}

/** One session, opened when needed and again after its server went away. */
class Upstream {
  readonly #options: McpTransportOptions;
  #current: Begun | null = null;
  readonly #retired = new Set<Session>();
  /** What it listed last in this session. */
  #listed: readonly ListedTool[] | null = null;
  readonly #changed = new Set<() => void>();

  constructor(options: McpTransportOptions) {
    this.#options = options;
  }

  /** The session in use, or a new one. A process keeps the environment it was started with, so a new one needs another. */
  async take(timeoutMs: number): Promise<Session> {
    const env = JSON.stringify(this.#options.env());
    const { session } = this.#current ?? {};
    if (session !== undefined && session.env !== env) this.retire(session);
    this.#current ??= this.#begin(env, timeoutMs);
    return this.#current.opening;
  }

  /** Keeps a session open while something is done in it. */
  async during<T>(session: Session, run: () => Promise<T>): Promise<T> {
    session.calls += 1;
    try {
      return await run();
    } finally {
      session.calls -= 1;
      if (session.calls === 0 && this.#retired.has(session)) this.#close(session);
    }
  }

  /** Opens another session for the next call; this one is closed once no call is made in it. */
  retire(session: Session): void {
    this.#retired.add(session);
    this.#forget(session);
    if (session.calls === 0) this.#close(session);
  }

  onToolsChanged(listener: () => void): void {
    this.#changed.add(listener);
  }

  /** Asks for the tools, a second time in a new session where the server has forgotten the first. */
  async list(timeoutMs: number, isAgain = false): Promise<ToolListing> {
    const session = await this.take(timeoutMs);
    const { client } = session;
    const isInSession = session.isHttpSession();
    try {
      const listing = await this.during(session, async () =>
        client.getServerCapabilities()?.tools === undefined
          ? { tools: [], leftOut: [] }
          : listUpstreamTools(client, timeoutMs),
      );
      this.#listed = listing.tools;
      return listing;
    } catch (error) {
      if (!isInSession || !isSessionOver(error)) throw error;
      this.retire(session);
      if (isAgain) throw error;
      return this.list(timeoutMs, true);
    }
  }

  /** What it listed last, unless it said since that this is no longer so. */
  async known(timeoutMs: number): Promise<readonly ListedTool[]> {
    return this.#listed ?? (await this.list(timeoutMs)).tools;
  }

  #begin(env: string, timeoutMs: number): Begun {
    const begun: Begun = { opening: this.#open(env, timeoutMs) };
    begun.opening
      .then((session) => (begun.session = session))
      .catch(() => {
        if (this.#current === begun) this.#current = null;
      });
    return begun;
  }

  async #open(env: string, timeoutMs: number): Promise<Session> {
    const transport = createTransport(this.#options);
    const client = new Client({ name: 'holdpoint', version: '1' }, { capabilities: {} });
    const session: Session = {
      client,
      isHttpSession: () => transport instanceof StreamableHTTPClientTransport && transport.sessionId !== undefined,
      env,
      calls: 0,
      close: () => client.close().catch(() => undefined),
    };
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      this.#listed = null;
      for (const listener of this.#changed) listener();
    });
    try {
      await client.connect(transport, { timeout: timeoutMs });
    } catch (error) {
      await session.close();
      throw error;
    }
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no EventTarget
    client.onclose = () => this.#forget(session);
    return session;
  }

  #forget(session: Session): void {
    if (this.#current?.session !== session) return;
    this.#current = null;
    this.#listed = null;
  }

  #close(session: Session): void {
    this.#retired.delete(session);
    void session.close();
  }

  async close(): Promise<void> {
    const current = await this.#current?.opening.catch(() => undefined);
    this.#current = null;
    const sessions = [...this.#retired, ...(current === undefined ? [] : [current])];
    await Promise.all(sessions.map((session) => session.close()));
  }
}

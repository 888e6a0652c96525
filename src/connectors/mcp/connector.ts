import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Connector, ConnectorResult, ExecuteInput } from '../../ports/connector.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { durationMs } from '../../contract/policy.ts';
import type { ListedTool } from '../../contract/upstream.ts';
import { RESPONSE_LIMIT } from '../http/body.ts';
import { omitted, parseBodyJson } from '../json-text.ts';
import { redact } from '../redact.ts';
import { failed, outcomeUnknown } from '../results.ts';
import { listUpstreamTools } from './listing.ts';
import { createTransport, type McpTransportOptions } from './transport.ts';

const TIMEOUT_MS = 30_000;

export interface McpConnectorOptions extends McpTransportOptions {
  readonly name: string;
}

/**
 * Calls tools of an upstream MCP server. The server is started, or connected to, with the first call and kept until it
 * goes away. It gets no capabilities: it can ask neither for samples nor for input.
 */
export function createMcpConnector(options: McpConnectorOptions): Connector {
  const upstream = new Upstream(options);
  const values = Object.values(options.env);
  return {
    timeoutMs: TIMEOUT_MS,
    secrets: () => (options.secret === null ? values : [options.secret, ...values]),
    close: () => upstream.close(),
    listTools: () => upstream.list(TIMEOUT_MS),
    onToolsChanged: (listener) => upstream.onToolsChanged(listener),

    async execute(input) {
      const request = openedRequest(input);
      if (request === undefined) return failed('invalid_call');
      const ms = input.tool.timeout === undefined ? TIMEOUT_MS : Math.min(durationMs(input.tool.timeout), TIMEOUT_MS);
      const deadline = Date.now() + ms;
      let client: Client;
      try {
        client = await upstream.client(ms);
      } catch {
        return failed('target_unreachable', 'The upstream server cannot be reached');
      }
      if (Date.now() > Math.min(input.sendBy, deadline)) return TOO_LATE;
      const drifted = await findDrift(upstream, input, deadline);
      if (drifted !== undefined) return drifted;
      try {
        const result = await client.callTool(request, undefined, { timeout: Math.max(deadline - Date.now(), 1) });
        return answered(input, result as unknown as JsonObject);
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

const TOO_LATE = failed('target_unreachable', 'The upstream server was there too late; nothing was sent');

/** The tool is no longer what was approved, as far as its own server says so. Nothing has been sent to it. */
async function findDrift(
  upstream: Upstream,
  { target, sendBy }: ExecuteInput,
  deadline: number,
): Promise<ConnectorResult | undefined> {
  const { tool, definition } = target.request as unknown as { readonly tool: string; readonly definition?: unknown };
  if (typeof definition !== 'string') return undefined;
  let listed: readonly ListedTool[];
  try {
    listed = await upstream.known(Math.max(deadline - Date.now(), 1));
  } catch {
    return failed('target_unreachable', 'The upstream server does not say what its tools are');
  }
  if (listed.find(({ name }) => name === tool)?.digest !== definition) {
    return failed('drifted', 'The upstream server changed the tool');
  }
  return Date.now() > Math.min(sendBy, deadline) ? TOO_LATE : undefined;
}

interface McpRequest {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** The approved tool, with sealed arguments opened. */
function openedRequest(input: ExecuteInput): McpRequest | undefined {
  const { tool } = input.target.request as unknown as { readonly tool?: unknown };
  return typeof tool === 'string' ? { name: tool, arguments: input.arguments } : undefined;
}

function answered({ tool }: ExecuteInput, result: JsonObject): ConnectorResult {
  const body = bodyOf(result, tool.redact);
  if (result['isError'] !== true) return { status: 'executed', body };
  return { status: 'failed', code: 'upstream_rejected', message: 'The tool reported an error', body };
}

function bodyOf(result: JsonObject, pointers: readonly string[] | undefined): Json {
  const text = JSON.stringify(result);
  if (Buffer.byteLength(text) > RESPONSE_LIMIT) return omitted('response_too_large');
  const parsed = parseBodyJson(text);
  return parsed.ok ? redact(parsed.value, pointers) : omitted('too_deep');
}

/** JSON-RPC errors that say the request was not carried out. */
const REFUSALS = new Set<number>([
  ErrorCode.InvalidRequest,
  ErrorCode.MethodNotFound,
  ErrorCode.InvalidParams,
  ErrorCode.ParseError,
]);

/** The request was on its way: only a plain refusal says that nothing happened. */
function failureOf(error: unknown): ConnectorResult {
  if (error instanceof McpError && REFUSALS.has(error.code)) {
    return failed('upstream_rejected', `The upstream server refused the call (${error.code})`);
  }
  if (error instanceof StreamableHTTPError) {
    const status = error.code ?? 0;
    if (status >= 400 && status < 500) {
      return { ...failed('upstream_rejected', `The target answered ${status}`), upstreamStatus: status };
    }
  }
  return outcomeUnknown();
}

/** One client, made when needed and again after its server went away. */
class Upstream {
  readonly #options: McpConnectorOptions;
  #current: Promise<Client> | null = null;
  #dispose: () => Promise<void> = () => Promise.resolve();
  /** What it listed last on this connection. */
  #listed: readonly ListedTool[] | null = null;
  readonly #changed = new Set<() => void>();

  constructor(options: McpConnectorOptions) {
    this.#options = options;
  }

  client(timeoutMs: number): Promise<Client> {
    this.#current ??= this.#connect(timeoutMs).catch((error: unknown) => {
      this.#current = null;
      throw error;
    });
    return this.#current;
  }

  onToolsChanged(listener: () => void): void {
    this.#changed.add(listener);
  }

  async list(timeoutMs: number): Promise<readonly ListedTool[]> {
    const client = await this.client(timeoutMs);
    const listed =
      client.getServerCapabilities()?.tools === undefined ? [] : await listUpstreamTools(client, timeoutMs);
    this.#listed = listed;
    return listed;
  }

  /** What it listed last, unless it said since that this is no longer so. */
  async known(timeoutMs: number): Promise<readonly ListedTool[]> {
    return this.#listed ?? this.list(timeoutMs);
  }

  async #connect(timeoutMs: number): Promise<Client> {
    const upstream = createTransport(this.#options);
    this.#dispose = () => upstream.dispose();
    const client = new Client({ name: 'holdpoint', version: '1' }, { capabilities: {} });
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client is no EventTarget
    client.onclose = () => {
      this.#current = null;
      this.#listed = null;
    };
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      this.#listed = null;
      for (const listener of this.#changed) listener();
    });
    try {
      await client.connect(upstream.transport, { timeout: timeoutMs });
      return client;
    } catch (error) {
      await client.close().catch(() => undefined);
      await upstream.dispose().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = await this.#current?.catch(() => undefined);
    this.#current = null;
    await client?.close().catch(() => undefined);
    await this.#dispose().catch(() => undefined);
  }
}

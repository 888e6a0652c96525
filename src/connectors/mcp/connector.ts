import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike, Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import type { McpConnectorConfig } from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { ListedTool } from '../../domain/upstream.ts';
import { storable } from '../../domain/json/storable.ts';
import type { Connector, ConnectorResult } from '../../ports/connector.ts';
import { failed, outcomeUnknown, redact, timeoutOf } from '../answer.ts';
import { failedToConnect, guardedConnector, systemResolver } from '../http/exchange.ts';
import { exactLines, ExactReadBuffer } from './exact-lines.ts';
import { listUpstreamTools } from './listing.ts';

const TIMEOUT_MS = 30_000;

interface McpConnectorOptions {
  readonly config: McpConnectorConfig;
  readonly secret: string | null;
  /** Resolved; added to the few variables that are safe to inherit (`PATH`, `HOME` …). */
  readonly env: Readonly<Record<string, string>>;
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

    async execute({ tool, arguments: args, target, sendBy }) {
      const { tool: name, definition } = target.request as unknown as Readonly<Record<string, unknown>>;
      if (typeof name !== 'string') return failed('invalid_call');
      const ms = timeoutOf(tool, TIMEOUT_MS);
      const deadline = Date.now() + ms;
      const left = (): number => Math.max(deadline - Date.now(), 1);
      const isTooLate = (): boolean => Date.now() > Math.min(sendBy, deadline);
      let client: Client;
      try {
        client = await upstream.client(ms);
      } catch (error) {
        return connectFailureOf(error);
      }
      if (isTooLate()) return TOO_LATE;
      if (typeof definition === 'string') {
        const drifted = await findDrift(upstream, name, definition, left());
        if (drifted !== undefined) return drifted;
        if (isTooLate()) return TOO_LATE;
      }
      try {
        // With sealed arguments opened.
        const result = await client.request(
          { method: 'tools/call', params: { name, arguments: args } },
          anyResultSchema,
          { timeout: left() },
        );
        return answered(tool, result as JsonObject);
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

/** Whatever came: a part that the SDK's own schema does not know is no lost answer. */
const anyResultSchema = z.looseObject({});

const TOO_LATE = failed('target_unreachable', 'Connecting took too long; nothing was sent');

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
    return failed('target_unreachable', 'The upstream server does not list its tools');
  }
  if (listed.find(({ name }) => name === tool)?.digest === definition) return undefined;
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
function connectFailureOf(error: unknown): ConnectorResult {
  if (error instanceof StreamableHTTPError && error.code !== undefined) {
    return failed('target_unreachable', `The upstream server answered ${error.code} instead of opening a session`);
  }
  return failedToConnect(error);
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

/** Most bytes of one answer, of a whole event stream too. */
const ANSWER_LIMIT = 8 * 1024 * 1024;

interface McpTransport {
  readonly transport: Transport;
  dispose(): Promise<void>;
}

/** A transport to the upstream server: a child process, or streamable HTTP under the guards of HTTP connectors. */
function createTransport({ config, secret, env }: McpConnectorOptions): McpTransport {
  const [command, ...args] = config.command ?? [];
  if (command !== undefined) {
    const transport = new StdioClientTransport({
      command,
      args,
      env: { ...getDefaultEnvironment(), ...env },
      // What a server writes there may quote its credentials.
      stderr: 'ignore',
    });
    // The SDK offers no other way in; `connector-mcp.test.ts` fails where it is gone.
    transport['_readBuffer'] = new ExactReadBuffer(ANSWER_LIMIT);
    return { transport, dispose: () => Promise.resolve() };
  }
  if (config.url === undefined) throw new TypeError('an MCP connector needs a command or a url');
  const guards = {
    resolve: systemResolver,
    allowPrivateAddresses: config.allowPrivateAddresses === true,
    sendBy: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  };
  const agent = new Agent({ connect: guardedConnector(guards, { handedOver: false }) });
  const transport = new StreamableHTTPClientTransport(new URL(config.url), {
    fetch: boundedFetch(agent),
    requestInit: {
      redirect: 'error',
      headers: secret === null ? {} : { authorization: `Bearer ${secret}` },
    },
  });
  return { transport, dispose: () => agent.destroy() };
}

function boundedFetch(agent: Agent): FetchLike {
  return async (url, init) => {
    const response = await undiciFetch(url, { ...(init as object), dispatcher: agent });
    if (response.body === null) return response;
    let size = 0;
    const bounded = response.body
      .pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            size += chunk.byteLength;
            if (size > ANSWER_LIMIT) controller.error(new Error('the answer is too large'));
            else controller.enqueue(chunk);
          },
        }),
      )
      .pipeThrough(exactLines());
    const { status, statusText, headers } = response;
    return new Response(bounded, { status, statusText, headers: [...headers] });
  };
}

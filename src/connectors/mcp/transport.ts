import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike, Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Readable } from 'node:stream';
import { Agent, fetch as undiciFetch, type Response as UndiciResponse } from 'undici';
import type { McpConnectorConfig } from '../../contract/config.ts';
import type { Json } from '../../contract/json.ts';
import type { FindProxy } from '../../domain/proxy.ts';
import { readRetryAfter } from '../../domain/retry-after.ts';
import type { Secret } from '../credential.ts';
import { traceRequest } from '../trace.ts';
import { guardedConnector, systemResolver, type ExchangeOptions } from '../http/exchange.ts';
import { readBody } from '../http/read-body.ts';
import { exactLines, ExactReadBuffer } from './exact-lines.ts';

export interface McpTransportOptions {
  readonly config: McpConnectorConfig;
  readonly secret: Secret | null;
  readonly proxy: FindProxy;
  /** Added to the few variables that are safe to inherit (`PATH`, `HOME` …). Throws a ConnectorError. */
  env(): Readonly<Record<string, string>>;
}

/** Most bytes of one answer, of a whole event stream too. */
const ANSWER_LIMIT = 8 * 1024 * 1024;

/** A transport to the upstream server: a child process, or streamable HTTP under the guards of HTTP connectors. */
export function createTransport({ config, secret, env, proxy }: McpTransportOptions): Transport {
  const [command, ...args] = config.command ?? [];
  if (command !== undefined) {
    const transport = new StdioClientTransport({
      command,
      args,
      env: { ...getDefaultEnvironment(), ...env() },
      // What a server writes there may quote its credentials.
      stderr: 'ignore',
    });
    // The SDK offers no other way in; `connector-mcp.test.ts` fails where it is gone.
    transport['_readBuffer'] = new ExactReadBuffer(ANSWER_LIMIT);
    return transport;
  }
  if (config.url === undefined) throw new TypeError('an MCP connector needs a command or a url');
  const guards = { resolve: systemResolver, proxy, allowPrivateAddresses: config.allowPrivateAddresses === true };
  return new StreamableHTTPClientTransport(new URL(config.url), {
    fetch: boundedFetch(guards, secret),
    requestInit: { redirect: 'error' },
  });
}

/** Not one byte of the request left; its cause says why. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

/** The status that answers a POST, with what the SDK's own error leaves out. */
export class PostRefused extends StreamableHTTPError {
  /** Null: there is none. */
  readonly body: Json;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, body: Json, retryAfterMs: number | undefined) {
    super(status, 'the server refused the request');
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }
}

async function readRefusal({ status, headers, body }: UndiciResponse): Promise<PostRefused> {
  const type = headers.get('content-type') ?? '';
  const read = body === null ? null : await readBody(Readable.fromWeb(body), { 'content-type': type });
  const said = read === null || read.kind === 'broken' ? null : read.value;
  return new PostRefused(status, said, readRetryAfter(headers.get('retry-after'), Date.now()));
}

/**
 * Each request goes out on a connection of its own, as those of HTTP connectors do: where it cannot be made, nothing was
 * sent. The credential is read for each.
 */
function boundedFetch(
  guards: Pick<ExchangeOptions, 'resolve' | 'allowPrivateAddresses' | 'proxy'>,
  secret: Secret | null,
): FetchLike {
  return async (url, init) => {
    const headers = new Headers(init?.headers);
    if (secret !== null) headers.set('authorization', `Bearer ${secret()}`);
    const attempt = { handedOver: false };
    const signal = init?.signal ?? new AbortController().signal;
    const connect = guardedConnector({ ...guards, sendBy: Number.POSITIVE_INFINITY, signal }, attempt);
    // A call takes as long as its own time-out allows.
    const agent = new Agent({ connect, headersTimeout: 0, bodyTimeout: 0 });
    const response = await traceRequest(
      init?.method ?? 'GET',
      new URL(url),
      (trace) =>
        undiciFetch(url, { ...(init as object), headers: [...headers, ...Object.entries(trace)], dispatcher: agent }),
      ({ status }) => status,
    )
      .catch((error: unknown) => {
        throw attempt.handedOver ? error : new NotSentError('nothing was sent', { cause: error });
      })
      // Once the answer was read.
      .finally(() => void agent.close().catch(() => undefined));
    if (init?.method === 'POST' && !response.ok) throw await readRefusal(response);
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
    const { status, statusText } = response;
    return new Response(bounded, { status, statusText, headers: [...response.headers] });
  };
}

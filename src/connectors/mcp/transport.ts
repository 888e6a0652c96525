import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike, Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Agent, fetch as undiciFetch } from 'undici';
import type { McpConnectorConfig } from '../../contract/config.ts';
import { guardedConnector, systemResolver, type Resolver } from '../http/exchange.ts';

/** Most bytes of one answer, of a whole event stream too. */
const ANSWER_LIMIT = 8 * 1024 * 1024;

export interface McpTransport {
  readonly transport: Transport;
  dispose(): Promise<void>;
}

export interface McpTransportOptions {
  readonly config: McpConnectorConfig;
  readonly secret: string | null;
  /** Resolved; added to the few variables that are safe to inherit (`PATH`, `HOME` …). */
  readonly env: Readonly<Record<string, string>>;
  readonly resolve?: Resolver;
}

/** A transport to the upstream server: a child process, or streamable HTTP under the guards of HTTP connectors. */
export function createTransport({ config, secret, env, resolve = systemResolver }: McpTransportOptions): McpTransport {
  const [command, ...args] = config.command ?? [];
  if (command !== undefined) {
    const transport = new StdioClientTransport({
      command,
      args,
      env: { ...getDefaultEnvironment(), ...env },
      // What a server writes there may quote its credentials.
      stderr: 'ignore',
      maxBufferSize: ANSWER_LIMIT,
    });
    return { transport, dispose: () => Promise.resolve() };
  }
  if (config.url === undefined) throw new TypeError('an MCP connector needs a command or a url');
  const guards = {
    resolve,
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
    const bounded = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          size += chunk.byteLength;
          if (size > ANSWER_LIMIT) controller.error(new Error('the answer is too large'));
          else controller.enqueue(chunk);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(bounded, { status, statusText, headers: [...headers] });
  };
}

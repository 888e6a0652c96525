import type { Readable, Writable } from 'node:stream';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { STDIO_DEFAULT_MAX_BUFFER_SIZE } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { FetchLike, Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { upstreamListSchema } from '../../contract/api.ts';
import { unmarkNumbers } from '../../contract/exact-number.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { visible } from '../../domain/text/visible.ts';
import { AnsweringLines } from './answering-lines.ts';
import { connect, type ConnectOptions } from './connect.ts';

/** Prints the tools that upstreams list now and, for changed ones, the policy lines that accept them. */
export async function listUpstreams(io: Io, options: ConnectOptions): Promise<void> {
  const { url, token } = connect(io, options, 'reviewer');
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/v1/mcp/upstreams`, { headers, redirect: 'error', signal: io.signal }).catch(
    () => undefined,
  );
  const parsed = upstreamListSchema.safeParse(await answer?.json().catch(() => undefined));
  if (!parsed.success) {
    throw new CliError('unavailable', 'no_answer', 'Holdpoint did not return the list. Use a reviewer’s token.');
  }
  const { tools } = parsed.data;
  io.data(parsed.data);
  if (tools.length === 0) io.print('No upstream MCP server has listed a tool.');
  for (const { key, state, digest, changed, notOffered } of tools) {
    const parts = changed.length === 0 ? '' : `  (${changed.map(visible).join(', ')})`;
    io.print(`${state.padEnd(8)}  ${visible(key)}  ${digest ?? ''}${parts}`);
    if (notOffered !== null) io.print(`          not offered: ${notOffered}`);
  }
  const changed = tools.filter(({ state }) => state === 'changed');
  if (changed.length === 0) return;
  io.print('', 'Review what changed. To accept it, add this to the policy file:', 'accept:');
  for (const { key, accept } of changed) io.print(`  ${JSON.stringify(visible(key))}: ${accept ?? ''}`);
}

/** How long requests received before standard input ended may still be answered. */
const LINGER_MS = 60_000;

/** Serves MCP on standard input and output until the client closes it. Nothing else is written to standard output. */
export async function serveStdio(io: Io, options: ConnectOptions): Promise<void> {
  const { url, token } = connect(io, options, 'agent');
  const stdin = io.stdin as Readable;
  const local = new StdioServerTransport(stdin, io.stdout as unknown as Writable);
  // A number that `JSON.parse` would round arrives as it was written, and is refused in words.
  local['_readBuffer'] = new AnsweringLines(STDIO_DEFAULT_MAX_BUFFER_SIZE, (line) => io.stdout.write(line));
  const ended = new Promise<'ended' | 'stopped'>((resolve) => {
    stdin.once('end', () => resolve('ended'));
    stdin.once('close', () => resolve('ended'));
    io.signal.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  const bridge = await startBridge(url, token, local as Transport, (text) => io.note(text));
  if ((await ended) === 'ended') await bridge.settle(LINGER_MS);
  await bridge.close();
}

/** Pauses before a request is sent again, ms: about three minutes in all, the longest a restart takes. */
const PAUSES = [200, 500, 1_000, 2_000, 4_000, 8_000, ...Array<number>(16).fill(10_000)];
/** For a client's first request: it should learn soon that Holdpoint is not running. */
const FIRST_PAUSES = PAUSES.slice(0, 3);

interface Outstanding {
  readonly message: JSONRPCRequest;
  resent: number;
}

/**
 * Forwards JSON-RPC messages to `/mcp` and their answers back, unchanged. A request whose answer was lost is sent again
 * with the same id and session, which the api treats as the same call.
 *
 * @param local the client's side, which this starts
 * @param note writes a remark to standard error
 */
async function startBridge(url: string, key: string, local: Transport, note: (text: string) => void) {
  const outstanding = new Map<RequestId, Outstanding>();
  const waiters = new Set<() => void>();
  let closed = false;
  const remote = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${key}` }, redirect: 'error' },
    fetch: noticingEnds((id) => {
      // The last message of the stream may still be in transit.
      setTimeout(() => sendAgain(id), 50);
    }),
  });

  const answer = (id: RequestId, message: JSONRPCMessage): void => {
    // A second answer: the request was sent again, and the first answer arrived after all.
    if (!outstanding.delete(id)) return;
    void local.send(message).catch(() => undefined);
    if (outstanding.size === 0) for (const wake of waiters) wake();
  };
  const giveUp = (id: RequestId, error: unknown): void => {
    const message = explain(error);
    note(message);
    answer(id, { jsonrpc: '2.0', id, error: { code: -32_000, message } });
  };
  const sendAgain = (id: RequestId, error?: unknown): void => {
    const request = outstanding.get(id);
    if (request === undefined || closed) return;
    const pauses = isInitializeRequest(request.message) ? FIRST_PAUSES : PAUSES;
    const pause = pauses[request.resent];
    if (pause === undefined || (error !== undefined && !isRetryable(error))) {
      giveUp(id, error);
      return;
    }
    request.resent += 1;
    setTimeout(() => void post(request.message), pause);
  };
  const post = async (message: JSONRPCMessage): Promise<void> => {
    try {
      await remote.send(message);
    } catch (error) {
      if (closed) return;
      if (isJSONRPCRequest(message)) sendAgain(message.id, error);
      else note(explain(error));
    }
  };

  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- transports of the SDK are not EventTargets
  remote.onmessage = (message) => {
    if (!isJSONRPCResultResponse(message) && !isJSONRPCErrorResponse(message)) {
      void local.send(message).catch(() => undefined);
      return;
    }
    const { id } = message;
    if (id === undefined) return;
    const request = outstanding.get(id)?.message;
    if (request !== undefined && isInitializeRequest(request) && isJSONRPCResultResponse(message)) {
      const { protocolVersion } = message.result as { readonly protocolVersion?: unknown };
      if (typeof protocolVersion === 'string') remote.setProtocolVersion(protocolVersion);
    }
    answer(id, message);
  };
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- transports of the SDK are not EventTargets
  local.onmessage = (message: JSONRPCMessage) => {
    if (isJSONRPCRequest(message)) outstanding.set(message.id, { message, resent: 0 });
    void post(message);
  };
  await remote.start();
  await local.start();
  return {
    /** Resolves once every request is answered, or after `ms`. */
    settle: (ms: number) =>
      new Promise<void>((resolve) => {
        if (outstanding.size === 0) resolve();
        waiters.add(resolve);
        setTimeout(resolve, ms).unref();
      }),
    close: async () => {
      closed = true;
      await remote.close();
      await local.close();
    },
  };
}

/** `fetch` that reports when the answer to a posted request has ended, complete or not. */
function noticingEnds(ended: (id: RequestId) => void): FetchLike {
  return async (url, init) => {
    const exact = typeof init?.body === 'string' ? { ...init, body: unmarkNumbers(init.body) } : init;
    const response = await fetch(url, exact);
    const id = init?.method === 'POST' ? idOf(init.body) : undefined;
    if (response.body === null || id === undefined || !response.ok) return response;
    const reader = response.body.getReader();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        ended(id);
      },
      cancel: (reason) => reader.cancel(reason),
    });
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
}

function idOf(body: unknown): RequestId | undefined {
  if (typeof body !== 'string') return undefined;
  const message: unknown = JSON.parse(body);
  return isJSONRPCRequest(message) ? message.id : undefined;
}

/** Whether trying again may help: there was no answer, or a part is down. */
function isRetryable(error: unknown): boolean {
  if (!(error instanceof StreamableHTTPError)) return true;
  const status = error.code ?? 0;
  return status === 429 || status >= 500;
}

function explain(error: unknown): string {
  if (!(error instanceof StreamableHTTPError)) return 'Holdpoint cannot be reached. Check HOLDPOINT_URL.';
  switch (error.code) {
    case 401:
      return 'Holdpoint does not know this key. Check HOLDPOINT_API_KEY.';
    case 403:
      return 'Holdpoint refused: use an agent’s key (hpk_…).';
    case 404:
      return 'Holdpoint no longer knows this session, or has no /mcp. Restart the client.';
    default:
      return `Holdpoint answered ${error.code ?? 'nothing'}.${problemIn(error.message)}`;
  }
}

/** What a problem (RFC 9457) says, out of the words of the SDK's error, which end with the body. */
function problemIn(message: string): string {
  try {
    const { detail } = JSON.parse(message.slice(message.indexOf('{'))) as { readonly detail?: unknown };
    return typeof detail === 'string' ? ` ${visible(detail)}` : '';
  } catch {
    return '';
  }
}

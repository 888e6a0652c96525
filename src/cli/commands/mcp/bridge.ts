import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
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

export interface BridgeOptions {
  /** Of the api, without a slash at the end. */
  readonly url: string;
  readonly key: string;
  /** Where messages come from and answers go; the bridge starts it. */
  readonly local: Transport;
  /** A remark for whoever reads standard error. */
  readonly note: (text: string) => void;
}

export interface Bridge {
  /** Resolves once nothing is unanswered, or after `ms`. */
  settle(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Pauses before a request is sent again, ms: some three minutes in all, which a restart takes at worst. */
const PAUSES = [200, 500, 1_000, 2_000, 4_000, 8_000, ...Array<number>(16).fill(10_000)];
/** A client that only begins learns sooner that nobody is there. */
const FIRST_PAUSES = PAUSES.slice(0, 3);

interface Outstanding {
  readonly message: JSONRPCRequest;
  resent: number;
}

/**
 * Passes JSON-RPC messages on to `/mcp` and answers back, as they are. A request whose answer was lost is sent again
 * under the same id and session: the api takes that for the same call.
 */
export async function startBridge({ url, key, local, note }: BridgeOptions): Promise<Bridge> {
  const outstanding = new Map<RequestId, Outstanding>();
  const waiters = new Set<() => void>();
  let closed = false;
  const remote = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${key}` }, redirect: 'error' },
    fetch: noticingEnds((id) => {
      // What the stream carried last may still be on its way through.
      setTimeout(() => sendAgain(id), 50);
    }),
  });

  const answer = (id: RequestId, message: JSONRPCMessage): void => {
    // Two answers to one request: it was sent again, and the first arrived after all.
    if (!outstanding.delete(id)) return;
    void local.send(message).catch(() => undefined);
    if (outstanding.size === 0) for (const wake of waiters) wake();
  };
  const giveUp = (id: RequestId, error: unknown): void => {
    const message = wordsOf(error);
    note(message);
    answer(id, { jsonrpc: '2.0', id, error: { code: -32_000, message } });
  };
  const sendAgain = (id: RequestId, error?: unknown): void => {
    const request = outstanding.get(id);
    if (request === undefined || closed) return;
    const pauses = isInitializeRequest(request.message) ? FIRST_PAUSES : PAUSES;
    const pause = pauses[request.resent];
    if (pause === undefined || (error !== undefined && !mayPass(error))) {
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
      else note(wordsOf(error));
    }
  };

  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- transports of the SDK are no EventTarget
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
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- transports of the SDK are no EventTarget
  local.onmessage = (message: JSONRPCMessage) => {
    if (isJSONRPCRequest(message)) outstanding.set(message.id, { message, resent: 0 });
    void post(message);
  };
  await remote.start();
  await local.start();
  return {
    settle: (ms) =>
      new Promise((resolve) => {
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

/** `fetch` that tells when the answer to a posted request has ended, whole or cut. */
function noticingEnds(ended: (id: RequestId) => void): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, init);
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

/** Trying again may help: nobody answered, or a part is down. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof StreamableHTTPError)) return true;
  const status = error.code ?? 0;
  return status === 429 || status >= 500;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof StreamableHTTPError)) return 'Holdpoint cannot be reached. Is HOLDPOINT_URL right?';
  switch (error.code) {
    case 401:
      return 'Holdpoint does not know this key. Is HOLDPOINT_API_KEY right?';
    case 403:
      return 'Holdpoint refuses: it takes an agent’s key (hpk_…) here.';
    case 404:
      return 'Holdpoint does not know this session (any more), or has no /mcp. Start the client again.';
    default:
      return `Holdpoint answered ${error.code ?? 'nothing'}.`;
  }
}

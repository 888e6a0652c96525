import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { Json } from '../contract/json.ts';
import { explainFields } from '../domain/files/explain-issue.ts';
import type { AgentPrincipal, Caller, DoorParts, ServiceContext } from '../api/index.ts';

/** What the gateway needs beside the service that HTTP uses too. */
export interface McpDeps {
  /** Signs session ids; the same in every api process. */
  readonly sessionSecret: string;
  /** Called when tools may have changed. Returns how to stop. */
  readonly onToolsChanged: (listener: () => void) => () => void;
  readonly version: string;
  /** How long a call is held, ms; default 50 s, since clients give up after 60. */
  readonly holdMs?: number;
  /** How often a held call looks again and reports progress, s; default 5. */
  readonly lookEverySeconds?: number;
}

/**
 * What a session id says. Nothing of a session is kept: the id is signed, so any api process can read it, and bound to
 * the agent, so that somebody else's is worth nothing. It is no credential; every request brings its key.
 */
export interface McpSession {
  /** Tells this session's requests from another's: JSON-RPC ids are unique within a session alone. */
  readonly nonce: string;
}

/** One request: who sent it, and what is known of the client. */
export interface McpRequest {
  readonly context: ServiceContext;
  readonly deps: McpDeps;
  readonly principal: AgentPrincipal;
  readonly caller: Caller;
  /** Undefined: the client keeps no session; a request that it sends again is another call. */
  readonly session: McpSession | undefined;
  /** What this process shares with its other doors. */
  readonly parts: DoorParts;
  /** The connection has ended, so no answer can be sent by it. */
  readonly isGone: () => boolean;
  /** Names the review of the answer in the log line of the request. */
  readonly note: (answer: { readonly reviewId: string; readonly outcome: string }) => void;
}

/** Extension in which the server may answer a call with a handle: `io.modelcontextprotocol/tasks` (SEP-2663). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Parameters of a request by their schema. Throws `InvalidParams` with the first field that does not fit. */
export function parseParams<T>(schema: z.ZodType<T>, params: unknown): T {
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  const [first] = explainFields(parsed.error, schema, params as Json);
  const place = first === undefined || first.pointer === '' ? 'the arguments' : first.pointer;
  throw new McpError(ErrorCode.InvalidParams, `${place}: ${first?.message ?? 'are not valid'}`);
}

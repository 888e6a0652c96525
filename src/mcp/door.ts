import type { AgentPrincipal, Caller, DoorParts, ServiceContext } from '../api/index.ts';
import type { McpSession } from './endpoints.ts';

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

/** One request: who sent it, and what is known of the client. */
export interface McpRequest {
  readonly context: ServiceContext;
  readonly deps: McpDeps;
  readonly principal: AgentPrincipal;
  readonly caller: Caller;
  /** Undefined: the client keeps no session; its requests cannot be told from repeated ones. */
  readonly session: McpSession | undefined;
  /** What this process shares with its other doors. */
  readonly parts: DoorParts;
}

/** Extension in which the server may answer a call with a handle: `io.modelcontextprotocol/tasks` (SEP-2663). */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * What a session id says. Nothing of a session is kept: the id is signed, so any api process can read it, and bound to
 * the agent, so that somebody else's is worth nothing. It is no credential; every request brings its key.
 */
export interface McpSession {
  /** Tells this session's requests from another's: JSON-RPC ids are unique within a session alone. */
  readonly nonce: string;
  /** The client declared the tasks extension when it introduced itself. */
  readonly tasks: boolean;
}

export function openSession(secret: string, agentId: string, tasks: boolean): string {
  const said = `${randomBytes(16).toString('base64url')}.${tasks ? 't' : 'n'}`;
  return `${said}.${sign(secret, agentId, said)}`;
}

/** Undefined: not signed here, or for another agent. */
export function readSession(secret: string, agentId: string, id: string): McpSession | undefined {
  const match = /^([A-Za-z0-9_-]{22})\.([tn])\.([A-Za-z0-9_-]{43})$/.exec(id);
  if (match === null) return undefined;
  const [, nonce = '', flag = '', mac = ''] = match;
  const expected = Buffer.from(sign(secret, agentId, `${nonce}.${flag}`));
  return timingSafeEqual(Buffer.from(mac), expected) ? { nonce, tasks: flag === 't' } : undefined;
}

function sign(secret: string, agentId: string, said: string): string {
  return createHmac('sha256', secret).update(`holdpoint-mcp-session\0${agentId}\0${said}`).digest('base64url');
}

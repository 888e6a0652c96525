import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * What a session id says. Nothing of a session is kept: the id is signed, so any api process can read it, and bound to
 * the agent, so that somebody else's is worth nothing. It is no credential; every request brings its key.
 */
export interface McpSession {
  /** Tells this session's requests from another's: JSON-RPC ids are unique within a session alone. */
  readonly nonce: string;
}

export function openSession(secret: string, agentId: string): string {
  const nonce = randomBytes(16).toString('base64url');
  return `${nonce}.${sign(secret, agentId, nonce)}`;
}

/** Undefined: not signed here, or for another agent. */
export function readSession(secret: string, agentId: string, id: string): McpSession | undefined {
  const match = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/.exec(id);
  if (match === null) return undefined;
  const [, nonce = '', mac = ''] = match;
  const expected = Buffer.from(sign(secret, agentId, nonce));
  return timingSafeEqual(Buffer.from(mac), expected) ? { nonce } : undefined;
}

function sign(secret: string, agentId: string, nonce: string): string {
  return createHmac('sha256', secret).update(`holdpoint-mcp-session\0${agentId}\0${nonce}`).digest('base64url');
}

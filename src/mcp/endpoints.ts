import { getOAuthProtectedResourceMetadataUrl } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { AgentPrincipal, Caller, DoorParts } from '../api/index.ts';
import { ProblemError } from '../api/index.ts';
import { endpoint, type Endpoint, type Reply } from '../api/http/endpoint.ts';
import { principalKey } from '../api/principal.ts';
import type { McpDeps, McpRequest } from './door.ts';
import { refuseForeignOrigin } from './origin.ts';
import { createMcpServer } from './server.ts';
import { openSession, readSession } from './session.ts';
import { upstreamEndpoints } from './upstreams.ts';

/** One JSON-RPC message. Several at once are no longer part of the protocol. */
const messageSchema = z.looseObject({ jsonrpc: z.literal('2.0') });
type Message = z.infer<typeof messageSchema>;

const SESSION_HEADER = 'mcp-session-id';
const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

/**
 * The MCP gateway over Streamable HTTP. No state is kept between requests, so it does not matter which api process
 * answers which of them.
 */
export function mcpEndpoints(deps: McpDeps, parts: DoorParts): Endpoint[] {
  return [
    ...upstreamEndpoints(deps.settings),
    endpoint<'agent', Message>({
      method: 'post',
      path: '/mcp',
      tag: 'MCP',
      summary: 'One JSON-RPC message of the Model Context Protocol',
      who: 'agent',
      role: 'propose',
      challenge,
      body: messageSchema,
      answers: {},
      problems: [],
      hidden: true,
      async handle({ principal, body, caller, req, res }) {
        const request = admit(deps, parts, principal, caller, req);
        if (body['method'] === 'initialize') {
          res.setHeader('Mcp-Session-Id', openSession(deps.sessionSecret, principal.id));
        }
        await converse(request, req, res, body);
        return undefined;
      },
    }),
    endpoint<'agent'>({
      method: 'get',
      path: '/mcp',
      tag: 'MCP',
      summary: 'Notifications: that the list of tools has changed',
      who: 'agent',
      role: 'propose',
      challenge,
      answers: {},
      problems: [],
      hidden: true,
      handle: ({ principal, caller, req, res }) => listen(admit(deps, parts, principal, caller, req), req, res),
    }),
    endpoint<'public'>({
      method: 'get',
      path: METADATA_PATH,
      tag: 'MCP',
      summary: 'OAuth 2.0 protected resource metadata (RFC 9728)',
      who: 'public',
      answers: {},
      problems: [],
      hidden: true,
      // No authorization server: keys are handed out by whoever runs Holdpoint.
      handle: ({ caller }) => ({
        status: 200,
        json: {
          resource: `${caller.baseUrl}/mcp`,
          resource_name: 'Holdpoint',
          bearer_methods_supported: ['header'],
        },
      }),
    }),
  ];
}

/** Where a client without a key learns whom it talks to (RFC 9728, section 5.1). */
function challenge(baseUrl: string): string {
  return `resource_metadata="${getOAuthProtectedResourceMetadataUrl(new URL(`${baseUrl}/mcp`))}"`;
}

/** What is checked before a message is looked at. Throws `forbidden`, and `not_found` for a session of somebody else. */
function admit(deps: McpDeps, parts: DoorParts, principal: AgentPrincipal, caller: Caller, req: Request): McpRequest {
  refuseForeignOrigin(req, deps.settings.current().publicUrl);
  const id = req.get(SESSION_HEADER);
  const session = id === undefined ? undefined : readSession(deps.sessionSecret, principal.id, id);
  // The client then begins another one.
  if (id !== undefined && session === undefined) throw new ProblemError('not_found');
  return { deps, principal, caller, session, parts };
}

async function converse(request: McpRequest, req: Request, res: Response, body?: Message): Promise<void> {
  const transport = new StreamableHTTPServerTransport({});
  const server = createMcpServer(request);
  const closed = new Promise<void>((resolve) => res.once('close', resolve));
  // Not closed when the process begins to shut down: what is held is then answered, as it stands.
  await server.connect(transport as Transport);
  await transport.handleRequest(req, res, body);
  await closed;
  await server.close();
}

async function listen(request: McpRequest, req: Request, res: Response): Promise<Reply> {
  if (req.method === 'HEAD') return { status: 200, headers: { 'Content-Type': 'text/event-stream' } };
  const { deps, principal, caller } = request;
  const { slots, isInForce } = request.parts;
  const release = slots.take(principalKey(principal));
  const transport = new StreamableHTTPServerTransport({});
  const server = createMcpServer(request);
  const closed = new Promise<void>((resolve) => res.once('close', resolve));
  const stop = (): void => void server.close();
  const unsubscribe = deps.onToolsChanged(() => {
    void Promise.resolve(isInForce(principal))
      .then((inForce) => (inForce ? server.sendToolListChanged() : server.close()))
      .catch((error: unknown) => deps.log.debug({ err: error }, 'an MCP stream could not be told'));
  });
  caller.signal.addEventListener('abort', stop, { once: true });
  try {
    await server.connect(transport as Transport);
    await transport.handleRequest(req, res);
    await closed;
    return undefined;
  } finally {
    unsubscribe();
    release();
    await server.close();
  }
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { getOAuthProtectedResourceMetadataUrl } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { endpoint, type Endpoint, type Reply } from '../api/http/endpoint.ts';
import { noteOf } from '../api/http/logging.ts';
import { type AgentPrincipal, type Caller, type DoorParts, ProblemError } from '../api/index.ts';
import { principalKey } from '../api/principal.ts';
import { upstreamListSchema, type UpstreamList } from '../contract/api.ts';
import type { InForce, SettingsSource } from '../domain/policy/settings.ts';
import { acceptKey, changedPartsOf, stateOfUpstream, trustedDigest } from '../domain/policy/upstreams.ts';
import { LEFT_OUT, nameTools } from './catalog.ts';
import type { McpDeps, McpRequest, McpSession } from './request.ts';
import { createMcpServer } from './server.ts';

/** One JSON-RPC message. Several at once are no longer part of the protocol. */
const messageSchema = z.looseObject({ jsonrpc: z.literal('2.0') });
type Message = z.infer<typeof messageSchema>;

const SESSION_HEADER = 'mcp-session-id';
const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

/**
 * The MCP gateway over Streamable HTTP. A process keeps no state between requests, so it does not matter which api
 * process answers which of them.
 */
export function mcpEndpoints(deps: McpDeps, parts: DoorParts): Endpoint[] {
  return [...upstreamEndpoints(parts.context.settings), ...['', '/'].flatMap((end) => doorAt(deps, parts, end))];
}

/** Clients, and proxies before them, are configured with a slash at the end as often as without. */
function doorAt(deps: McpDeps, parts: DoorParts, end: string): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: `/mcp${end}`,
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
        const request = admit(deps, parts, principal, caller, req, res);
        if (body['method'] === 'initialize') {
          res.setHeader('Mcp-Session-Id', openSession(deps.sessionSecret, principal.id));
        }
        await converse(request, req, res, body);
        return undefined;
      },
    }),
    endpoint({
      method: 'get',
      path: `/mcp${end}`,
      tag: 'MCP',
      summary: 'Notifications: that the list of tools has changed',
      who: 'agent',
      role: 'propose',
      challenge,
      answers: {},
      problems: [],
      hidden: true,
      handle: ({ principal, caller, req, res }) => listen(admit(deps, parts, principal, caller, req, res), req, res),
    }),
    endpoint({
      method: 'get',
      path: `${METADATA_PATH}${end}`,
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

/** What is checked before a message is looked at. Throws `forbidden`, and `not_found` for a session of another agent. */
function admit(
  deps: McpDeps,
  parts: DoorParts,
  principal: AgentPrincipal,
  caller: Caller,
  req: Request,
  res: Response,
): McpRequest {
  const { context } = parts;
  refuseForeignOrigin(req, context.settings.current().publicUrl);
  const id = req.get(SESSION_HEADER);
  const session = id === undefined ? undefined : readSession(deps.sessionSecret, principal.id, id);
  // The client then begins another one.
  if (id !== undefined && session === undefined) throw new ProblemError('not_found');
  return {
    context,
    deps,
    principal,
    caller,
    session,
    parts,
    isGone: () => res.closed,
    note: (answer) => noteOf(res, answer),
  };
}

async function converse(request: McpRequest, req: Request, res: Response, body?: Message): Promise<void> {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: negotiate(req) === 'json' });
  const server = createMcpServer(request);
  const closed = new Promise<void>((resolve) => res.once('close', resolve));
  // Not closed when the process begins to shut down: what is held is then answered, as it stands.
  await server.connect(transport as Transport);
  await transport.handleRequest(req, res, body);
  await closed;
  await server.close();
}

const [JSON_TYPE, STREAM_TYPE] = ['application/json', 'text/event-stream'] as const;

/**
 * The form of the answer. The specification wants clients to accept both, and many accept JSON alone, or anything: they get
 * JSON, without progress. A stream goes to those that name it. The SDK refuses whatever does not name both, so what was
 * agreed on is told to it as both.
 */
function negotiate(req: Request): 'json' | 'stream' | 'neither' {
  const names = (req.get('accept') ?? '').toLowerCase();
  const takesJson = req.accepts(JSON_TYPE) !== false;
  const takesStream = req.accepts(STREAM_TYPE) !== false && (names.includes(STREAM_TYPE) || !takesJson);
  if (!takesJson && !takesStream) return 'neither';
  setAccept(req, `${JSON_TYPE}, ${STREAM_TYPE}`);
  return takesStream ? 'stream' : 'json';
}

/** The SDK's transport reads the headers as they came. */
function setAccept(req: Request, value: string): void {
  req.headers.accept = value;
  const { rawHeaders } = req;
  const kept = rawHeaders.filter((_text, at) => rawHeaders[at - (at % 2)]?.toLowerCase() !== 'accept');
  rawHeaders.splice(0, rawHeaders.length, ...kept, 'Accept', value);
}

async function listen(request: McpRequest, req: Request, res: Response): Promise<Reply> {
  if (req.method === 'HEAD') return { status: 200, headers: { 'Content-Type': 'text/event-stream' } };
  const { context, deps, principal, caller } = request;
  const { slots, isInForce } = request.parts;
  const release = slots.take(principalKey(principal));
  const transport = new StreamableHTTPServerTransport({});
  const server = createMcpServer(request);
  const closed = new Promise<void>((resolve) => res.once('close', resolve));
  const stop = (): void => void server.close();
  const unsubscribe = deps.onToolsChanged(() => {
    void Promise.resolve(isInForce(principal))
      .then((inForce) => (inForce ? server.sendToolListChanged() : server.close()))
      .catch((error: unknown) => context.log.debug({ err: error }, 'an MCP stream could not be notified'));
  });
  caller.signal.addEventListener('abort', stop, { once: true });
  try {
    await server.connect(transport as Transport);
    if (req.accepts(STREAM_TYPE) !== false) setAccept(req, STREAM_TYPE);
    await transport.handleRequest(req, res);
    await closed;
    return undefined;
  } finally {
    unsubscribe();
    release();
    await server.close();
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Refuses requests that a web page sent. A page may make a browser reach loopback under a name of its own (DNS
 * rebinding): so on loopback `Host` must be a loopback name or the public one, and an `Origin`, where there is one, must
 * be ours. Throws `forbidden`.
 */
export function refuseForeignOrigin(req: Request, publicUrl: string | null): void {
  const publicHost = publicUrl === null ? null : new URL(publicUrl).host;
  const host = (req.get('host') ?? '').toLowerCase();
  const isLocal = LOOPBACK.has(host.replace(/:[0-9]{1,5}$/, ''));
  const cameByLoopback = /^(::ffff:)?127\.|^::1$/.test(req.socket.localAddress ?? '');
  if (cameByLoopback && !isLocal && host !== publicHost) throw new ProblemError('forbidden');
  const origin = req.get('origin');
  if (origin === undefined) return;
  const isOurs = URL.canParse(origin) && [host, publicHost].includes(new URL(origin).host);
  if (!isOurs || (!isLocal && publicUrl !== null && new URL(origin).origin !== new URL(publicUrl).origin)) {
    throw new ProblemError('forbidden');
  }
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

/** What upstreams say of their tools, for the people who answer for the policy. */
export function upstreamEndpoints(settings: SettingsSource): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/mcp/upstreams',
      tag: 'Policy',
      summary: 'Tools of upstream MCP servers, and whether they changed',
      description: 'A changed tool holds every call of its server until the policy file accepts its digest.',
      who: 'reviewer',
      answers: { 200: { description: 'Every tool ever listed', schema: upstreamListSchema } },
      problems: [],
      handle: () => ({ status: 200, json: listUpstreams(settings.current()) }),
    }),
  ];
}

function listUpstreams(settings: InForce): UpstreamList {
  const configured = [...(settings.upstreams?.tools ?? [])].filter(([server]) =>
    Object.hasOwn(settings.connectors, server),
  );
  const tools = configured.flatMap(([, listed]) => [...listed.values()]);
  const { leftOut } = nameTools(settings);
  const reasons = new Map(leftOut.map(({ tool, reason }) => [tool, LEFT_OUT[reason]]));
  return {
    tools: tools.map((tool) => ({
      key: acceptKey(tool),
      server: tool.server,
      tool: tool.tool,
      state: stateOfUpstream(settings, tool),
      digest: tool.digest,
      first: tool.first,
      accept: trustedDigest(settings, tool),
      changed: stateOfUpstream(settings, tool) === 'changed' ? [...changedPartsOf(settings, tool)] : [],
      notOffered: reasons.get(acceptKey(tool)) ?? null,
      description: tool.definition?.description ?? null,
      inputSchema: tool.definition?.inputSchema ?? null,
    })),
  };
}

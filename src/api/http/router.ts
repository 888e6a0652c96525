import { Router, type Request, type RequestHandler, type Response } from 'express';
import { authenticate, explainNoCredential } from './auth.ts';
import { baseUrlOf } from './addresses.ts';
import { parseBody, readBody, validateBody, validateQuery } from './body.ts';
import { bodyLimitOf, expressPath, isCountedByAddress, type Endpoint, type Reply } from './endpoint.ts';
import { noteOf } from './logging.ts';
import type { Impatience, RateLimiter } from './rate-limit.ts';
import type { Sessions } from './session.ts';
import { principalKey, type Principal } from '../principal.ts';
import { pauseIfLong, type Lane } from '../service/scan.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { limitWords, ProblemError } from '../problem.ts';
import type { Caller } from '../service/types.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { LONG_CALL } from '../../contract/constants.ts';

/** Bytes of a body that come with a request; as many more count as another one. */
const BODY_OF_ONE = 32 * 1024;

interface RouterDeps {
  readonly settings: SettingsSource;
  readonly sessions: Sessions;
  readonly limiter: RateLimiter;
  readonly held: HeldRequests;
  /** Turns of requests with long bodies. */
  readonly longBodies: Lane;
  /** Signing keys that this process holds; a route of another role does not exist here. */
  readonly roles: { readonly propose: boolean; readonly review: boolean };
}

/** The router of a list of endpoints. Methods that a path does not have get 405 with those it has. */
export function createRouter(endpoints: readonly Endpoint[], deps: RouterDeps): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const served = endpoints.filter(({ role }) => role === undefined || deps.roles[role]);
  for (const [path, group] of byPath(served)) {
    const route = router.route(expressPath(path));
    for (const definition of group) route[definition.method](...handlersOf(definition, deps));
    const allow = group.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
    route.all((_req, _res, next) => next(new ProblemError('method_not_allowed', { allow })));
  }
  return router;
}

const WRONG_KIND = {
  agent: 'This is for reviewers: an agent’s key (hpk_…) proposes and reads its own calls.',
  reviewer: 'This is for agents: a reviewer’s token (hpr_…) or session cannot propose.',
} as const;

/** The checks of one endpoint in the documented order: 401, 429, 403, 413 and 415, 400; then the handler. */
function handlersOf(definition: Endpoint, deps: RouterDeps): RequestHandler[] {
  const identify: RequestHandler = async (req, res, next) => {
    res.locals['route'] = definition.path;
    noteOf(res, req.params);
    const principal = await identified(definition, req, res, deps);
    res.locals['principal'] = principal;
    if (principal !== undefined) await deps.limiter.charge(principal, 1);
    if (principal !== undefined && definition.who !== 'principal' && principal.kind !== definition.who) {
      throw new ProblemError('forbidden', { detail: WRONG_KIND[principal.kind] });
    }
    next();
  };
  const handle: RequestHandler = async (req, res) => {
    const principal = res.locals['principal'] as Principal | undefined;
    const size = Buffer.isBuffer(req.body) ? req.body.length : 0;
    // Before it is parsed: what a body costs, here and in a workflow's history, grows with it.
    if (principal !== undefined) await deps.limiter.charge(principal, Math.floor(size / BODY_OF_ONE));
    const endTurn = size > LONG_CALL.bytes ? await takeTurn(deps.longBodies, principal) : () => undefined;
    try {
      const parsed = definition.body && parseBody(req.body);
      requireLength(definition, size, parsed);
      const body =
        definition.body && validateBody(definition.body, parsed ?? (definition.bodyOptional ? {} : undefined));
      const query = definition.query && validateQuery(definition.query, req.query);
      const cost = definition.cost?.(body) ?? 1;
      if (principal !== undefined && cost > 1) await deps.limiter.charge(principal, cost - 1);
      const caller: Caller = { baseUrl: baseUrlOf(req, deps.settings), signal: deps.held.signalFor(res), endTurn };
      // The types were checked where the endpoint was defined.
      const scan = principal && ((then: Impatience) => deps.limiter.scan(principal, caller.signal, then));
      await pauseIfLong(size);
      send(res, await definition.handle({ principal, body, query, caller, scan, req, res }));
    } finally {
      endTurn();
    }
  };
  return definition.body === undefined ? [identify, handle] : [identify, ...readBody(bodyLimitOf(definition)), handle];
}

/** Longest turn of a long body, ms: whatever takes longer waits, for people or for another process. */
const LONGEST_TURN = 500;

/** Long bodies are worked on one at a time, each sender's in turn: together they would hold the process for everybody. */
async function takeTurn(longBodies: Lane, principal: Principal | undefined): Promise<() => void> {
  const end = await longBodies.take(principal === undefined ? '' : principalKey(principal));
  const timer = setTimeout(end, LONGEST_TURN);
  return () => {
    clearTimeout(timer);
    end();
  };
}

async function identified(
  definition: Endpoint,
  req: Request,
  res: Response,
  deps: RouterDeps,
): Promise<Principal | undefined> {
  if (definition.who === 'public') {
    if (isCountedByAddress(definition)) {
      await deps.limiter.chargeAddress(req, definition.isCharged === 'as-page');
    }
    return undefined;
  }
  const principal = await authenticate(req, res, deps);
  if (principal === undefined) {
    await deps.limiter.chargeAddress(req);
    const { challenge } = definition;
    if (challenge !== undefined) res.locals['challenge'] = challenge(baseUrlOf(req, deps.settings));
    throw new ProblemError('unauthenticated', { detail: explainNoCredential(req) });
  }
  return principal;
}

/** What may be longer than `maxBody` is known only once it is parsed. Throws `payload_too_large`. */
function requireLength({ maxBody, mayExceed }: Endpoint, size: number, parsed: unknown): void {
  if (maxBody === undefined || mayExceed === undefined || mayExceed(parsed)) return;
  if (size > maxBody) throw new ProblemError('payload_too_large', limitWords(maxBody));
}

function send(res: Response, reply: Reply): void {
  if (reply === undefined || res.headersSent) return;
  res.status(reply.status);
  if ('json' in reply && typeof reply.json === 'object') noteOf(res, reply.json ?? {});
  if ('text' in reply) {
    res.setHeader('Content-Type', reply.contentType);
    res.send(reply.text);
    return;
  }
  for (const [name, value] of Object.entries(reply.headers ?? {})) res.setHeader(name, value);
  if (reply.json === undefined) res.end();
  else res.type('json').send(writeJson(reply.json));
}

function byPath(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const groups = new Map<string, Endpoint[]>();
  for (const definition of endpoints) groups.set(definition.path, [...(groups.get(definition.path) ?? []), definition]);
  return groups;
}

/** Gives every request a signal that is aborted when its caller is gone or the process shuts down. */
export class HeldRequests {
  readonly #open = new Set<AbortController>();
  readonly #shutdown: AbortSignal;

  constructor(shutdown: AbortSignal) {
    this.#shutdown = shutdown;
    shutdown.addEventListener('abort', () => {
      for (const controller of this.#open) controller.abort();
    });
  }

  signalFor(res: Response): AbortSignal {
    // A caller that is gone already closes nothing more.
    if (res.closed) return AbortSignal.abort();
    const controller = new AbortController();
    if (this.#shutdown.aborted) controller.abort();
    this.#open.add(controller);
    res.once('close', () => {
      this.#open.delete(controller);
      controller.abort();
    });
    return controller.signal;
  }
}

import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import { Registry } from 'prom-client';
import type { ServiceContext } from './service/context.ts';
import { cleanForwardedFor } from './http/addresses.ts';
import type { Endpoint } from './http/endpoint.ts';
import { errorMiddleware } from './http/errors.ts';
import { logRequests } from './http/logging.ts';
import { createMetrics, type ApiMetrics } from './http/metrics.ts';
import { createRateLimiter } from './http/rate-limit.ts';
import { authenticate } from './http/auth.ts';
import type { Readiness } from './http/readiness.ts';
import { HeldRequests, createRouter } from './http/router.ts';
import { createSessions, type Sessions } from './http/session.ts';
import { createSignInFlows, oidcEndpoints } from './routes/oidc.ts';
import type { SignInLinks } from './http/sign-in-links.ts';
import { traceRequests } from './http/tracing.ts';
import { StreamSlots } from './http/sse.ts';
import { buildOpenApi } from './openapi.ts';
import { dashboardAssets, type DashboardPage, pageEndpoints } from './routes/pages.ts';
import type { Principal } from './principal.ts';
import { ProblemError } from './problem.ts';
import { auditEndpoints } from './routes/audit.ts';
import { decisionEndpoints } from './routes/decisions.ts';
import { deliveryEndpoints } from './routes/deliveries.ts';
import { drillEndpoints } from './routes/drills.ts';
import { freezeEndpoints } from './routes/freezes.ts';
import { eventEndpoints } from './routes/events.ts';
import { executeEndpoints } from './routes/execute.ts';
import { operationEndpoints } from './routes/health.ts';
import { mailDecisionEndpoints, mailProblemPage } from './routes/mail-decision.ts';
import { policyEndpoints, toolEndpoints } from './routes/policy.ts';
import { reviewEndpoints } from './routes/reviews.ts';
import { sessionEndpoints } from './routes/session.ts';
import { slackEndpoints, type AnswerSlack } from './routes/slack.ts';
import { Lane } from './service/scan.ts';
import { createIdentityProvider, type IdentityProvider } from './sign-in/identity-provider.ts';
import type { PolicyInForce } from '../contract/api.ts';
import { findAgent, findReviewer } from '../domain/policy/settings.ts';

export interface AppDeps extends ServiceContext {
  readonly signIn: SignInLinks;
  /** Encrypts session cookies: at least 32 characters, the same in every api process. Asked at each use. */
  readonly sessionSecret: () => string;
  /** The policy file in force, for people to read. */
  readonly policyInForce: () => PolicyInForce;
  /** Value of an `env:` or `file:` reference, or throws; asked by the reviewers' side alone, for `oidc.clientSecret` and `slack.signingSecret`. */
  readonly resolveReference: (reference: string) => string;
  /** Sends what came of a press in Slack; absent: Slack's buttons have no door here. */
  readonly answerSlack?: AnswerSlack;
  /** Aborted once when the process begins to shut down: held answers are given, streams end. See `startServer`. */
  readonly shutdown: AbortSignal;
  readonly version: string;
  /** The reviewers' page; absent: a plain page says that there is none. */
  readonly page?: DashboardPage | undefined;
  /** For more metrics on `/metrics`, e.g. prom-client's default ones. */
  readonly registry?: Registry;
  readonly readiness: Readiness;
  /** Express `trust proxy`; default false: addresses come from the socket, forwarded headers are ignored. */
  readonly trustProxy?: boolean | number | string;
  /** Other doors to the same service (MCP), mounted beside the routes here. */
  readonly doors?: (parts: DoorParts) => Endpoint[];
  readonly limits?: {
    /** Requests without a valid credential, per address and minute; default 120. */
    readonly anonymousPerMinute?: number;
    /** Event streams, exports and searches per principal (default 20) and in this process (default 1,000). */
    readonly streamsPerPrincipal?: number;
    readonly streams?: number;
  };
}

/** What a door shares with the routes here. */
export interface DoorParts {
  readonly context: ServiceContext;
  readonly slots: StreamSlots;
  /** Whether the principal's credential still holds; a stream outlives the request that opened it. */
  readonly isInForce: (principal: Principal) => Promise<boolean>;
}

/** The Express app. Never listens; needs nothing but its dependencies. */
export function createApp(deps: AppDeps): Express {
  const slots = new StreamSlots(deps.limits?.streamsPerPrincipal ?? 20, deps.limits?.streams ?? 1_000);
  const metrics = createMetrics(deps.registry ?? new Registry(), slots);
  const limiter = createRateLimiter(deps.settings, deps.limits?.anonymousPerMinute ?? 120);
  deps.shutdown.addEventListener('abort', () => limiter.close());
  const { settings, store, clock, sessionSecret } = deps;
  const sessions = createSessions({ secret: sessionSecret, settings, store: store.sessions, clock });
  const provider = deps.reviewSigner && createIdentityProvider(settings, deps.resolveReference);
  if (provider !== undefined) {
    deps.readiness.add('identityProvider', 'identity_provider_unavailable', async () => {
      if (settings.current().oidc !== undefined) await provider.find();
      return undefined;
    });
  }
  const roles = { propose: deps.proposeSigner !== undefined, review: deps.reviewSigner !== undefined };
  const endpoints = allEndpoints(deps, { metrics, sessions, slots, provider });
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', deps.trustProxy ?? false);
  app.set('case sensitive routing', true);
  app.use(traceRequests(), cleanForwardedFor, logRequests(deps.log, metrics), ...securityHeaders());
  app.use(dashboardAssets(deps.page));
  const held = new HeldRequests(deps.shutdown);
  app.use(createRouter(endpoints, { settings, sessions, limiter, held, longBodies: new Lane(), roles }));
  app.use((_req, _res, next) => next(new ProblemError('not_found')));
  app.use(errorMiddleware(deps.log, (code) => metrics.refusals.inc({ code }), mailProblemPage));
  return app;
}

interface Parts {
  readonly metrics: ApiMetrics;
  readonly sessions: Sessions;
  readonly slots: StreamSlots;
  /** Absent: this process does not sign people in. */
  readonly provider: IdentityProvider | undefined;
}

/** Every route there is, one file per resource. */
function allEndpoints(deps: AppDeps, { metrics, sessions, slots, provider }: Parts): Endpoint[] {
  const { settings, log } = deps;
  const isInForce = (principal: Principal): Promise<boolean> => stillInForce(deps, sessions, principal);
  // A session is read from the database, which may be what is down.
  const isSignedIn = async (req: Request, res: Response): Promise<boolean> =>
    (await authenticate(req, res, { settings, sessions }).catch(() => undefined)) !== undefined;
  const endpoints: Endpoint[] = [
    ...executeEndpoints(deps, metrics),
    ...reviewEndpoints(deps),
    ...eventEndpoints({ ...deps, slots, isInForce }),
    ...decisionEndpoints(deps, metrics),
    ...auditEndpoints(deps, slots),
    ...deliveryEndpoints(deps),
    ...drillEndpoints(deps),
    ...freezeEndpoints(deps),
    ...policyEndpoints(deps, deps.policyInForce),
    ...toolEndpoints(settings),
    ...sessionEndpoints({ settings, sessions, signIn: deps.signIn }),
    ...(provider === undefined
      ? []
      : oidcEndpoints({ settings, sessions, provider, flows: createSignInFlows(deps.sessionSecret, settings), log })),
    ...operationEndpoints(deps.readiness, metrics, isSignedIn, () => document),
    ...mailDecisionEndpoints({ ...deps, sessions, metrics }),
    ...(deps.answerSlack === undefined
      ? []
      : slackEndpoints({ ...deps, metrics, answer: deps.answerSlack, signingSecret: () => signingSecretOf(deps) })),
    ...pageEndpoints(deps.page),
    ...(deps.doors?.({ context: deps, slots, isInForce }) ?? []),
  ];
  const document = buildOpenApi(endpoints, deps.version);
  return endpoints;
}

/** Undefined where Slack is not configured, or its secret cannot be read now. */
function signingSecretOf({ settings, resolveReference }: AppDeps): string | undefined {
  const reference = settings.current().notifications?.slack?.signingSecret;
  if (reference === undefined) return undefined;
  try {
    return resolveReference(reference);
  } catch {
    return undefined;
  }
}

/** The same credential as when the stream was opened, still in the configuration; the same session, still open. */
async function stillInForce({ settings }: AppDeps, sessions: Sessions, principal: Principal): Promise<boolean> {
  const current = settings.current();
  if (principal.kind === 'agent') return findAgent(current, principal.id)?.keySha256 === principal.agent.keySha256;
  if (principal.session !== undefined) return sessions.isOpen(principal.session);
  return findReviewer(current, principal.id)?.tokenSha256 === principal.reviewer.tokenSha256;
}

/**
 * Headers for every answer. Scripts and styles come from this origin only, never inline; nothing may frame a page on
 * which somebody can say yes. There is no CORS: other origins cannot read anything.
 */
function securityHeaders(): RequestHandler[] {
  return [
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'"],
          connectSrc: ["'self'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
          baseUri: ["'none'"],
        },
      },
      crossOriginResourcePolicy: { policy: 'same-origin' },
      referrerPolicy: { policy: 'no-referrer' },
      xFrameOptions: { action: 'deny' },
    }),
    (_req, res, next) => {
      res.setHeader('Cache-Control', 'no-store');
      next();
    },
  ];
}

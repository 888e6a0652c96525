/**
 * The HTTP api. To run it:
 *
 * 1. `createGateClient(client)` over a Temporal `Client` with the deployment's payload converter;
 * 2. `createService(deps)`: what HTTP and other doors (MCP) act with; `await startService(service)`;
 * 3. `createApp({ ...service, signIn, sessionSecret, shutdown: controller.signal, version })`;
 * 4. `startServer(app, { port, host, shutdown: controller })`;
 * 5. at the end `await server.close()`, then `await service.hub.stop()`, then the workers, the database, Temporal.
 *
 * A process without `proposeSigner` or without `reviewSigner` does not have the routes of that role.
 */
export { createApp, type AppDeps, type DoorParts } from './app.ts';
export {
  createService,
  startService,
  type SealArguments,
  type ServiceContext,
  type ServiceDeps,
} from './service/context.ts';
export { createGateClient, type GateClient } from './gate-client.ts';
export { createLocalHandOff, createRemoteHandOff, type HandOff } from './hand-off.ts';
export { atMostEvery, createReadiness, type Check, type Readiness } from './http/readiness.ts';
export { HOLDPOINT_REVIEW_ID } from './http/tracing.ts';
export { createSignInLinks, issueSignInToken, type SignInLinks } from './http/sign-in-links.ts';
export { type AgentPrincipal, type Principal, type ReviewerPrincipal } from './principal.ts';
export { ProblemError } from './problem.ts';
export { type AnswerSlack } from './routes/slack.ts';
export { createSealer } from './service/sealing.ts';
export { startServer, type RunningServer, type ServerOptions } from './server.ts';
export { type Caller } from './service/types.ts';
export { loadDashboard, type DashboardPage } from './routes/pages.ts';

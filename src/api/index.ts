/**
 * The HTTP api. To run it:
 *
 * 1. `createGateClient(client)` over a Temporal `Client` with the deployment's payload converter;
 * 2. `createGateService(deps)`: the transport-free service, for HTTP and for other doors (MCP); `await service.start()`;
 * 3. `createApp({ ...deps, service, signIn, sessionSecret, shutdown: controller.signal, version })`;
 * 4. `startServer(app, { port, host, shutdown: controller })`;
 * 5. at the end `await server.close()`, then `await service.close()`, then the workers, the database, Temporal.
 *
 * A process without `proposeSigner` or without `reviewSigner` does not have the routes of that role.
 */
export { createApp, type AppDeps, type DoorParts } from './app.ts';
export { type SealArguments, type ServiceDeps } from './service/context.ts';
export { createGateClient, type GateClient } from './gate-client.ts';
export { createSignInLinks, issueSignInToken, type SignInLinks } from './http/sign-in-links.ts';
export { type AgentPrincipal, type Principal, type ReviewerPrincipal } from './principal.ts';
export { ProblemError } from './problem.ts';
export { type AnswerSlack } from './routes/slack.ts';
export { createSealer } from './service/sealing.ts';
export { startServer, type RunningServer, type ServerOptions } from './server.ts';
export { createGateService } from './service.ts';
export { type Caller, type GateService } from './service/types.ts';
export { loadDashboard, type DashboardPage } from './routes/pages.ts';

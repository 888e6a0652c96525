import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { BODY_LIMITS } from '../../src/contract/constants.ts';
import { WORST } from './bodies.ts';
import type { Attacker, HostileWorld } from './world.ts';

/** One hostile caller, until it is stopped. Resolves with the number of answers by status. */
export interface Attack {
  readonly name: string;
  run(world: HostileWorld, by: Attacker, stop: AbortSignal): Promise<ReadonlyMap<number, number>>;
}

/** Requests a second of one attack: what the usual limit of 600 a minute lets one credential send, minute after minute. */
const PER_SECOND = 10;
const STREAMS = 19;

const connections = new Agent({ connections: 64, pipelining: 1 });
export const closeAttackers = (): Promise<void> => connections.close();

interface Sent {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
type Credential = 'agent' | 'reviewer' | 'none';

async function send(
  world: HostileWorld,
  by: Attacker,
  as: Credential,
  sent: Sent,
  signal?: AbortSignal,
): Promise<number> {
  const { method = sent.body === undefined ? 'GET' : 'POST', path, body, headers } = sent;
  const key = as === 'agent' ? by.agentKey : as === 'reviewer' ? by.reviewerToken : undefined;
  const { statusCode, body: answer } = await request(`${world.url}${path}`, {
    method,
    dispatcher: connections,
    ...(signal === undefined ? {} : { signal }),
    headers: {
      // As many callers as there are addresses.
      'x-forwarded-for': Array.from({ length: 4 }, () => Math.floor(Math.random() * 256)).join('.'),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  await answer.dump({ limit: 1e9, ...(signal === undefined ? {} : { signal }) });
  return statusCode;
}

/** The same kinds of request again and again, at a steady rate whatever the answers take. */
function repeated(name: string, as: Credential, kinds: (world: HostileWorld) => readonly Sent[]): Attack {
  return {
    name,
    async run(world, by, stop) {
      const answers = new Map<number, number>();
      const all = kinds(world);
      const open: Promise<void>[] = [];
      for (let n = 0; !stop.aborted; n += 1) {
        const one = send(world, by, as, all[n % all.length] as Sent, stop).catch(() => (stop.aborted ? -1 : 0));
        open.push(one.then((status) => void answers.set(status, (answers.get(status) ?? 0) + 1)));
        await sleep(1_000 / PER_SECOND, undefined, { signal: stop }).catch(() => undefined);
      }
      await Promise.all(open);
      answers.delete(-1);
      return answers;
    },
  };
}

/** `STREAMS` at once, each opened again when it ends. */
function streaming(name: string, as: Credential, sent: Sent): Attack {
  return {
    name,
    async run(world, by, stop) {
      const answers = new Map<number, number>();
      const one = async (): Promise<void> => {
        while (!stop.aborted) {
          // A stream that is cut after a second has sent what it had, and asks for all of it again.
          const cut = AbortSignal.any([stop, AbortSignal.timeout(1_000)]);
          const status = await send(world, by, as, sent, cut).catch(() => (cut.aborted ? 200 : 0));
          answers.set(status, (answers.get(status) ?? 0) + 1);
          if (status !== 200) await sleep(100);
        }
      };
      await Promise.all(Array.from({ length: STREAMS }, one));
      return answers;
    },
  };
}

/** Every kind of worst body, up to the limit of its route, wrapped by `wrap`. */
function worst(path: string, bytes: number, wrap: (args: string) => string = (args) => args): readonly Sent[] {
  const room = bytes - wrap('').length;
  return Object.values(WORST).map((make) => ({ path, body: wrap(make(room)) }));
}

const callOf = (tool: string) => (args: string) => `{"service":"payouts","tool":"${tool}","arguments":${args}}`;
const batchOf = (args: string) => `{"calls":[${callOf('payouts.get')(args)}]}`;
const mcpOf = (args: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"payouts.get","arguments":${args}}}`;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const WORDS = Array.from({ length: 16 }, (_, n) => `nosuchword${n}`).join('%20');

export const ATTACKS: readonly Attack[] = [
  // Without a credential.
  repeated('POST /v1/session', 'none', () => worst('/v1/session', BODY_LIMITS.signIn, (x) => `{"token":${x}}`)),
  repeated('POST /v1/session, too long', 'none', () => worst('/v1/session', 250_000, (x) => `{"token":${x}}`)),
  repeated('POST /v1/execute, no key', 'none', () => worst('/v1/execute', BODY_LIMITS.call, callOf('payouts.get'))),
  repeated('POST /v1/slack/interactions', 'none', () =>
    worst('/v1/slack/interactions', BODY_LIMITS.slack).map((sent) => ({
      ...sent,
      headers: {
        'x-slack-signature': `v0=${'0'.repeat(64)}`,
        'x-slack-request-timestamp': String(Math.floor(Date.now() / 1_000)),
      },
    })),
  ),
  repeated('POST /mail/…', 'none', () => [
    {
      path: '/mail/x',
      body: 'a=%F0'.repeat(12_000),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
  ]),
  repeated('GET /readyz, /metrics, /openapi.json', 'none', () =>
    ['/readyz', '/metrics', '/openapi.json'].map((path) => ({ path })),
  ),
  repeated('unknown bearer token', 'none', () => [
    { path: '/v1/reviews', headers: { authorization: `Bearer hpk_${'x'.repeat(500)}` } },
  ]),
  // An agent.
  repeated('POST /v1/execute', 'agent', () => worst('/v1/execute', BODY_LIMITS.call, callOf('payouts.get'))),
  repeated('POST /v1/execute/batch', 'agent', () => worst('/v1/execute/batch', BODY_LIMITS.call, batchOf)),
  repeated('POST /v1/policy/explain', 'agent', () =>
    worst('/v1/policy/explain', BODY_LIMITS.call, callOf('payouts.create')),
  ),
  repeated('POST /v1/reviews/…/revision', 'agent', ({ anyReview }) =>
    worst(`/v1/reviews/${anyReview}/revision`, BODY_LIMITS.call, (x) => `{"arguments":${x}}`),
  ),
  repeated('POST /v1/reviews/…/withdraw', 'agent', ({ anyReview }) =>
    worst(`/v1/reviews/${anyReview}/withdraw`, BODY_LIMITS.empty),
  ),
  repeated('POST /mcp', 'agent', () =>
    worst('/mcp', BODY_LIMITS.call, mcpOf).map((sent) => ({
      ...sent,
      headers: { accept: 'application/json, text/event-stream' },
    })),
  ),
  repeated('GET /v1/reviews, filters that nothing fits', 'agent', () => [
    { path: '/v1/reviews?service=nosuch&limit=200' },
    { path: '/v1/reviews?service=nosuch&tool=github.repos.delete&limit=200' },
  ]),
  streaming('GET /v1/events from 0, 19 streams', 'agent', { path: '/v1/events', headers: { 'last-event-id': '0' } }),
  // A reviewer.
  repeated('POST /v1/reviews/…/decision', 'reviewer', ({ anyReview }) =>
    worst(
      `/v1/reviews/${anyReview}/decision`,
      BODY_LIMITS.call,
      (x) => `{"type":"edit","digest":"${DIGEST}","arguments":${x}}`,
    ),
  ),
  repeated('POST /v1/decisions', 'reviewer', ({ anyReview }) =>
    worst(
      '/v1/decisions',
      BODY_LIMITS.call,
      (x) => `{"decisions":[{"reviewId":"${anyReview}","type":"edit","digest":"${DIGEST}","arguments":${x}}]}`,
    ),
  ),
  repeated('GET /v1/audit/entries, words that nothing has', 'reviewer', () => [
    { path: `/v1/audit/entries?q=${WORDS}&limit=1000` },
  ]),
  repeated('GET /v1/reviews, filters that nothing fits, all', 'reviewer', () => [
    { path: '/v1/reviews?service=nosuch&limit=200' },
    { path: '/v1/reviews?approver=me&service=nosuch&limit=200' },
  ]),
  streaming('GET /v1/events from 0, 19 of a reviewer', 'reviewer', {
    path: '/v1/events',
    headers: { 'last-event-id': '0' },
  }),
  streaming('GET /v1/audit/export, 19 at once', 'reviewer', { path: `/v1/audit/export?format=csv&q=${WORDS}` }),
];

import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import {
  createApp,
  createReadiness,
  createService,
  createSignInLinks,
  startServer,
  startService,
  type AppDeps,
  type HandOff,
} from '../../../src/api/index.ts';
import type { SealArguments, Signer } from '../../../src/api/service/context.ts';
import type { JsonObject } from '../../../src/contract/json.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { Settings } from '../../../src/domain/policy/settings.ts';
import { replaceAt, valueAt } from '../../../src/domain/seal-binding.ts';
import { FakeGate } from '../../support/fake-gate.ts';
import { makeFixture, type GateFixture, REVIEWERS, sealForTest, TOOLS } from '../../support/gate-fixture.ts';
import type { SmallPolicy } from '../../support/small-policy.ts';

const keyOf = (name: string): string => `hpk_${Buffer.from(name).toString('base64url')}`;
const tokenOf = (name: string): string => `hpr_${Buffer.from(name).toString('base64url')}`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface HarnessOptions {
  readonly settings?: Partial<Settings>;
  readonly policy?: Partial<SmallPolicy>;
  /** Reviews are kept here; shared between the tests of a file. */
  readonly store?: Store;
  readonly app?: Partial<AppDeps>;
  /** The way of calls without a workflow; default: none. */
  readonly handOff?: (fixture: GateFixture) => HandOff;
}

// oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON came; what it must be is for assertions to say
export type AnyJson = any;

/** What a request came to. */
export interface Reply<T = AnyJson> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface RequestOptions {
  /** Id of the agent or reviewer whose credential is sent. */
  readonly as?: string;
  readonly headers?: Record<string, string>;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
}

export type Harness = Awaited<ReturnType<typeof makeHarness>>;

/** The whole api over real HTTP and a real database; Temporal is played by {@link FakeGate}. */
export async function makeHarness(options: HarnessOptions = {}) {
  const fixture = await makeFixture({
    ...(options.store === undefined ? {} : { store: options.store }),
    policy: { tools: TOOLS, ...options.policy },
    settings: {
      agents: [
        { id: 'agent-1', owner: 'ops-3' },
        { id: 'agent-2' },
        { id: 'narrow-agent', tools: ['payouts.get'] },
      ].map((agent) => ({ ...agent, keySha256: sha256(keyOf(agent.id)) })),
      reviewers: REVIEWERS.map((reviewer) => ({ ...reviewer, tokenSha256: sha256(tokenOf(reviewer.id)) })),
      callbacks: ['https://agents.example.com/holdpoint/'],
      limits: {
        pendingPerAgent: 200,
        irreversiblePerToolPerHour: 10_000,
        sensitivePerToolPerHour: 10_000,
        requestsPerMinute: 100_000,
      },
      ...options.settings,
    },
  });
  const gate = new FakeGate(fixture);
  const shutdown = new AbortController();
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const ownSecret = randomBytes(32).toString('hex');
  const sessionSecret = options.app?.sessionSecret ?? (() => ownSecret);
  const signIn = createSignInLinks({ secret: sessionSecret, store: fixture.store.sessions, clock: fixture.clock });
  const store = options.app?.store ?? fixture.store;
  const settings = options.app?.settings ?? fixture.settings;
  const part = { name: 'api', instance: 'host-1', version: '0.0.0' } as const;
  const readiness = createReadiness({ part, store, settings, shutdown: shutdown.signal });
  const base = {
    readiness,
    settings: fixture.settings,
    store: fixture.store,
    gate,
    handOff: options.handOff?.(fixture),
    proposeSigner: fixture.signers.propose as Signer | undefined,
    reviewSigner: fixture.signers.review as Signer | undefined,
    seal: sealAll,
    fingerprintKey: randomBytes(32),
    trustedKeys: () => [],
    temporalUi: 'http://127.0.0.1:8233',
    namespace: 'default',
    clock: fixture.clock,
    log,
    ...options.app,
  };
  const service = createService(base);
  const app = createApp({
    signIn,
    sessionSecret,
    policyInForce: () => ({
      name: 'policy.yaml',
      text: 'tools: []\n',
      digest: fixture.settings.current().policy.digest,
      loadedAt: '2026-04-01T12:00:00.000Z',
      warnings: [],
      problem: fixture.settings.problem(),
    }),
    resolveReference: (reference) => {
      throw new Error(`no reference ${reference}`);
    },
    shutdown: shutdown.signal,
    version: '0.0.0',
    limits: { anonymousPerMinute: 100_000 },
    ...base,
    ...service,
  });
  await startService(service);
  const server = await startServer(app, { port: 0, shutdown, graceMs: 2_000 });

  let proposals = 0;
  const isReviewer = (id: string): boolean => REVIEWERS.some((reviewer) => reviewer.id === id);
  const credential = (id: string): string => (isReviewer(id) ? tokenOf(id) : keyOf(id));

  async function open(method: string, path: string, body?: unknown, request: RequestOptions = {}): Promise<Response> {
    const payload = request.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    return fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(request.as === undefined ? {} : { authorization: `Bearer ${credential(request.as)}` }),
        ...request.headers,
      },
      ...(payload === undefined ? {} : { body: payload as string }),
    });
  }

  async function send<T = AnyJson>(
    method: string,
    path: string,
    body?: unknown,
    request?: RequestOptions,
  ): Promise<Reply<T>> {
    const response = await open(method, path, body, request);
    const text = await response.text();
    const json = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : text) as T };
  }

  return {
    ...fixture,
    app,
    gate,
    service,
    signIn,
    shutdown,
    server,
    url: server.url,
    log: lines,
    credential,
    open,
    send,
    get: (path: string, as?: string, headers?: Record<string, string>) =>
      send('GET', path, undefined, {
        ...(as === undefined ? {} : { as }),
        ...(headers === undefined ? {} : { headers }),
      }),
    post: (path: string, body: unknown, as?: string, headers?: Record<string, string>) =>
      send('POST', path, body, { ...(as === undefined ? {} : { as }), ...(headers === undefined ? {} : { headers }) }),

    /** Proposes a call; default: one under a hard gate. */
    execute: (request: Record<string, unknown> = {}, as = 'agent-1', headers: Record<string, string> = {}) =>
      send('POST', '/v1/execute', { ...CREATE, ...request }, { as, headers }),

    /** Proposes a call under a hard gate, equal to no other one, and returns the state a reviewer is shown. */
    async propose(request: Record<string, unknown> = {}, as = 'agent-1') {
      const answer = await this.execute({ context: { proposal: (proposals += 1) }, ...request }, as);
      await gate.settled(answer.body.reviewId);
      return (await this.get(`/v1/reviews/${answer.body.reviewId}`, 'ops-1')).body;
    },

    decide: (reviewId: string, digest: string, more: Record<string, unknown> = {}, as = 'ops-1') =>
      send('POST', `/v1/reviews/${reviewId}/decision`, { type: 'approve', digest, ...more }, { as }),

    async close(): Promise<void> {
      await server.close();
      await service.hub.stop();
      await fixture.close();
    },
  };
}

export const CREATE = { service: 'payouts', tool: 'payouts.create', arguments: { account: 'a-1', amount: 100 } };
export const GET = { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p-1' } };

/** Seals like the real thing, with a cipher that the fixture's execute worker can open. */
const sealAll: SealArguments = async (args, { reviewId, tool, pointers }) => {
  let sealed: JsonObject = args;
  for (const pointer of pointers) {
    const value = valueAt(args, pointer);
    if (value !== undefined)
      sealed = replaceAt(
        sealed,
        pointer,
        sealForTest(reviewId, tool, pointer, typeof value === 'string' ? value : JSON.stringify(value)),
      );
  }
  return sealed;
};

/** Asserts on the shape that every problem has; returns its code. */
export function codeOf(reply: Reply): string {
  const { type, title, status, detail, instance, code } = reply.body ?? {};
  const shape = [type, title, detail, instance, code].every((field) => typeof field === 'string' && field !== '');
  const media = reply.headers.get('content-type') ?? '';
  if (!shape || status !== reply.status || !media.startsWith('application/problem+json')) {
    throw new Error(`not a problem: ${reply.status} ${media} ${JSON.stringify(reply.body)}`);
  }
  return code as string;
}

/** Reads events of a stream until `until` says so or the stream ends. */
export async function readEvents(
  response: Response,
  until: (events: readonly SseEvent[]) => boolean,
): Promise<{ readonly events: readonly SseEvent[]; readonly ended: boolean }> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const events: SseEvent[] = [];
  let text = '';
  for (;;) {
    if (until(events)) {
      await reader.cancel();
      return { events, ended: false };
    }
    const { value, done } = await reader.read();
    if (done) return { events, ended: true };
    text += decoder.decode(value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
      );
      if (fields['event'] !== undefined) {
        events.push({ id: Number(fields['id']), event: fields['event'], data: JSON.parse(fields['data'] ?? 'null') });
      }
    }
  }
}

export interface SseEvent {
  readonly id: number;
  readonly event: string;
  readonly data: AnyJson;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditPage } from '../../src/contract/api.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { DecisionRequest } from '../../src/contract/decision.ts';
import type { ExecuteRequest, ExecuteResponse } from '../../src/contract/execute.ts';
import type { Review } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { writeDeployment, type AgentId, type Deployment, type PersonId, type ReviewerId } from './e2e-deployment.ts';
import { startTarget, type Target } from './e2e-target.ts';
import { startHoldpoint, type Holdpoint } from './holdpoint.ts';

export interface Answer<B = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where the answer was no JSON. */
  readonly body: B;
}

export interface SendOptions {
  readonly as?: PersonId;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent as it stands, instead of `body`. */
  readonly raw?: string | Uint8Array;
}

export interface ProposeOptions {
  readonly as?: AgentId;
  readonly key?: string;
}

/** A Holdpoint of its own between its people and a target that counts, spoken to through HTTP alone. */
export interface World {
  readonly holdpoint: Holdpoint;
  readonly target: Target;
  readonly deployment: Deployment;
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  get(path: string, as?: PersonId): Promise<Answer>;
  /** `POST /v1/execute`. */
  execute(
    tool: string,
    args: object,
    more?: Partial<ExecuteRequest>,
    options?: ProposeOptions,
  ): Promise<Answer<ExecuteResponse>>;
  /** Proposes a call that is held; resolves with its review once there is a digest to decide on. */
  hold(tool: string, args: object, more?: Partial<ExecuteRequest>, options?: ProposeOptions): Promise<Review>;
  review(reviewId: string, as?: PersonId): Promise<Review>;
  /** Decides on the digest that is shown, unless the request names another. */
  decide(reviewId: string, request: Partial<DecisionRequest>, as?: ReviewerId): Promise<Answer>;
  /** Edits `freeze` in the running config and waits until it is in force. */
  freeze(...patterns: readonly string[]): Promise<void>;
  /** Waits until the review and its execution have ended. */
  settled(reviewId: string, withinMs?: number): Promise<Review>;
  /** Entries of one review, oldest first. */
  entries(reviewId: string): Promise<readonly AuditEntry[]>;
  close(): Promise<void>;
}

export interface WorldOptions extends Pick<Parameters<typeof writeDeployment>[0], 'config' | 'policy' | 'connectors'> {
  readonly env?: Readonly<Record<string, string>>;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const target = await startTarget();
  const deployment = writeDeployment({ targetUrl: target.url, ...options });
  const holdpoint = await startHoldpoint({
    config: deployment.configFile,
    env: { ...deployment.env, ...options.env },
  }).catch(async (error: unknown) => {
    deployment.remove();
    await target.close();
    throw error;
  });
  return {
    holdpoint,
    ...speakTo(holdpoint.url, target, deployment),
    close: async () => {
      await holdpoint.destroy();
      await target.close();
      deployment.remove();
    },
  };
}

/** The same for parts that a test runs itself. */
export function speakTo(url: string, target: Target, deployment: Deployment): Omit<World, 'close' | 'holdpoint'> {
  const send: World['send'] = async (method, path, options = {}) => {
    const { as, headers, body, raw } = options;
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        ...(as === undefined ? {} : { authorization: `Bearer ${deployment.credentials[as]}` }),
        ...(body === undefined && raw === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(raw === undefined ? {} : { body: raw }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) as Answer['body'] };
  };
  const get: World['get'] = (path, as = 'ops-1') => send('GET', path, { as });

  const execute: World['execute'] = async (tool, args, more = {}, { as = 'agent-1', key } = {}) => {
    const answer = await send('POST', '/v1/execute', {
      as,
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
      body: { service: tool.split('.')[0], tool, arguments: args, ...more },
    });
    return answer as unknown as Answer<ExecuteResponse>;
  };

  const review: World['review'] = async (reviewId, as = 'ops-1') => {
    const { status, body } = await get(`/v1/reviews/${reviewId}`, as);
    if (status !== 200) throw new Error(`${reviewId}: ${status} ${JSON.stringify(body)}`);
    return body as unknown as Review;
  };

  const hold: World['hold'] = async (tool, args, more, options) => {
    const { status, body } = await execute(tool, args, more, options);
    if (status !== 202 || body.outcome !== 'ESCALATE') throw new Error(`not held: ${status} ${JSON.stringify(body)}`);
    return until(
      async () => {
        const found = await review(body.reviewId);
        return found.call.digest === null ? undefined : found;
      },
      { what: `a digest of ${body.reviewId}` },
    );
  };

  const decide: World['decide'] = async (reviewId, request, as = 'ops-1') => {
    const digest = request.digest ?? (await review(reviewId)).call.digest;
    return send('POST', `/v1/reviews/${reviewId}/decision`, { as, body: { type: 'approve', ...request, digest } });
  };

  const settled: World['settled'] = (reviewId, withinMs = 90_000) =>
    until(
      async () => {
        const { status, body } = await get(`/v1/reviews/${reviewId}?waitSeconds=10`);
        const found = body as unknown as Review;
        return status === 200 && isFinal(found) ? found : undefined;
      },
      { what: `the end of ${reviewId}`, withinMs },
    );

  const freeze: World['freeze'] = async (...patterns) => {
    deployment.writeConfig({ ...deployment.config, freeze: [...patterns] });
    const body = { service: 'bank', tool: 'bank.pay', arguments: { ref: 'x' } };
    const isFrozen = async () => {
      const answer = await send('POST', '/v1/policy/explain', { as: 'agent-1', body });
      return (answer.body['reasonCodes'] as readonly string[]).includes('frozen');
    };
    const wanted = patterns.length > 0;
    await until(async () => ((await isFrozen()) === wanted ? true : undefined), { what: 'the edited config' });
  };

  const entries: World['entries'] = async (reviewId) => {
    const found: AuditEntry[] = [];
    let from: number | null = 0;
    while (from !== null) {
      const path: string = `/v1/audit/entries?from=${from}&limit=1000`;
      const page = (await get(path, 'audit-1')).body as unknown as AuditPage;
      for (const { entry } of page.entries) {
        if ('reviewId' in entry && entry.reviewId === reviewId) found.push(entry);
      }
      from = page.nextFrom;
    }
    return found;
  };

  return { target, deployment, send, get, execute, hold, review, decide, freeze, settled, entries };
}

/** Looks again and again until there is something; fails in words when that takes too long. */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  { what, withinMs = 30_000 }: { readonly what: string; readonly withinMs?: number },
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`This did not come: ${what}`);
    await sleep(50);
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

let refs = 0;
/** A name that no other call of this file has. */
export function newRef(what: string): string {
  refs += 1;
  return `${what}-${refs}`;
}

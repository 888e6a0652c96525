import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import type { Caller, Door, GateTimes } from './measure.ts';

/** Connections are kept, as a client library keeps them. */
const agent = new Agent({ connections: 64, pipelining: 1 });

export interface HoldpointKeys {
  readonly url: string;
  readonly agentKey: string;
  readonly reviewerToken: string;
}

/** Holdpoint over HTTP, as an agent and a reviewer use it. */
export function openHoldpoint(keys: HoldpointKeys): Door & Caller {
  return {
    name: 'Holdpoint',
    call: () => callThrough(keys),
    gate: async (): Promise<GateTimes> => {
      const started = performance.now();
      const path = `/v1/reviews/${await propose(keys)}`;
      const digest = await untilShown(keys, path);
      const pending = performance.now();
      await call(keys.url, 'POST', `${path}/decision`, keys.reviewerToken, { type: 'approve', digest });
      const end = await call<{ execution: { status: string } }>(
        keys.url,
        'GET',
        `${path}?waitSeconds=30`,
        keys.reviewerToken,
      );
      if (end.execution.status !== 'executed') throw new Error(`not executed: ${JSON.stringify(end.execution)}`);
      return { pendingMs: pending - started, decidedMs: performance.now() - pending };
    },
    close: () => agent.close(),
  };
}

/** Proposes a call that is held; resolves with its review. */
export async function propose(keys: HoldpointKeys): Promise<string> {
  const { url, agentKey } = keys;
  const proposed = await call<{ reviewId: string; outcome: string }>(url, 'POST', '/v1/execute', agentKey, {
    service: 'payouts',
    tool: 'payouts.create',
    // An equal call that waits would stand for it.
    arguments: { account: randomUUID(), amount: 100, currency: 'usd' },
  });
  if (proposed.outcome !== 'ESCALATE') throw new Error(`not held: ${JSON.stringify(proposed)}`);
  return proposed.reviewId;
}

/** Reads a page of the list as a reviewer. */
export async function readList({ url, reviewerToken }: HoldpointKeys, query: string): Promise<void> {
  await call(url, 'GET', `/v1/reviews?${query}`, reviewerToken);
}

/** What a reviewer needs to decide: the digest that is shown. */
async function untilShown(keys: HoldpointKeys, path: string): Promise<string> {
  for (;;) {
    const review = await call<{ call: { digest: string | null } }>(keys.url, 'GET', path, keys.reviewerToken);
    if (review.call.digest !== null) return review.call.digest;
  }
}

/** Makes a reversible call through Holdpoint. */
export async function callThrough(keys: HoldpointKeys): Promise<void> {
  const answer = await call<{ outcome: string }>(keys.url, 'POST', '/v1/execute', keys.agentKey, {
    service: 'payouts',
    tool: 'payouts.get',
    arguments: { id: 'p-1' },
  });
  if (answer.outcome !== 'EXECUTED') throw new Error(`not executed: ${JSON.stringify(answer)}`);
}

async function call<T>(url: string, method: 'GET' | 'POST', path: string, key: string, body?: unknown): Promise<T> {
  const response = await request(`${url}${path}`, {
    method,
    dispatcher: agent,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.body.json()) as T;
  if (response.statusCode >= 400) throw new Error(`${response.statusCode} ${JSON.stringify(answer)}`);
  return answer;
}

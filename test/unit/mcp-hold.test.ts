import type { ServerNotification } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { outcomeOf } from '../../src/api/service/outcome.ts';
import type { WaitOptions } from '../../src/api/service/types.ts';
import { callTool, type Extra } from '../../src/mcp/call.ts';
import type { McpRequest } from '../../src/mcp/request.ts';
import { runOwnTool } from '../../src/mcp/own-tools.ts';
import { aReview } from './client-fixtures.ts';
import { APPROVALS, settingsOf } from './policy-support.ts';

const DEFAULT_HOLD_MS = 50_000;
const review = aReview({});
const settings = settingsOf(`version: 1
tools:
  - { name: api.things.delete, class: irreversible, connector: api, request: { method: DELETE, path: /things } }
${APPROVALS}`);

let now: number;
let waited: number[];
let told: ServerNotification[];
beforeEach(() => {
  now = 0;
  waited = [];
  told = [];
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

// Files of this tier share what they have loaded: what is replaced here is loaded anew, before and after.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());

/** A gate at which time passes only while a review is waited for, and nobody ever decides. */
vi.mock('../../src/api/service/execute.ts', () => ({
  execute: () =>
    Promise.resolve({ httpStatus: 202, body: outcomeOf(review.reviewId, review, 'status'), replayed: false }),
}));
vi.mock('../../src/api/service/read.ts', async (original) => ({
  ...(await original<object>()),
  getReview: (_context: unknown, _principal: unknown, _reviewId: unknown, { waitSeconds }: WaitOptions) => {
    waited.push(waitSeconds);
    now += waitSeconds * 1_000;
    return Promise.resolve(review);
  },
}));

function requestTo(ending?: AbortSignal): McpRequest {
  const signal = ending ?? new AbortController().signal;
  return {
    context: { settings: { current: () => settings } },
    deps: {},
    principal: { kind: 'agent', id: 'agent-1', agent: { id: 'agent-1' } },
    caller: { baseUrl: 'http://127.0.0.1:8080', signal },
    session: undefined,
    note: () => undefined,
  } as unknown as McpRequest;
}

const extra = (): Extra => ({
  requestId: 1,
  signal: new AbortController().signal,
  _meta: { progressToken: 'p' },
  sendNotification: (notification) => {
    told.push(notification);
    return Promise.resolve();
  },
});
const progress = (): unknown[] => told.map(({ params }) => (params as { readonly progress?: unknown }).progress);
const total = (): number => waited.reduce((sum, seconds) => sum + seconds, 0) * 1_000;

describe('without a setting of its own', () => {
  it('a held call is held for fifty seconds, with progress every five', async () => {
    const result = await callTool(requestTo(), { name: 'api_things_delete', arguments: {} }, undefined, extra());
    expect(result.structuredContent).toMatchObject({ outcome: 'PENDING', next: { tool: 'holdpoint_await' } });
    expect(total()).toBe(DEFAULT_HOLD_MS);
    expect(progress()).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45]);
    expect(told[0]).toMatchObject({ method: 'notifications/progress', params: { progressToken: 'p', total: 50 } });
  });

  it('holdpoint_await waits as long, or as long as it is told to', async () => {
    const wait = async (args: object) =>
      runOwnTool(requestTo(), { name: 'holdpoint_await', arguments: { reviewId: review.reviewId, ...args } }, extra());
    expect((await wait({}))?.structuredContent).toMatchObject({ outcome: 'PENDING' });
    expect(total()).toBe(DEFAULT_HOLD_MS);
    waited = [];
    await wait({ waitSeconds: 7 });
    expect(total()).toBe(7_000);
    await expect(wait({ waitSeconds: 51 })).rejects.toMatchObject({ code: -32_602 });
  });
});

it('a client that does not ask for progress is sent none', async () => {
  await callTool(requestTo(), { name: 'api_things_delete', arguments: {} }, undefined, { ...extra(), _meta: {} });
  expect(total()).toBe(DEFAULT_HOLD_MS);
  expect(told).toEqual([]);
});

it('a caller that goes away ends the waiting', async () => {
  await callTool(requestTo(AbortSignal.abort()), { name: 'api_things_delete', arguments: {} }, undefined, extra());
  expect(waited).toHaveLength(2);
});

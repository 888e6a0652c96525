import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/contract/constants.ts';
import { writeJson } from '../../src/contract/exact-number.ts';
import { digestOf } from '../../src/domain/proof/digest.ts';
import type { Connector } from '../../src/ports/connector.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import { noProxy } from '../../src/domain/proxy.ts';
import type { Store } from '../../src/ports/store.ts';
import { CREDENTIAL, makeFixture, TOOLS, type GateFixture } from '../support/gate-fixture.ts';
import { failureOf, later, makeJourneys, type Journey } from '../support/gate-journey.ts';
import { memoryStore } from '../support/databases.ts';

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Handler = (response: ServerResponse, asked: Asked, nth: number) => void;

let store: Store;
let gate: GateFixture;
let steps: ReturnType<typeof makeJourneys>;
let server: Server;
let connector: Connector;
let handle: Handler;
let ahead: number;
const asked: Asked[] = [];

beforeAll(async () => {
  store = await memoryStore();
});
afterAll(() => store.close());
beforeEach(async () => {
  asked.length = 0;
  handle = (response) => response.end('{"ok":true}');
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      response.setHeader('content-type', 'application/json');
      handle(response, one, asked.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = { baseUrl, allowPrivateAddresses: true, timeout: '2s' };
  ahead = 0;
  gate = await makeFixture({ store, now: () => Date.now() + ahead, settings: { connectors: { payouts: config } } });
  steps = makeJourneys(gate);
  connector = createHttpConnector({ proxy: noProxy, config, secret: () => CREDENTIAL });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await connector.close();
});

/** One attempt in a worker of its own, over the real connector. */
async function attempt({ input, reviewId }: Journey) {
  const failure = await failureOf(steps.run({ connector: () => connector }).executeCall(input));
  const { state, outcome } = await steps.ledger(reviewId);
  return { failure, state, code: outcome?.error?.code, body: outcome?.body };
}

const close = () => steps.approved('payouts.close', { id: 'a 1' });
const create = () => steps.approved('payouts.create', { account: 'a-1', amount: 5 });

describe('law 6: a real target', () => {
  it('gets exactly what was approved, with the credential that appears nowhere else', async () => {
    const journey = await close();
    expect(await attempt(journey)).toMatchObject({ failure: undefined, state: 'done', body: { ok: true } });
    expect(asked).toMatchObject([
      { method: 'DELETE', url: '/accounts/a%201', headers: { authorization: `Bearer ${CREDENTIAL}` } },
    ]);
    const kept = [await store.readReview(journey.reviewId), await store.entriesOf(journey.reviewId), journey.input];
    expect(JSON.stringify(kept)).not.toContain(CREDENTIAL);
  });

  it('is not asked twice where it hangs up without an answer', async () => {
    handle = (response) => response.destroy();
    const journey = await close();
    expect(await attempt(journey)).toMatchObject({ failure: undefined, state: 'unknown', code: 'lost_answer' });
    expect(await attempt(journey)).toMatchObject({ state: 'unknown' });
    expect(asked).toHaveLength(1);
  });

  it.each([500, 502, 503])('that answers %d leaves the outcome unknown', async (status) => {
    handle = (response) => response.writeHead(status).end('{}');
    expect(await attempt(await close())).toMatchObject({ failure: undefined, state: 'unknown' });
    expect(asked).toHaveLength(1);
  });

  it('that rejects the call fails it, and its answer is kept', async () => {
    handle = (response) => response.writeHead(422).end('{"error":"balance"}');
    const found = await attempt(await close());
    expect(found).toMatchObject({ state: 'failed', code: 'upstream_rejected', body: { error: 'balance' } });
  });

  it('B1: that answers with numbers that a double does not hold has them kept, and they survive the database', async () => {
    handle = (response) => response.end('{"id":1234567890123456789,"x":1e400,"y":[-0,1E+2,0.10]}');
    const journey = await close();
    const body = { id: { $number: '1234567890123456789' }, x: { $number: '1e400' }, y: [{ $number: '-0' }, 100, 0.1] };
    expect(await attempt(journey)).toMatchObject({ state: 'done', body });
    const review = await store.readReview(journey.reviewId);
    expect(writeJson(review)).toContain('"body":{"id":1234567890123456789,"x":1e400,"y":[-0,100,0.1]}');
    const finished = (await store.entriesOf(journey.reviewId)).findLast(({ entry }) => entry.type === 'finished');
    expect(finished?.entry).toMatchObject({ resultDigest: digestOf(body) });
  });

  it('K2: that answers with more than is kept has the rest kept, and what is missing is named with its size', async () => {
    const items = Array.from({ length: 500 }, (_, id) => ({ id, text: 'x'.repeat(1_000) }));
    handle = (response) => response.end(JSON.stringify({ note: 'first', items, image: 'A'.repeat(400_000), last: 1 }));
    const { body } = await attempt(await close());
    const advice = 'Ask for less: a smaller page, a filter, or fewer fields.';
    const omitted = { $omitted: 'response_too_large' };
    expect(body).toMatchObject({ note: 'first', image: { ...omitted, bytes: 400_002 }, last: 1 });
    const kept = (body as { readonly items: readonly unknown[] }).items;
    expect(kept.slice(0, -1)).toEqual(items.slice(0, kept.length - 1));
    const missing = items.length - kept.length + 1;
    expect(kept.at(-1)).toEqual({ ...omitted, items: missing, bytes: expect.any(Number), advice });
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(LIMITS.responseBody);
  });

  it('that cannot be reached at all defers it: nothing was sent', async () => {
    const journey = await close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(await attempt(journey)).toMatchObject({ failure: later('deferred'), state: 'deferred' });
    expect((await steps.ledger(journey.reviewId)).deferral).toMatchObject({ code: 'target_unreachable', times: 1 });
    const free = await steps.open('payouts.get', { id: 'p-1' });
    expect(await attempt(free)).toMatchObject({ state: 'failed', code: 'target_unreachable' });
  });

  it('N1: that answers 429 is called again when it said, if the tool takes that for a proof', async () => {
    handle = (response, _, nth) => {
      if (nth === 1) response.writeHead(429, { 'retry-after': '20' }).end('{"error":"slow down"}');
      else response.end('{"ok":true}');
    };
    gate.settings.setPolicy({
      tools: TOOLS.map((tool) => (tool.name === 'payouts.close' ? { ...tool, deferOn: [429] } : tool)),
    });
    const journey = await close();
    expect(await attempt(journey)).toMatchObject({ failure: later('deferred'), state: 'deferred' });
    const execution = (await store.readReview(journey.reviewId))?.review.execution;
    expect(execution?.deferred).toMatchObject({ upstreamStatus: 429, message: expect.stringContaining('20 s') });
    expect(await attempt(journey)).toMatchObject({ failure: later('deferred'), state: 'deferred' });
    ahead = 20_000;
    expect(await attempt(journey)).toMatchObject({ failure: undefined, state: 'done' });
    expect(asked).toHaveLength(2);
  });

  it('N1: that answers 429 or 503 proves nothing by itself; what it asks for is told', async () => {
    for (const [status, state] of [
      [429, 'failed'],
      [503, 'unknown'],
    ] as const) {
      handle = (response) => response.writeHead(status, { 'retry-after': '20' }).end();
      const journey = await close();
      expect(await attempt(journey)).toMatchObject({ failure: undefined, state });
      const execution = (await store.readReview(journey.reviewId))?.review.execution;
      expect(execution?.error?.message).toContain('20 s');
      expect(Date.parse(execution?.retryAfter ?? '')).toBeGreaterThan(Date.now());
    }
    expect(asked).toHaveLength(2);
  });

  it('N5: that has stored a failure under the key is not asked for it again and again', async () => {
    handle = (response, _, nth) => response.writeHead(500, nth > 1 ? { 'idempotent-replayed': 'true' } : {}).end();
    const journey = await create();
    expect(await attempt(journey)).toMatchObject({ failure: later('lost_answer'), state: 'claimed' });
    expect(await attempt(journey)).toMatchObject({ failure: undefined, state: 'unknown', code: 'lost_answer' });
    expect(asked).toHaveLength(2);
    const entries = (await steps.entries(journey.reviewId)).slice(-3);
    expect(entries).toMatchObject([{ type: 'started' }, { type: 'started', resend: true }, { type: 'unknown' }]);
    const execution = (await store.readReview(journey.reviewId))?.review.execution;
    expect(execution?.error?.message).toContain('sent 2 times');
  });

  it('that echoes the credential has it scrubbed', async () => {
    handle = (response, { headers }) => response.writeHead(400).end(JSON.stringify({ you: headers }));
    const journey = await close();
    await attempt(journey);
    const stored = JSON.stringify(await store.readReview(journey.reviewId));
    expect(stored).toContain('[redacted]');
    expect(stored).not.toContain(CREDENTIAL);
  });

  it('that is idempotent is asked again with the same key, and does it once', async () => {
    const done = new Map<string, number>();
    handle = (response, { headers }, nth) => {
      const key = String(headers['idempotency-key']);
      if (!done.has(key)) done.set(key, nth);
      if (nth < 3) response.destroy();
      else response.end(JSON.stringify({ payout: done.get(key) }));
    };
    const journey = await create();
    const lost = { failure: later('lost_answer'), state: 'claimed' };
    expect(await attempt(journey)).toMatchObject(lost);
    expect(await attempt(journey)).toMatchObject(lost);
    // By the ledger, since each attempt is in a worker of its own.
    expect(await attempt(journey)).toMatchObject(lost);
    expect(asked).toHaveLength(2);
    ahead = Date.parse((await steps.ledger(journey.reviewId)).claim?.resendAt ?? '') - Date.now();
    expect(await attempt(journey)).toMatchObject({ failure: undefined, state: 'done', body: { payout: 1 } });
    expect(done.size).toBe(1);
    expect(new Set(asked.map(({ body }) => body))).toEqual(new Set(['{"account":"a-1","amount":5}']));
  });

  it('that is gone on a resend leaves the outcome of the first attempt unknown', async () => {
    handle = (response) => response.destroy();
    const journey = await create();
    expect(await attempt(journey)).toMatchObject({ failure: later('lost_answer'), state: 'claimed' });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    // A refused connection says nothing of the first request: not failed.
    expect(await attempt(journey)).toMatchObject({ failure: later('lost_answer'), state: 'claimed' });
  });

  it('is called by one of many competing workers', async () => {
    const journey = await close();
    await Promise.all([1, 2, 3, 4].map(() => attempt(journey)));
    expect(asked).toHaveLength(1);
    expect((await steps.ledger(journey.reviewId)).state).toMatch(/done|unknown/);
  });
});

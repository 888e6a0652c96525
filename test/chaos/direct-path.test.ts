import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { startParts, type PartName, type PartsWorld } from '../support/chaos-parts.ts';
import { randomFrom } from '../support/e2e-traffic.ts';

/** Reversible calls with the parts apart: nothing is made twice, whichever part stops, dies or comes back, and when. */
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const KILLED = ['execute', 'api', 'temporal', 'execute', 'gate', 'api', 'temporal', 'execute'] as const;

let world: PartsWorld;
beforeAll(async () => {
  world = await startParts(0, () => true);
  await ready();
}, 180_000);
afterEach(() => (world.target.otherwise = undefined));
afterAll(() => world.close());

interface Answer {
  readonly status: number;
  readonly body: { readonly reviewId?: string; readonly detail?: string; readonly code?: string };
}

/** Proposes a read; undefined: no answer came. */
async function read(ref: string, key?: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(new URL('/v1/execute', world.url), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.deployment.credentials['agent-1']}`,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify({ service: 'bank', tool: 'bank.get', arguments: { ref } }),
      signal: AbortSignal.timeout(60_000),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  } catch {
    return undefined;
  }
}

async function until<T>(look: () => Promise<T | undefined>, withinMs = 120_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error('it never came');
    await sleep(100);
  }
}

/** A read is answered at once: every part is there, and the api knows what Temporal can do. */
const ready = (): Promise<true> =>
  until(async () => {
    const answer = await read(`ready-${randomUUID()}`);
    return answer?.status === 200 && !(await hasWorkflow(answer.body.reviewId ?? '')) ? true : undefined;
  });

async function hasWorkflow(reviewId: string): Promise<boolean> {
  const connection = await Connection.connect({ address: world.temporalAddress });
  try {
    await new Client({ connection }).workflow.getHandle(reviewId).describe();
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

const settled = (reviewId: string): Promise<Review> =>
  until(async () => {
    const { status, body } = await world.send('GET', `/v1/reviews/${reviewId}?waitSeconds=5`, 'ops-1');
    const review = body as Review;
    return status === 200 && isFinal(review) ? review : undefined;
  });

const arrived = (ref: string): Promise<true> => until(async () => (world.target.count(ref) > 0 ? true : undefined));
const signal = (part: PartName, name: 'SIGSTOP' | 'SIGCONT'): void => {
  process.kill(world.parts[part].pid() ?? 0, name);
};

test('a worker killed while its call is on its way: 202, and unknown once the request can no longer be under way', async () => {
  const ref = `killed-${randomUUID()}`;
  world.target.script(ref, { kind: 'held' });
  const answering = read(ref);
  await arrived(ref);
  world.parts.execute.kill();
  const answer = await answering;
  expect(answer?.status).toBe(202);
  const { execution, status } = await settled(answer?.body.reviewId ?? '');
  expect([status, execution.status, execution.error?.code]).toEqual(['not_required', 'outcome_unknown', 'lost_worker']);
  expect(world.target.count(ref)).toBe(1);
  await ready();
});

test('a worker stopped over its time-out and continued: its result counts, and nothing is made again', async () => {
  const ref = `stopped-${randomUUID()}`;
  world.target.script(ref, { kind: 'held' });
  const answering = read(ref);
  await arrived(ref);
  signal('execute', 'SIGSTOP');
  const answer = await answering;
  expect(answer?.status).toBe(202);
  world.target.release(ref);
  signal('execute', 'SIGCONT');
  const { execution } = await settled(answer?.body.reviewId ?? '');
  // Its own clock may have given the target up meanwhile; a read that failed had no effect.
  expect(['executed', 'failed']).toContain(execution.status);
  expect(world.target.count(ref)).toBe(1);
});

test('a worker stopped before it takes the call up, and continued: the call is made once', async () => {
  await ready();
  const ref = `late-${randomUUID()}`;
  signal('execute', 'SIGSTOP');
  const answering = read(ref);
  // Until the workflow has taken the call over.
  const reviewId = await until(async () => {
    const { body } = await world.send('GET', '/v1/reviews?tool=bank.get&limit=100', 'ops-1');
    const rows = (body as { reviews: readonly { reviewId: string; summary: string }[] }).reviews;
    return rows.find(({ summary }) => summary.includes(ref))?.reviewId;
  });
  signal('execute', 'SIGCONT');
  expect((await settled(reviewId)).execution.status).toBe('executed');
  await answering;
  expect(world.target.count(ref)).toBe(1);
});

test('Temporal gone once the start was sent: 503 with the review, which may have run', async () => {
  await ready();
  const ref = `gone-${randomUUID()}`;
  signal('temporal', 'SIGSTOP');
  const answer = await read(ref);
  signal('temporal', 'SIGCONT');
  expect([answer?.status, answer?.body.code]).toEqual([503, 'temporal_unavailable']);
  expect(answer?.body.detail).toContain('may have run');
  expect(answer?.body.reviewId).toMatch(/^rev_/);
  await ready();
  expect(world.target.count(ref)).toBeLessThanOrEqual(1);
});

test(`kills at every step (CHAOS_SEED=${SEED}): every read is made at most once, and none is told as made that was not`, async () => {
  await ready();
  const random = randomFrom(SEED);
  world.target.otherwise = () => ({ kind: 'slow', ms: random() * 200 });
  const calls = new Map<string, string>();
  const over = new AbortController();
  const lane = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const ref = `kill-${randomUUID()}`;
      // As a client does: the same key until there is an answer.
      const { body } = await until(async () => {
        const answer = await read(ref, ref);
        return answer !== undefined && answer.body.reviewId !== undefined && answer.status < 503 ? answer : undefined;
      });
      calls.set(ref, body.reviewId ?? '');
    }
  };
  const lanes = Promise.all(Array.from({ length: 6 }, lane));
  for (const part of KILLED) {
    // Under way again, however slow the machine; then at any moment.
    const before = calls.size;
    await until(async () => (calls.size > before + 2 ? true : undefined));
    await sleep(random() * 500);
    await until(async () => (world.parts[part].kill() ? true : undefined));
  }
  over.abort();
  await lanes;
  const outcomes: Record<string, number> = {};
  for (const [ref, reviewId] of calls) {
    const { execution, status } = await settled(reviewId);
    expect(status).toBe('not_required');
    outcomes[execution.status] = (outcomes[execution.status] ?? 0) + 1;
    expect(world.target.count(ref)).toBeLessThanOrEqual(1);
    if (execution.status === 'executed') expect(world.target.count(ref)).toBe(1);
  }
  console.log(`seed ${SEED}: ${calls.size} reads, ${JSON.stringify(outcomes)}`);
  expect(outcomes['executed']).toBeGreaterThan(KILLED.length);
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { Review } from '../../src/contract/review.ts';
import type { World } from './e2e-world.ts';

/** What a reviewer means to do with a call. */
export type Intent = 'approve' | 'reject' | 'leave';

export interface TrafficCall {
  readonly ref: string;
  readonly tool: 'bank.pay' | 'bank.order';
  readonly intent: Intent;
  /** Null until the api has answered. */
  reviewId: string | null;
  /** The api has said that the decision was accepted or that it is queued; or that another of it was before. */
  decided: boolean;
}

/** Agents that propose and reviewers that decide, whatever becomes of Holdpoint meanwhile: what fails is tried again. */
export interface Traffic {
  readonly calls: readonly TrafficCall[];
  /** No new calls from now on; resolves when every one has been proposed and, where that is meant, decided. */
  finish(): Promise<void>;
}

/** `random`: 0 ≤ x < 1. */
export function startTraffic(world: World, random: () => number): Traffic {
  const calls: TrafficCall[] = [];
  const state = { isOver: false };
  const agents = Array.from({ length: 3 }, async () => {
    while (!state.isOver) {
      const call = newCall(calls.length, random);
      calls.push(call);
      await carryOut(world, call);
      await sleep(50 + random() * 200);
    }
  });
  return {
    calls,
    finish: async () => {
      state.isOver = true;
      await Promise.all(agents);
    },
  };
}

function newCall(number: number, random: () => number): TrafficCall {
  const tool = random() < 0.5 ? 'bank.pay' : 'bank.order';
  const dice = random();
  const intent = dice < 0.7 ? 'approve' : dice < 0.85 ? 'reject' : 'leave';
  return { ref: `call-${number}`, tool, intent, reviewId: null, decided: false };
}

async function carryOut(world: World, call: TrafficCall): Promise<void> {
  call.reviewId = await persist(async () => {
    const { status, body } = await world.execute(call.tool, { ref: call.ref }, {}, { key: call.ref });
    return status === 202 ? body.reviewId : undefined;
  });
  if (call.intent === 'leave') return;
  const { reviewId, intent } = call;
  await persist(async () => {
    const { status, body } = await world.get(`/v1/reviews/${reviewId}`);
    const review = body as unknown as Review;
    if (status !== 200 || review.call.digest === null) return undefined;
    if (review.status !== 'pending') return true;
    const decided = await world.decide(reviewId, { type: intent, digest: review.call.digest });
    return [200, 202, 409].includes(decided.status) ? true : undefined;
  });
  call.decided = true;
}

/** Tries until there is an answer that counts; refused connections and 503 are what chaos looks like from outside. */
async function persist<T>(work: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const done = await work().catch(() => undefined);
    if (done !== undefined) return done;
    await sleep(200);
  }
}

/** Repeatable randomness (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

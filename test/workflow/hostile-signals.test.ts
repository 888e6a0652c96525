import { ulid } from 'ulid';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GateActivities } from '../../src/activities/api.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { eventsOf, PAYLOADS, signalRaw } from '../support/raw-temporal.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { create } from './plans.ts';

let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: Harness;
/** Sizes of the batches that were verified, in order, with the number of commits made before each. */
let batches: { readonly size: number; readonly envelopes: readonly DsseEnvelope[] }[] = [];
let batchesBefore = new Map<string, number>();

const wrap = (activities: GateActivities): GateActivities => ({
  ...activities,
  admit: async (input) => {
    batches.push({ size: input.items.length, envelopes: input.items.map(({ envelope }) => envelope) });
    return await activities.admit(input);
  },
  record: async (input) => {
    if (!batchesBefore.has(input.key)) batchesBefore.set(input.key, batches.length);
    return await activities.record(input);
  },
});

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  gate = await startHarness(env, { now: Date.now, wrap });
});
afterAll(async () => {
  await gate?.stop();
  await env?.teardown();
  await server?.stop();
});
beforeEach(() => {
  batches = [];
  batchesBefore = new Map();
});

async function pending() {
  const started = await gate.start(create());
  await gate.untilStatus(started.reviewId, 'pending');
  return started;
}

/** A good vote still gets through, the call runs, and no workflow task ever failed. */
async function expectUnharmed({ reviewId, handle }: Awaited<ReturnType<typeof pending>>): Promise<void> {
  expect(await gate.decide(reviewId)).toBe('accepted');
  expect(await handle.result()).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  expect(await eventsOf(gate.client, reviewId, 'workflowTaskFailedEventAttributes')).toEqual([]);
}

const SIGNAL_NAMES = ['submitDecision', 'submitRevision', 'withdraw', 'reconcile'] as const;
const mallory = signerOf(makeKey('mallory'));

describe('◆ what cannot be decoded', () => {
  it.each(Object.entries(PAYLOADS))('%s wedges no gate', async (_, payload) => {
    const review = await pending();
    for (const name of SIGNAL_NAMES) await signalRaw(gate.client, review.reviewId, name, [payload]);
    await expectUnharmed(review);
    expect(batches.map(({ size }) => size)).toEqual([1]);
  });

  it('no argument, too many, a signal that we do not know: none of it matters', async () => {
    const review = await pending();
    for (const name of SIGNAL_NAMES) {
      await signalRaw(gate.client, review.reviewId, name, []);
      await signalRaw(gate.client, review.reviewId, name, [PAYLOADS.invalidJson, PAYLOADS.bogusEncoding]);
    }
    await signalRaw(gate.client, review.reviewId, 'approve', [PAYLOADS.invalidJson]);
    await signalRaw(gate.client, review.reviewId, '__proto__', []);
    await expectUnharmed(review);
  });

  it('as the argument of the start: blocked, and recorded as such', async () => {
    const reviewId = gate.newReviewId();
    await gate.client.workflowService.startWorkflowExecution({
      namespace: gate.client.options.namespace,
      workflowId: reviewId,
      workflowType: { name: 'gatedCall' },
      taskQueue: { name: 'holdpoint-gate' },
      input: { payloads: [PAYLOADS.bogusEncoding, PAYLOADS.invalidJson] },
      memo: { fields: { bad: PAYLOADS.invalidJson } },
      requestId: reviewId,
      identity: 'somebody with access to Temporal',
    });
    expect(await gate.client.workflow.getHandle(reviewId).result()).toMatchObject({
      status: 'blocked',
      reasonCodes: ['arguments_invalid'],
    });
    expect((await gate.store.readLedger(reviewId))?.state).toBe('denied');
  });
});

describe('what has not the shape of an envelope', () => {
  const type = 'application/vnd.holdpoint.decision.v1+json';
  const of = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
  const shapes = (reviewId: string): readonly unknown[] => [
    null,
    true,
    42,
    'approve',
    [],
    {},
    { $undecodable: true },
    { payload: of({ reviewId }), payloadType: type },
    { payload: of({ reviewId }), payloadType: type, signatures: [] },
    { payload: of({ reviewId }), payloadType: type, signatures: [null] },
    { payload: of({ reviewId }), payloadType: type, signatures: [{ sig: 7 }] },
    { payload: of({ reviewId }), payloadType: type, signatures: [{ sig: 'x'.repeat(201) }] },
    { payload: of({ reviewId }), payloadType: type, signatures: { 0: { sig: 'x' } } },
    { payload: 7, payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: `${of({ reviewId })}!`, payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: of({ reviewId, more: 'x'.repeat(700_000) }), payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: of([reviewId]), payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: of('x'), payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: of({ reviewId: { toString: 'x' } }), payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: Buffer.from('{"reviewId":').toString('base64'), payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: Buffer.from('['.repeat(90_000)).toString('base64'), payloadType: type, signatures: [{ sig: 'x' }] },
    { payload: Buffer.of(0xff, 0xfe).toString('base64'), payloadType: type, signatures: [{ sig: 'x' }] },
    // Of another kind than its signal, and of another review.
    { payload: of({ reviewId }), payloadType: type.replace('decision', 'withdrawal'), signatures: [{ sig: 'x' }] },
    { payload: of({ reviewId: gate.newReviewId() }), payloadType: type, signatures: [{ sig: 'x' }] },
  ];

  it('is dropped before anything is spent on it', async () => {
    const review = await pending();
    const handle = gate.client.workflow.getHandle(review.reviewId);
    for (const shape of shapes(review.reviewId)) await handle.signal('submitDecision', shape);
    await gate.query(review.reviewId);
    expect(batches).toEqual([]);
    await expectUnharmed(review);
    expect(batches.map(({ size }) => size)).toEqual([1]);
  });
});

describe('forged envelopes', () => {
  it('somebody else’s id in a forgery plants no receipt and does not keep the real vote out', async () => {
    const review = await pending();
    const { reviewId } = review;
    const decisionUlid = ulid();
    for (const signer of [mallory, gate.signers.propose, gate.signers.execute]) {
      const forged = await gate.signDecision(reviewId, { decisionUlid, type: 'reject', signer });
      await gate.signal(reviewId, 'decision', forged.envelope);
    }
    const real = await gate.signDecision(reviewId, { decisionUlid });
    await gate.signal(reviewId, 'decision', real.envelope);
    expect(await gate.receiptOf(reviewId, decisionUlid)).toBe('accepted');
    expect((await review.handle.result()).status).toBe('approved');
    expect((await gate.query(reviewId)).receipts).toEqual({ [decisionUlid]: 'accepted' });
  });

  it('a real signature under other bytes counts for nothing', async () => {
    const review = await pending();
    const { envelope } = await gate.signDecision(review.reviewId, { reviewer: 'finance-1' });
    const payload = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as { reviewer: { id: string } };
    payload.reviewer.id = 'ops-1';
    const forged = { ...envelope, payload: Buffer.from(JSON.stringify(payload)).toString('base64') };
    await gate.signal(review.reviewId, 'decision', forged);
    await gate.signal(review.reviewId, 'decision', { ...envelope, payload: `${envelope.payload.slice(0, -4)}AAAA` });
    await expectUnharmed(review);
    expect((await review.handle.result()).resolution?.by).toBe('ops-1');
    expect((await review.handle.result()).revisions[0]?.decisions).toHaveLength(1);
  });

  it('revisions, withdrawals and reconciliations by a stranger do nothing', async () => {
    const review = await pending();
    const { reviewId } = review;
    const digest = await gate.digestOf(reviewId);
    await gate.signal(reviewId, 'revision', gate.revise(reviewId, digest, {}, { signer: mallory }));
    await gate.signal(reviewId, 'withdrawal', gate.withdraw(reviewId, digest, { signer: mallory }));
    await gate.signal(reviewId, 'reconciliation', gate.reconcile(reviewId, digest, 'executed', { signer: mallory }));
    await expectUnharmed(review);
    expect(Object.values((await gate.query(reviewId)).receipts)).toEqual(['accepted']);
  });

  it('nobody reconciles a call that is waiting', async () => {
    const review = await pending();
    const envelope = gate.reconcile(review.reviewId, await gate.digestOf(review.reviewId), 'executed');
    expect(await gate.send(review.reviewId, 'reconciliation', envelope)).toBe('not_reconcilable');
    await expectUnharmed(review);
  });
});

describe('a flood', () => {
  const forge = (reviewId: string, digest: string, n: number, comment = 'x'): DsseEnvelope => ({
    payload: Buffer.from(JSON.stringify({ reviewId, digest, n, comment })).toString('base64'),
    payloadType: 'application/vnd.holdpoint.decision.v1+json',
    signatures: [{ sig: Buffer.from(`${n}`.padStart(64, '0')).toString('base64') }],
  });

  it('of 2,000 forgeries: a good vote does not wait for the whole of it', async () => {
    const { reviewId, handle } = await pending();
    const digest = await gate.digestOf(reviewId);
    const good = await gate.signDecision(reviewId);
    await gate.stopWorker('gate');
    const send = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n += 20) {
        await Promise.all(
          Array.from({ length: 20 }, (_, i) => gate.signal(reviewId, 'decision', forge(reviewId, digest, n + i))),
        );
      }
    };
    await send(0, 1_000);
    await gate.signal(reviewId, 'decision', good.envelope);
    await send(1_000, 2_000);
    batches = [];
    await gate.startWorker('gate');
    expect((await handle.result()).status).toBe('approved');

    expect(Math.max(...batches.map(({ size }) => size))).toBeLessThanOrEqual(50);
    expect(batchesBefore.get(`${reviewId}:admitted:${good.decisionUlid}`)).toBeLessThanOrEqual(21);
    expect((await gate.query(reviewId)).receipts).toEqual({ [good.decisionUlid]: 'accepted' });
    expect(batches.reduce((sum, { size }) => sum + size, 0)).toBe(2_001);
  });

  it('of the same envelope costs one verification', async () => {
    const { reviewId } = await pending();
    const forged = forge(reviewId, await gate.digestOf(reviewId), 1);
    for (let n = 0; n < 50; n += 1) await gate.signal(reviewId, 'decision', forged);
    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('not_an_approver');
    expect(batches.reduce((sum, { size }) => sum + size, 0)).toBe(2);
  });

  it('of long envelopes is cut into batches that are short enough to verify', async () => {
    const { reviewId, handle } = await pending();
    const digest = await gate.digestOf(reviewId);
    const good = await gate.signDecision(reviewId);
    await gate.stopWorker('gate');
    for (let n = 0; n < 20; n += 1) {
      await gate.signal(reviewId, 'decision', forge(reviewId, digest, n, 'x'.repeat(400_000)));
    }
    await gate.signal(reviewId, 'decision', good.envelope);
    batches = [];
    await gate.startWorker('gate');
    expect((await handle.result()).status).toBe('approved');
    const lengths = batches.map(({ envelopes }) => envelopes.reduce((sum, { payload }) => sum + payload.length, 0));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1_400_000);
  });
});

describe('queries', () => {
  it('◆ many at once are all answered, right behind a signal too', async () => {
    const { reviewId } = await pending();
    const { envelope, decisionUlid } = await gate.signDecision(reviewId, { reviewer: 'finance-1' });
    await gate.signal(reviewId, 'decision', envelope);
    const answers = await Promise.all(Array.from({ length: 20 }, () => gate.query(reviewId)));
    expect(answers.every(({ review }) => review?.reviewId === reviewId)).toBe(true);
    expect(await gate.receiptOf(reviewId, decisionUlid)).toBe('not_an_approver');
  });

  it('◆ the whole state of a review with everything at its largest fits into an answer', async () => {
    const reviewId = gate.newReviewId();
    const long = { before: 'x'.repeat(250_000) };
    gate.answerPreview(() => ({
      ok: true,
      facts: [{ name: 'a', label: 'A', value: 'x'.repeat(60_000) }],
      sourceHash: null,
    }));
    gate.answer(() => ({ status: 'executed', body: 'x'.repeat(250_000) }));
    const { handle } = await gate.start({ tool: 'payouts.purge', arguments: long }, undefined, reviewId);
    await gate.until(reviewId, ({ review }) => (review?.call.digest ?? null) !== null);
    const edited = { before: 'y'.repeat(250_000) };
    expect(await gate.decide(reviewId, { type: 'edit', editedArguments: edited })).toBe('accepted');
    const review = await handle.result();
    expect(review.execution.status).toBe('executed');
    expect((await gate.query(reviewId)).review).toEqual(review);
    expect(JSON.stringify(review).length).toBeGreaterThan(800_000);
    expect(JSON.stringify(review).length).toBeLessThan(1_500_000);
  });
});

import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ConnectorResult } from '../../src/ports/connector.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { StorageError, type Commit, type Store } from '../../src/ports/store.ts';
import type { GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, failureOf, later, refused, type Journey } from '../support/gate-journey.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const CLOSE: JsonObject = { id: 'a-1' };
const CREATE: JsonObject = { account: 'a-1', amount: 5 };
const UNKNOWN = { failure: undefined, sent: 0, state: 'unknown' };
const LOST: ConnectorResult = { status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' };
const HOUR = 3_600_000;

/** A store some of whose commits do not go as they should. */
function storeWith(commit: (next: Commit) => Promise<unknown> | undefined): Store {
  return {
    ...store,
    commit: async (next) => {
      await commit(next);
      return store.commit(next);
    },
  };
}

const down = (): StorageError => new StorageError('database_unavailable', 'down');

/** Claims a call as a worker does that dies before it has an answer. */
async function crashAfterClaim(journey: Journey): Promise<void> {
  const died = new Error('the process was killed');
  const dead = storeWith(async (next) => {
    if (next.ledger?.to !== 'claim') return;
    await store.commit(next);
    throw died;
  });
  await expect(steps.run({ store: dead }).executeCall(journey.input)).rejects.toBe(died);
  expect(gate.calls).toHaveLength(0);
}

const typesOf = async (reviewId: string): Promise<readonly string[]> =>
  (await steps.entries(reviewId)).map(({ type }) => type).slice(-3);

describe('law 6: at most once', () => {
  it('makes one call of two attempts at once in one process', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const worker = steps.run();
    await Promise.all([worker.executeCall(input), worker.executeCall(input)]);
    expect(gate.calls).toHaveLength(1);
    expect((await steps.ledger(input.reviewId)).state).toBe('done');
  });

  it('makes one call of attempts at once in two processes', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const attempts = [steps.run(), steps.run(), steps.run()].map((worker) => failureOf(worker.executeCall(input)));
    const failures = await Promise.all(attempts);
    expect(gate.calls).toHaveLength(1);
    // Those that lost the race come again, and find out.
    for (const failure of failures.filter((found) => found !== undefined)) expect(failure).toEqual(later('not_open'));
    expect(await steps.attempt(input)).toMatchObject({ failure: undefined, sent: 0 });
  });

  it('never takes a running claim of the same process for lost', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    let arrive: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    let release: ((result: ConnectorResult) => void) | undefined;
    const answer = new Promise<ConnectorResult>((resolve) => (release = resolve));
    gate.answer(() => {
      arrive?.();
      return answer;
    });
    const worker = steps.run();
    const first = worker.executeCall(input);
    await arrived;
    const second = worker.executeCall(input);
    // A forger's attempt in between changes nothing for either.
    const forged = failureOf(worker.executeCall({ ...input, decisions: [] }));
    release?.({ status: 'executed', body: {} });
    await Promise.all([first, second, forged]);
    expect(gate.calls).toHaveLength(1);
    expect((await steps.ledger(input.reviewId)).state).toBe('done');
    expect(await typesOf(input.reviewId)).toEqual(['decided', 'started', 'finished']);
  });

  it('is unknown, and not sent, where a claim is found without a result', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    await crashAfterClaim(journey);
    expect(await steps.attempt(journey.input)).toEqual(UNKNOWN);
    expect((await steps.ledger(journey.reviewId)).outcome?.error?.code).toBe('lost_worker');
    expect(await typesOf(journey.reviewId)).toEqual(['decided', 'started', 'unknown']);
    expect(await steps.attempt(journey.input)).toEqual(UNKNOWN);
    expect(await typesOf(journey.reviewId)).toEqual(['decided', 'started', 'unknown']);
  });

  it('is unknown where the connector does not know, or breaks', async () => {
    for (const answer of [() => LOST, () => Promise.reject(new Error('broken'))]) {
      gate.answer(answer);
      const { input } = await steps.approved('payouts.close', CLOSE);
      expect(await steps.attempt(input)).toEqual({ ...UNKNOWN, sent: 1 });
      expect((await steps.ledger(input.reviewId)).outcome?.error?.code).toBe('lost_answer');
    }
  });

  it('records a failure as a failure', async () => {
    gate.answer(() => ({
      status: 'failed',
      code: 'upstream_rejected',
      message: 'no',
      body: { why: 'no' },
      upstreamStatus: 422,
    }));
    const { input } = await steps.approved('payouts.close', CLOSE);
    expect(await steps.attempt(input)).toEqual({ failure: undefined, sent: 1, state: 'failed' });
    const stored = await store.readReview(input.reviewId);
    expect(stored?.review.execution).toMatchObject({
      status: 'failed',
      body: { why: 'no' },
      upstreamStatus: 422,
      error: { code: 'upstream_rejected' },
    });
    expect((await steps.entries(input.reviewId)).at(-1)).toMatchObject({
      type: 'finished',
      status: 'failed',
      late: false,
    });
  });

  it('is settled as lost by a caller with other material only once the request can no longer be in flight', async () => {
    for (const [tool, args] of [
      ['payouts.close', CLOSE],
      ['payouts.create', CREATE],
    ] as const) {
      gate.calls.length = 0;
      const journey = await steps.approved(tool, args);
      await crashAfterClaim(journey);
      const other = { ...journey.input, material: { ...journey.input.material, context: { env: 'other' } } };
      expect(await steps.attempt(other)).toEqual({ failure: later('not_open'), sent: 0, state: 'claimed' });
      const { claim } = await steps.ledger(journey.reviewId);
      gate.clock.set(Date.parse(claim?.settledBy ?? '') - 1);
      expect(await steps.attempt(other)).toEqual({ failure: later('not_open'), sent: 0, state: 'claimed' });
      gate.clock.advance(1);
      expect(await steps.attempt(other)).toEqual(UNKNOWN);
    }
  });
});

describe('law 6: an idempotent target', () => {
  it('is sent to again with the same key, as a resend, inside the window', async () => {
    const journey = await steps.approved('payouts.create', CREATE);
    await crashAfterClaim(journey);
    gate.clock.advance(HOUR - 1);
    expect(await steps.attempt(journey.input)).toEqual(EXECUTED);
    const { claim } = await steps.ledger(journey.reviewId);
    expect(claim?.idempotencyKey).toBe(`holdpoint-${journey.reviewId}`);
    expect(gate.calls[0]).toMatchObject({ idempotencyKey: claim?.idempotencyKey, resend: true });
    expect(gate.calls[0]?.sendBy).toBeGreaterThan(gate.clock.now());
    const started = (await steps.entries(journey.reviewId)).filter(({ type }) => type === 'started');
    expect(started).toMatchObject([{ resend: false }, { resend: true }]);
  });

  it('is never sent to again outside the window', async () => {
    const journey = await steps.approved('payouts.create', CREATE);
    await crashAfterClaim(journey);
    gate.clock.advance(HOUR);
    expect(await steps.attempt(journey.input)).toEqual(UNKNOWN);
  });

  it('is asked again after a lost answer, and unknown once the window has passed', async () => {
    gate.answer(() => LOST);
    const { input } = await steps.approved('payouts.create', CREATE);
    expect(await steps.attempt(input)).toEqual({ failure: later('lost_answer'), sent: 1, state: 'claimed' });
    expect(await steps.attempt(input)).toEqual({ failure: later('lost_answer'), sent: 1, state: 'claimed' });
    expect(gate.calls.map(({ resend }) => resend)).toEqual([false, true]);
    expect(new Set(gate.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    gate.clock.advance(HOUR);
    expect(await steps.attempt(input)).toEqual(UNKNOWN);
  });

  it('is asked again ever more rarely, however often it is scheduled, with a single entry', async () => {
    gate.answer(() => LOST);
    const { input } = await steps.approved('payouts.create', CREATE);
    const worker = steps.run();
    const sentAt: number[] = [];
    const claimedAt = gate.clock.now();
    for (let sent = 0; gate.clock.now() < claimedAt + HOUR; gate.clock.advance(1_000)) {
      await failureOf(worker.executeCall(input));
      if (gate.calls.length > sent) sentAt.push((gate.clock.now() - claimedAt) / 1_000);
      sent = gate.calls.length;
      if ((await steps.ledger(input.reviewId)).state !== 'claimed') break;
    }
    expect(sentAt).toEqual([0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_624, 2_224, 2_824, 3_424]);
    expect((await steps.ledger(input.reviewId)).state).toBe('unknown');
    const entries = (await steps.entries(input.reviewId)).slice(-3);
    expect(entries).toMatchObject([
      { type: 'started', resend: false },
      { type: 'started', resend: true },
      { type: 'unknown', errorCode: 'lost_answer' },
    ]);
  });

  it('is not asked again for an answer that it has stored', async () => {
    const answers: ConnectorResult[] = [LOST, { ...LOST, isFinal: true }];
    gate.answer(() => answers.shift() ?? LOST);
    const { input } = await steps.approved('payouts.create', CREATE);
    expect(await steps.attempt(input)).toEqual({ failure: later('lost_answer'), sent: 1, state: 'claimed' });
    expect(await steps.attempt(input)).toEqual({ failure: undefined, sent: 1, state: 'unknown' });
    expect(await steps.attempt(input)).toEqual(UNKNOWN);
  });

  it('is not asked again once the decisions no longer carry the call', async () => {
    const journey = await steps.approved('payouts.create', CREATE);
    await crashAfterClaim(journey);
    gate.settings.update({ reviewers: [] });
    expect(await steps.attempt(journey.input)).toEqual(UNKNOWN);
  });

  it('waits, rather than giving up, while it is frozen or the log cannot be trusted', async () => {
    const journey = await steps.approved('payouts.create', CREATE);
    await crashAfterClaim(journey);
    gate.settings.update({ freeze: ['*'] });
    expect(await steps.attempt(journey.input)).toEqual({ failure: later('frozen'), sent: 0, state: 'claimed' });
    gate.settings.update({ freeze: [] });
    const assertLogIntact = (): Promise<void> => Promise.reject(new StorageError('log_rolled_back', 'shorter'));
    const doubted = { failure: later('log_rolled_back'), sent: 0, state: 'claimed' };
    expect(await steps.attempt(journey.input, { assertLogIntact })).toEqual(doubted);
    expect(await steps.attempt(journey.input)).toEqual(EXECUTED);
  });

  it('does not count twice against the hourly rate', async () => {
    const journey = await steps.approved('payouts.create', CREATE);
    await crashAfterClaim(journey);
    gate.settings.update({ limits: { ...gate.settings.current().limits, irreversiblePerToolPerHour: 1 } });
    expect(await steps.attempt(journey.input)).toEqual(EXECUTED);
  });
});

describe('law 6: what comes late', () => {
  /** A call under way in one worker that another has called lost. */
  async function overtaken() {
    const { input } = await steps.approved('payouts.close', CLOSE);
    let release: ((result: ConnectorResult) => void) | undefined;
    const answer = new Promise<ConnectorResult>((resolve) => (release = resolve));
    let arrive: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    gate.answer(() => {
      arrive?.();
      return answer;
    });
    const slow = steps.run().executeCall(input);
    await arrived;
    await steps.run().executeCall(input);
    expect((await steps.ledger(input.reviewId)).state).toBe('unknown');
    return { input, slow, release: (result: ConnectorResult) => release?.(result) };
  }

  it('settles an unknown outcome', async () => {
    const { input, slow, release } = await overtaken();
    release({ status: 'executed', body: { id: 7 } });
    await slow;
    const row = await steps.ledger(input.reviewId);
    expect(row).toMatchObject({ state: 'done', outcome: { body: { id: 7 }, error: null } });
    expect((await steps.entries(input.reviewId)).at(-1)).toMatchObject({ type: 'finished', late: true });
    expect((await store.readReview(input.reviewId))?.review.execution.status).toBe('executed');
    expect(gate.calls).toHaveLength(1);
  });

  it('is recorded, and changes nothing, once a person has reconciled', async () => {
    const { input, slow, release } = await overtaken();
    const { reviewId } = input;
    const at = new Date(gate.clock.now()).toISOString();
    const ledger = { to: 'reconcile', reviewId, outcome: 'failed', by: 'ops-1', note: 'looked', at } as const;
    expect((await store.commit({ ledger, entries: [] })).ok).toBe(true);
    release({ status: 'executed', body: { id: 7 } });
    await slow;
    const row = await steps.ledger(reviewId);
    expect(row).toMatchObject({ state: 'unknown', reconciliation: { outcome: 'failed' } });
    expect((await steps.entries(reviewId)).at(-1)).toMatchObject({ type: 'finished', status: 'executed', late: true });
  });
});

describe('law 8: the record comes before the effect', () => {
  it('makes no call where the claim cannot be written', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const broken = storeWith((next) => (next.ledger?.to === 'claim' ? Promise.reject(down()) : undefined));
    await expect(steps.run({ store: broken }).executeCall(input)).rejects.toBeInstanceOf(StorageError);
    expect(gate.calls).toHaveLength(0);
    expect(await steps.attempt(input)).toEqual(EXECUTED);
  });

  it('makes no call where the resend cannot be written', async () => {
    const journey = await steps.approved('payouts.create', CREATE);
    await crashAfterClaim(journey);
    const broken = storeWith((next) => (next.ledger?.to === 'resend' ? Promise.reject(down()) : undefined));
    await expect(steps.run({ store: broken }).executeCall(journey.input)).rejects.toBeInstanceOf(StorageError);
    expect(gate.calls).toHaveLength(0);
  });

  it('writes claim and entry before it sends, and never one without the other', async () => {
    const { input, digest } = await steps.approved('payouts.close', CLOSE);
    gate.answer(async () => {
      const row = await steps.ledger(input.reviewId);
      expect(row).toMatchObject({ state: 'claimed', claim: { digest } });
      expect((await steps.entries(input.reviewId)).at(-1)).toMatchObject({ type: 'started', digest, resend: false });
      expect((await store.readReview(input.reviewId))?.review.execution.status).toBe('executing');
      return { status: 'executed', body: {} };
    });
    expect(await steps.attempt(input)).toEqual(EXECUTED);
  });

  it('makes no call while the log does not extend the checkpoint that this worker keeps', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const assertLogIntact = (): Promise<void> => Promise.reject(new StorageError('log_rolled_back', 'shorter'));
    const waits = { failure: later('log_rolled_back'), sent: 0, state: 'open' };
    expect(await steps.attempt(input, { assertLogIntact })).toEqual(waits);
    const unreachable = (): Promise<void> => Promise.reject(down());
    await expect(steps.run({ assertLogIntact: unreachable }).executeCall(input)).rejects.toBeInstanceOf(StorageError);
    expect(gate.calls).toHaveLength(0);
  });

  it('records a result once, as soon as a database that was down is back', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    let failures = 0;
    const flaky = storeWith(async (next) => {
      if (next.ledger?.to !== 'finish' || failures >= 3) return;
      failures += 1;
      // The last time it was written, and only the answer was lost.
      if (failures === 3) await store.commit(next);
      throw down();
    });
    expect(await steps.attempt(input, { store: flaky })).toEqual(EXECUTED);
    expect(failures).toBe(3);
    expect(await typesOf(input.reviewId)).toEqual(['decided', 'started', 'finished']);
  });

  it('records the bare fact where the database refuses what the target said', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const picky = storeWith((next) => {
      const holdsBody = next.ledger?.to === 'finish' && JSON.stringify(next.ledger.outcome.body).includes('poison');
      return holdsBody ? Promise.reject(new StorageError('write_refused', 'does not fit')) : undefined;
    });
    gate.answer(() => ({ status: 'executed', body: 'poison', upstreamStatus: 201 }));
    expect(await steps.attempt(input, { store: picky })).toEqual(EXECUTED);
    expect((await steps.ledger(input.reviewId)).outcome).toMatchObject({
      body: { $omitted: 'not_storable' },
      upstreamStatus: 201,
    });
  });

  it.each<[string, () => ConnectorResult]>([
    ['half a character', () => ({ status: 'executed', body: { '\ud800': '\udfff' } })],
    ['NUL', () => ({ status: 'failed', code: 'upstream_rejected', message: 'a\0b', body: 'a\0b' })],
    [
      'nesting beyond the stack',
      () => ({ status: 'executed', body: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as JsonObject }),
    ],
    ['a number that is none', () => ({ status: 'executed', body: Number.NaN })],
    ['more than fits', () => ({ status: 'executed', body: 'x'.repeat(300_000) })],
    [
      'an error message of half a megabyte',
      () => ({ status: 'failed', code: 'lost_answer', message: '🙂'.repeat(250_000) }),
    ],
  ])('records a result that holds %s', async (_name, answer) => {
    gate.answer(answer);
    const { input } = await steps.approved('payouts.close', CLOSE);
    const { failure, sent, state } = await steps.attempt(input);
    expect({ failure, sent }).toEqual({ failure: undefined, sent: 1 });
    expect(state).toBe(answer().status === 'executed' ? 'done' : 'failed');
    const stored = await store.readReview(input.reviewId);
    expect(JSON.stringify(stored?.review.execution).length).toBeLessThan(300_000);
  });
});

describe('a call that cannot be made', () => {
  it('is refused where this worker has no credential for it', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    expect(await steps.attempt(input, { connector: () => undefined })).toEqual(refused('credential_missing'));
  });

  it('is not sent by a claim that another worker won', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const late = storeWith(async (next) => {
      if (next.ledger?.to === 'claim') await store.commit({ ...next, ledger: { ...next.ledger, token: 'other' } });
    });
    expect(await steps.attempt(input, { store: late })).toEqual({
      failure: later('not_open'),
      sent: 0,
      state: 'claimed',
    });
  });

  it('is not settled while the request may still be in flight', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    await steps.attempt(input);
    const { claim } = await steps.ledger(input.reviewId);
    const { timeoutMs } = gate.connector;
    const sendBy = Date.parse(claim?.sendBy ?? '');
    expect(sendBy).toBe(gate.calls[0]?.sendBy);
    expect(Date.parse(claim?.settledBy ?? '')).toBeGreaterThan(sendBy + timeoutMs);
  });
});

it('keeps Temporal informed during a long call', async () => {
  const { MockActivityEnvironment } = await import('@temporalio/testing');
  const { createExecuteActivities } = await import('../../src/activities/execute/index.ts');
  const { input } = await steps.approved('payouts.close', CLOSE);
  const environment = new MockActivityEnvironment();
  const beaten = once(environment, 'heartbeat');
  gate.answer(async () => {
    await beaten;
    return { status: 'executed', body: {} };
  });
  const worker = createExecuteActivities(gate.executeDeps());
  await environment.run((given: typeof input) => worker.executeCall(given), input);
  expect((await steps.ledger(input.reviewId)).state).toBe('done');
});

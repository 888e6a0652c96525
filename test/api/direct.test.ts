import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDirectActivities } from '../../src/activities/execute/index.ts';
import { createLocalHandOff, type HandOff } from '../../src/api/index.ts';
import type { HandOffEnd } from '../../src/api/hand-off.ts';
import { ProblemError } from '../../src/api/problem.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import { readPayload } from '../../src/domain/proof/dsse.ts';
import { StorageError, type Store } from '../../src/ports/store.ts';
import { memoryStore } from '../support/databases.ts';
import { codeOf, GET, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
let store: Store;
/** What the database does in place of answering. */
let failing: ((verb: 'commit' | 'read') => void) | undefined;
/** How the call is handed over: by default as in one process. */
let way: {
  isRemote: boolean;
  isOpen: boolean;
  run: (proposal: DsseEnvelope, make: () => Promise<HandOffEnd>) => Promise<HandOffEnd>;
};
const handed: DsseEnvelope[] = [];

beforeAll(async () => {
  store = await memoryStore();
  const checked: Store = {
    ...store,
    commit: async (commit) => (failing?.('commit'), store.commit(commit)),
    readReview: async (reviewId) => (failing?.('read'), store.readReview(reviewId)),
    readLedger: async (reviewId) => (failing?.('read'), store.readLedger(reviewId)),
  };
  api = await makeHarness({
    store: checked,
    handOff: (fixture): HandOff => {
      const local = createLocalHandOff(createDirectActivities(fixture.executeDeps()).executeFree, 100);
      return {
        get isRemote() {
          return way.isRemote;
        },
        isOpen: () => way.isOpen,
        run: (reviewId, proposal, callMs) => {
          handed.push(proposal);
          return way.run(proposal, () => local.run(reviewId, proposal, callMs));
        },
      };
    },
  });
});
beforeEach(() => {
  api.gate.mode = 'working';
  api.gate.executes = true;
  api.answer(() => ({ status: 'executed', body: { ok: true }, upstreamStatus: 200 }));
  way = { isRemote: false, isOpen: true, run: (_proposal, make) => make() };
  failing = undefined;
});
afterAll(async () => {
  await api.close();
  await store.close();
});

const startedFor = (reviewId: string): number => api.gate.started.filter((one) => one.reviewId === reviewId).length;
const sent = async (work: () => Promise<unknown>): Promise<number> => {
  const before = api.calls.length;
  await work();
  return api.calls.length - before;
};

describe('a call that policy frees', () => {
  test('is answered without a workflow, and listed like any other', async () => {
    const { status, body } = await api.execute(GET);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      outcome: 'EXECUTED',
      class: 'reversible',
      gate: 'none',
      execution: { status: 'executed', body: { ok: true } },
    });
    expect(startedFor(body.reviewId)).toBe(0);
    const review = (await api.get(`/v1/reviews/${body.reviewId}`, 'agent-1')).body;
    expect(review).toMatchObject({ status: 'not_required', workflow: null, call: { tool: 'payouts.get' } });
    const listed = (await api.get('/v1/reviews?tool=payouts.get', 'ops-1')).body.reviews;
    expect(listed.map(({ reviewId }: { reviewId: string }) => reviewId)).toContain(body.reviewId);
  });

  test('is handed over with the digests of the files in force', async () => {
    await api.execute(GET);
    const { policy, configDigest } = api.settings.current();
    const payload = readPayload('proposal', handed.at(-1) as DsseEnvelope);
    expect(payload?.direct).toMatchObject({ policyDigest: policy.digest, configDigest });
  });

  test.each([
    ['irreversible', {}],
    ['sensitive', { tool: 'payouts.notify', arguments: { id: 'a-1' } }],
    ['blocked', { tool: 'payouts.destroy', arguments: {} }],
  ])('alone: a call that is %s is not handed over, nor signed as one', async (_name, over) => {
    const before = handed.length;
    const { body } = await api.execute(over);
    expect(handed).toHaveLength(before);
    const started = api.gate.started.find(({ reviewId }) => reviewId === body.reviewId);
    expect(readPayload('proposal', started?.input.proposal as DsseEnvelope)?.direct).toBeUndefined();
  });

  test('takes the workflow while the way is closed', async () => {
    way.isOpen = false;
    const { status, body } = await api.execute(GET);
    expect(status).toBe(200);
    expect(startedFor(body.reviewId)).toBe(1);
  });

  test('is answered as an error where it failed, and gets a workflow where a person must settle it', async () => {
    api.answer(() => ({ status: 'failed', code: 'upstream_rejected', message: 'no', upstreamStatus: 404 }));
    const failed = await api.execute(GET);
    expect(failed).toMatchObject({ status: 502, body: { outcome: 'ERROR' } });
    expect(startedFor(failed.body.reviewId)).toBe(0);
    api.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const unknown = await api.execute(GET);
    expect(unknown).toMatchObject({ status: 502, body: { execution: { status: 'outcome_unknown' } } });
    expect(startedFor(unknown.body.reviewId)).toBe(1);
    const { body } = await api.get(`/v1/reviews/${unknown.body.reviewId}`, 'ops-1');
    expect(body).toMatchObject({ status: 'not_required', execution: { status: 'outcome_unknown' } });
  });

  test('goes on without Temporal in one process', async () => {
    api.gate.mode = 'down';
    expect(await api.execute(GET)).toMatchObject({ status: 200, body: { outcome: 'EXECUTED' } });
  });
});

describe('idempotency keys', () => {
  test('find the call that was made without a workflow', async () => {
    const headers = { 'idempotency-key': 'direct-1' };
    const first = await api.execute(GET, 'agent-1', headers);
    const again = await api.execute(GET, 'agent-1', headers);
    expect(again.body.reviewId).toBe(first.body.reviewId);
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await api.execute({ ...GET, arguments: { id: 'p-2' } }, 'agent-1', headers);
    expect(codeOf(other)).toBe('idempotency_mismatch');
  });

  test('make one call of several requests at once', async () => {
    const headers = { 'idempotency-key': 'direct-2' };
    let answers: Awaited<ReturnType<typeof api.execute>>[] = [];
    const made = await sent(async () => {
      answers = await Promise.all([1, 2, 3, 4].map(() => api.execute(GET, 'agent-1', headers)));
    });
    expect(made).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.reviewId)).size).toBe(1);
    expect(startedFor(answers[0]?.body.reviewId)).toBe(0);
  });
});

test('a batch makes free calls without a workflow, beside those that wait', async () => {
  const calls = [GET, { service: 'payouts', tool: 'payouts.create', arguments: { account: 'a-9', amount: 1 } }];
  const { body } = await api.post('/v1/execute/batch', { calls }, 'agent-1');
  expect(body.results.map(({ httpStatus }: { httpStatus: number }) => httpStatus)).toEqual([200, 202]);
  expect(body.results.map(({ reviewId }: { reviewId: string }) => startedFor(reviewId))).toEqual([0, 1]);
});

describe('what comes through Temporal is a hint: the ledger tells', () => {
  beforeEach(() => (way.isRemote = true));

  test.each(['made', 'refused', 'unclear'] as const)(
    'a call that ran is answered, whatever is said: %s',
    async (said) => {
      way.run = async (_proposal, make) => (await make(), said);
      const made = await sent(async () => {
        const { status, body } = await api.execute(GET);
        expect(status).toBe(200);
        expect(startedFor(body.reviewId)).toBe(0);
      });
      expect(made).toBe(1);
    },
  );

  test('a call that was refused takes the workflow under the same id, and is answered as ever', async () => {
    way.run = async () => 'refused';
    const { status, body } = await api.execute(GET);
    expect(status).toBe(200);
    expect(body.outcome).toBe('EXECUTED');
    expect(startedFor(body.reviewId)).toBe(1);
  });

  test.each(['made', 'unclear'] as const)('a call that did not run takes it too, with 202: %s', async (said) => {
    way.run = async () => said;
    const { status, body } = await api.execute(GET);
    expect(status).toBe(202);
    expect(startedFor(body.reviewId)).toBe(1);
    await api.gate.settled(body.reviewId);
    expect((await api.get(`/v1/reviews/${body.reviewId}`, 'agent-1')).body.execution.status).toBe('executed');
  });

  test('a late hand-off meets the row of the workflow, and does nothing', async () => {
    let late: (() => Promise<HandOffEnd>) | undefined;
    way.run = async (_proposal, make) => ((late = make), 'unclear');
    const made = await sent(async () => {
      const { body } = await api.execute(GET);
      await api.gate.settled(body.reviewId);
      expect(await late?.()).toBe('refused');
    });
    expect(made).toBe(1);
  });

  test('with Temporal gone after the hand-over, 503 names the review and says that it may have run', async () => {
    way.run = async () => ((api.gate.mode = 'down'), 'unclear');
    const { status, body } = await api.execute(GET);
    expect([status, body.code]).toEqual([503, 'temporal_unavailable']);
    expect(body.reviewId).toMatch(/^rev_/);
    expect(body.detail).toContain('may have run');
    expect(body.detail).toContain(body.reviewId);
  });

  test('with Temporal gone, 503 says so whoever said that it was refused', async () => {
    way.run = async () => ((api.gate.mode = 'down'), 'refused');
    const { status, body } = await api.execute(GET);
    expect([status, body.code]).toEqual([503, 'temporal_unavailable']);
    expect(body.detail).toContain('may have run');
  });

  test('with Temporal gone before anything was sent, 503 does not say so', async () => {
    way.run = () => Promise.reject(new ProblemError('temporal_unavailable'));
    const { status, body } = await api.execute(GET);
    expect([status, body.code, body.reviewId]).toEqual([503, 'temporal_unavailable', undefined]);
    expect(body.detail).not.toContain('may have run');
  });

  test('with the database gone after the hand-over, 503 says the same', async () => {
    way.run = async (_proposal, make) => {
      const end = await make();
      failing = () => {
        throw new StorageError('database_unavailable', 'down');
      };
      return end;
    };
    const { status, body } = await api.execute(GET);
    expect([status, body.code]).toEqual([503, 'database_unavailable']);
    expect(body.detail).toContain('may have run');
  });
});

test('law 8: with the database away nothing runs', async () => {
  failing = () => {
    throw new StorageError('database_unavailable', 'down');
  };
  const made = await sent(async () => {
    const { status, body } = await api.execute(GET);
    expect([status, body.code]).toEqual([503, 'database_unavailable']);
    expect(body.detail).not.toContain('may have run');
  });
  expect(made).toBe(0);
});

test('a caller that leaves cancels nothing', async () => {
  let release: (() => void) | undefined;
  const answered = new Promise<void>((resolve) => (release = resolve));
  api.answer(async () => (await answered, { status: 'executed', body: {} }));
  const before = api.calls.length;
  const leaving = new AbortController();
  const body = JSON.stringify(GET);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${api.credential('agent-1')}` };
  const request = fetch(`${api.url}/v1/execute`, { method: 'POST', body, headers, signal: leaving.signal });
  while (api.calls.length === before) await new Promise((resolve) => setImmediate(resolve));
  const reviewId = readPayload('proposal', handed.at(-1) as DsseEnvelope)?.reviewId ?? '';
  leaving.abort();
  await expect(request).rejects.toThrow();
  expect((await api.get(`/v1/reviews/${reviewId}`, 'agent-1')).body.execution.status).toBe('executing');
  release?.();
  const { body: review } = await api.get(`/v1/reviews/${reviewId}?waitSeconds=30`, 'agent-1');
  expect(review.execution.status).toBe('executed');
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.ts';
import { Holdpoint, HoldpointError, type Review } from '../../src/client/index.ts';
import { capture } from '../unit/cli-io.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

// The client against the real app over real HTTP; Temporal is played by the harness.
let api: Harness;
const as = (id: string): Holdpoint =>
  new Holdpoint({ url: api.url, apiKey: api.credential(id), retry: { retries: 1, maxDelay: 200 } });

beforeAll(async () => {
  api = await makeHarness();
});
beforeEach(() => {
  api.gate.mode = 'working';
  api.gate.executes = true;
});
afterAll(() => api.close());

let proposals = 0;
/** Equal to no other call. */
async function propose(args: Record<string, unknown> = {}): Promise<Review> {
  const d = await as('agent-1').execute({ ...CREATE, context: { proposal: (proposals += 1) }, ...args });
  expect(d.escalated).toBe(true);
  await api.gate.settled(d.reviewId);
  return as('ops-1').reviews.get(d.reviewId);
}
const digestOf = (review: Review): string => review.call.digest as string;

describe('each outcome of a proposal', () => {
  test('executed', async () => {
    const d = await as('agent-1').execute(GET);
    expect(d).toMatchObject({ executed: true, outcome: 'EXECUTED', execution: { status: 'executed' } });
  });

  test('escalated, then executed after the yes', async () => {
    const agent = as('agent-1');
    const d = await agent.execute(CREATE);
    expect(d).toMatchObject({ escalated: true, gate: 'hard', class: 'irreversible' });
    const waiting = d.review.resolution({ timeout: '30s' });
    await api.gate.settled(d.reviewId);
    const review = await as('ops-1').reviews.get(d.reviewId);
    const decided = await as('ops-1').reviews.decide(d.reviewId, { type: 'approve', digest: digestOf(review) });
    expect(decided).toMatchObject({ admitted: true, review: { reviewId: d.reviewId } });
    await expect(waiting).resolves.toMatchObject({ executed: true, status: 'executed', edited: false });
  });

  test('blocked', async () => {
    const d = await as('agent-1').execute({ service: 'payouts', tool: 'payouts.destroy', arguments: { id: 'x' } });
    expect(d).toMatchObject({ blocked: true, reasonCodes: ['forbidden'], retryable: false });
  });

  test('no outcome: an error with its code', async () => {
    await expect(as('ops-1').execute(CREATE)).rejects.toMatchObject({ status: 403, code: 'forbidden' });
    const stranger = new Holdpoint({ url: api.url, apiKey: 'hpk_unknown' });
    await expect(stranger.execute(CREATE)).rejects.toMatchObject({ code: 'unauthenticated', retryable: false });
    api.gate.mode = 'down';
    await expect(as('agent-1').execute(CREATE)).rejects.toMatchObject({
      code: 'temporal_unavailable',
      retryable: true,
    });
  });
});

test('the same key gives the same review; another body is refused', async () => {
  const agent = as('agent-1');
  const options = { idempotencyKey: 'thread-7/step-1' };
  const first = await agent.execute(CREATE, options);
  const again = await agent.execute(CREATE, options);
  expect(again.reviewId).toBe(first.reviewId);
  const other = agent.execute({ ...CREATE, arguments: { ...CREATE.arguments, amount: 101 } }, options);
  await expect(other).rejects.toMatchObject({ code: 'idempotency_mismatch' });
});

test('a batch: results in order, each alone', async () => {
  const batch = await as('agent-1').executeBatch([
    GET,
    CREATE,
    { service: 'payouts', tool: 'payouts.destroy', arguments: { id: 'x' } },
  ]);
  expect(batch.results.map((item) => (item instanceof HoldpointError ? item.code : item.outcome))).toEqual([
    'EXECUTED',
    'ESCALATE',
    'BLOCKED',
  ]);
  const { reviews } = await as('ops-1').reviews.list({ group: batch.group, status: 'pending' });
  expect(reviews.map(({ tool }) => tool)).toEqual(['payouts.create']);
});

test('after an edit the agent learns what really ran, also by proposing again with its key', async () => {
  const options = { idempotencyKey: 'edited/1' };
  const batch = await as('agent-1').executeBatch([CREATE], options);
  const [item] = batch.results;
  if (item === undefined || item instanceof HoldpointError) throw new Error('not proposed');
  await api.gate.settled(item.reviewId);
  const review = await as('ops-1').reviews.get(item.reviewId);
  const edited = { account: 'a-1', amount: 7 };
  const edit = { type: 'edit', digest: digestOf(review), arguments: edited } as const;
  const after = await as('ops-1').reviews.decide(review.reviewId, edit);
  // An edit is a new digest; where the editor's own yes does not count, somebody has to say it.
  if (after.admitted && after.review.status === 'pending') {
    await as('ops-2').reviews.decide(review.reviewId, { type: 'approve', digest: digestOf(after.review) });
  }
  const end = await as('agent-1').review(review.reviewId).resolution({ timeout: '30s' });
  expect(end).toMatchObject({ executed: true, edited: true, call: { arguments: edited } });
  const [again] = (await as('agent-1').executeBatch([CREATE], options)).results;
  expect(again).toMatchObject({ executed: true, reviewId: review.reviewId, call: { ...CREATE, arguments: edited } });
});

test('after a rejection the agent learns the words and not to ask again', async () => {
  const review = await propose();
  const no = { type: 'reject', digest: digestOf(review), comment: 'not this month' } as const;
  await as('ops-1').reviews.decide(review.reviewId, no);
  const end = await as('agent-1').review(review.reviewId).resolution({ timeout: '30s' });
  expect(end).toMatchObject({ executed: false, status: 'rejected', comment: 'not this month', retryable: false });
});

test('revise and withdraw are the proposer’s', async () => {
  const review = await propose();
  const ask = { type: 'revise', digest: digestOf(review), comment: 'half of it' } as const;
  await as('ops-1').reviews.decide(review.reviewId, ask);
  const agent = as('agent-1').review(review.reviewId);
  expect((await agent.get()).status).toBe('changes_requested');
  const revised = await agent.revise({ account: 'a-1', amount: 50 });
  expect(revised).toMatchObject({ admitted: true, review: { status: 'pending', revision: 2 } });
  expect(await agent.withdraw()).toMatchObject({ admitted: true, review: { status: 'withdrawn' } });
  await expect(as('agent-2').reviews.withdraw(review.reviewId)).rejects.toMatchObject({ code: 'not_found' });
});

test('an agent that waits answers a request for changes and waits on', async () => {
  const review = await propose();
  const ask = { type: 'revise', digest: digestOf(review), comment: 'half of it' } as const;
  await as('ops-1').reviews.decide(review.reviewId, ask);
  const waiting = as('agent-1')
    .review(review.reviewId)
    .resolution({ timeout: '50s', onChangesRequested: ({ comment }) => ({ account: comment, amount: 50 }) });
  await expect.poll(async () => (await as('ops-1').reviews.get(review.reviewId)).revision, { timeout: 30_000 }).toBe(2);
  const revised = await as('ops-1').reviews.get(review.reviewId);
  expect(revised).toMatchObject({ status: 'pending', call: { arguments: { account: 'half of it', amount: 50 } } });
  await as('ops-1').reviews.decide(review.reviewId, { type: 'reject', digest: digestOf(revised), comment: 'no' });
  await expect(waiting).resolves.toMatchObject({ status: 'rejected', comment: 'no' });
});

test('several decisions in one request stand alone', async () => {
  const [first, second] = [await propose(), await propose()];
  const results = await as('ops-1').reviews.decideMany([
    { reviewId: first.reviewId, type: 'approve', digest: digestOf(first) },
    { reviewId: second.reviewId, type: 'approve', digest: digestOf(first) },
  ]);
  expect(results).toMatchObject([{ httpStatus: 200 }, { httpStatus: 409, code: 'digest_mismatch' }]);
});

test('watching a review ends when it is final', async () => {
  const review = await propose();
  const seen: string[] = [];
  for await (const { review: state } of as('agent-1').reviews.watch(review.reviewId)) {
    seen.push(`${state.status} ${state.execution.status}`);
    if (seen.length === 1) {
      await as('ops-1').reviews.decide(review.reviewId, { type: 'approve', digest: digestOf(review) });
    }
  }
  expect(seen[0]).toBe('pending not_started');
  expect(seen.at(-1)).toBe('approved executed');
});

test('explain runs nothing', async () => {
  const explained = await as('agent-1').explain(CREATE);
  expect(explained).toMatchObject({ class: 'irreversible', gate: 'hard', blocked: false });
  expect(explained.levels).toHaveLength(1);
});

test('audit entries come page by page, in order', async () => {
  const indices: number[] = [];
  for await (const { index } of as('ops-1').audit.allEntries({ limit: 3 })) indices.push(index);
  expect(indices.length).toBeGreaterThan(6);
  expect(indices).toEqual(indices.map((_, n) => n));
});

describe('the command line against the same app', () => {
  interface Out {
    readonly outcome?: string;
    readonly reviewId: string;
    readonly reviews: readonly { readonly reviewId: string }[];
  }

  async function holdpoint(id: string, ...args: readonly string[]) {
    const captured = capture({ env: { HOLDPOINT_URL: api.url, HOLDPOINT_TOKEN: api.credential(id) } });
    const code = await run([...args, '--json'], captured.streams, new AbortController().signal);
    return { code, out: JSON.parse(captured.stdout()) as Out & Review };
  }

  test('propose, list, show, approve, and the record says that it was the command line', async () => {
    const args = JSON.stringify({ ...CREATE.arguments, account: 'by-command-line' });
    const proposed = await holdpoint('agent-1', 'execute', 'payouts.create', '-a', args);
    expect(proposed).toMatchObject({ code: 9, out: { outcome: 'ESCALATE' } });
    const id = proposed.out.reviewId;
    await api.gate.settled(id);
    const listed = await holdpoint('ops-1', 'review', 'list', '--mine');
    expect(listed.out.reviews.map(({ reviewId }) => reviewId)).toContain(id);
    const shown = await holdpoint('ops-1', 'review', 'show', id);
    expect(shown.out).toMatchObject({ reviewId: id, status: 'pending' });
    const approved = await holdpoint('ops-1', 'review', 'approve', id, '--yes', '--digest', digestOf(shown.out));
    expect(approved).toMatchObject({ code: 0, out: { status: 'approved', execution: { status: 'executed' } } });
    expect(approved.out.levels[0]?.decisions[0]).toMatchObject({ reviewer: 'ops-1', channel: 'cli' });
    const late = await holdpoint('ops-2', 'review', 'reject', id, '--yes', '-m', 'too late');
    expect(late).toMatchObject({ code: 5, out: { error: { code: 'already_started' } } });
  });

  test('I1: says that a call attached to one that waits; approving a repeat takes --repeats, and --yes is not enough', async () => {
    const args = JSON.stringify({ ...CREATE.arguments, account: 'twice' });
    const propose = async () => (await holdpoint('agent-1', 'execute', 'payouts.create', '-a', args)).out;
    const first = await propose();
    const review = await as('ops-1').reviews.get(first.reviewId);
    await as('ops-1').reviews.decide(first.reviewId, { type: 'approve', digest: digestOf(review) });
    api.settings.setPolicy({ approval: { ...ONE_OF_OPS, reproposal: 'attach' } });
    try {
      const second = await propose();
      expect(second.reviewId).not.toBe(first.reviewId);
      expect(await propose()).toMatchObject({ reviewId: second.reviewId, attached: true });
      const approve = (...more: string[]) =>
        holdpoint('ops-1', 'review', 'approve', second.reviewId, '--yes', '--wait', '5s', ...more);
      const refused = await approve();
      expect(refused).toMatchObject({ code: 2, out: { error: { code: 'not_interactive' } } });
      expect(JSON.stringify(refused.out)).toContain(`--repeats ${first.reviewId}`);
      expect(await approve('--repeats', first.reviewId)).toMatchObject({ code: 0, out: { status: 'approved' } });
      await expect(
        as('ops-1').reviews.decide(second.reviewId, { type: 'approve', digest: digestOf(review) }),
      ).rejects.toMatchObject({ code: 'already_resolved', repeats: [] });
    } finally {
      api.settings.setPolicy({});
    }
  });

  test('policy explain over HTTP', async () => {
    const { code, out } = await holdpoint(
      'ops-1',
      'policy',
      'explain',
      'payouts.create',
      '-a',
      '{"account":"a","amount":1}',
      '--url',
      api.url,
    );
    expect(code).toBe(0);
    expect(out).toMatchObject({ class: 'irreversible', gate: 'hard' });
  });
});

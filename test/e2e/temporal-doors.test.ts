import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import type { ApprovalDecision } from '../../src/contract/in-flow.ts';
import type { Review, ReviewRow } from '../../src/contract/review.ts';
import { DEPLOYMENT_ID } from '../support/e2e-deployment.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { buildGo, pythonWith, startProgram, type Program } from '../support/programs.ts';

/** Programs of `examples/`, of people who use Temporal themselves: workers and services with nothing of ours inside. */
let world: World;
let client: Client;
let service: Program & { readonly url: string };
const programs: Program[] = [];
/** What runs the examples in each language. */
let runners: { readonly python: string; readonly go: string };

beforeAll(async () => {
  const python = pythonWith('temporalio', ['temporalio==1.35.0']);
  world = await startWorld();
  const { directory, serviceKey } = world.deployment;
  const go = buildGo(packageFile('examples', 'in-flow', 'go'), directory);
  client = new Client({ connection: await Connection.connect({ address: world.holdpoint.temporalAddress }) });
  const env = { TEMPORAL_ADDRESS: world.holdpoint.temporalAddress };
  const key = join(directory, 'service-1.pem');
  writeFileSync(key, serviceKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const start = async (command: string, args: readonly string[], ready: RegExp, more = {}) => {
    const program = await startProgram(command, args, ready, { env: { ...env, ...more } });
    programs.push(program);
    return program;
  };
  const ready = /worker: ready/;
  const started = await start(process.execPath, ['examples/service/server.mjs'], /listening on (\d+)/, {
    DEPLOYMENT_ID,
    SERVICE_ID: 'service-1',
    SERVICE_KEY: key,
    PORT: '0',
  });
  service = { ...started, url: `http://127.0.0.1:${started.found[1]}` };
  await Promise.all([
    start(process.execPath, ['examples/in-flow/worker.mjs'], ready),
    start(await python, ['examples/in-flow/python/publish.py', 'worker'], ready),
    start(await go, ['worker'], ready),
  ]);
  runners = { python: await python, go: await go };
}, 600_000);
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await client?.connection.close();
  await world?.close();
});

type Asking = WorkflowHandle<() => Promise<Record<string, unknown>>>;

function ask(workflow: string, taskQueue: string, ...args: readonly unknown[]): Promise<Asking> {
  return client.workflow.start<() => Promise<Record<string, unknown>>>(workflow, {
    workflowId: `${workflow}-${randomUUID()}`,
    taskQueue,
    args: args as [],
  });
}

/** Open questions of a workflow, by title, once there are so many. */
async function questions(asking: Asking, count = 1): Promise<readonly ReviewRow[]> {
  const query = new URLSearchParams({ proposer: `workflow:${asking.workflowId}`, status: 'pending' });
  return until(
    async () => {
      const { body } = await world.get(`/v1/reviews?${query.toString()}`);
      const rows = body['reviews'] as readonly ReviewRow[];
      return rows.length === count ? rows.toSorted((a, b) => (String(a.title) < String(b.title) ? -1 : 1)) : undefined;
    },
    { what: `${count} questions of ${asking.workflowId}`, withinMs: 60_000 },
  );
}

async function question(asking: Asking): Promise<string> {
  return (await questions(asking))[0]?.reviewId ?? '';
}

async function answer(reviewId: string, decision: Parameters<World['decide']>[1], as: 'ops-1' | 'finance-1' = 'ops-1') {
  const { status, body } = await world.decide(reviewId, decision, as);
  // 202: queued, on a machine that is busy.
  if (status !== 200 && status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
}

const draft = { title: 'News', text: 'Old.' };

describe('requestApproval in a TypeScript worker of somebody else’s (examples/in-flow)', () => {
  const editors = ['ops'];
  const start = (workflow: string, ...args: readonly unknown[]) => ask(workflow, 'publishing', ...args);

  test('a yes', async () => {
    const asking = await start('publishOnce', { draft, editors });
    await answer(await question(asking), { type: 'approve' });
    expect(await asking.result()).toEqual({ published: draft, by: 'ops-1', rounds: 1 });
  });

  test('a revise loop: words bring another draft, an edit ends it', async () => {
    const asking = await start('publishAfterRevisions', { draft, editors });
    const first = await question(asking);
    await answer(first, { type: 'respond', response: 'Add the date.' });
    const second = await until(async () => ((await question(asking)) === first ? undefined : await question(asking)), {
      what: 'the second round',
    });
    const review = await world.review(second);
    expect(review.call.arguments).toEqual({ draft: { ...draft, text: 'Old. Add the date.' } });
    const edited = { ...draft, text: 'New.' };
    await answer(second, { type: 'edit', arguments: { draft: edited } });
    expect(await asking.result()).toEqual({ published: edited, by: 'ops-1', rounds: 2 });
  });

  test('two gates in a row: the second is asked about what the first let through', async () => {
    const asking = await start('publishAfterTwoGates', { draft, editors, lawyers: ['finance'] });
    const first = await question(asking);
    const edited = { ...draft, text: 'Better.' };
    await answer(first, { type: 'edit', arguments: { draft: edited } });
    const second = await until(async () => ((await question(asking)) === first ? undefined : await question(asking)), {
      what: 'the second gate',
    });
    expect(await world.decide(second, { type: 'approve' }, 'ops-1')).toMatchObject({ status: 403 });
    await answer(second, { type: 'approve' }, 'finance-1');
    expect(await asking.result()).toMatchObject({ published: edited, by: 'finance-1' });
  });

  test('several at once: one group, and a no drops no other', async () => {
    const drafts = ['a', 'b', 'c'].map((title) => ({ title, text: title }));
    const asking = await start('publishMany', drafts, editors);
    const [a, b, c] = await questions(asking, 3);
    expect(new Set([a?.group, b?.group, c?.group]).size).toBe(1);
    await answer(b?.reviewId ?? '', { type: 'reject', comment: 'not this one' });
    await answer(c?.reviewId ?? '', { type: 'approve' });
    await answer(a?.reviewId ?? '', { type: 'approve' });
    expect(await asking.result()).toEqual([drafts[0], drafts[2]]);
  });

  test('what is no longer wanted is withdrawn, and the workflow goes on', async () => {
    const asking = await start('publishLatest', { draft, editors });
    const first = await question(asking);
    const newer = { ...draft, text: 'Newer.' };
    await asking.signal('replace', newer);
    expect(await world.settled(first)).toMatchObject({ status: 'withdrawn' });
    await answer(await question(asking), { type: 'approve' });
    expect(await asking.result()).toEqual({ published: newer, by: 'ops-1', rounds: 2 });
  });
});

describe.each([
  { language: 'Python', taskQueue: 'publishing-python' },
  { language: 'Go', taskQueue: 'publishing-go' },
])('approvalGate as a child workflow from $language, with its real SDK', ({ taskQueue }) => {
  interface Outcome {
    readonly published: unknown;
    readonly decision: ApprovalDecision;
  }
  const start = (ttl = '1h') => ask('Publish', taskQueue, draft, ['ops'], ttl);
  const outcome = async (asking: Asking) => (await asking.result()) as unknown as Outcome;

  test('approved', async () => {
    const asking = await start();
    const reviewId = await question(asking);
    await answer(reviewId, { type: 'approve', comment: 'fine' });
    expect(await outcome(asking)).toMatchObject({
      published: draft,
      decision: { reviewId, type: 'approve', proposal: { draft }, by: 'ops-1', comment: 'fine' },
    });
  });

  test('edited', async () => {
    const asking = await start();
    const edited = { ...draft, text: 'New.' };
    await answer(await question(asking), { type: 'edit', arguments: { draft: edited } });
    expect(await outcome(asking)).toMatchObject({ published: edited, decision: { type: 'edit' } });
  });

  test('answered in words', async () => {
    const asking = await start();
    await answer(await question(asking), { type: 'respond', response: { wish: ['shorter', 1] } });
    expect(await outcome(asking)).toMatchObject({
      published: null,
      decision: { type: 'respond', response: { wish: ['shorter', 1] } },
    });
  });

  test('rejected', async () => {
    const asking = await start();
    const reviewId = await question(asking);
    await answer(reviewId, { type: 'reject', comment: 'not today' });
    expect(await outcome(asking)).toMatchObject({
      published: null,
      decision: { reviewId, type: 'reject', by: 'ops-1', comment: 'not today' },
    });
  });

  test('expired', async () => {
    expect(await outcome(await start('2s'))).toMatchObject({ published: null, decision: { type: 'expired' } });
  });

  test('cancelled: the question is withdrawn', async () => {
    const asking = await start();
    const reviewId = await question(asking);
    await asking.cancel();
    expect(await world.settled(reviewId)).toMatchObject({ status: 'withdrawn' });
    expect(await outcome(asking)).toMatchObject({ published: null, decision: { reviewId, type: 'withdrawn' } });
  });
});

describe('the examples start their workflow from a command line, and print how it ended', () => {
  const asked = (title: string): Promise<string> =>
    until(
      async () => {
        const { body } = await world.get('/v1/reviews?status=pending&limit=200');
        for (const { reviewId, kind } of body['reviews'] as readonly ReviewRow[]) {
          if (kind !== 'in-flow') continue;
          const { arguments: args } = (await world.review(reviewId)).call;
          if (JSON.stringify(args).includes(title)) return reviewId;
        }
        return undefined;
      },
      { what: title, withinMs: 60_000 },
    );

  test.each([
    {
      language: 'TypeScript',
      command: (about: object) => {
        const input = JSON.stringify({ draft: about, editors: ['ops'] });
        return [process.execPath, 'examples/in-flow/start.mjs', 'publishOnce', input];
      },
    },
    {
      language: 'Python',
      command: (about: object) => [
        runners.python,
        'examples/in-flow/python/publish.py',
        'start',
        JSON.stringify(about),
        'ops',
      ],
    },
    { language: 'Go', command: (about: object) => [runners.go, 'start', JSON.stringify(about), 'ops'] },
  ])('$language', async ({ command }) => {
    const about = { title: newRef('started'), text: 'Old.' };
    const [program = '', ...args] = command(about);
    const env = { TEMPORAL_ADDRESS: world.holdpoint.temporalAddress };
    const running = startProgram(program, args, /^(\{.*"published":.*\})\n/m, { env });
    await answer(await asked(about.title), { type: 'approve' });
    expect(JSON.parse((await running).found[1] as string)).toMatchObject({ published: about });
  });
});

describe('a service that starts gatedCall itself (examples/service)', () => {
  const propose = async (ref: string): Promise<string> => {
    const response = await fetch(`${service.url}/calls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tool: 'bank.pay', arguments: { ref }, reason: 'invoice 7' }),
    });
    expect(response.status).toBe(202);
    return ((await response.json()) as { reviewId: string }).reviewId;
  };
  const shown = (reviewId: string): Promise<Review> =>
    until(
      async () => {
        const { status, body } = await world.get(`/v1/reviews/${reviewId}`);
        const review = body as unknown as Review;
        return status === 200 && review.call.digest !== null ? review : undefined;
      },
      { what: reviewId },
    );
  const ended = async (reviewId: string): Promise<unknown> =>
    (await fetch(`${service.url}/calls/${reviewId}`)).json() as Promise<unknown>;

  test('signed with its own key it counts as that agent, and the call is made after the yes', async () => {
    const ref = newRef('service');
    const reviewId = await propose(ref);
    expect(await shown(reviewId)).toMatchObject({
      proposer: { id: 'service-1', owner: 'finance-2', attested: true },
      reason: 'invoice 7',
      status: 'pending',
    });
    expect(world.target.count(ref)).toBe(0);
    const waiting = ended(reviewId);
    await answer(reviewId, { type: 'approve' });
    expect(await waiting).toMatchObject({ status: 'approved', execution: { status: 'executed' }, arguments: { ref } });
    expect(world.target.count(ref)).toBe(1);
  });

  test('after a no it hears the words', async () => {
    const ref = newRef('service');
    const reviewId = await propose(ref);
    await shown(reviewId);
    await answer(reviewId, { type: 'reject', comment: 'twice already' });
    expect(await ended(reviewId)).toMatchObject({ status: 'rejected', comment: 'twice already' });
    expect(world.target.count(ref)).toBe(0);
  });
});

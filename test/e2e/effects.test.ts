import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { CREDENTIAL } from '../support/e2e-deployment.ts';
import { intrude, textOf, type Intruder } from '../support/e2e-intruder.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** Laws 6 and 7: what reaches the target, how often, and what never leaves the execute worker. */
let world: World;
let intruder: Intruder;
beforeAll(async () => {
  world = await startWorld();
  intruder = await intrude(world);
});
afterAll(async () => {
  await intruder.close();
  await world.close();
});

const reconcile = (reviewId: string, outcome: string, as: Parameters<World['get']>[1] = 'ops-1') =>
  world.send('POST', `/v1/reviews/${reviewId}/reconcile`, {
    ...(as === undefined ? {} : { as }),
    body: { outcome, note: 'Looked it up' },
  });
const typesOf = async (reviewId: string) => (await world.entries(reviewId)).map(({ type }) => type);

async function approved(tool: string, args: object): Promise<Review> {
  const review = await world.hold(tool, args);
  expect((await world.decide(review.reviewId, {})).status).toBe(200);
  return review;
}

describe('law 6: at most once, or visibly unknown', () => {
  /** Reviews whose outcome nobody knows, by how that came. */
  const unknown: Record<'hung' | 'cut' | 'broken' | 'terminated', { ref: string; reviewId: string }> = {} as never;

  test('a target that hangs, hangs up or breaks: the outcome is unknown, and nobody tries again', async () => {
    const ways = {
      hung: { kind: 'held' },
      cut: { kind: 'reset' },
      broken: { kind: 'answer', status: 500, body: { error: 'half-way' } },
      terminated: { kind: 'reset' },
    } as const;
    for (const [name, behaviour] of Object.entries(ways)) {
      const ref = newRef(name);
      world.target.script(ref, behaviour);
      const { reviewId } = await approved('bank.pay', { ref });
      unknown[name as keyof typeof unknown] = { ref, reviewId };
    }
    for (const { ref, reviewId } of Object.values(unknown)) {
      expect(await world.settled(reviewId)).toMatchObject({
        status: 'approved',
        execution: { status: 'outcome_unknown', error: { code: 'lost_answer' } },
      });
      expect(world.target.count(ref)).toBe(1);
    }
    // Its workflow gone, it can still be settled: somebody starts one for it again.
    await intruder.handle(unknown.terminated.reviewId).terminate();
  });

  test('nobody settles it while the request may still be on its way, and the owner never', async () => {
    const { reviewId } = unknown.cut;
    const early = await reconcile(reviewId, 'failed');
    expect(early).toMatchObject({ status: 409, body: { code: 'not_reconcilable' } });
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await reconcile(reviewId, 'failed', 'ops-3')).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
    expect(await reconcile(reviewId, 'failed', 'finance-1')).toMatchObject({ body: { code: 'not_an_approver' } });
    expect((await reconcile(reviewId, 'failed', 'agent-1')).status).toBe(403);
    expect((await reconcile(reviewId, 'maybe')).status).toBe(400);
  });

  test('an idempotent target is asked again with the same key, and the call counts once', async () => {
    const ref = newRef('order');
    world.target.script(ref, { kind: 'reset' }, { kind: 'answer', status: 503, body: {} });
    const { reviewId } = await approved('bank.order', { ref });
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed', body: { ref } } });
    const seen = world.target.seen.filter((one) => one.ref === ref);
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set([`holdpoint-${reviewId}`]));
    const started = (await world.entries(reviewId)).filter(({ type }) => type === 'started');
    expect(started).toMatchObject([{ resend: false }, { resend: true }]);
  });

  /** Approved, and sent to a target that asks to wait. */
  async function busy(seconds: number): Promise<{ ref: string; reviewId: string }> {
    const ref = newRef('busy');
    const headers = { 'retry-after': String(seconds) };
    world.target.script(ref, { kind: 'answer', status: 429, body: { error: 'slow down' }, headers });
    const { reviewId } = await approved('bank.slow', { ref });
    const { deferred } = await until(
      async () => {
        const { execution } = await world.review(reviewId);
        return execution.deferred === undefined ? undefined : execution;
      },
      { what: 'the deferral' },
    );
    expect(deferred).toMatchObject({ code: 'upstream_rejected', upstreamStatus: 429, times: 1 });
    expect(world.target.count(ref)).toBe(1);
    return { ref, reviewId };
  }

  test('N1: a target that asks to wait, and has not run the call, gets it later', async () => {
    const { ref, reviewId } = await busy(2);
    const { execution } = await world.settled(reviewId);
    expect(execution).toMatchObject({ status: 'executed', body: { ref } });
    expect(execution.deferred).toBeUndefined();
    expect(world.target.count(ref)).toBe(2);
    expect((await typesOf(reviewId)).slice(-4)).toEqual(['started', 'deferred', 'started', 'finished']);
  });

  test('N1: meanwhile a reviewer can still stop it', async () => {
    const { ref, reviewId } = await busy(600);
    expect(await world.decide(reviewId, { type: 'reject' }, 'ops-2')).toMatchObject({ status: 200 });
    expect(await world.settled(reviewId)).toMatchObject({
      status: 'approved',
      execution: { status: 'failed', error: { code: 'stopped' } },
    });
    expect(world.target.count(ref)).toBe(1);
  });

  test('a refused connection is a failure: nothing was sent', async () => {
    const answer = await world.execute('nowhere.say', {});
    expect(answer).toMatchObject({ status: 502, body: { executionError: { code: 'target_unreachable' } } });
  });

  test('a person who found out settles it once, also where its workflow was ended meanwhile', async () => {
    for (const [name, outcome] of [
      ['cut', 'failed'],
      ['hung', 'executed'],
      ['terminated', 'executed'],
    ] as const) {
      const { ref, reviewId } = unknown[name];
      const answer = await until(
        async () => {
          const tried = await reconcile(reviewId, outcome);
          return tried.status === 409 ? undefined : tried;
        },
        { what: `the reconciliation of ${name}`, withinMs: 60_000 },
      );
      expect([200, 202]).toContain(answer.status);
      const review = await until(
        async () => {
          const now = await world.review(reviewId);
          return now.execution.reconciled === undefined ? undefined : now;
        },
        { what: 'the reconciliation' },
      );
      expect(review).toMatchObject({
        status: 'approved',
        execution: { status: outcome, reconciled: { outcome, by: 'ops-1', note: 'Looked it up' } },
      });
      expect(await reconcile(reviewId, 'failed')).toMatchObject({ status: 409, body: { code: 'not_reconcilable' } });
      expect(await typesOf(reviewId)).toContain('reconciled');
      expect(world.target.count(ref)).toBe(1);
    }
    expect(await reconcile((await world.hold('bank.pay', { ref: newRef('x') })).reviewId, 'failed')).toMatchObject({
      status: 409,
      body: { code: 'not_reconcilable' },
    });
    // The one that nobody looked into is still unknown, and was not sent again.
    expect(await world.review(unknown.broken.reviewId)).toMatchObject({ execution: { status: 'outcome_unknown' } });
    expect(world.target.count(unknown.broken.ref)).toBe(1);
  });
});

describe('law 7: credentials and sealed arguments', () => {
  const MEMO = 'the-sealed-memo-q7Zt';
  const TOKEN = 'a-token-of-the-target-m3';
  let wire: Review;
  let ref: string;

  beforeAll(async () => {
    ref = newRef('wire');
    // A target that says everything it was told.
    world.target.script(ref, {
      kind: 'answer',
      status: 200,
      body: {
        echo: [CREDENTIAL, `Bearer ${CREDENTIAL}`, Buffer.from(CREDENTIAL).toString('base64'), MEMO],
        url: `https://x.example/?q=${encodeURIComponent(CREDENTIAL)}`,
        token: TOKEN,
        kept: 'this stays',
      },
    });
    const refused = newRef('wire');
    world.target.script(refused, { kind: 'answer', status: 400, body: { message: `no ${MEMO} with ${CREDENTIAL}` } });
    const { reviewId } = await approved('bank.wire', { ref, memo: MEMO });
    const other = await approved('bank.wire', { ref: refused, memo: MEMO });
    await world.settled(other.reviewId);
    // Ways in which a caller could put it where it is not sealed.
    await world.execute('bank.wire', { ref: newRef('wire'), memo: [MEMO] });
    await world.execute('bank.wire', { ref: newRef('wire'), memo: { $sealed: MEMO } });
    wire = await world.settled(reviewId);
  });

  test('the target gets both, and the answer comes back without them', () => {
    const seen = world.target.seen.find((one) => one.ref === ref);
    expect(seen?.body).toEqual({ ref, memo: MEMO });
    expect(seen?.headers['authorization']).toBe(`Bearer ${CREDENTIAL}`);
    expect(wire.execution).toMatchObject({ status: 'executed', body: { kept: 'this stays' } });
    expect(wire.execution.body).not.toHaveProperty('token');
    expect(wire.call.arguments).toMatchObject({ ref, memo: { $sealed: expect.any(String) } });
  });

  test('a caller’s own sealed value is refused', async () => {
    const answer = await world.execute('bank.wire', { ref: 'x', memo: { $sealed: 'x.y.z' } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'sealed_not_allowed' } });
    const moved = wire.call.arguments?.['memo'];
    const edited = await world.hold('bank.wire', { ref: newRef('wire'), memo: 'another' });
    const edit = await world.decide(edited.reviewId, {
      type: 'edit',
      arguments: { ref: 'x', memo: moved as never },
    });
    expect(edit).toMatchObject({ status: 400, body: { code: 'sealed_not_allowed' } });
    await world.decide(edited.reviewId, { type: 'reject' });
  });

  test.each([
    ['the credential', [CREDENTIAL]],
    ['the sealed argument', [MEMO]],
    ['what the tool redacts', [TOKEN]],
  ])('%s is in no answer of the api, no event and no export', async (_what, secrets) => {
    const paths = [
      `/v1/reviews/${wire.reviewId}`,
      `/v1/reviews/${wire.reviewId}/events`,
      `/v1/reviews/${wire.reviewId}/proof`,
      '/v1/reviews?limit=200',
      '/v1/audit/entries?limit=1000',
      '/v1/audit/checkpoint',
      '/metrics',
      '/readyz',
      '/openapi.json',
    ];
    for (const path of paths) {
      const response = await fetch(new URL(path, world.holdpoint.url), {
        headers: { authorization: `Bearer ${world.deployment.credentials['ops-1']}` },
      });
      expect([path, response.status]).toEqual([path, 200]);
      const said = textOf(await response.text()).join('\n');
      for (const secret of secrets) expect(said).not.toContain(secret);
    }
  });

  test('they are in no workflow’s history, memo or search attributes', async () => {
    // What is looked for in the same way and is there is found.
    expect(textOf(await intruder.history(wire.reviewId)).join('\n')).toContain(`"ref":"${ref}"`);
    let read = 0;
    for await (const { workflowId, runId } of intruder.client.workflow.list()) {
      const described = await intruder.client.workflow.getHandle(workflowId, runId).describe();
      const said = textOf([await intruder.history(workflowId, runId), described.raw]).join('\n');
      for (const secret of [CREDENTIAL, MEMO, TOKEN]) expect(said).not.toContain(secret);
      read += 1;
    }
    expect(read).toBeGreaterThan(5);
  });

  test('they are in no file of the data directory and in nothing that was printed', async () => {
    // Stopped, so that everything has been written.
    expect(await world.holdpoint.stop()).toBe(0);
    const files = readdirSync(world.holdpoint.dataDir, { recursive: true, encoding: 'utf8' })
      .map((name) => join(world.holdpoint.dataDir, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(20);
    const holding = files.filter((path) => {
      const bytes = readFileSync(path);
      return [CREDENTIAL, MEMO, TOKEN, world.deployment.credentials['agent-1']].some((secret) =>
        bytes.includes(secret),
      );
    });
    expect(holding).toEqual([]);
    for (const secret of [CREDENTIAL, MEMO, TOKEN, ...Object.values(world.deployment.credentials)])
      expect(world.holdpoint.output()).not.toContain(secret);
    expect(readFileSync(join(world.holdpoint.dataDir, 'holdpoint.log'), 'utf8').length).toBeGreaterThan(0);
  });
});

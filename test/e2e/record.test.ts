import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { EXIT } from '../../src/cli/ui/exit.ts';
import { runCli } from '../support/e2e-cli.ts';
import { listen } from '../support/e2e-events.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** Laws 8 and 10: what was recorded stays, is told in order, and proves itself to whoever kept a checkpoint. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const executed = { status: 'approved', execution: { status: 'executed' } };
const file = (name: string) => join(world.deployment.directory, name);
const database = () => join(world.holdpoint.dataDir, 'db');

async function payed(): Promise<Review> {
  const { reviewId } = await world.hold('bank.pay', { ref: newRef('record') });
  expect((await world.decide(reviewId, {})).status).toBe(200);
  return world.settled(reviewId);
}

/** Waits until everything recorded so far is covered by a checkpoint. */
async function covered(): Promise<void> {
  const { body } = await world.get('/v1/audit/entries?limit=1000', 'audit-1');
  const size = (body['entries'] as readonly unknown[]).length;
  await until(
    async () => {
      const latest = await world.get('/v1/audit/checkpoint', 'audit-1');
      return Number(latest.body['size']) >= size ? true : undefined;
    },
    { what: 'a checkpoint' },
  );
}

describe('law 10: pending work survives a restart', () => {
  const refs = [newRef('pending'), newRef('level'), newRef('changes')] as const;
  const [slow, key] = [newRef('shutdown'), newRef('key')];
  let before: readonly Review[];
  let executing: string;
  let proposed: string;

  beforeAll(async () => {
    const pending = await world.hold('bank.pay', { ref: refs[0] });
    const second = await world.hold('bank.chain', { ref: refs[1] });
    const changes = await world.hold('bank.pay', { ref: refs[2], amount: 2 });
    await world.decide(second.reviewId, {}, 'ops-1');
    await world.decide(changes.reviewId, { type: 'revise', comment: 'Less' });
    before = await Promise.all([pending, second, changes].map(({ reviewId }) => world.review(reviewId)));
    proposed = (await world.execute('bank.pay', { ref: key }, {}, { key })).body.reviewId;

    world.target.script(slow, { kind: 'slow', ms: 3_000 });
    executing = (await world.hold('bank.slow', { ref: slow })).reviewId;
    await world.decide(executing, {});
    await until(() => (world.target.count(slow) === 1 ? true : undefined), { what: 'the call' });
    await world.holdpoint.stop();
    await world.holdpoint.start();
  });

  test('what waits for people waits where it was, and what was shown is what they decide on', async () => {
    const ids = before.map(({ reviewId }) => reviewId);
    expect(await Promise.all(ids.map((id) => world.review(id)))).toEqual(before);
    const [pending = '', second = '', changes = ''] = ids;
    expect((await world.decide(pending, {})).status).toBe(200);
    expect((await world.decide(second, {}, 'finance-1')).status).toBe(200);
    const revised = await world.send('POST', `/v1/reviews/${changes}/revision`, {
      as: 'agent-1',
      body: { arguments: { ref: refs[2], amount: 1 } },
    });
    expect(revised.status).toBe(200);
    expect((await world.decide(changes, {})).status).toBe(200);
    for (const id of ids) expect(await world.settled(id)).toMatchObject(executed);
    expect(refs.map((ref) => world.target.count(ref))).toEqual([1, 1, 1]);
  });

  test('the shutdown did not interrupt a call: its result is there', async () => {
    expect(await world.review(executing)).toMatchObject({ execution: { status: 'executed', body: { ref: slow } } });
    expect(world.target.count(slow)).toBe(1);
  });

  test('an idempotency key still stands for its review', async () => {
    const again = await world.execute('bank.pay', { ref: key }, {}, { key });
    expect(again.body.reviewId).toBe(proposed);
    expect((await world.execute('bank.pay', { ref: key, amount: 1 }, {}, { key })).status).toBe(422);
    await world.decide(proposed, { type: 'reject' });
  });
});

describe('events', () => {
  test('of all reviews, over a restart: resumed by Last-Event-ID, nothing is lost and nothing comes twice', async () => {
    const first = await listen(world, '/v1/events');
    const reviews = [await payed(), await payed()];
    const rejected = await world.hold('bank.pay', { ref: newRef('event') });
    await world.holdpoint.kill();
    await first.ended;
    await world.holdpoint.start();
    reviews.push(await payed());
    await world.decide(rejected.reviewId, { type: 'reject' });
    const lastEventId = first.seen.at(-1)?.id;
    expect(lastEventId).toBeDefined();
    const second = await listen(world, '/v1/events', { lastEventId: lastEventId as number });
    reviews.push(await payed());
    const all = () => [...first.seen, ...second.seen];
    const wanted = [...reviews.map(({ reviewId }) => reviewId), rejected.reviewId];
    await until(
      () => {
        const last = new Map(all().map(({ review }) => [review.reviewId, review]));
        const ended = wanted.every((id) => {
          const row = last.get(id);
          return row !== undefined && isFinal({ ...row, execution: { status: row.executionStatus } });
        });
        return ended ? true : undefined;
      },
      { what: 'the end of every review' },
    );
    second.close();
    const ids = all().map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    // What a reader has seen last of a review is its last entry.
    const log = (await world.get('/v1/audit/entries?limit=1000', 'audit-1')).body['entries'] as readonly {
      index: number;
      entry: { reviewId?: string };
    }[];
    for (const id of wanted) {
      const last = log.findLast(({ entry }) => entry.reviewId === id)?.index;
      expect(all().findLast(({ review }) => review.reviewId === id)?.id).toBe(last);
    }
  });

  test('of one review end with it, and an agent hears of its own alone', async () => {
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('event') });
    const mine = await listen(world, '/v1/events', { as: 'agent-1' });
    const others = await listen(world, '/v1/events', { as: 'agent-2' });
    const one = await listen(world, `/v1/reviews/${reviewId}/events`, { as: 'agent-1' });
    await world.decide(reviewId, { type: 'reject' });
    await one.ended;
    expect(one.seen.map(({ review }) => review.status)).toEqual(['pending', 'rejected']);
    await until(() => mine.seen.find(({ review }) => review.status === 'rejected'), { what: 'the news' });
    expect(others.seen).toEqual([]);
    mine.close();
    others.close();
    const answer = await fetch(new URL(`/v1/reviews/${reviewId}/events`, world.holdpoint.url), {
      headers: {
        authorization: `Bearer ${world.deployment.credentials['agent-1']}`,
        'last-event-id': String(one.seen.at(-1)?.id),
      },
    });
    expect(answer.status).toBe(204);
  });
});

describe('the proof, as a user checks it', () => {
  const verify = (...args: string[]) => runCli(world, 'audit-1', ['audit', 'verify', ...args]);

  test('one review, offline; and not once a word of it was changed', async () => {
    const { reviewId } = await payed();
    const proof = file('proof.json');
    expect((await runCli(world, 'audit-1', ['audit', 'proof', reviewId, '-o', proof])).code).toBe(EXIT.ok);
    const good = await verify('--proof', proof);
    expect(good).toMatchObject({ code: EXIT.ok, json: { ok: true, reviewId } });
    const text = readFileSync(proof, 'utf8');
    const changes = [
      text.replaceAll('"reviewer":"ops-1"', '"reviewer":"ops-2"'),
      text.replace('"type":"decided"', '"type":"revised"'),
      text.replace(/"index":(\d+)/, (_, index: string) => `"index":${Number(index) + 1}`),
      text.replaceAll('"irreversible"', '"reversible"'),
      JSON.stringify({ ...(JSON.parse(text) as object), envelopes: [] }),
      JSON.stringify({ ...(JSON.parse(text) as object), entries: [] }),
      '{}',
      'no JSON',
    ];
    for (const changed of changes) {
      expect(changed).not.toBe(text);
      writeFileSync(file('changed.json'), changed);
      expect(await verify('--proof', file('changed.json'))).toMatchObject({
        code: EXIT.verificationFailed,
        json: { ok: false },
      });
    }
  });

  test('the whole log, over HTTP, against a checkpoint kept earlier', async () => {
    const since = file('since.note');
    expect((await runCli(world, 'audit-1', ['audit', 'checkpoint', '-o', since])).code).toBe(EXIT.ok);
    await payed();
    expect(await verify('--url', world.holdpoint.url, '--since', since)).toMatchObject({
      code: EXIT.ok,
      json: { ok: true, faults: [], since: { size: expect.any(Number) } },
    });
    writeFileSync(file('forged.note'), readFileSync(since, 'utf8').replace(/\n(\d+)\n/, '\n1\n'));
    expect(await verify('--url', world.holdpoint.url, '--since', file('forged.note'))).toMatchObject({
      code: EXIT.verificationFailed,
      json: { faults: ['since_not_trusted'] },
    });
  });

  test('an entry changed in the database, and one cut off, are named', async () => {
    const since = file('since.note');
    await runCli(world, 'audit-1', ['audit', 'checkpoint', '-o', since]);
    await payed();
    await covered();
    expect(await world.holdpoint.stop()).toBe(0);
    cpSync(database(), file('db.good'), { recursive: true });
    const faultsAfter = async (...statements: readonly string[]) => {
      await tamper(statements);
      const ran = await verify('--database', world.holdpoint.dataDir, '--since', since);
      rmSync(database(), { recursive: true });
      cpSync(file('db.good'), database(), { recursive: true });
      return { code: ran.code, faults: ran.json['faults'] };
    };
    expect(await faultsAfter()).toEqual({ code: EXIT.ok, faults: [] });
    const changed = await faultsAfter(
      `UPDATE holdpoint.audit_entries SET leaf = replace(leaf, '"reviewer":"ops-1"', '"reviewer":"ops-2"')`,
    );
    expect(changed).toEqual({ code: EXIT.verificationFailed, faults: ['entries_changed', 'history_changed'] });
    const cut = await faultsAfter(
      'DELETE FROM holdpoint.audit_entries WHERE idx >= (SELECT max(idx) - 3 FROM holdpoint.audit_entries)',
    );
    expect(cut).toMatchObject({ code: EXIT.verificationFailed });
    expect(cut.faults).toContain('entries_missing');
    const hole = await faultsAfter('DELETE FROM holdpoint.audit_entries WHERE idx = 5');
    expect(hole.faults).toContain('entries_out_of_order');
    await world.holdpoint.start();
  });

  /** What the owner of the database can do: the guards are switched off. */
  async function tamper(statements: readonly string[]): Promise<void> {
    const db = await PGlite.create(database());
    await db.exec('SET session_replication_role = replica');
    for (const statement of statements) expect((await db.query(statement)).affectedRows).toBeGreaterThan(0);
    await db.close();
  }

  test('law 8: an old copy of the database put back: what was executed is not executed again, and nothing else is', async () => {
    const since = file('since.note');
    const [done, other] = [newRef('restored'), newRef('restored')];
    const review = await world.hold('bank.pay', { ref: done });
    expect(await world.holdpoint.stop()).toBe(0);
    cpSync(database(), file('db.old'), { recursive: true });
    await world.holdpoint.start();
    expect((await world.decide(review.reviewId, {})).status).toBe(200);
    expect(await world.settled(review.reviewId)).toMatchObject(executed);
    const digest = (await world.review(review.reviewId)).call.digest ?? '';
    await covered();
    await runCli(world, 'audit-1', ['audit', 'checkpoint', '-o', since]);
    expect(await world.holdpoint.stop()).toBe(0);
    rmSync(database(), { recursive: true });
    renameSync(file('db.old'), database());
    expect(await verify('--database', world.holdpoint.dataDir, '--since', since)).toMatchObject({
      code: EXIT.verificationFailed,
      json: { faults: ['rolled_back'] },
    });

    const starting = world.holdpoint.start().catch(() => undefined);
    const readyz = await until(
      async () => {
        const answer = await world.get('/readyz').catch(() => undefined);
        return JSON.stringify(answer?.body ?? {}).includes('log_rolled_back') ? answer : undefined;
      },
      { what: 'log_rolled_back on /readyz', withinMs: 60_000 },
    );
    expect(readyz.status).toBe(503);
    // The review looks open again; its vote counts for nothing.
    await world.decide(review.reviewId, { digest });
    const held = await world.hold('bank.pay', { ref: other });
    await world.decide(held.reviewId, {});
    await until(async () => ((await world.review(held.reviewId)).status === 'approved' ? true : undefined), {
      what: 'the approval',
    });
    // Nor does what needs nobody's yes go on; its answer would be held for half a minute.
    const free = world.execute('bank.get', { ref: other }).catch(() => undefined);
    const { reviewId } = await until(
      async () => {
        const { body } = await world.get('/v1/reviews?tool=bank.get&limit=1');
        return (body['reviews'] as readonly Review[])[0];
      },
      { what: 'the free call' },
    );
    expect((await world.review(reviewId)).execution.status).toBe('not_started');
    expect(world.target.count(done)).toBe(1);
    expect(world.target.count(other)).toBe(0);
    await world.holdpoint.kill();
    await Promise.all([starting, free]);
  });
});

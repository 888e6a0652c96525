import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { run } from '../../src/cli/commands/run.ts';
import { checkpointKeyOf } from '../../src/cli/compose/keys.ts';
import { EXIT } from '../../src/cli/ui/exit.ts';
import { createCheckpointer } from '../../src/storage/log/checkpointer.ts';
import { ensureKeys } from '../../src/storage/keys/index.ts';
import { createStore } from '../../src/storage/store.ts';
import { AT, claiming, DIGEST, proposal, reviewIdOf } from '../support/storage-fixtures.ts';
import { temporaryFolder } from '../support/stores.ts';
import { capture } from '../unit/cli-io.ts';

const SECRET = 'do-not-keep-me';
const folder = temporaryFolder();
const [dataDir, keysDir] = [join(folder, 'data'), join(folder, 'keys')];
const [OLD, RECENT, PENDING, UNKNOWN] = [1, 2, 3, 4].map((n) => reviewIdOf(n)) as [string, string, string, string];

/** As `holdpoint …` at {@link AT} and a minute. */
async function holdpoint(...args: readonly string[]) {
  const env = { HOLDPOINT_DATA_DIR: dataDir, HOLDPOINT_KEYS_DIR: keysDir };
  const captured = capture({ cwd: folder, env });
  const code = await run([...args, '--json'], captured.streams, new AbortController().signal);
  return { code, out: JSON.parse(captured.stdout()) as Record<string, unknown> };
}

async function argumentsOf(...ids: readonly string[]): Promise<unknown[]> {
  return (await reviewsOf(...ids)).map((review) => review?.call.arguments);
}

async function reviewsOf(...ids: readonly string[]): Promise<(Review | undefined)[]> {
  const store = await createStore({ dataDir });
  try {
    return await Promise.all(ids.map(async (id) => (await store.readReview(id))?.review));
  } finally {
    await store.close();
  }
}

beforeAll(async () => {
  const keys = ensureKeys(keysDir, { deploymentId: 'test', now: new Date(AT) });
  const store = await createStore({ dataDir });
  const call = { service: 'github', tool: 'github.repos.delete', arguments: { said: SECRET }, digest: DIGEST };
  const daysAgo = (days: number) => new Date(Date.parse(AT) - days * 86_400_000).toISOString();
  const amounts = [{ place: '/said', text: SECRET, currency: null }];
  await store.commit(proposal(OLD, { call, amounts, status: 'rejected', resolvedAt: daysAgo(100) }));
  await store.commit(proposal(RECENT, { call, status: 'rejected', resolvedAt: daysAgo(1) }));
  for (const reviewId of [OLD, RECENT]) {
    const deny = { to: 'deny', reviewId, proposalDigest: DIGEST, reason: 'rejected', at: AT } as const;
    await store.commit({ ledger: deny, entries: [] });
  }
  const stopped = { by: 'ops-2', comment: SECRET, at: AT };
  const execution = { status: 'failed', error: null, startedAt: null, finishedAt: AT, stopped } as const;
  await store.commit({ entries: [], review: { kind: 'execution', reviewId: OLD, execution } });
  await store.commit(proposal(PENDING, { call }));
  await store.commit(proposal(UNKNOWN, { call, status: 'approved', resolvedAt: daysAgo(100) }));
  await store.commit({ ledger: claiming(UNKNOWN), entries: [] });
  const lost = { error: { code: 'lost_answer', message: '' }, finishedAt: AT } as const;
  await store.commit({ ledger: { to: 'unknown', reviewId: UNKNOWN, token: 'token-1', outcome: lost }, entries: [] });
  const options = { deploymentId: 'test', key: checkpointKeyOf(keys), trusted: [], file: join(folder, 'checkpoint') };
  await createCheckpointer({ store, ...options }).checkpointNow();
  await store.close();
});

describe('holdpoint audit erase', () => {
  test('asks first, and wants to know how old', async () => {
    expect(await holdpoint('audit', 'erase', '--older-than', '90d')).toMatchObject({
      code: EXIT.usage,
      out: { error: { code: 'not_interactive' } },
    });
    expect(await holdpoint('audit', 'erase', '--older-than', 'ninety', '--yes')).toMatchObject({
      code: EXIT.usage,
      out: { error: { code: 'invalid_duration' } },
    });
    expect(await argumentsOf(OLD)).toEqual([{ said: SECRET }]);
  });

  test('takes what was said out of reviews that ended long ago; the log still verifies', async () => {
    const since = ['--since', join(folder, 'checkpoint')];
    const before = await holdpoint('audit', 'verify', '--database', ...since);
    expect(before).toMatchObject({ code: EXIT.ok, out: { ok: true } });
    expect(await holdpoint('audit', 'erase', '--older-than', '90d', '--yes')).toMatchObject({
      code: EXIT.ok,
      out: { erased: 1 },
    });
    const said = { said: SECRET };
    expect(await argumentsOf(OLD, RECENT, PENDING, UNKNOWN)).toEqual([null, said, said, said]);
    const [old] = await reviewsOf(OLD);
    expect(JSON.stringify(old)).not.toContain(SECRET);
    expect(old?.execution.stopped).toEqual({ by: 'ops-2', comment: null, at: AT });
    expect(await holdpoint('audit', 'verify', '--database', ...since)).toEqual(before);
    expect(await holdpoint('audit', 'erase', '--older-than', '90d', '--yes')).toMatchObject({ out: { erased: 0 } });
  });

  test('a place without a database is named', async () => {
    const ran = await holdpoint('audit', 'erase', '--older-than', '90d', '--yes', '--database', join(folder, 'none'));
    expect(ran).toMatchObject({ code: EXIT.notFound, out: { error: { code: 'no_data_dir' } } });
  });
});

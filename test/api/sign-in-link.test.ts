import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.ts';
import { apiKeysOf } from '../../src/cli/compose/keys.ts';
import { renderBanner } from '../../src/cli/dev/banner.ts';
import { noteRunning } from '../../src/cli/embedded/data-dir.ts';
import { ensureKeys } from '../../src/storage/keys/index.ts';
import { capture } from '../unit/cli-io.ts';
import { makeHarness, type Harness } from './support/harness.ts';

let directory: string;
let api: Harness;
let forget: () => void;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-link-'));
  const keys = ensureKeys(join(directory, 'keys'), { deploymentId: 'test', now: new Date() });
  api = await makeHarness({ app: { sessionSecret: apiKeysOf(keys, 'all').sessionSecret } });
  const people = ['ops-1', 'ops-2'].map((id) => `  - { id: ${id}, groups: [ops], tokenSha256: ${'ab'.repeat(32)} }`);
  writeFileSync(join(directory, 'holdpoint.yaml'), ['policy: policy.yaml', 'reviewers:', ...people, ''].join('\n'));
});
afterAll(async () => {
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  const configFile = join(directory, 'holdpoint.yaml');
  forget = noteRunning(directory, {
    url: api.url,
    configFile,
    keysDir: join(directory, 'keys'),
    temporalAddress: '127.0.0.1:7233',
  });
});

async function holdpoint(...args: readonly string[]) {
  const captured = capture({ cwd: directory, env: { HOLDPOINT_DATA_DIR: directory } });
  const code = await run(args, { ...captured.streams, now: api.clock.now }, new AbortController().signal);
  return { code, out: captured.stdout() };
}
const redeem = (url: string) => api.post('/v1/session', { token: new URL(url).hash.slice('#token='.length) });

test('a link signs its reviewer in, once, and a second command makes another', async () => {
  const first = await holdpoint('sign-in-link', 'ops-2');
  expect(first.code).toBe(0);
  const url = first.out.trim();
  expect(new URL(url).origin).toBe(api.url);
  const answer = await redeem(url);
  expect([answer.status, answer.body.reviewer.id]).toEqual([200, 'ops-2']);
  expect((await redeem(url)).status).toBe(401);
  const second = await holdpoint('sign-in-link', 'ops-2', '--json');
  const told = JSON.parse(second.out) as { reviewer: string; url: string };
  expect(told.reviewer).toBe('ops-2');
  expect((await redeem(told.url)).status).toBe(200);
});

test('a rotation of the review key is followed while running: new links sign in, old links and sessions are over', async () => {
  const link = async () => (await holdpoint('sign-in-link', 'ops-1')).out.trim();
  const [used, unused] = [await link(), await link()];
  const cookie = (await redeem(used)).headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const session = () => api.get('/v1/session', undefined, { cookie });
  expect((await session()).status).toBe(200);
  const stream = await api.open('GET', '/v1/events', undefined, { headers: { cookie } });
  expect(stream.status).toBe(200);
  expect((await holdpoint('keys', 'rotate', 'review')).code).toBe(0);
  expect((await redeem(await link())).status).toBe(200);
  expect((await redeem(unused)).status).toBe(401);
  expect((await session()).status).toBe(401);
  // A stream that is open gives nothing of what comes now, and ends.
  const { reviewId } = await api.propose();
  expect(await stream.text()).not.toContain(reviewId);
  // Another role's key has nothing to do with it.
  const after = await link();
  expect((await holdpoint('keys', 'rotate', 'mail')).code).toBe(0);
  expect((await redeem(after)).status).toBe(200);
});

test('nobody but the reviewers of the config file gets one', async () => {
  const refused = await holdpoint('sign-in-link', 'nobody', '--json');
  expect([refused.code, JSON.parse(refused.out).error.code]).toEqual([4, 'unknown_reviewer']);
});

test('it is for where everything runs in one process, and for who may read the data directory', async () => {
  expect(statSync(join(directory, 'embedded.json')).mode & 0o777).toBe(0o600);
  forget();
  const refused = await holdpoint('sign-in-link', 'ops-1', '--json');
  expect([refused.code, JSON.parse(refused.out).error.code]).toEqual([6, 'not_embedded']);
});

test('a start prints a link for each reviewer, with a config of one’s own too, and no endless list', () => {
  const link = (n: number) => ({ id: `ops-${n}`, groups: ['ops'], signInUrl: `http://x/#token=hpl_${n}_` });
  const at = { url: 'http://x', temporalUi: null, dataDir: '/data', access: null, configFile: 'holdpoint.yaml' };
  const shown = (count: number) =>
    renderBanner({ ...at, links: Array.from({ length: count }, (_, n) => link(n)) })
      .join('\n')
      .match(/#token=hpl_/g)?.length ?? 0;
  expect([shown(0), shown(2), shown(500)]).toEqual([0, 2, 20]);
});

import { expect, test } from 'vitest';
import { servesDatabase, temporalArguments } from '../../src/cli/embedded/temporal-server.ts';
import { takeFirstSource, type Source } from '../../src/cli/embedded/sources.ts';

const works = (name: string): Source => ({ name, get: async () => ({ ok: true, path: `/${name}` }) });
const fails = (name: string): Source => ({ name, get: async () => ({ ok: false, why: `no ${name}` }) });

test('the first source that works is used, and the reasons against earlier ones are reported', async () => {
  const said: string[] = [];
  const path = await takeFirstSource('X', [fails('a'), works('b'), works('c')], (line) => said.push(line));
  expect(path).toBe('/b');
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('no a');
});

test('later sources are not tried', async () => {
  const never: Source = { name: 'never', get: () => Promise.reject(new Error('tried')) };
  await expect(takeFirstSource('X', [works('a'), never], () => undefined)).resolves.toBe('/a');
});

test('no source left: every reason is reported', async () => {
  await expect(takeFirstSource('X', [fails('a'), fails('b')], () => undefined)).rejects.toMatchObject({
    tried: ['a: no a', 'b: no b'],
  });
});

test('a server is recognised by its database file, regardless of other settings', () => {
  const file = '/data/temporal.db';
  const argv = (port: number, databaseFile: string | null) => [
    '/bin/temporal',
    ...temporalArguments({ databaseFile, port, uiPort: null }),
  ];
  expect(servesDatabase(argv(1, file), file)).toBe(true);
  expect(servesDatabase(argv(2, file), file)).toBe(true);
  expect(servesDatabase(argv(1, '/data/other.db'), file)).toBe(false);
  expect(servesDatabase(argv(1, null), file)).toBe(false);
  expect(servesDatabase(['less', file], file)).toBe(false);
});

import { describe, expect, test } from 'vitest';
import type { PartName } from '../../src/contract/part.ts';
import {
  BEAT_EVERY_MS,
  databaseCode,
  FILES_GRACE_MS,
  hasWorker,
  isReady,
  judgeClock,
  judgeFiles,
  judgeOthers,
  MISSED_AFTER_MS,
  partCodesOf,
  temporalCode,
  type Heartbeat,
  type PartCode,
} from '../../src/domain/readiness.ts';

const AT = '2026-04-01T12:00:00.000Z';
function beat(name: PartName, more: Partial<Heartbeat> = {}): Heartbeat {
  return {
    part: { name, instance: `host-${name}`, version: '1.2.3' },
    configDigest: 'sha256:config',
    policyDigest: 'sha256:policy',
    problems: [],
    since: AT,
    seenAt: AT,
    ageMs: 0,
    filesAgeMs: 10 * FILES_GRACE_MS,
    ...more,
  };
}

describe('workers, by their heartbeats', () => {
  test.each<[string, readonly Heartbeat[], boolean, boolean]>([
    ['none', [], false, false],
    ['one of each', [beat('gate'), beat('execute')], true, true],
    ['both in one process', [beat('worker')], true, true],
    ['everything in one process', [beat('all')], true, true],
    ['apis are none', [beat('api'), beat('api-propose')], false, false],
    ['just in time', [beat('gate', { ageMs: MISSED_AFTER_MS })], true, false],
    ['a stale one', [beat('gate', { ageMs: MISSED_AFTER_MS + 1 })], false, false],
    ['one that does not work', [beat('execute', { problems: ['log_rolled_back'] })], false, false],
    ['one that works beside it', [beat('execute', { problems: ['disk_full'] }), beat('execute')], false, true],
    [
      'one that lacks a credential works for the others',
      [beat('execute', { problems: ['credential_missing'] })],
      false,
      true,
    ],
  ])('%s', (_what, parts, gate, execute) => {
    expect([hasWorker('gate', parts), hasWorker('execute', parts)]).toEqual([gate, execute]);
  });

  test('one that was killed is missed within ten seconds, which a few late heartbeats are not', () => {
    expect(MISSED_AFTER_MS + 1_000).toBeLessThan(10_000);
    expect(MISSED_AFTER_MS).toBeGreaterThan(3 * BEAT_EVERY_MS);
  });

  test('what other parts say is named with whose it is; one that is missed is named for a while', () => {
    const problems: readonly PartCode[] = ['sweep_halted'];
    const others = [
      beat('gate', { problems }),
      beat('execute', { problems, ageMs: 9_000 }),
      beat('api', { ageMs: 300_000 }),
    ];
    expect(judgeOthers(others)).toMatchObject([
      { code: 'sweep_halted', part: { name: 'gate', instance: 'host-gate' } },
      { code: 'part_lost', part: { name: 'execute', instance: 'host-execute' } },
    ]);
  });
});

describe('whether a part is ready', () => {
  test.each<[PartName, readonly PartCode[], boolean]>([
    ['api', [], true],
    ['api', ['database_login_refused'], false],
    ['api-review', ['credential_missing'], true],
    ['gate', ['credential_missing'], false],
    ['execute', ['clock_apart', 'config_differs', 'config_not_in_force', 'sweep_halted'], true],
    ['execute', ['disk_full'], false],
  ])('%s with %j: %s', (part, codes, ready) => {
    expect(
      isReady(
        part,
        codes.map((code) => ({ code })),
      ),
    ).toBe(ready);
  });
});

describe('files', () => {
  const other = { configDigest: 'sha256:other' };

  test.each<[string, readonly Heartbeat[], boolean]>([
    ['equal', [beat('gate'), beat('execute')], false],
    ['another configuration', [beat('gate'), beat('execute', other)], true],
    ['another policy', [beat('gate'), beat('execute', { policyDigest: 'sha256:other' })], true],
    ['another one for a moment', [beat('gate'), beat('execute', { ...other, filesAgeMs: FILES_GRACE_MS - 1 })], false],
    ['another one of a part that is gone', [beat('gate'), beat('execute', { ...other, ageMs: 60_000 })], false],
  ])('%s', (_what, parts, differs) => {
    expect(judgeFiles(parts)?.code).toBe(differs ? 'config_differs' : undefined);
  });
});

describe('clocks', () => {
  test.each([
    [0, 0, undefined],
    [4_000, 0, undefined],
    [60_000, 500, 'ahead of'],
    [-60_000, 500, 'behind'],
    [7_000, 3_000, undefined],
    [Number.NaN, 0, undefined],
  ])('%i ms apart, known to within %i: %s', (offset, slack, word) => {
    const problem = judgeClock(offset, slack);
    expect(problem?.code).toBe(word === undefined ? undefined : 'clock_apart');
    if (word !== undefined) expect(problem?.message).toContain(word);
  });
});

test.each([
  [undefined, 'database_unavailable'],
  ['ECONNREFUSED', 'database_unavailable'],
  ['57P01', 'database_unavailable'],
  ['28P01', 'database_login_refused'],
  ['28000', 'database_login_refused'],
  ['53100', 'disk_full'],
  ['ENOSPC', 'disk_full'],
  ['53300', 'database_unavailable'],
  ['42501', 'database_not_prepared'],
  ['42883', 'database_not_prepared'],
])('the database fails with %s: %s', (state, code) => expect(databaseCode(state)).toBe(code));

test.each([
  [5, 'temporal_namespace_missing'],
  [7, 'temporal_refused'],
  [16, 'temporal_refused'],
  [14, 'temporal_unavailable'],
  [undefined, 'temporal_unavailable'],
])('Temporal answers with %s: %s', (status, code) => expect(temporalCode(status)).toBe(code));

test('codes of another version are left out', () => {
  expect(partCodesOf(['disk_full', 'made_up', 'toString'])).toEqual(['disk_full']);
});

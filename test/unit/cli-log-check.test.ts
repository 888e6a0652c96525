import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { AuditEntry, IndexedEntry } from '../../src/contract/audit.ts';
import { checkLog, type LogSource, type LogTrust } from '../../src/cli/commands/audit/log-check.ts';
import { signCheckpoint } from '../../src/domain/proof/checkpoint.ts';
import { appendLeaves, EMPTY_RANGE, hashEntry } from '../../src/domain/proof/tree.ts';

const key = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const trust: LogTrust = { deploymentId: 'demo', origin: 'holdpoint/demo', keys: [key.publicKey] };

function entry(n: number, change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    schemaVersion: 1,
    deploymentId: 'demo',
    at: `2026-04-01T12:00:00.${String(n).padStart(3, '0')}Z`,
    type: 'expired',
    reviewId: 'rev_01J00000000000000000000000',
    expiresAt: '2026-04-01T12:00:00.000Z',
    ...change,
  } as AuditEntry;
}
const entries = (count: number): AuditEntry[] => Array.from({ length: count }, (_, n) => entry(n));

function note(items: readonly AuditEntry[], signer = key, origin = trust.origin): string {
  const { root } = appendLeaves(EMPTY_RANGE, items.map(hashEntry));
  return signCheckpoint({ origin, size: items.length, root }, signer);
}

function log(items: readonly AuditEntry[], checkpoint: string | undefined, indices?: readonly number[]): LogSource {
  return {
    checkpoint: async () => checkpoint,
    async *entries(): AsyncIterable<IndexedEntry> {
      for (const [n, item] of items.entries()) yield { index: indices?.[n] ?? n, entry: item };
    },
  };
}

async function faults(source: LogSource, since?: string): Promise<readonly string[]> {
  return (await checkLog(source, trust, since)).faults;
}

describe('a log that is as it was signed', () => {
  test('verifies, also with entries that came after the checkpoint', async () => {
    const report = await checkLog(log(entries(9), note(entries(7))), trust, note(entries(5)));
    expect(report).toMatchObject({ faults: [], entries: 9, checkpointSize: 7, unsigned: 2, since: { size: 5 } });
  });

  test('verifies when it is empty', async () => {
    expect(await faults(log([], undefined))).toEqual([]);
    expect(await faults(log([], note([])))).toEqual([]);
  });
});

describe('tampering is named', () => {
  const items = entries(8);
  const own = note(items);

  test('an edited entry', async () => {
    const edited = items.with(3, entry(3, { at: '2026-04-01T12:00:00.999Z' }));
    expect(await faults(log(edited, own))).toEqual(['entries_changed']);
  });

  test('a deleted entry, with indices counted anew and without', async () => {
    const deleted = items.toSpliced(3, 1);
    expect(await faults(log(deleted, own))).toEqual(['entries_missing']);
    expect(await faults(log(deleted, own, [0, 1, 2, 4, 5, 6, 7]))).toContain('entries_out_of_order');
  });

  test('a truncated log under its own checkpoint', async () => {
    expect(await faults(log(items.slice(0, 6), own))).toEqual(['entries_missing']);
  });

  test('an old copy, honestly signed when it was new, against a checkpoint kept since', async () => {
    const old = items.slice(0, 5);
    expect(await faults(log(old, note(old)))).toEqual([]);
    expect(await faults(log(old, note(old)), own)).toEqual(['rolled_back']);
  });

  test('a fork, signed by the right key', async () => {
    const other = items.with(7, entry(70));
    expect(await faults(log(other, note(other)), own)).toEqual(['forked']);
  });

  test('a history that was rewritten, signed again and continued', async () => {
    const rewritten = [...items.with(2, entry(20)), entry(100), entry(101)];
    expect(await faults(log(rewritten, note(rewritten)), own)).toEqual(['history_changed']);
  });

  test('an entry of another deployment', async () => {
    const foreign = items.with(4, entry(4, { deploymentId: 'other' }));
    const report = await checkLog(log(foreign, note(foreign)), trust, undefined);
    expect(report).toMatchObject({ faults: ['foreign_entry'], at: 4 });
  });
});

describe('nothing is believed that a trusted key did not sign', () => {
  const items = entries(4);

  test.each([
    ['another key', note(items, stranger)],
    ['another log', note(items, key, 'holdpoint/other')],
    ['no note at all', 'trust me\n'],
  ])('checkpoint of %s', async (_name, checkpoint) => {
    expect(await faults(log(items, checkpoint))).toEqual(['checkpoint_not_trusted']);
    expect(await faults(log(items, note(items)), checkpoint)).toEqual(['since_not_trusted']);
  });

  test('entries without any checkpoint', async () => {
    expect(await faults(log(items, undefined))).toEqual(['checkpoint_missing']);
  });

  test('with no keys nothing verifies', async () => {
    const report = await checkLog(log(items, note(items)), { ...trust, keys: [] }, undefined);
    expect(report.faults).toEqual(['checkpoint_not_trusted']);
  });
});

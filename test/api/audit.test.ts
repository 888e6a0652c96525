import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_TYPES } from '../../src/contract/audit-query.ts';
import type { IndexedEntry } from '../../src/contract/audit.ts';
import { hashEntry, hashFromBase64, type Hash } from '../../src/domain/proof/tree.ts';
import { verifyConsistency, verifyInclusion } from '../../src/domain/proof/merkle-proof.ts';
import { proposedEntry, reviewIdOf } from '../support/storage-fixtures.ts';
import { codeOf, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
let rejected: string;
let pending: string;
let later: string;
let all: readonly IndexedEntry[];

beforeAll(async () => {
  api = await makeHarness();
  const first = await api.propose();
  await api.decide(first.reviewId, first.call.digest, { type: 'reject', comment: 'no' });
  rejected = first.reviewId;
  api.clock.advance(3_600_000);
  later = new Date(api.clock.now()).toISOString();
  pending = (await api.propose({}, 'agent-2')).reviewId;
  all = (await api.get('/v1/audit/entries', 'audit-1')).body.entries;
});
afterAll(() => api.close());

async function entries(query: string): Promise<readonly IndexedEntry[]> {
  const { status, body } = await api.get(`/v1/audit/entries?${query}`, 'audit-1');
  expect([query, status]).toEqual([query, 200]);
  return body.entries;
}

describe('searching the log', () => {
  test('by review, type, person and time; all that is given must fit', async () => {
    expect(await entries(`reviewId=${pending}`)).toEqual(
      all.filter(({ entry }) => 'reviewId' in entry && entry.reviewId === pending),
    );
    expect((await entries('type=proposed,decided')).map(({ entry }) => entry.type)).toEqual([
      'proposed',
      'decided',
      'proposed',
    ]);
    expect((await entries('person=ops-1')).map(({ entry }) => entry.type)).toEqual(['decided']);
    // ops-3 owns agent-1.
    expect(await entries('person=ops-3')).toEqual(
      all.filter(({ entry }) => 'owner' in entry && entry.owner === 'ops-3'),
    );
    expect(await entries(`since=${later}`)).toEqual(all.filter(({ entry }) => entry.at >= later));
    expect(await entries(`until=${later}`)).toEqual(all.filter(({ entry }) => entry.at < later));
    expect(await entries(`reviewId=${rejected}&since=${later}`)).toEqual([]);
    expect(await entries('person=nobody')).toEqual([]);
  });

  test('backwards, page by page, to the first entry', async () => {
    const seen: IndexedEntry[] = [];
    let from: number | null | undefined;
    do {
      const at: string = from === undefined ? '' : `&from=${from}`;
      const { body } = await api.get(`/v1/audit/entries?order=desc&limit=3${at}`, 'audit-1');
      seen.push(...body.entries);
      from = body.nextFrom as number | null;
    } while (from !== null);
    expect(seen).toEqual(all.toReversed());
  });

  test('a filter with pages gives each entry once', async () => {
    const wanted = all.filter(({ entry }) => entry.type === 'proposed');
    const first = (await api.get('/v1/audit/entries?type=proposed&limit=1', 'audit-1')).body;
    const second = (await api.get(`/v1/audit/entries?type=proposed&from=${first.nextFrom}`, 'audit-1')).body;
    expect([...first.entries, ...second.entries]).toEqual(wanted);
    expect(second.nextFrom).toBeNull();
  });

  test('by words, all of which an entry must have; beside other filters, and page by page', async () => {
    const decision = all.filter(({ entry }) => entry.type === 'decided');
    expect(await entries('q=OPS-1%20rejected')).toEqual(decision);
    expect(await entries('q=rejected%20ops-1&type=decided&person=ops-1')).toEqual(decision);
    expect(await entries('q=rejected%20ops-1&type=proposed')).toEqual([]);
    expect(await entries(`q=agent-2&reviewId=${pending}`)).toEqual(
      all.filter(({ entry }) => entry.type === 'proposed' && entry.reviewId === pending),
    );
    expect(await entries('q=agent-2%20ops-1')).toEqual([]);
    const wanted = all.filter(({ entry }) => entry.type === 'proposed').toReversed();
    const first = (await api.get('/v1/audit/entries?q=payouts%20agent&order=desc&limit=1', 'audit-1')).body;
    const from = first.nextFrom as number;
    const second = (await api.get(`/v1/audit/entries?q=payouts%20agent&order=desc&from=${from}`, 'audit-1')).body;
    expect([...first.entries, ...second.entries]).toEqual(wanted);
  });

  test('what is no filter is refused', async () => {
    for (const query of ['type=nonsense', 'since=yesterday', 'reviewId=x', 'order=up', 'colour=red', 'limit=1001']) {
      expect([query, codeOf(await api.get(`/v1/audit/entries?${query}`, 'audit-1'))]).toEqual([
        query,
        'invalid_request',
      ]);
    }
    for (const q of ['q=', 'q=%20', `q=${'a'.repeat(201)}`, `q=${'a%20'.repeat(17)}`, 'q=a&q=b', 'q[]=a']) {
      for (const path of ['entries?', 'export?format=csv&', 'export?format=jsonl&']) {
        const code = codeOf(await api.get(`/v1/audit/${path}${q}`, 'audit-1'));
        expect([path, q, code]).toEqual([path, q, 'invalid_request']);
      }
    }
    expect(AUDIT_TYPES).toContain('policy_changed');
  });

  test('is for reviewers and auditors', async () => {
    for (const path of [
      'entries',
      'export?format=csv',
      'inclusion?size=1&index=0',
      'consistency?from=0&to=1',
      'keys',
    ]) {
      expect([path, codeOf(await api.get(`/v1/audit/${path}`, 'agent-1'))]).toEqual([path, 'forbidden']);
      expect([path, codeOf(await api.get(`/v1/audit/${path}`))]).toEqual([path, 'unauthenticated']);
    }
  });
});

describe('exports', () => {
  test('JSON Lines: one entry a line', async () => {
    const path = '/v1/audit/export?format=jsonl&type=proposed';
    const response = await api.open('GET', path, undefined, { as: 'audit-1' });
    expect(response.headers.get('content-disposition')).toContain('attachment');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      all.filter(({ entry }) => entry.type === 'proposed'),
    );
  });

  test('hold what a search finds', async () => {
    const found = all.filter(({ entry }) => entry.type === 'decided');
    expect(found).toHaveLength(1);
    // One line is JSON by itself.
    const { body } = await api.get('/v1/audit/export?format=jsonl&q=ops-1%20REJECTED', 'audit-1');
    expect(body).toEqual(found[0]);
    const csv = (await api.get('/v1/audit/export?format=csv&q=ops-1%20REJECTED', 'audit-1')).body as string;
    expect(csv.trimEnd().split('\r\n')).toHaveLength(2);
    const none = (await api.get('/v1/audit/export?format=csv&q=nobody', 'audit-1')).body as string;
    expect(none.trimEnd().split('\r\n')).toEqual(['index,at,type,reviewId,people,entry']);
  });

  test('CSV: Excel reads it as UTF-8', async () => {
    const response = await api.open('GET', '/v1/audit/export?format=csv', undefined, { as: 'audit-1' });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 8).toString('utf8')).toBe('\ufeffindex');
    expect(bytes.lastIndexOf('\ufeff')).toBe(0);
  });

  test('CSV: no cell is a formula to a spreadsheet', async () => {
    const hostile = await makeHarness({
      settings: { agents: [{ id: '=1+1', keySha256: 'a'.repeat(64) }] },
    });
    try {
      await hostile.store.commit({ entries: [HOSTILE] });
      const { body } = await hostile.get('/v1/audit/export?format=csv', 'audit-1');
      const lines = (body as string).split('\r\n');
      expect(lines[0]).toBe('index,at,type,reviewId,people,entry');
      const [index, at, type, , people] = (lines[1] ?? '').split(',');
      expect([index, at, type]).toEqual(['0', HOSTILE.at, 'proposed']);
      expect(people).toMatch(/^"?'=HYPERLINK/);
      const leaf = /,"(\{.*\})"$/.exec(lines[1] ?? '')?.[1]?.replaceAll('""', '"');
      expect(JSON.parse(leaf ?? 'null')).toMatchObject(HOSTILE);
    } finally {
      await hostile.close();
    }
  });
});

const HOSTILE = {
  schemaVersion: 1,
  deploymentId: 'test-deployment',
  at: '2026-04-01T12:00:00.000Z',
  reviewId: 'rev_01HZZZZZZZZZZZZZZZZZZZZZZZ',
  type: 'proposed',
  proposer: '=HYPERLINK("https://evil.example.com")',
  owner: null,
  attested: false,
  tool: '@SUM(A1)',
  proposalDigest: `sha256:${'0'.repeat(64)}`,
} as const;

describe('proofs', () => {
  const hashesOf = (texts: readonly string[]): Hash[] => texts.map((text) => hashFromBase64(text) as Hash);

  test('every entry is in the log, and is nothing else', async () => {
    const { size, root } = await api.store.head();
    const indices = all.map(({ index }) => index);
    const { body } = await api.get(`/v1/audit/inclusion?size=${size}&index=${indices.join(',')}`, 'audit-1');
    expect(body.proofs.map((proof: { index: number }) => proof.index)).toEqual(indices);
    const [expected] = hashesOf([root]) as [Hash];
    for (const { index, entry } of all) {
      const path = hashesOf(body.proofs[index].inclusion);
      expect(verifyInclusion(hashEntry(entry), index, size, path, expected)).toBe(true);
      expect(
        verifyInclusion(hashEntry({ ...entry, at: '2020-01-01T00:00:00.000Z' }), index, size, path, expected),
      ).toBe(false);
    }
  });

  test('a later log begins with an earlier one', async () => {
    const before = await api.store.head();
    await api.propose();
    const after = await api.store.head();
    const { body } = await api.get(`/v1/audit/consistency?from=${before.size}&to=${after.size}`, 'audit-1');
    const [old, now] = hashesOf([before.root, after.root]) as [Hash, Hash];
    expect(verifyConsistency(before.size, after.size, hashesOf(body.proof), old, now)).toBe(true);
    expect(verifyConsistency(before.size, after.size, hashesOf(body.proof), now, now)).toBe(false);
  });

  test('of a log that is not that long there is none', async () => {
    for (const path of ['inclusion?size=99999&index=0', 'inclusion?size=3&index=3', 'consistency?from=1&to=99999']) {
      expect([path, codeOf(await api.get(`/v1/audit/${path}`, 'audit-1'))]).toEqual([path, 'invalid_request']);
    }
    for (const path of ['consistency?from=3&to=2', 'consistency?from=99999&to=99999', 'inclusion?size=1&index=-1']) {
      expect([path, codeOf(await api.get(`/v1/audit/${path}`, 'audit-1'))]).toEqual([path, 'invalid_request']);
    }
  });
});

test('the policy in force is there to read, for reviewers and auditors', async () => {
  const { status, body } = await api.get('/v1/policy', 'audit-1');
  expect(status).toBe(200);
  expect(body).toMatchObject({ name: 'policy.yaml', digest: api.settings.current().policy.digest, problem: null });
  expect(codeOf(await api.get('/v1/policy', 'agent-1'))).toBe('forbidden');
});

test('one request looks through a part of a long log, and says where to go on', async () => {
  await api.store.commit({ entries: Array.from({ length: 5_200 }, (_, n) => proposedEntry(reviewIdOf(n))) });
  const { size } = await api.store.head();
  const search = 'q=ops-1%20rejected';
  const decision = all.filter(({ entry }) => entry.type === 'decided');
  const first = (await api.get(`/v1/audit/entries?${search}&order=desc`, 'audit-1')).body;
  expect(first).toEqual({ entries: [], nextFrom: size - 5_001 });
  const second = (await api.get(`/v1/audit/entries?${search}&order=desc&from=${first.nextFrom}`, 'audit-1')).body;
  expect(second).toEqual({ entries: decision, nextFrom: null });
  expect((await api.get(`/v1/audit/export?format=jsonl&${search}`, 'audit-1')).body).toEqual(decision[0]);
  // What the database can tell is looked for further.
  for (const filter of ['type=decided', `${search}&type=decided,expired&person=ops-1&order=desc`]) {
    const { body } = await api.get(`/v1/audit/entries?${filter}`, 'audit-1');
    expect([filter, body]).toEqual([filter, { entries: decision, nextFrom: null }]);
  }
  expect((await api.get('/v1/audit/export?format=jsonl&type=decided', 'audit-1')).body).toEqual(decision[0]);
  const some = (await api.get(`/v1/audit/entries?type=proposed&limit=150&from=${size - 200}`, 'audit-1')).body;
  expect([some.entries.length, some.nextFrom]).toEqual([150, size - 50]);
});

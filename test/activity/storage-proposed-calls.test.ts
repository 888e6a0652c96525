import { beforeEach, describe, expect, it } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import type { CallBinding } from '../../src/ports/proposed-calls.ts';
import type { Store } from '../../src/ports/store.ts';
import { AT, bindingOf, LATER, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const FINGERPRINTS = { call: 'call', intent: 'intent' };
const HOUR = 3_600_000;
const after = (ms: number) => new Date(Date.parse(AT) + ms).toISOString();

onEveryDatabase((engine) => {
  let store: Store;
  beforeEach(async () => {
    ({ store } = await engine.fresh());
  });
  const bind = (n: number, over: Partial<CallBinding> = {}) =>
    store.proposedCalls.bind(bindingOf(reviewIdOf(n), { fingerprints: FINGERPRINTS, attach: true, ...over }));
  const put = (n: number, over: Partial<Review> = {}) =>
    store.commit({ entries: [], review: stateWrite(reviewOf(reviewIdOf(n), { expiresAt: LATER, ...over })) });
  const rejected = { status: 'rejected', resolvedAt: AT } as const;
  const attachedTo = (n: number) => ({ kind: 'attached', reviewId: reviewIdOf(n) });
  const begins = (n: number) => ({ kind: 'new', reviewId: reviewIdOf(n) });

  describe('an equal call', () => {
    it('attaches to one that waits for people, until its deadline, and no longer once it has ended', async () => {
      expect(await bind(1)).toEqual(begins(1));
      await put(1);
      expect(await bind(2)).toEqual(attachedTo(1));
      await put(1, { status: 'changes_requested' });
      expect(await bind(3)).toEqual(attachedTo(1));
      expect(await bind(4, { at: LATER })).toEqual(begins(4));
      await put(4, { status: 'approved', resolvedAt: LATER });
      expect(await bind(5, { at: LATER })).toEqual(begins(5));
    });

    it('attaches to one that is on its way to people, for a few minutes', async () => {
      await bind(1);
      expect(await bind(2, { at: after(9 * 60_000) })).toEqual(attachedTo(1));
      expect(await bind(3, { at: after(11 * 60_000) })).toEqual(begins(3));
    });

    it('attaches to the last rejection of the hour, whatever its thread', async () => {
      const others = { fingerprints: { call: 'call', intent: 'of another thread' } };
      await bind(1);
      await put(1, rejected);
      expect(await bind(2, others)).toEqual(attachedTo(1));
      expect(await bind(3, { ...others, at: after(HOUR) })).toEqual(begins(3));
    });

    it('is known by the version that stands, and a rejection by every version', async () => {
      await bind(1);
      await store.proposedCalls.note('cleanup-agent', { call: 'less', intent: 'less' }, reviewIdOf(1), 2, AT);
      await put(1, { revision: 2 });
      const less = { fingerprints: { call: 'less', intent: 'less' } };
      expect(await bind(2, less)).toEqual(attachedTo(1));
      expect(await bind(3)).toEqual(begins(3));
      await put(1, { revision: 2, ...rejected });
      expect(await bind(4, less)).toEqual(attachedTo(1));
    });

    it.each([
      ['of another agent', { proposer: 'other' }],
      ['with other fingerprints', { fingerprints: { call: 'other', intent: 'other' } }],
      ['where policy asks again', { attach: false }],
      ['of the same batch', { taken: [reviewIdOf(1), reviewIdOf(2)] }],
    ] as const)('%s does not attach', async (_name, over: Partial<CallBinding>) => {
      await bind(1);
      expect(await bind(2, over)).toEqual(begins(2));
      await put(1);
      expect(await bind(3, { ...over, taken: [reviewIdOf(2), ...(over.taken ?? [])] })).toMatchObject({ kind: 'new' });
    });
  });

  it('a key stays bound to the review that it attached to, whatever becomes of it', async () => {
    const key = { key: 'k', fingerprint: 'f' };
    await bind(1);
    await put(1);
    expect(await bind(2, { key })).toEqual(attachedTo(1));
    await put(1, { status: 'approved', resolvedAt: AT });
    const seen = { kind: 'seen', reviewId: reviewIdOf(1), attached: true };
    expect(await bind(3, { key })).toEqual({ ...seen, matches: true });
    expect(await bind(4, { key: { ...key, fingerprint: 'g' } })).toEqual({ ...seen, matches: false });
  });

  it('I1: equal calls at once have one review, and so have equal calls at once under one key', async () => {
    let next = 0;
    // The first round opens the connections; the later ones have them all at once.
    for (const round of ['one', 'two', 'three', 'four', 'five']) {
      const fingerprints = { call: round, intent: round };
      const race = await Promise.all(Array.from({ length: 20 }, () => bind((next += 1), { fingerprints })));
      expect(new Set(race.map(({ reviewId }) => reviewId)).size).toBe(1);
      expect(race.filter(({ kind }) => kind === 'new')).toHaveLength(1);
    }
    const key = { key: 'k', fingerprint: 'f' };
    const keyed = await Promise.all(
      Array.from({ length: 20 }, () => bind((next += 1), { key, fingerprints: { call: 'keyed', intent: 'keyed' } })),
    );
    expect(new Set(keyed.map(({ reviewId }) => reviewId)).size).toBe(1);
  });

  it('a call that races with the end of the equal one attaches to it or begins, and its key says which', async () => {
    for (let round = 0; round < 20; round += 1) {
      const fingerprints = { call: `race-${round}`, intent: `race-${round}` };
      const first = 1_000 + round * 10;
      await bind(first, { fingerprints });
      await put(first);
      const key = { key: `race-${round}`, fingerprint: 'f' };
      const [bound] = await Promise.all([
        bind(first + 1, { fingerprints, key }),
        put(first, { status: 'approved', resolvedAt: AT }),
      ]);
      expect([reviewIdOf(first), reviewIdOf(first + 1)]).toContain(bound.reviewId);
      expect(await bind(first + 2, { fingerprints, key })).toEqual({
        kind: 'seen',
        reviewId: bound.reviewId,
        matches: true,
        attached: bound.kind === 'attached',
      });
    }
  });

  it('tells of equal calls and of what was tried before, each as it stands now', async () => {
    const asked = reviewOf(reviewIdOf(9), { proposedAt: after(HOUR) });
    const related = async (call?: string) =>
      (await store.proposedCalls.related(asked, call)).map(
        ({ reviewId, relation }) => `${reviewId.slice(-1)} ${relation}`,
      );
    for (const n of [1, 2, 3, 4, 9]) await bind(n, { attach: false });
    await put(9);
    await put(1, { status: 'approved', resolvedAt: after(1), revision: 2 });
    await put(3);
    await put(4, { status: 'approved', resolvedAt: after(-1) });
    const repeats = async (call?: string) =>
      (await store.proposedCalls.repeats(asked, call)).map(({ reviewId }) => reviewId.slice(-1));
    expect([await related(), await repeats()]).toEqual([['3 equal'], ['3']]);
    await put(2, { status: 'rejected', resolvedAt: after(3) });
    await put(5, { status: 'rejected', resolvedAt: after(2) });
    await put(6, { status: 'rejected', resolvedAt: after(2), proposer: { id: 'other', owner: null, attested: true } });
    expect([await related(), await repeats()]).toEqual([['3 equal', '2 earlier', '1 earlier', '5 earlier'], ['3']]);
    expect(await repeats('another')).toEqual([]);
    expect(await related('another')).toEqual(['2 earlier', '5 earlier', '1 earlier', '3 earlier']);
    const question = { ...asked, kind: 'in-flow' } as const;
    expect(await store.proposedCalls.related(question)).toEqual([]);
  });

  it('an MCP request keeps its key until it is answered, or too old to be the same', async () => {
    const { mcpRequests } = store;
    expect(await mcpRequests.begin('r', 'one', AT, AT)).toBe('one');
    expect(await mcpRequests.begin('r', 'two', AT, after(-1))).toBe('one');
    await mcpRequests.answered('r');
    expect(await mcpRequests.begin('r', 'three', AT, after(-1))).toBe('three');
    expect(await mcpRequests.begin('r', 'four', after(2), AT)).toBe('four');
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { LEDGER_STATES, type LedgerState, type LedgerTransition } from '../../src/domain/ledger.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import {
  AT,
  beginning,
  claiming,
  DIGEST,
  LATER,
  opening,
  OTHER_DIGEST,
  reviewIdOf,
} from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

type Place = LedgerState | 'nothing' | 'reclaimed' | 'resent' | 'reconciled';
const PLACES: readonly Place[] = ['nothing', ...LEDGER_STATES, 'reclaimed', 'resent', 'reconciled'];
const DEFERRAL = { code: 'upstream_rejected', message: 'The target answered 429', at: AT, retryAt: LATER };
const OUTCOME = { body: { gone: true }, error: null, finishedAt: AT };
const LOST = { error: { code: 'lost_answer', message: 'no answer' }, finishedAt: AT };

const resending = (reviewId: string, at: string, resends: number): LedgerTransition => {
  return { to: 'resend', reviewId, token: 'token-1', at, resends, resendAt: LATER, freezeVersion: 0 };
};

const TRANSITIONS: Readonly<Record<LedgerTransition['to'], (reviewId: string) => LedgerTransition>> = {
  open: (reviewId) => opening(reviewId),
  begin: (reviewId) => beginning(reviewId).ledger,
  tighten: (reviewId) => ({ to: 'tighten', reviewId, expiresAt: AT }),
  deny: (reviewId) => ({ to: 'deny', reviewId, proposalDigest: DIGEST, reason: 'rejected', at: AT }),
  claim: (reviewId) => claiming(reviewId),
  defer: (reviewId) => ({ to: 'defer', reviewId, token: 'token-1', deferral: DEFERRAL }),
  resend: (reviewId) => resending(reviewId, AT, 0),
  finish: (reviewId) => ({ to: 'finish', reviewId, token: 'token-1', state: 'done', outcome: OUTCOME }),
  unknown: (reviewId) => ({ to: 'unknown', reviewId, token: 'token-1', outcome: LOST }),
  reconcile: (reviewId) => ({ to: 'reconcile', reviewId, outcome: 'executed', by: 'ops-1', note: 'seen', at: AT }),
};
const VERBS = Object.keys(TRANSITIONS) as LedgerTransition['to'][];

/** Everything that may move, and where it ends. All other pairs are refused. */
const ALLOWED: Readonly<Partial<Record<Place, Partial<Record<LedgerTransition['to'], LedgerState>>>>> = {
  nothing: { open: 'open', begin: 'claimed', deny: 'denied' },
  open: { tighten: 'open', deny: 'denied', claim: 'claimed' },
  deferred: { tighten: 'deferred', deny: 'denied', claim: 'claimed' },
  claimed: { defer: 'deferred', resend: 'claimed', finish: 'done', unknown: 'unknown' },
  reclaimed: { defer: 'deferred', resend: 'claimed', finish: 'done', unknown: 'unknown' },
  // Sent again, the call may have run: it is not deferred any more, and not sent again before its time.
  resent: { finish: 'done', unknown: 'unknown' },
  unknown: { finish: 'done', reconcile: 'unknown' },
};

const PATHS: Readonly<Record<Place, readonly LedgerTransition['to'][]>> = {
  nothing: [],
  open: ['open'],
  deferred: ['open', 'claim', 'defer'],
  denied: ['open', 'deny'],
  claimed: ['open', 'claim'],
  done: ['open', 'claim', 'finish'],
  failed: ['open', 'claim'],
  unknown: ['open', 'claim', 'unknown'],
  reclaimed: ['open', 'claim', 'defer', 'claim'],
  resent: ['open', 'claim', 'resend'],
  reconciled: ['open', 'claim', 'unknown', 'reconcile'],
};

async function bring(store: Store, reviewId: string, place: Place): Promise<void> {
  for (const verb of PATHS[place]) await store.commit({ ledger: TRANSITIONS[verb](reviewId), entries: [] });
  if (place === 'failed') {
    await store.commit({
      ledger: { to: 'finish', reviewId, token: 'token-1', state: 'failed', resends: 0, outcome: LOST },
      entries: [],
    });
  }
}

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  let ids = 0;
  const nextId = () => reviewIdOf(ids++);
  beforeAll(async () => {
    ({ store, database } = await engine.fresh());
  });

  describe('every transition from every place', () => {
    it.each(PLACES.flatMap((place) => VERBS.map((verb) => [place, verb] as const)))('%s, %s', async (place, verb) => {
      const reviewId = nextId();
      await bring(store, reviewId, place);
      const before = await store.readLedger(reviewId);
      const step = verb === 'begin' ? beginning(reviewId) : { ledger: TRANSITIONS[verb](reviewId), entries: [] };
      const result = await store.commit(step);
      const after = await store.readLedger(reviewId);
      const target = ALLOWED[place]?.[verb];
      if (target === undefined) {
        const why = verb === 'open' ? 'existing' : 'refused';
        expect(result).toEqual({ ok: false, why, row: before ?? null });
        expect(after).toEqual(before);
      } else {
        expect(after?.state).toBe(target);
        expect(result).toEqual({ ok: true, row: after, indices: step.entries.map(() => expect.any(Number) as number) });
      }
    });
  });

  it('what a step writes is what is read', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'reconciled');
    expect(await store.readLedger(reviewId)).toEqual({
      reviewId,
      state: 'unknown',
      objections: 0,
      proposalDigest: DIGEST,
      isDirect: false,
      openedAt: AT,
      expiresAt: LATER,
      denial: null,
      claim: {
        token: 'token-1',
        at: AT,
        firstAt: AT,
        sendBy: LATER,
        digest: DIGEST,
        idempotencyKey: null,
        settledBy: LATER,
        resends: 0,
        resendAt: null,
      },
      deferral: null,
      outcome: LOST,
      reconciliation: { outcome: 'executed', by: 'ops-1', note: 'seen', at: AT },
    });
  });

  it('another proposal meets a refusal, whatever it asks', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'open');
    const row = await store.readLedger(reviewId);
    expect(await store.commit({ ledger: opening(reviewId, OTHER_DIGEST), entries: [] })).toEqual({
      ok: false,
      why: 'refused',
      row,
    });
    const deny = { to: 'deny', reviewId, proposalDigest: OTHER_DIGEST, reason: 'rejected', at: AT } as const;
    expect(await store.commit({ ledger: deny, entries: [] })).toEqual({ ok: false, why: 'refused', row });
  });

  it('a deadline moves earlier and never later', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'open');
    await store.commit({ ledger: { to: 'tighten', reviewId, expiresAt: '2030-01-01T00:00:00.000Z' }, entries: [] });
    expect((await store.readLedger(reviewId))?.expiresAt).toBe(LATER);
    await store.commit({ ledger: { to: 'tighten', reviewId, expiresAt: AT }, entries: [] });
    expect((await store.readLedger(reviewId))?.expiresAt).toBe(AT);
  });

  it('a result needs the token of the claim', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'claimed');
    const finish = { ...TRANSITIONS.finish(reviewId), token: 'token-2' } as LedgerTransition;
    expect(await store.commit({ ledger: finish, entries: [] })).toMatchObject({ ok: false, why: 'refused' });
    expect((await store.readLedger(reviewId))?.state).toBe('claimed');
  });

  it('a deferral needs the token of the claim, and takes the claim back; the next one keeps the key and the first time', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'open');
    const first = { ...claiming(reviewId), idempotencyKey: 'key-1' } as LedgerTransition;
    await store.commit({ ledger: first, entries: [] });
    const stolen = { ...TRANSITIONS.defer(reviewId), token: 'token-2' } as LedgerTransition;
    expect(await store.commit({ ledger: stolen, entries: [] })).toMatchObject({ ok: false, why: 'refused' });
    await store.commit({ ledger: TRANSITIONS.defer(reviewId), entries: [] });
    expect(await store.readLedger(reviewId)).toMatchObject({
      state: 'deferred',
      claim: null,
      deferral: { ...DEFERRAL, times: 1 },
    });
    const second = { ...claiming(reviewId, 'token-2'), at: LATER, idempotencyKey: 'key-2' } as LedgerTransition;
    expect((await store.commit({ ledger: second, entries: [] })).row).toMatchObject({
      state: 'claimed',
      claim: { token: 'token-2', at: LATER, firstAt: AT, idempotencyKey: 'key-1' },
      deferral: { times: 1 },
    });
    // The first claim is over, and so is its token.
    for (const verb of ['defer', 'resend', 'finish', 'unknown'] as const) {
      const result = await store.commit({ ledger: TRANSITIONS[verb](reviewId), entries: [] });
      expect(result).toMatchObject({ ok: false, why: 'refused' });
    }
  });

  it('a resend waits for the time that the last one named, whichever worker asks', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'resent');
    for (const [at, resends] of [
      [AT, 1],
      [LATER, 0],
    ] as const) {
      expect((await store.commit({ ledger: resending(reviewId, at, resends), entries: [] })).ok).toBe(false);
    }
    const due = await store.commit({ ledger: resending(reviewId, LATER, 1), entries: [] });
    expect(due.row?.claim).toMatchObject({ resends: 2 });
  });

  it('a failure of the first send says nothing of the second; a success does', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'resent');
    const failed = (resends: number) =>
      ({ to: 'finish', reviewId, token: 'token-1', state: 'failed', resends, outcome: LOST }) as const;
    expect((await store.commit({ ledger: failed(0), entries: [] })).ok).toBe(false);
    expect((await store.commit({ ledger: failed(1), entries: [] })).ok).toBe(true);
    const other = nextId();
    await bring(store, other, 'resent');
    expect((await store.commit({ ledger: TRANSITIONS.finish(other), entries: [] })).ok).toBe(true);
  });

  it('of a deferral and a resend at once, one succeeds', async () => {
    for (const order of [
      ['defer', 'resend'],
      ['resend', 'defer'],
    ] as const) {
      const reviewId = nextId();
      await bring(store, reviewId, 'claimed');
      const results = await Promise.all(
        order.map((verb) => store.commit({ ledger: TRANSITIONS[verb](reviewId), entries: [] })),
      );
      expect(results.map(({ ok }) => ok)).toEqual([true, false]);
    }
  });

  it('of many claims at once, one succeeds', async () => {
    const reviewId = nextId();
    await bring(store, reviewId, 'open');
    const results = await Promise.all(
      Array.from({ length: 25 }, (_, i) => store.commit({ ledger: claiming(reviewId, `t-${i}`), entries: [] })),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(results.every((result) => result.row?.claim?.token === 't-0')).toBe(true);
  });

  describe('the database itself refuses, also its owner', () => {
    const columns: Readonly<Record<LedgerState, string>> = {
      open: `state = 'open', denied_at = NULL, denial_reason = NULL, claimed_at = NULL`,
      denied: `state = 'denied', denied_at = now(), denial_reason = 'x'`,
      claimed: `state = 'claimed', claimed_at = now(), first_claimed_at = now(), claim_token = 'stolen'`,
      deferred: `state = 'deferred', claimed_at = NULL, claim_token = NULL, deferrals = deferrals + 1`,
      done: `state = 'done'`,
      failed: `state = 'failed'`,
      unknown: `state = 'unknown'`,
    };
    const moves = LEDGER_STATES.flatMap((from) => LEDGER_STATES.map((to) => [from, to] as const));
    const forward = new Set([
      'open denied',
      'open claimed',
      'claimed deferred',
      'deferred claimed',
      'deferred denied',
      'claimed done',
      'claimed failed',
      'claimed unknown',
      'unknown done',
      'unknown failed',
    ]);

    it.each(moves.filter(([from, to]) => from !== to && !forward.has(`${from} ${to}`)))(
      '%s to %s',
      async (from, to) => {
        const reviewId = nextId();
        await bring(store, reviewId, from);
        const before = await store.readLedger(reviewId);
        const attempt = database.query(`UPDATE holdpoint.ledger SET ${columns[to]} WHERE review_id = $1`, [reviewId]);
        await expect(attempt).rejects.toMatchObject({ code: 'write_refused' });
        expect(await store.readLedger(reviewId)).toEqual(before);
      },
    );

    it.each([
      ['claimed', `claim_token = 'stolen'`],
      ['claimed', `idempotency_key = 'another'`],
      ['claimed', `first_claimed_at = now()`],
      ['claimed', `resend_at = now()`],
      ['claimed', `deferral = '{}'`],
      ['deferred', `deferral = '{}'`],
      ['deferred', `deferrals = 0`],
      ['deferred', `idempotency_key = 'another'`],
      ['deferred', `expires_at = expires_at + interval '1 day'`],
      ['resent', `resends = 0, resend_at = NULL`],
      ['resent', `state = 'deferred', claimed_at = NULL, claim_token = NULL, deferrals = deferrals + 1`],
      ['done', `outcome = '{}'`],
      ['denied', `denial_reason = 'another'`],
      ['open', `expires_at = expires_at + interval '1 day'`],
      ['open', 'expires_at = NULL'],
      ['open', `proposal_digest = '${OTHER_DIGEST}'`],
      ['reconciled', `reconciled_outcome = 'failed'`],
      ['reconciled', `state = 'done', reconciled_at = NULL`],
    ] as const)('%s: %s', async (from, change) => {
      const reviewId = nextId();
      await bring(store, reviewId, from);
      const attempt = database.query(`UPDATE holdpoint.ledger SET ${change} WHERE review_id = $1`, [reviewId]);
      await expect(attempt).rejects.toMatchObject({ code: 'write_refused' });
    });

    it('deleting, emptying and beginning in the middle', async () => {
      await expect(database.query('DELETE FROM holdpoint.ledger')).rejects.toMatchObject({ code: 'write_refused' });
      await expect(database.query('TRUNCATE holdpoint.ledger')).rejects.toMatchObject({ code: 'write_refused' });
      const born = database.query(
        `INSERT INTO holdpoint.ledger (review_id, proposal_digest, state, opened_at, claimed_at)
         VALUES ($1, 'x', 'claimed', now(), now())`,
        [nextId()],
      );
      await expect(born).rejects.toMatchObject({ code: 'write_refused' });
    });
  });
});

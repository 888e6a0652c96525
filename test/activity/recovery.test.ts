import { beforeEach, describe, expect, it } from 'vitest';
import {
  type SweepDeps,
  type SweepEvent,
  createSweep,
  findLost,
  lostClaims,
  lostReviews,
} from '../../src/activities/lost-reviews.ts';
import { createTemporalBinding } from '../../src/cli/compose/temporal-binding.ts';
import { LIMITS } from '../../src/contract/constants.ts';
import type { TemporalIdentity } from '../../src/ports/recovery.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { AT, claiming, opening, proposal, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const OLDER = 1_000;
const HERE: TemporalIdentity = { namespaceId: 'namespace-1', clusterId: 'cluster-1' };
const ELSEWHERE: TemporalIdentity = { namespaceId: 'namespace-2', clusterId: 'cluster-1' };

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  /** Workflows that Temporal runs. */
  let running: Set<string>;
  let restarted: string[];
  let told: SweepEvent[];
  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
    [running, restarted, told] = [new Set(), [], []];
  });

  const deps = (): SweepDeps => ({
    store,
    settings: { current: () => ({ deploymentId: 'test' }) } as never,
    // A minute ahead, so that what was written just now is old enough.
    clock: { now: () => Date.now() + 60_000 },
    isRunning: async (reviewId) => running.has(reviewId),
    report: (event) => void told.push(event),
  });
  const gateWorker = () => createSweep(lostReviews(async (reviewId) => void restarted.push(reviewId)));
  const stateOf = async (n: number) => (await store.readLedger(reviewIdOf(n)))?.state;
  const hold = async (...numbers: readonly number[]) => {
    await Promise.all(
      numbers.map((n) => {
        const reviewId = reviewIdOf(n);
        const { service, tool, arguments: args } = reviewOf(reviewId).call;
        const materials = [{ revision: 1, service, tool, arguments: args }] as never;
        return store.commit({
          ...proposal(reviewId),
          review: { ...stateWrite(reviewOf(reviewId)), materials } as never,
        });
      }),
    );
  };
  const claim = async (n: number) => {
    await hold(n);
    await store.commit({ ledger: claiming(reviewIdOf(n)), entries: [] });
  };
  const lose = async (n: number) => {
    await claim(n);
    const outcome = { error: { code: 'lost_answer', message: '' }, finishedAt: AT };
    await store.commit({ ledger: { to: 'unknown', reviewId: reviewIdOf(n), token: 'token-1', outcome }, entries: [] });
  };
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  const waitOlder = async () => {
    await hold(...range(1, OLDER));
    range(1, OLDER).forEach((n) => running.add(reviewIdOf(n)));
  };

  describe('behind a thousand older reviews that wait', () => {
    it('a lost review is found by paging through all, and again after the paging started over', async () => {
      await waitOlder();
      const sweep = gateWorker();
      for (const lost of [OLDER + 1, OLDER + 2]) {
        await hold(lost);
        for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweep(deps());
        expect(await stateOf(lost)).toBe('denied');
      }
      expect(await stateOf(1)).toBe('open');
    });

    it('lost claims and unknown outcomes are found with the first sweep', async () => {
      await waitOlder();
      await Promise.all([claim(OLDER + 1), lose(OLDER + 2)]);
      await createSweep([lostClaims])(deps());
      expect(await stateOf(OLDER + 1)).toBe('unknown');
      running.add(reviewIdOf(OLDER + 1));
      await gateWorker()(deps());
      expect(restarted).toEqual([reviewIdOf(OLDER + 2)]);
    });
  });

  it('one that cannot be settled does not hold up the others, and its error is reported', async () => {
    await Promise.all([lose(1), lose(2)]);
    await hold(3);
    const restart = async (reviewId: string) => {
      if (reviewId === reviewIdOf(1)) throw new Error('refused');
      restarted.push(reviewId);
    };
    await expect(createSweep(lostReviews(restart))(deps())).rejects.toThrow('refused');
    expect(restarted).toEqual([reviewIdOf(2)]);
    expect(await stateOf(3)).toBe('denied');
  });

  describe('too many lost at once', () => {
    const settledOf = async (numbers: readonly number[]) =>
      (await Promise.all(numbers.map(stateOf))).filter((state) => state !== 'open').length;

    it('are settled up to the limit of an hour, over all workers; then a person decides', async () => {
      const all = range(1, LIMITS.lostPerHour + 10);
      await hold(...all);
      await Promise.all([gateWorker()(deps()), gateWorker()(deps())]);
      expect(await settledOf(all)).toBe(LIMITS.lostPerHour);
      const { halt, lostLastHour } = await store.recovery.status();
      expect(lostLastHour).toBe(LIMITS.lostPerHour);
      expect(halt?.reviewIds.length).toBeGreaterThan(0);
      const named = told.flatMap((event) => (event.kind === 'settled' ? [event.reviewId] : []));
      expect(new Set(named).size).toBe(LIMITS.lostPerHour);
      expect(told).toContainEqual({ kind: 'halted', halt });

      // The hour alone releases nothing.
      await database.query(`UPDATE holdpoint.lost_reviews SET settled_at = now() - interval '2 hours'`);
      await gateWorker()(deps());
      expect(await settledOf(all)).toBe(LIMITS.lostPerHour);

      const lost = await findLost(deps());
      expect(lost).toHaveLength(10);
      await store.recovery.approveLost(lost.map(({ reviewId }) => reviewId));
      await gateWorker()(deps());
      expect(await settledOf(all)).toBe(all.length);
      expect(await store.recovery.status()).toEqual({ halt: null, lostLastHour: 0 });
    });

    it('count whatever became of them: aborted, restarted or unknown', async () => {
      await Promise.all([claim(1), lose(2), hold(3)]);
      await createSweep([lostClaims])(deps());
      running.add(reviewIdOf(1));
      await gateWorker()(deps());
      expect((await store.recovery.status()).lostLastHour).toBe(3);
    });
  });

  describe('the Temporal that the database belongs to', () => {
    let knows: (reviewId: string) => boolean;
    beforeEach(() => {
      knows = () => false;
    });
    const at = ({ namespaceId, clusterId }: TemporalIdentity) => {
      const workflowService = {
        describeNamespace: async () => ({ namespaceInfo: { id: namespaceId }, isGlobalNamespace: clusterId === null }),
        getClusterInfo: async () => ({ clusterId }),
      };
      const temporal = { connection: { workflowService }, namespace: 'default' } as never;
      return createTemporalBinding(temporal, store.recovery, async (reviewId) => knows(reviewId));
    };
    const changed = { code: 'temporal_changed' };

    it('is written once, and a different one is refused by every part', async () => {
      expect(await at(HERE).check()).toBe(false);
      await at(HERE).bind();
      expect(await at(HERE).check()).toBe(true);
      const elsewhere = at(ELSEWHERE);
      await expect(elsewhere.check()).rejects.toMatchObject(changed);
      await expect(elsewhere.bind()).rejects.toMatchObject(changed);
      expect(elsewhere.isChanged()).toBe(true);
      expect(await store.recovery.binding()).toEqual(HERE);
    });

    it('is a different one in another cluster too, unless the namespace is global', async () => {
      await at(HERE).bind();
      await expect(at({ ...HERE, clusterId: 'cluster-2' }).check()).rejects.toMatchObject(changed);
      expect(await at({ ...HERE, clusterId: null }).check()).toBe(true);
    });

    it('with open reviews in the database it is taken only where one of them is known', async () => {
      await Promise.all([hold(...range(1, 150)), store.commit({ ledger: opening(reviewIdOf(200)), entries: [] })]);
      await expect(at(HERE).bind()).rejects.toMatchObject(changed);
      expect(await store.recovery.binding()).toBeUndefined();
      knows = (reviewId) => reviewId === reviewIdOf(149);
      await at(HERE).bind();
      expect(await store.recovery.binding()).toEqual(HERE);
    });

    it('is changed by a person, who approves what is lost with it', async () => {
      await at(HERE).bind();
      const all = range(1, LIMITS.lostPerHour + 5);
      await hold(...all);
      await store.recovery.rebind(
        ELSEWHERE,
        all.map((n) => reviewIdOf(n)),
      );
      await expect(at(HERE).check()).rejects.toMatchObject(changed);
      expect(await at(ELSEWHERE).check()).toBe(true);
      await gateWorker()(deps());
      expect(await Promise.all(all.map(stateOf))).toEqual(all.map(() => 'denied'));
      expect(await store.recovery.status()).toEqual({ halt: null, lostLastHour: 0 });
    });
  });
});

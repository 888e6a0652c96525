import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { memoryStore } from './databases.ts';
import { makeFixture, type FixtureOptions, type GateFixture } from './gate-fixture.ts';
import { makeJourneys } from './gate-journey.ts';

export type Steps = ReturnType<typeof makeJourneys>;

/**
 * A gate for each test of a file, all over one database, e.g. `gateForEach((made) => ({ store, gate, steps } = made))`.
 * Called at the top of the file; it closes the database at the end.
 */
export function gateForEach(
  take: (made: { readonly store: Store; readonly gate: GateFixture; readonly steps: Steps }) => void,
  options: Omit<FixtureOptions, 'store'> = {},
): void {
  let store: Store;
  beforeAll(async () => {
    store = await memoryStore();
  });
  afterAll(() => store.close());
  beforeEach(async () => {
    const gate = await makeFixture({ ...options, store });
    take({ store, gate, steps: makeJourneys(gate) });
  });
}

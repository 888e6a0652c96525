import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ENTRY } from '../../src/domain/lifecycle.ts';

/** The last definition counts: a migration that defines the check anew stands in a later file. */
const CHECK = new URL('../../src/storage/migrations/0002-guards.ts', import.meta.url);

test('the database lets each role append the entries that the table says it writes', () => {
  const allowed = [...readFileSync(CHECK, 'utf8').matchAll(/types := '\{([a-z_,]+)\}'/g)].map(([, list = '']) =>
    list.split(','),
  );
  const writtenBy = (role: 'gate' | 'execute' | 'review') =>
    Object.entries(ENTRY).flatMap(([type, row]) => ((row.writtenBy as readonly string[]).includes(role) ? [type] : []));
  expect(allowed.map((types) => types.toSorted())).toEqual([
    writtenBy('gate').toSorted(),
    writtenBy('execute').toSorted(),
    writtenBy('review').toSorted(),
  ]);
});

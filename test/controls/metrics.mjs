/** What agents choose becomes no label, and nothing is counted twice. */
export const controls = [
  {
    point: 2,
    what: 'a tool that policy does not name is no label',
    file: 'src/cli/compose/metrics.ts',
    find: 'tool === undefined || findTool(settings.current(), tool) === undefined ? OTHER : tool',
    replace: 'tool ?? OTHER',
    test: 'test/unit/metrics.test.ts',
    name: 'one that policy does not name is `other`',
  },
  {
    point: 2,
    what: 'a reason that a policy words itself is no label',
    file: 'src/cli/compose/metrics.ts',
    find: 'isCode(ledger.reason) ? ledger.reason : OTHER',
    replace: 'ledger.reason',
    test: 'test/unit/metrics.test.ts',
    name: 'a policy’s own reason is `other`',
  },
  {
    point: 2,
    what: 'whoever scrapes, the database is asked once a second',
    file: 'src/cli/compose/metrics.ts',
    find: 'const read = atMostEvery(READ_EVERY_MS, async (): Promise<Reading> => {',
    replace: 'const read = Object.assign(async (): Promise<Reading> => {',
    test: 'test/unit/metrics.test.ts',
    name: 'the database is asked once',
  },
  {
    point: 2,
    what: 'values of a database that is away are none',
    file: 'src/cli/compose/metrics.ts',
    find: 'await read().then(value, () => Number.NaN)',
    replace: 'await read().then(value, () => 0)',
    test: 'test/unit/metrics.test.ts',
    name: 'while the database is away',
  },
];

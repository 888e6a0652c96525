export const controls = [
  {
    point: 6,
    what: 'a claim that the journal cannot take is not made',
    file: 'src/activities/execute/claim-call.ts',
    find: 'await deps.journal.claiming(claim.token, noted);',
    replace: 'deps.journal.claiming(claim.token, noted).catch(() => undefined);',
    test: 'test/activity/restored-reviews.test.ts',
    name: 'that cannot be written stops the claim',
  },
  {
    point: 6,
    what: 'a call that only the journal knows is settled, and not left open to be made again',
    file: 'src/activities/restored-reviews.ts',
    find: "return what === 'ran' ? 'outcome_unknown' : 'aborted';",
    replace: "return 'aborted';",
    test: 'test/activity/restored-reviews.test.ts',
    name: 'a call that the journal has is settled as unknown, and never made again',
  },
];

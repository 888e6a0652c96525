const file = 'src/domain/eligibility.ts';
const test = 'test/unit/eligibility.test.ts';

export const controls = [
  {
    point: 5,
    what: 'an auditor decides nothing, whatever groups it has',
    file,
    find: "role === 'auditor' ? [] : groups",
    replace: 'groups',
    test,
    name: 'says who may approve',
  },
  {
    point: 5,
    what: 'separation of duties bars proposer, owner, editor and voters of earlier levels',
    file,
    find: "if (spec.separationOfDuties && isConflicted) return 'self_approval';",
    replace: '',
    test,
    name: 'says who may approve',
  },
  {
    point: 5,
    what: 'nobody votes twice on a level',
    file,
    find: "own.some((vote) => vote.level === level) ? 'already_voted' : undefined",
    replace: 'undefined',
    test,
    name: 'says who may approve',
  },
  {
    point: 5,
    what: 'an escalation lets its groups in from its time on',
    file,
    find: '...escalatedTo(level, at)',
    replace: '...(level.escalation?.to ?? [])',
    test,
    name: 'lists and mentions exactly those who may vote',
  },
  {
    point: 5,
    what: 'Slack mentions those who may vote by then',
    file,
    find: '...escalatedTo(level, at)',
    replace: '...(level.escalation?.to ?? [])',
    test: 'test/activity/slack.test.ts',
    name: 'calls those it escalates to when it escalates',
  },
];

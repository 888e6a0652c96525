import { describe, expect, it } from 'vitest';
import type { DecisionType, Review } from '../../src/contract/review.ts';
import {
  barredFrom,
  checkDecision,
  countYeses,
  decisionsFor,
  findShortfall,
  findVoters,
  refusalOf,
  refusalOfObjection,
  refusalOfReconcile,
  stateOfReview,
  voterOf,
  waitsFor,
  type ReviewState,
} from '../../src/domain/eligibility.ts';
import { listRowOf, showListRow } from '../../src/storage/reviews/review-row.ts';
import { HOUR, iso, levelOf, NOON } from '../support/materials.ts';
import { APPROVED_NOT_RUN, aReview } from './client-fixtures.ts';

/** Of the agent that proposes, `owner` is the owner; `editor` wrote the version where one was edited. */
const PEOPLE = {
  ops: { groups: ['ops'] },
  owner: { groups: ['ops'] },
  editor: { groups: ['ops'] },
  voted: { groups: ['ops', 'finance'] },
  finance: { groups: ['finance'] },
  manager: { groups: ['managers'] },
  auditor: { groups: ['ops', 'finance', 'managers'], role: 'auditor' },
  nobody: { groups: [] },
} as const;
type Name = keyof typeof PEOPLE;
const DIRECTORY = (Object.keys(PEOPLE) as Name[]).map((id) => ({
  id,
  role: 'reviewer' as const,
  ...PEOPLE[id],
  groups: [...PEOPLE[id].groups],
}));
const voter = (name: Name) => {
  const found = DIRECTORY.find(({ id }) => id === name);
  if (found === undefined) throw new Error(name);
  return voterOf(found);
};

const vote = { type: 'approve', reviewer: 'voted', level: 1, revision: 1, decisionUlid: 'u', channel: 'api' } as const;
const cast = { ...vote, decidedAt: iso(NOON), comment: null };
const LEVELS = [
  { ...levelOf('ops', 2, { at: iso(NOON + HOUR), to: ['managers'] }), status: 'open' as const, decisions: [cast] },
  { ...levelOf('finance'), status: 'waiting' as const, decisions: [] },
];
const pending = (over: Partial<Review> = {}): Review =>
  aReview({
    levels: LEVELS,
    proposer: { id: 'agent', owner: 'owner', attested: true },
    expiresAt: iso(NOON + 2 * HOUR),
    revisions: [{ revision: 1, call: aReview().call, submittedAt: iso(NOON), by: 'editor', decisions: [cast] }],
    ...over,
  });
const ran = (status: Review['execution']['status'], startedAt: string | null) =>
  pending({
    status: 'approved',
    level: 0,
    allowedDecisions: [],
    execution: { ...aReview().execution, status, startedAt },
  });

const STATES = {
  pending: pending(),
  'pending, duties separated': pending({ separationOfDuties: true }),
  'level 2': pending({ level: 2 }),
  'level 2, duties separated': pending({ level: 2, separationOfDuties: true }),
  'changes requested': pending({ status: 'changes_requested', level: 0, allowedDecisions: ['reject'] }),
  'approved, not run': pending({ ...APPROVED_NOT_RUN, level: 0, separationOfDuties: true }),
  running: ran('executing', iso(NOON)),
  stopped: ran('failed', null),
  answered: pending({ status: 'approved', kind: 'in-flow', level: 0, allowedDecisions: [] }),
  rejected: pending({ status: 'rejected', level: 0, allowedDecisions: [] }),
  expired: pending({ status: 'expired', level: 0, allowedDecisions: [] }),
} satisfies Record<string, Review>;

const OK = 'allowed';
const NOT = 'not_an_approver';
const SELF = 'self_approval';
const TWICE = 'already_voted';
const OVER = 'already_resolved';
const TAKES = 'decision_not_allowed';
const everybody = (code: string): Record<Name, string> =>
  Object.fromEntries(Object.keys(PEOPLE).map((name) => [name, code])) as Record<Name, string>;
const ops = (codes: Partial<Record<Name, string>> = {}): Record<Name, string> => ({
  ...everybody(NOT),
  ops: OK,
  owner: OK,
  editor: OK,
  voted: TWICE,
  ...codes,
});
const finance = (codes: Partial<Record<Name, string>> = {}) => ({
  ...everybody(NOT),
  finance: OK,
  voted: OK,
  ...codes,
});

/** For each state and time, what everybody is told about an approval, and where a rejection differs, about that. */
const TABLE: readonly [keyof typeof STATES, number, Record<Name, string>, Record<Name, string>?][] = [
  ['pending', NOON, ops()],
  ['pending', NOON + HOUR - 1, ops()],
  ['pending', NOON + HOUR, ops({ manager: OK })],
  ['pending', NOON + 2 * HOUR, everybody('expired')],
  ['pending, duties separated', NOON, ops({ owner: SELF, editor: SELF })],
  ['level 2', NOON, finance()],
  ['level 2, duties separated', NOON, finance({ voted: SELF })],
  ['changes requested', NOON, ops({ ops: TAKES, owner: TAKES, editor: TAKES, voted: TAKES }), ops({ voted: OK })],
  ['changes requested', NOON + 2 * HOUR, everybody('expired')],
  ['approved, not run', NOON, everybody(OVER), ops({ voted: OK, finance: OK })],
  ['approved, not run', NOON + 9 * HOUR, everybody(OVER), ops({ voted: OK, finance: OK, manager: OK })],
  ['running', NOON, everybody(OVER), everybody('already_started')],
  ['stopped', NOON, everybody(OVER)],
  ['answered', NOON, everybody(OVER)],
  ['rejected', NOON, everybody(OVER)],
  ['expired', NOON, everybody('expired')],
];

describe.each(TABLE)('%s, at %i', (name, at, approve, reject = approve) => {
  const state = stateOfReview(STATES[name]);
  const told = (type: DecisionType) =>
    Object.fromEntries(DIRECTORY.map(({ id }) => [id, refusalOf(type, state, voter(id as Name), at) ?? OK]));

  it('says who may approve', () => expect(told('approve')).toEqual(approve));
  it('says who may edit and ask for changes: the same people', () => {
    expect(told('edit')).toEqual(approve);
    expect(told('revise')).toEqual(approve);
  });
  it('says who may reject', () => expect(told('reject')).toEqual(reject));
  it('lets nobody take a decision that is refused', () => {
    for (const { id } of DIRECTORY) {
      const types = decisionsFor(state, voter(id as Name), at);
      expect(types.includes('approve')).toBe(approve[id as Name] === OK);
      expect(types.includes('reject')).toBe(reject[id as Name] === OK);
    }
  });
  it('lists and mentions exactly those who may vote', () => {
    const review = STATES[name];
    const mayVote = review.status === 'pending' ? DIRECTORY.filter(({ id }) => approve[id as Name] === OK) : [];
    expect(findVoters(review, DIRECTORY, at)).toEqual(mayVote);
    // A list may show what expires this second.
    if (at >= NOON + 2 * HOUR) return;
    const row = showListRow(listRowOf(review), 'not_started', null, at);
    expect(DIRECTORY.filter((person) => waitsFor(row, voterOf(person)))).toEqual(mayVote);
  });
});

describe('the order of refusals', () => {
  const state = stateOfReview(STATES['pending, duties separated']);
  const content = { comment: null, editedArguments: null, response: undefined };
  const other = `sha256:${'7'.repeat(64)}`;
  const codeOf = (name: Name, type: DecisionType, digest = state.spec.digest, of: ReviewState = state) =>
    checkDecision(of, voter(name), { type, digest, ...content }, NOON);

  it('the person, then the digest, then the content', () => {
    expect(codeOf('nobody', 'respond', other)).toBe(NOT);
    expect(codeOf('owner', 'respond', other)).toBe(SELF);
    expect(codeOf('voted', 'respond', other)).toBe(TWICE);
    expect(codeOf('ops', 'respond', other)).toBe('digest_mismatch');
    expect(codeOf('ops', 'respond')).toBe(TAKES);
    expect(codeOf('ops', 'revise')).toBe('comment_required');
    expect(codeOf('ops', 'edit')).toBe('edit_invalid');
    expect(codeOf('ops', 'approve')).toBeUndefined();
  });

  it('a vote on an earlier level is a conflict only where duties are separated', () => {
    expect(codeOf('voted', 'approve', undefined, stateOfReview(STATES['level 2']))).toBeUndefined();
  });

  it('nobody edits the last version there may be', () => {
    const last = stateOfReview(pending({ revision: 20 }));
    expect(codeOf('ops', 'edit', undefined, last)).toBe('too_many_revisions');
    expect(decisionsFor(last, voter('ops'), NOON)).toEqual(['approve', 'reject', 'revise']);
  });

  it('a question takes what its workflow allows', () => {
    const question = stateOfReview(pending({ kind: 'in-flow', allowedDecisions: ['approve', 'respond'] }));
    expect(decisionsFor(question, voter('ops'), NOON)).toEqual(['approve', 'respond']);
    expect(codeOf('ops', 'reject', undefined, question)).toBe(TAKES);
  });
});

it('an edit and an answer are votes as an approval is', () => {
  const types: readonly DecisionType[] = ['approve', 'edit', 'respond', 'revise', 'reject'];
  expect(countYeses({ decisions: types.map((type) => ({ ...cast, type })) })).toBe(3);
});

it('a list says who may not vote: voters, and under separation of duties the owner, the editor and the proposer', () => {
  expect(barredFrom(stateOfReview(STATES.pending))).toEqual(['voted']);
  expect(barredFrom(stateOfReview(STATES['level 2']))).toEqual([]);
  const separated = stateOfReview(STATES['level 2, duties separated']);
  expect(barredFrom(separated).toSorted()).toEqual(['agent', 'editor', 'owner', 'voted']);
});

it('a signed no counts on any level, whoever proposed or voted, and on one digest', () => {
  const { spec } = stateOfReview(STATES['pending, duties separated']);
  const codeOf = (name: Name, digest = spec.digest) => refusalOfObjection(spec, voter(name), digest, NOON);
  for (const name of ['ops', 'owner', 'editor', 'voted', 'finance'] as const) expect(codeOf(name)).toBeUndefined();
  for (const name of ['manager', 'auditor', 'nobody'] as const) expect(codeOf(name)).toBe(NOT);
  expect(codeOf('ops', `sha256:${'7'.repeat(64)}`)).toBe('digest_mismatch');
});

describe('who may say what became of a call', () => {
  const { levels } = pending();
  const unknown = { isUnknown: true, settledBy: iso(NOON), levels, owner: 'voted' };
  const told = (of: typeof unknown, at = NOON) =>
    Object.fromEntries(DIRECTORY.map(({ id }) => [id, refusalOfReconcile(of, voter(id as Name), at) ?? OK]));

  it('voters of the last level who do not own the proposer, once the request cannot be on its way any more', () => {
    expect(told(unknown)).toEqual({ ...everybody(NOT), finance: OK, voted: SELF });
    expect(told(unknown, NOON - 1)).toEqual({ ...everybody(NOT), finance: 'not_reconcilable', voted: SELF });
    expect(told({ ...unknown, isUnknown: false })).toEqual(everybody('not_reconcilable'));
  });

  it('those it escalates to, from then on', () => {
    const first = { ...unknown, levels: levels.slice(0, 1) };
    expect(told(first)).toMatchObject({ ops: OK, manager: NOT });
    expect(told(first, NOON + HOUR)).toMatchObject({ ops: OK, manager: OK });
  });

  it('any reviewer where no decision was needed, but no stranger and no auditor', () => {
    expect(told({ ...unknown, levels: [] })).toEqual({ ...everybody(OK), voted: SELF, auditor: NOT, nobody: NOT });
  });
});

describe('C2: too few people are left', () => {
  const two = (over: Partial<Review> = {}): Review =>
    pending({
      separationOfDuties: true,
      levels: [{ ...levelOf('ops', 2), status: 'open', decisions: [] }],
      revisions: [{ revision: 1, call: aReview().call, submittedAt: iso(NOON), by: 'agent', decisions: [] }],
      ...over,
    });
  const people = (...ids: readonly Name[]) => DIRECTORY.filter(({ id }) => ids.includes(id));

  it('C2: quorum 2, and one of the two owns the agent', () => {
    expect(findShortfall(two(), people('ops', 'owner'))).toEqual({
      level: 'ops',
      quorum: 2,
      votes: 0,
      left: ['ops'],
      lost: [],
    });
    expect(findShortfall(two({ separationOfDuties: false }), people('ops', 'owner'))).toBeUndefined();
    expect(findShortfall(two(), people('ops', 'owner', 'editor'))).toBeUndefined();
  });

  it('an editor, an auditor and a person who left the configuration do not count', () => {
    const edited = two({ revisions: [{ ...two().revisions[0]!, by: 'editor' }] });
    expect(findShortfall(edited, people('ops', 'owner', 'editor'))?.left).toEqual(['ops']);
    expect(findShortfall(two(), people('ops', 'auditor'))?.left).toEqual(['ops']);
    expect(findShortfall(two(), [])?.left).toEqual([]);
  });

  it('who voted on another level is not there for this one', () => {
    const chain = pending({
      separationOfDuties: true,
      levels: [
        { ...levelOf('ops', 2), status: 'open', decisions: [cast] },
        { ...levelOf('finance'), status: 'waiting', decisions: [] },
      ],
    });
    expect(findShortfall(chain, people('ops', 'voted'))).toMatchObject({ level: 'finance', left: [] });
    expect(findShortfall(chain, people('ops', 'voted', 'finance'))).toBeUndefined();
    expect(findShortfall({ ...chain, separationOfDuties: false }, people('ops', 'voted'))).toBeUndefined();
  });

  it('whom an escalation lets in before the deadline counts, later ones do not', () => {
    const at = (ms: number): Review =>
      two({ levels: [{ ...levelOf('ops', 2, { at: iso(ms), to: ['managers'] }), status: 'open', decisions: [] }] });
    expect(findShortfall(at(NOON + HOUR), people('ops', 'manager'))).toBeUndefined();
    expect(findShortfall(at(NOON + 3 * HOUR), people('ops', 'manager'))?.left).toEqual(['ops']);
  });

  it('a vote of a person who may not vote any more is lost, since execution does not count it', () => {
    const cut = DIRECTORY.map((one) => (one.id === 'voted' ? { ...one, groups: [] } : one));
    const lost = pending({ levels: [{ ...levelOf('ops', 2), status: 'open', decisions: [cast] }] });
    expect(findShortfall(lost, cut)).toMatchObject({ votes: 1, lost: ['voted'] });
    expect(findShortfall({ ...lost, kind: 'in-flow' }, cut)).toBeUndefined();
  });

  it('nothing is said of what does not wait for votes', () => {
    for (const name of ['approved, not run', 'running', 'rejected', 'expired', 'changes requested'] as const) {
      expect(findShortfall(STATES[name], [])).toBeUndefined();
    }
  });
});

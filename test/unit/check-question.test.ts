import { expect, it } from 'vitest';
import type { Json } from '../../src/contract/json.ts';
import { checkQuestion, readQuestion } from '../../src/domain/policy/check-question.ts';

const REVIEWERS = [
  { id: 'a', groups: ['editors'] },
  { id: 'b', groups: ['finance'] },
  { id: 'c', groups: ['audit'], role: 'auditor' as const },
];
const QUESTION = { title: 'Publish?', proposal: { draft: 1 }, approvers: ['editors'] };
const LEVELS = [{ name: 'one', approvers: ['finance'], quorum: 2 }];

function errorsOf(request: Json): readonly string[] {
  const { question, errors } = readQuestion(request);
  const found = question === null ? errors : checkQuestion(question, { reviewers: REVIEWERS });
  return found.map(({ pointer, message }) => `${pointer}: ${message}`);
}

it('S7: a question that can be asked has no errors', () => {
  expect(errorsOf({ ...QUESTION, ttl: '2d', remind: ['1h'], escalate: { after: '1d', to: ['finance'] } })).toEqual([]);
});

it('S7: those to whom it escalates may vote too', () => {
  const { approvers: _, ...question } = QUESTION;
  expect(errorsOf({ ...question, levels: LEVELS, escalate: { after: '1h', to: ['editors'] } })).toEqual([]);
});

it.each<[string, Json, string]>([
  ['a time to live in words', { ttl: '2 days' }, '/ttl: must be a duration such as 4s, 30m or 24h'],
  ['a time to live as a number', { ttl: 3600 }, '/ttl: must be a duration such as 4s, 30m or 24h, not a number'],
  ['a time to live that is too long', { ttl: '400d' }, '/ttl: must be at most 365d'],
  ['an unknown key', { timeout: '1h' }, '/timeout: unknown key; known keys: title'],
  ['a misspelt key', { aprovers: [] }, '/aprovers: unknown key; did you mean "approvers"?'],
  ['a missing title', { title: null }, '/title: must be a string, not null'],
  [
    'a misspelt group',
    { approvers: ['editor'] },
    '/approvers/0: no reviewer is in the group "editor". Did you mean "editors"?',
  ],
  [
    'a group of nobody',
    { approvers: ['legal'] },
    '/approvers/0: no reviewer is in the group "legal". Groups with members',
  ],
  ['a group of auditors', { approvers: ['audit'] }, '/approvers: needs 1 approval of audit, of whom 0 may vote'],
  [
    'a group in another case',
    { approvers: ['Editors'] },
    '/approvers/0: no reviewer is in the group "Editors". Did you mean',
  ],
  [
    'a misspelt group to escalate to',
    { escalate: { after: '1h', to: ['finanse'] } },
    '/escalate/to/0: no reviewer is in',
  ],
  [
    'a decision that there is not',
    { allow: ['aprove'] },
    '/allow/0: must be approve, edit, reject or respond; did you mean "approve"?',
  ],
  ['a reminder after the deadline', { ttl: '1h', remind: ['2h'] }, '/remind/0: 2h is not less than the ttl, 1h'],
  [
    'an escalation after it',
    { escalate: { after: '2d', to: ['finance'] } },
    '/escalate/after: 2d is not less than the ttl, 24h',
  ],
  ['levels beside approvers', { levels: LEVELS }, '/approvers: must name the groups to ask. Or give levels instead'],
  ['a key inside', { escalate: { after: '1h', too: ['finance'] } }, '/escalate/too: unknown key; did you mean "to"?'],
])('S7: %s is named, with the form', (_what, patch, expected) => {
  expect(errorsOf({ ...QUESTION, ...(patch as object) } as Json)).toEqual([expect.stringContaining(expected)]);
});

it.each<[string, Json, string]>([
  ['a payload that a codec hides', { $undecodable: true }, 'no payload codec'],
  ['what is no object', null, 'must be an object'],
  ['a list', [QUESTION], 'must be an object'],
])('S7: %s is told', (_what, request, expected) => {
  expect(errorsOf(request)).toEqual([expect.stringContaining(expected)]);
});

it('S7: a quorum that the groups cannot reach is told with its numbers', () => {
  const { approvers: _, ...rest } = QUESTION;
  const expected = '/levels/0/quorum: needs 2 approvals of finance, of whom 1 may vote';
  expect(errorsOf({ ...rest, levels: LEVELS })).toEqual([expected]);
});

it('C2: levels that need the same people are told where each of them may approve once', () => {
  const { approvers: _, ...rest } = QUESTION;
  const levels = ['one', 'two'].map((name) => ({ name, approvers: ['finance'], quorum: 1 }));
  expect(errorsOf({ ...rest, levels })).toEqual([]);
  expect(errorsOf({ ...rest, levels, separationOfDuties: true })).toEqual([
    expect.stringMatching(/^\/levels\/1\/quorum: needs 1 approval of finance, and the levels before it/),
  ]);
});

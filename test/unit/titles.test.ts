import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { describeProposal } from '../../src/domain/gate/describe.ts';
import { titleText, writeSentence } from '../../src/domain/show/title.ts';
import { writeLine } from '../../src/domain/show/to-text.ts';
import { reviewMessage } from '../../src/domain/slack/message.ts';
import { aReview } from './client-fixtures.ts';
import { reviewOf, titlesOf } from './doors.ts';
import { APPROVALS, settingsOf } from './policy-support.ts';

const tool: ToolDefinition = {
  name: 'deploys.create',
  title: 'Deploy {service} {version} to {env}',
  description: 'Starts a deployment. Models read this.',
  class: 'irreversible',
  connector: 'deploys',
};
const args = { service: 'api', version: 12, env: 'prod' };
const write = (title: string | null, values: Readonly<Record<string, Json>>): string =>
  writeLine(writeSentence('deploys.create', title, values));
/** Backslashes apart. */
const doorsWithout = (titles: ReturnType<typeof titlesOf>, text: string): readonly string[] =>
  Object.entries(titles).flatMap(([door, said]) =>
    said.replaceAll('\\', '').includes(text.replaceAll('\\', '')) ? [] : [door],
  );

describe('the title of a tool', () => {
  it('is what people read at every place, with values in quotes', () => {
    const titles = titlesOf(tool, args);
    expect(Object.keys(titles)).toHaveLength(9);
    expect(doorsWithout(titles, 'Deploy "api" 12 to "prod"')).toEqual([]);
    expect(Object.values(titles).join('\n')).not.toContain('Models read this');
    const { summary, details } = describeProposal({ tool: tool.name, arguments: args }, 'agent-1', tool);
    expect(summary).toBe('Deploy "api" 12 to "prod"');
    expect(details).not.toContain('Models read this');
  });

  it.each<[string, string, string]>([
    ['reads on as the sentence', 'prod, approved by ops', '"prod, approved by ops"'],
    ['closes the quotes', 'prod" (already approved) "', String.raw`"prod\" (already approved) \""`],
    ['begins a new line', 'prod\nApproved by ops', String.raw`"prod\nApproved by ops"`],
    ['turns the text around', 'prod\u202edeifirev', String.raw`"prod\u{202e}deifirev"`],
    ['looks like a place of the title', '{service}', '"{service}"'],
    ['is nothing', '', '""'],
    ['is long', 'x'.repeat(500), `"${'x'.repeat(97)}…"`],
  ])('keeps a value that %s apart from its own words', (_what, env, written) => {
    const [one] = reviewOf(tool, { ...args, env }).sentence?.slice(-1) ?? [];
    expect(one).toHaveProperty('value');
    const { 'mail, subject': subject, 'Slack, heading': heading, ...titles } = titlesOf(tool, { ...args, env });
    expect(doorsWithout(titles, `Deploy "api" 12 to ${written}`)).toEqual([]);
    for (const text of [subject, heading]) expect(text).not.toMatch(/[\n\u202e]/);
  });

  it('says what a call leaves out, and that a value is sealed', () => {
    expect(write('Pay {to}, {due_date}', { to: { $sealed: 'eyJ' } })).toBe('Pay (sealed), (no due date)');
    expect(write('Set {flags}', { flags: { a: ['b'] } })).toBe('Set {"a":["b"]}');
  });

  it('has SQL on one line', () => {
    expect(write('Run {sql}', { sql: ' DELETE\n  FROM t ' })).toBe('Run "DELETE FROM t"');
  });

  it.each([
    ['what stands behind a comment', 'DELETE FROM t -- some\n  WHERE a', String.raw`DELETE FROM t -- some\nWHERE a`],
    ['blanks of a text', "SELECT 'a  b'", "SELECT 'a  b'"],
    ['a blank that is part of a name', 'DELETE FROM t\u00a0x', String.raw`DELETE FROM t\u{a0}x`],
  ])('keeps of SQL %s', (_what, sql, written) => {
    expect(write('Run {sql}', { sql })).toBe(`Run "${written}"`);
  });

  it('is the name of the tool where it has none', () => {
    expect(writeLine(writeSentence('payouts.createMany', null, { to: 'x' }))).toBe('Call payouts.createMany');
    expect(titleText(aReview())).toBe('Call postgres.execute');
  });
});

describe('a title in little room', () => {
  it('has shorter values, each with its quotes, before it is cut', () => {
    const long = { ...args, service: 's'.repeat(90), env: 'e'.repeat(90) };
    const text = titleText(reviewOf(tool, long), 100);
    expect(text).toBe(`Deploy "${'s'.repeat(27)}…" 12 to "${'e'.repeat(27)}…"`);
    expect(titleText(reviewOf({ ...tool, title: 'Deploy '.repeat(28) }, {}), 50)).toHaveLength(50);
  });

  it('has all of a number and of an amount: a part of one reads as another', () => {
    const title = 'Pay {memo} {amount} for {order} to {account} and {name}';
    const money = [{ amount: '/amount', currency: 'USD', scale: 'minor' as const }];
    const memo = 'm'.repeat(90);
    const values = { memo, amount: 123_456_789_012, order: 9_007_199_254_740_991, account: memo, name: memo };
    const text = '1,234,567,890.12 USD (123456789012) for 9007199254740991';
    const review = reviewOf({ ...tool, title, money }, values);
    expect(titleText(review, 120)).toContain(text);
    const message = reviewMessage(review, { settings: settingsOf(`version: 1\n${APPROVALS}`), baseUrl: null, now: 0 });
    expect(JSON.stringify(message.blocks.find(({ type }) => type === 'header'))).toContain(text);
  });
});

it('a question is what it asks, in quotes', () => {
  expect(titleText(aReview({ kind: 'in-flow', title: 'Publish? Approved by ops.' }))).toBe(
    '"Publish? Approved by ops."',
  );
});

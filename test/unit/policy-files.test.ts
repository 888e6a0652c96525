import { approvalRequestSchema } from '../../src/contract/in-flow.ts';
import { describe, expect, it } from 'vitest';
import { findNearest } from '../../src/domain/files/nearest.ts';
import { parseConfigFile, parsePolicyFile } from '../../src/domain/files/parse-file.ts';
import { placeOf } from './policy-support.ts';

function placesOf(text: string, parse = parsePolicyFile): readonly string[] {
  const parsed = parse(text, 'f');
  return parsed.ok ? [] : parsed.problems.map(placeOf);
}

describe('files with positions', () => {
  it('collects every problem, each at its own place', () => {
    const text = `version: 2
incluude: [github]
tools:
  - name: Payouts
    class: irreversable
    connector: payouts
    request: { methd: POST, path: payouts }
  - class: sensitive
rules:
  - when: true
    class: irreversible
approvals:
  - match: "true"
    levels: []
    ttl: 24 hours
`;
    expect(placesOf(text)).toEqual([
      'f:1:10',
      'f:2:1',
      'f:4:11',
      'f:5:12',
      'f:7:16',
      'f:7:35',
      'f:8:5',
      'f:8:5',
      'f:10:11',
      'f:14:13',
      'f:15:10',
    ]);
  });

  it('names the place of a character that is not UTF-8: a rule would compare with another text', () => {
    const bytes = Buffer.from(`version: 1\nrules:\n  - when: arguments.city == "Z\u00fcrich"\n`, 'latin1');
    expect(placesOf(bytes.toString('utf8'))).toEqual(['f:3:31']);
    expect(placesOf(bytes.toString('latin1')).includes('f:3:31')).toBe(false);
  });

  it('offers the stricter of two classes that are as near', () => {
    const tool = '{ name: a.b, class: ireversible, connector: c, request: { method: GET, path: /x } }';
    const parsed = parsePolicyFile(`version: 1\ntools:\n  - ${tool}\n`, 'f');
    expect(parsed.ok ? [] : parsed.problems.map(({ fix }) => fix)).toContainEqual(
      expect.stringContaining('"irreversible"'),
    );
  });

  it('offers the nearest key, value or shape', () => {
    const parsed = parsePolicyFile('version: 1\nunknowntool: forbiden\n', 'f');
    expect(parsed.ok ? '' : parsed.problems[0]?.fix).toContain('unknownTool');
    const config = parseConfigFile(
      'policy: p\nconnectors:\n  a: { baseurl: https://x.example.com }\n  b: { type: smtp }\n',
      'f',
    );
    expect(
      config.ok ? [] : config.problems.map(({ line, fix }) => [line, fix.includes('baseUrl') || fix.includes('mcp')]),
    ).toEqual([
      [3, true],
      [4, true],
    ]);
  });

  it.each([
    ['a: b: c', 'f:1:4'],
    ['version: 1\nversion: 1', 'f:2:1'],
    ['version:\n\t1', 'f:2:1'],
    ['version: 1\n---\nversion: 1', 'f:2:1'],
    ['version: 1\ntools: *missing', 'f:2:8'],
    ['version: 1\nx: &a {b: 1}\ny:\n  <<: *a', 'f:4:3'],
    ['version: 1\n? [a]\n: 1', 'f:2:3'],
    ['version: 1\nx: !js 1', 'f:2:8'],
    ['version: 1\nx: .inf', 'f:2:4'],
    ['version: 1\nx: 99999999999999999999', 'f:2:4'],
    ['%YAML 1.1\n---\nversion: 1', 'f:1:1'],
    ['', 'f:1:1'],
    ['[]', 'f:1:1'],
    ['# only a comment\n', 'f:1:1'],
  ])('%j is refused at its place', (text, place) => {
    expect(placesOf(text)[0]).toBe(place);
  });

  const FILE = `version: 1
tools:
  - name: payouts.create
    class: irreversible
    connector: payouts
    request:
      method: POST
      path: /payouts
approvals:
  - match: "true"
    levels: [{ name: a, approvers: [ops], quorum: 1 }]
`;
  const change = (line: number, edit: (text: string) => string): string =>
    FILE.split('\n')
      .map((text, index) => (index === line - 1 ? edit(text) : text))
      .join('\n');
  const title = (text: string): string => change(4, (line) => `${line}\n    title: ${text}`);

  it.each<[string, string, string, string]>([
    [
      'a tab',
      change(4, (text) => text.replace('    ', '\t')),
      '4:1 the line is indented with a tab',
      'Indent it with spaces',
    ],
    [
      'a tab behind spaces',
      change(7, (text) => text.replace('      ', '    \t')),
      '7:5 the line is indented with a tab',
      'Indent it with spaces',
    ],
    [
      'a space too many',
      change(4, (text) => ` ${text}`),
      '4:6 the line is indented too far: the line above has its value already',
      'Indent it by 4 spaces, as line 3',
    ],
    [
      'a space too many, deeper',
      change(8, (text) => ` ${text}`),
      '8:8 the line is indented too far: the line above has its value already',
      'Indent it by 6 spaces, as line 7',
    ],
    [
      'a space too few',
      change(5, (text) => text.slice(1)),
      '5:4 no block of keys above is indented by 3 spaces',
      'Indent it by 4 spaces, as line 4',
    ],
    [
      'a key below a dash',
      change(11, (text) => text.slice(2)),
      '11:3 no block of keys above is indented by 2 spaces',
      'Indent it by 4 spaces, as line 10',
    ],
    [
      'an entry that is indented otherwise',
      FILE.replace('approvals:', '   - name: payouts.get\napprovals:'),
      '9:4 no list above is indented by 3 spaces',
      'Indent it by 2 spaces, as line 3',
    ],
    [
      'a missing colon',
      change(4, (text) => text.replace(':', '')),
      '4:10 a colon is missing after class',
      'Write class: irreversible',
    ],
    ['a missing colon of a block', change(2, () => 'tools'), '2:6 a colon is missing after tools', 'Write tools:'],
    [
      'a missing space',
      change(4, (text) => text.replace(': ', ':')),
      '4:10 a space is missing after the colon',
      'Write class: irreversible',
    ],
    [
      'an open quote',
      change(10, (text) => text.slice(0, -1)),
      '10:12 the text that begins here has no closing "',
      'Add " where it ends',
    ],
    [
      'an open quote before another',
      title('"Pay').replace('"true"', '"true" # "'),
      '5:12 the text that begins here has no closing "',
      'Add " where it ends',
    ],
    ['an open list', change(11, (text) => text.slice(0, -1)), '11:36 this [ is not closed', 'Add ] where it ends'],
    [
      'an open block',
      change(11, (text) => text.replace(' }]', ']')),
      '11:52 a } is missing here',
      'Close the { of this line',
    ],
    [
      'a key twice',
      change(5, (text) => `    class: sensitive\n${text}`),
      '5:5 the key class is in this block twice',
      'Keep one of the two',
    ],
    [
      'a merge conflict',
      change(4, (text) => `<<<<<<< HEAD\n${text}\n=======\n    class: sensitive\n>>>>>>> other`),
      '4:1 the file has a merge conflict, which begins here',
      'Keep one side, and delete the lines that begin with <<<<<<<, ======= and >>>>>>>',
    ],
    [
      'a colon in a text',
      title('Deploy: now'),
      '5:12 a text with a colon in it must stand in quotes',
      "Write 'Deploy: now'",
    ],
    [
      'a text that begins like a block',
      title('{service} now'),
      '5:12 text that begins with { must stand in quotes',
      "Write '{service} now'",
    ],
    [
      'a text that is a block',
      title('{service}'),
      '5:12 title must be text, not a block of keys',
      'Write text here; text that begins with { or [ must stand in quotes',
    ],
    [
      'a text that begins with a sign of YAML',
      title('@deploy'),
      '5:12 text that begins with @ must stand in quotes',
      "Write '@deploy'",
    ],
    [
      'an unknown alias',
      title('*deploy'),
      '5:12 unknown anchor &deploy',
      'Define it above, or put text that begins with * in quotes',
    ],
    [
      'an escape that is none',
      title('"a\\d"'),
      '5:14 \\d means nothing in double quotes',
      'Write the backslash twice, or use single quotes',
    ],
    ['a value of another type', title('12'), '5:12 title must be text, not 12', 'Put it in quotes: "12"'],
    [
      'a misspelt key',
      change(5, (text) => text.replace('connector', 'conector')),
      '5:5 unknown key "conector" in entry 1 of tools',
      'Did you mean "connector"?',
    ],
  ])('%s is one problem, at the mistake, with the way out', (_what, text, told, fix) => {
    const parsed = parsePolicyFile(text, 'f');
    expect(
      parsed.ok
        ? []
        : parsed.problems.map(({ line, column, message, fix: way }) => [`${line}:${column} ${message}`, way]),
    ).toEqual([[told, fix]]);
  });

  const toolOf = (more: string): string =>
    `version: 1\ntools:\n  - { name: a.b, class: sensitive, connector: c, ${more} }\n`;
  const approvalOf = (more: string): string =>
    `version: 1\napprovals:\n  - { match: "true", levels: [{ name: a, approvers: [ops], quorum: 1 }], ${more} }\n`;
  const config = (more: string): string => `policy: p\n${more}\n`;

  it.each<[string, string, (text: string) => { readonly ok: boolean }]>([
    ['365d', '366d', (text) => parsePolicyFile(approvalOf(`ttl: ${text}`), 'f')],
    ['365d', '3000000d', (text) => parsePolicyFile(approvalOf(`remind: [${text}]`), 'f')],
    ['365d', '8761h', (text) => parsePolicyFile(approvalOf(`escalate: { after: ${text}, to: [ops] }`), 'f')],
    ['24h', '25h', (text) => parsePolicyFile(toolOf(`timeout: ${text}`), 'f')],
    ['365d', '366d', (text) => parsePolicyFile(toolOf(`idempotency: { header: X, window: ${text} }`), 'f')],
    [
      '24h',
      '86401s',
      (text) => parseConfigFile(config(`connectors: { c: { baseUrl: "https://x.test", timeout: ${text} } }`), 'f'),
    ],
    [
      '24h',
      '2d',
      (text) => parseConfigFile(config(`connectors: { c: { type: postgres, url: "env:X", timeout: ${text} } }`), 'f'),
    ],
    ['30d', '31d', (text) => parseConfigFile(config(`executeWithin: ${text}`), 'f')],
    [
      '7d',
      '8d',
      (text) => parseConfigFile(config(`notifications: { rateLimit: { perReviewer: 1, per: ${text} } }`), 'f'),
    ],
    [
      '365d',
      '366d',
      (text) => ({
        ok: approvalRequestSchema.safeParse({ title: 't', proposal: {}, approvers: ['ops'], ttl: text }).success,
      }),
    ],
  ])('a duration has an upper end: %s is taken, %s is not (%#)', (longest, longer, parse) => {
    expect(parse(longest).ok).toBe(true);
    expect(parse(longer).ok).toBe(false);
  });

  it('a duration that is too long is named', () => {
    const parsed = parsePolicyFile(approvalOf('ttl: 3000000d'), 'f');
    expect(
      parsed.ok
        ? []
        : parsed.problems.map(({ line, message, fix }) => [line, message.includes('ttl'), fix.includes('365d')]),
    ).toEqual([[3, true, true]]);
  });

  it('does not follow aliases that repeat themselves without end', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++)
      lines.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    expect(placesOf(lines.join('\n')).length).toBeGreaterThan(0);
  });

  it('takes aliases, and finds places behind them', () => {
    const text = `version: 1
approvals:
  - match: "true"
    levels: &levels [{ name: a, approvers: [ops], quorum: 0 }]
  - { match: "true", levels: *levels }
`;
    expect(placesOf(text)).toEqual(['f:4:59']);
  });

  it('keeps a hash of digits as the text it is', () => {
    const hash = '0'.repeat(63) + '1';
    const odd = '1e' + '1'.repeat(62);
    const parsed = parseConfigFile(
      `policy: p\nagents:\n  - { id: a, keySha256: ${hash} }\n  - { id: b, keySha256: ${odd} }\n`,
      'f',
    );
    expect(parsed.ok && parsed.file.value.agents?.map(({ keySha256 }) => keySha256)).toEqual([hash, odd]);
  });

  it('finds what was meant', () => {
    expect(findNearest('appprovals', ['approvals', 'tools'])).toBe('approvals');
    expect(findNearest('Tools', ['approvals', 'tools'])).toBe('tools');
    expect(findNearest('zebra', ['approvals', 'tools'])).toBeUndefined();
    expect(findNearest('op', ['ops', 'finance'])).toBe('ops');
  });
});

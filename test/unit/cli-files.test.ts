import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.ts';
import { loadKeys } from '../../src/storage/keys/index.ts';
import { capture } from './cli-io.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-files-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function holdpoint(...args: readonly string[]) {
  const captured = capture({ cwd: directory, env: { HOLDPOINT_DATA_DIR: directory } });
  const code = await run(args, captured.streams, new AbortController().signal);
  const text = captured.stdout();
  return { code, text, json: () => JSON.parse(text) as Record<string, unknown> };
}

const CONFIG = `policy: ./policy.yaml
agents: [{ id: billing, keySha256: "${'ab'.repeat(32)}", owner: ops-1, tools: ["payouts.get"] }]
reviewers: [{ id: ops-1, groups: [ops], tokenSha256: "${'cd'.repeat(32)}" }]
connectors: { payouts: { baseUrl: "https://payouts.example.com" } }
`;
const POLICY = `version: 1
tools:
  - name: payouts.get
    class: reversible
    connector: payouts
    request: { method: GET, path: "/payouts/{id}" }
  - name: payouts.close
    title: Close account {id}
    class: irreversible
    connector: payouts
    request: { method: DELETE, path: "/accounts/{id}" }
approvals:
  - match: "true"
    levels: [{ name: approval, approvers: [ops], quorum: 1 }]
`;
function write(config = CONFIG, policy = POLICY): void {
  writeFileSync(join(directory, 'holdpoint.yaml'), config);
  writeFileSync(join(directory, 'policy.yaml'), policy);
}

describe('policy check', () => {
  test('valid files: exit code 0 and the digest', async () => {
    write();
    const { code, json } = await holdpoint('policy', 'check', '--json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({ ok: true, tools: 2, agents: 1, reviewers: 1, problems: [] });
    expect(json()['digest']).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('a mistake: exit code 3, its place, and a caret below it', async () => {
    write(CONFIG, POLICY.replace('class: reversible', 'class: reversable'));
    const { code, json } = await holdpoint('policy', 'check', '--json');
    expect(code).toBe(3);
    expect(json()).toMatchObject({ ok: false, problems: [{ file: 'policy.yaml', line: 4, column: 12 }] });
    const { text } = await holdpoint('policy', 'check');
    const [place, line = '', caret = ''] = text.split('\n');
    expect(place).toMatch(/^policy\.yaml:4:12: /);
    expect(line.slice(caret.indexOf('^'))).toBe('reversable');
  });

  test('another file than the config names', async () => {
    write();
    writeFileSync(join(directory, 'next.yaml'), 'version: 2\n');
    const { code, json } = await holdpoint('policy', 'check', 'next.yaml', '--json');
    expect(code).toBe(3);
    expect(json()).toMatchObject({ problems: [{ file: 'next.yaml' }] });
  });

  test('files of the command line that are not there: exit code 4', async () => {
    write();
    expect((await holdpoint('policy', 'check', 'nothing.yaml')).code).toBe(4);
    expect((await holdpoint('policy', 'check', '--config', 'nothing.yaml')).code).toBe(4);
  });

  test('a warning is marked as one and keeps nothing from being put in force', async () => {
    write(CONFIG.replace('["payouts.get"]', '["payouts.gets"]'));
    const { code, text } = await holdpoint('policy', 'check');
    expect(code).toBe(0);
    expect(text.split('\n')[0]).toMatch(/^holdpoint\.yaml:2:\d+: warning: /);
    write(CONFIG, POLICY.replace('class: reversible', 'class: reversable'));
    expect((await holdpoint('policy', 'check')).text.split('\n')[0]).toMatch(/^policy\.yaml:4:12: error: /);
  });

  test('doctor shows every warning', async () => {
    write(CONFIG.replace('["payouts.get"]', '["payouts.gets", "payouts.shut"]'));
    const { json } = await holdpoint('doctor', '--json');
    const findings = json()['findings'] as readonly { check: string; status: string; message: string }[];
    const found = findings.find(({ check }) => check === 'config and policy');
    expect(found?.status).toBe('warn');
    expect(found?.message.split('\n')).toHaveLength(2);
  });

  test('credentials that are not there are told with their place, by check and by doctor', async () => {
    const connectors = '{ payouts: { baseUrl: "https://payouts.example.com", credential: "env:PAYOUTS_KEY" } }';
    write(CONFIG.replace(/^connectors: .*$/m, `connectors: ${connectors}`));
    const { code, text } = await holdpoint('policy', 'check');
    expect(code).toBe(0);
    expect(text.split('\n')[0]).toBe(
      'holdpoint.yaml:4:78: warning: credential of the connector payouts (env:PAYOUTS_KEY) has no value on this machine. ' +
        'Set PAYOUTS_KEY in the environment of the execute worker',
    );
    const { json } = await holdpoint('doctor', '--json');
    const findings = json()['findings'] as readonly { check: string; status: string; message: string }[];
    expect(findings.find(({ check }) => check === 'references')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('holdpoint.yaml:4:78: credential of the connector payouts (env:PAYOUTS_KEY)'),
    });
  });

  test('no files, and files that cannot be read', async () => {
    expect((await holdpoint('policy', 'check')).code).toBe(3);
    writeFileSync(join(directory, 'holdpoint.yaml'), CONFIG);
    expect((await holdpoint('policy', 'check')).code).toBe(3);
    writeFileSync(join(directory, 'holdpoint.yaml'), 'policy: [\n');
    const { code, json } = await holdpoint('policy', 'check', '--json');
    expect(code).toBe(3);
    expect(json()).toMatchObject({ ok: false });
  });
});

describe('policy explain, from the files', () => {
  test('says class, gate and who would decide', async () => {
    write();
    const { code, json } = await holdpoint('policy', 'explain', 'payouts.close', '-a', '{"id":"7"}', '--json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({ class: 'irreversible', gate: 'hard', levels: [{ approvers: ['ops'], quorum: 1 }] });
  });

  test('a tool that only lacks its connector says which one', async () => {
    write(CONFIG, `${POLICY}include: [github]\n`);
    const args = ['policy', 'explain', 'github.repos.delete', '-a', '{"owner":"acme","repo":"web"}', '--json'];
    const { json } = await holdpoint(...args);
    expect(json()).toMatchObject({ blocked: true, reasonCodes: ['connector_missing'] });
    expect(json()['errors']).toMatchObject([{ message: expect.stringContaining('github') as unknown }]);
    const unheard = (await holdpoint('policy', 'explain', 'payouts.unheard', '--json')).json();
    expect(unheard).not.toHaveProperty('errors');
  });

  test('with the urgency that the agent would give', async () => {
    write(CONFIG, `${POLICY}rules: [{ when: 'urgency == "high"', class: irreversible, reason: hurried }]\n`);
    const args = ['policy', 'explain', 'payouts.get', '-a', '{"id":"7"}', '--json'];
    expect((await holdpoint(...args)).json()).toMatchObject({ class: 'reversible', gate: 'none' });
    expect((await holdpoint(...args, '--urgency', 'high')).json()).toMatchObject({
      class: 'irreversible',
      gate: 'hard',
    });
    expect((await holdpoint(...args, '--urgency', 'now')).code).toBe(2);
  });

  test('as an agent: what it may not propose is blocked', async () => {
    write();
    const args = ['policy', 'explain', 'payouts.close', '-a', '{"id":"7"}', '--json'];
    const { json } = await holdpoint(...args, '--agent', 'billing');
    expect(json()).toMatchObject({ blocked: true, reasonCodes: ['tool_not_allowed'] });
    expect((await holdpoint(...args, '--agent', 'nobody')).code).toBe(4);
  });
});

describe('keys', () => {
  test('init makes what is missing and nothing else; rotate puts a new one in force', async () => {
    const first = (await holdpoint('keys', 'init', '--deployment', 'acme', '--json')).json();
    const again = (await holdpoint('keys', 'init', '--json')).json();
    expect(again).toEqual(first);
    expect(first).toMatchObject({ deploymentId: 'acme' });
    expect((await holdpoint('keys', 'rotate', 'review', '--json')).code).toBe(0);
    const shown = (await holdpoint('keys', 'show', '--json')).json();
    const reviewKeys = (shown['keys'] as { role: string; retiredAt?: string }[]).filter(
      ({ role }) => role === 'review',
    );
    expect(reviewKeys.map(({ retiredAt }) => retiredAt !== undefined)).toEqual([true, false]);
    expect((await holdpoint('keys', 'rotate', 'root')).code).toBe(2);
    expect((await holdpoint('keys', 'init', '--deployment', 'Not An Id')).code).toBe(2);
  });

  test('init --split gives each part its own private keys and no others', async () => {
    expect((await holdpoint('keys', 'init', '--split', 'parts', '--json')).code).toBe(0);
    const filesOf = (part: string): string[] => readdirSync(join(directory, 'parts', part)).toSorted();
    expect(filesOf('api')).toEqual(['propose.key', 'review.key', 'trust.json']);
    expect(filesOf('api-propose')).toEqual(['propose.key', 'trust.json']);
    expect(filesOf('api-review')).toEqual(['review.key', 'trust.json']);
    expect(filesOf('gate')).toEqual(['callback.key', 'mail.key', 'trust.json']);
    expect(filesOf('execute')).toEqual(['execute.key', 'seal.key', 'trust.json']);
    expect(statSync(join(directory, 'parts', 'execute', 'seal.key')).mode & 0o777).toBe(0o600);
    loadKeys(join(directory, 'parts', 'api'), ['propose', 'review']);
    const trust = readFileSync(join(directory, 'parts', 'gate', 'trust.json'), 'utf8');
    expect((await holdpoint('keys', 'init', '--split', 'parts')).code).toBe(5);
    expect(readFileSync(join(directory, 'parts', 'gate', 'trust.json'), 'utf8')).toBe(trust);
  });

  test('create reviewer', async () => {
    const { code, json } = await holdpoint('keys', 'create', 'reviewer', 'ops-3', '--groups', 'ops,on', '--json');
    expect(code).toBe(0);
    const { parse } = await import('yaml');
    expect(parse(json()['config'] as string)).toEqual({
      reviewers: [{ id: 'ops-3', groups: ['ops', 'on'], tokenSha256: json()['sha256'] }],
    });
  });
});

test('verifying without keys that are trusted fails closed', async () => {
  writeFileSync(join(directory, 'p.json'), '{}');
  expect((await holdpoint('audit', 'verify', '--proof', 'p.json')).code).toBe(7);
  await holdpoint('keys', 'init');
  expect((await holdpoint('audit', 'verify', '--proof', 'p.json')).code).toBe(7);
  expect((await holdpoint('audit', 'verify', '--proof', 'p.json', '--database')).code).toBe(2);
  expect((await holdpoint('audit', 'verify', '--proof', 'nothing.json')).code).toBe(4);
  expect((await holdpoint('audit', 'verify', '--database', 'nowhere')).code).toBe(4);
});

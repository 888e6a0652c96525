import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkConfig, checkSecrets, type Finding } from '../../src/cli/commands/doctor/checks.ts';
import { resolveReference } from '../../src/storage/keys/index.ts';
import { ioFor } from './cli-io.ts';
import { APPROVALS, load } from './policy-support.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-doctor-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const POLICY = `version: 1\n${APPROVALS}`;
const configOf = (lines: string): string =>
  `policy: ./policy.yaml\nreviewers: [{ id: ops-1, groups: [ops], email: ops-1@example.com }]\n${lines}\n`;

/** What is found of a configuration with these lines, and this environment. */
function find(lines: string, env: Readonly<Record<string, string>> = {}, isWhole = true): readonly Finding[] {
  const result = load(POLICY, configOf(lines));
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  const resolve = (reference: string): string => resolveReference(reference, directory, env);
  return checkSecrets({ ...result, resolve }, isWhole);
}

const GOOD = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const hooks = (...urls: readonly string[]): string =>
  `notifications:\n  webhooks:\n${urls.map((url, n) => `    - { url: "${url}", secret: "env:S${n}", events: ["*"] }\n`).join('')}`;

describe('secrets of webhooks', () => {
  it.each([
    ['of 8 bytes', `whsec_${Buffer.alloc(8, 1).toString('base64')}`, 'has 8 bytes'],
    ['in quotes', `"${GOOD}"`, 'quotes'],
    ['with one quote', `${GOOD}"`, 'quotes'],
    ['without prefix', Buffer.alloc(32, 7).toString('base64'), 'whsec_ or whsk_'],
    ['that are not base64', 'whsec_not base64!', ''],
    ['of the receiver (a public key)', 'whpk_AAAA', 'whsec_ or whsk_'],
    ['one of two', `${GOOD} whsec_AAAA`, 'has 3 bytes'],
  ])('C3: %s fail, with the line and the way out, and without the value', (_what, value, words) => {
    const [finding] = find(hooks('https://ops.example.com/hook?token=hidden'), { S0: value });
    expect(finding?.status).toBe('fail');
    expect(finding?.message).toMatch(
      /^holdpoint\.yaml:5:\d+: the secret of the webhook https:\/\/ops\.example\.com\/hook /,
    );
    expect(finding?.message).toContain(words);
    expect(finding?.fix).toMatch(words === 'quotes' ? /Remove the quotes/ : /openssl rand/);
    expect(JSON.stringify(finding)).not.toContain(value.slice(0, 12));
    expect(JSON.stringify(finding)).not.toContain('hidden');
  });

  it('C3: unset fail where one process is everything, and warn where another machine may have them', () => {
    const found = find(hooks('https://a.example.com/', 'https://b.example.com/'), { S1: GOOD });
    expect(found).toMatchObject([{ status: 'fail', fix: expect.stringContaining('Set S0') as string }]);
    expect(find(hooks('https://a.example.com/'), {}, false)).toMatchObject([{ status: 'warn' }]);
  });

  it('C3: each is named', () => {
    const found = find(hooks('https://a.example.com/', 'https://b.example.com/'), { S0: 'a', S1: 'b' });
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining('a.example.com'),
      expect.stringContaining('b.example.com'),
    ]);
  });

  it('that are good are usable', () => {
    expect(find(hooks('https://a.example.com/'), { S0: `${GOOD} ${GOOD}` })).toMatchObject([{ status: 'ok' }]);
  });
});

describe('other references', () => {
  it.each([
    ['notifications: { email: { mode: digest, from: a@example.com, smtp: "env:S" } }', 'mail.example.com', 'SMTP URL'],
    ['notifications: { slack: { mode: digest, webhook: "env:S", signingSecret: "env:OK" } }', 'xoxb-1', 'not a URL'],
    [
      'notifications: { slack: { mode: digest, token: "env:S", channel: C012ABCDEF, signingSecret: "env:OK" } }',
      'xoxp-1',
      'xoxb-',
    ],
    ['oidc: { issuer: "https://login.example.com", clientId: x, clientSecret: "env:S" }', '"quoted"', 'quotes'],
    ['agents: [{ id: a, publicKey: "env:S" }]', 'no key', 'Ed25519'],
    ['connectors: { svc: { baseUrl: "https://api.example.com", credential: "env:S" } }', "'quoted'", 'quotes'],
    ['connectors: { db: { url: "env:S" } }', 'mysql://x', 'PostgreSQL URL'],
  ])('%s', (lines, value, words) => {
    const [finding] = find(lines, { S: value, OK: 'x' });
    expect(finding?.status).toBe('fail');
    expect(`${finding?.message} ${finding?.fix}`).toContain(words);
    expect(find(lines, { OK: 'x' })[0]).toMatchObject({ status: 'fail' });
  });

  it('are read from files beside the configuration', () => {
    const lines = 'connectors: { svc: { baseUrl: "https://api.example.com", credential: "file:token" } }';
    writeFileSync(join(directory, 'policy.yaml'), POLICY);
    writeFileSync(join(directory, 'holdpoint.yaml'), configOf(lines));
    const { finding, inForce } = checkConfig(ioFor({ cwd: directory }));
    if (inForce === undefined) throw new Error(finding.message);
    expect(checkSecrets(inForce, true)).toMatchObject([
      { status: 'fail', message: expect.stringContaining('file:token') as string },
    ]);
    writeFileSync(join(directory, 'token'), 'secret-token\n');
    expect(checkSecrets(inForce, true)).toMatchObject([{ status: 'ok' }]);
  });

  it('of what is switched off are not asked for', () => {
    expect(
      find('notifications: { email: { mode: off, from: a@example.com, smtp: "env:S" } }'.replace('off', '"off"')),
    ).toMatchObject([{ status: 'ok' }]);
  });
});

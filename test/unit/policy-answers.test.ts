import { describe, expect, it, vi } from 'vitest';
import { deferralWait } from '../../src/domain/deferral.ts';
import { readRetryAfter } from '../../src/domain/retry-after.ts';
import { isSuccessStatus } from '../../src/domain/policy/success.ts';
import { APPROVALS, CONFIG, load, placeOf, problemsOf, settingsOf } from './policy-support.ts';

const HOUR = 3_600_000;

/** A policy with one tool, written over several lines. */
const policyWith = (fields: string, connector = 'api', request = 'request: { method: POST, path: /pay }'): string =>
  `version: 1\ntools:\n  - name: shop.pay\n    class: irreversible\n    connector: ${connector}\n    ${request}\n${fields}${APPROVALS}`;
const MCP = 'mcpTool: pay';
const WITH_URL = `${CONFIG}  remote: { type: mcp, url: "https://mcp.example.com" }\n  db: { url: env:DB }\n`;

describe('what a tool makes of answers', () => {
  it('names statuses, with a header and its value, and one condition on the body', () => {
    const fields = `    deferOn: [429, { status: 403, header: retry-after }, { status: 403, header: x, value: '0' }]\n    timeout: 5m\n`;
    const request = `request: { method: POST, path: /pay, success: [200, 201, 'body.ok == true'] }`;
    expect(settingsOf(policyWith(fields, 'api', request)).policy.tools.get('shop.pay')?.definition).toMatchObject({
      deferOn: [429, { status: 403, header: 'retry-after' }, { status: 403, header: 'x', value: '0' }],
      request: { success: [200, 201, 'body.ok == true'] },
      timeout: '5m',
    });
    for (const alone of ["'has(body.id)'", '201']) {
      const one = `request: { method: POST, path: /pay, success: ${alone} }`;
      expect(load(policyWith('', 'api', one)).ok).toBe(true);
    }
    expect(isSuccessStatus(201, 201) && !isSuccessStatus(201, 200)).toBe(true);
  });

  it.each([
    ['a success status among the proofs', policyWith('    deferOn: [200]\n'), 'policy.yaml:7:15'],
    [
      'an answer’s header whose name is none',
      policyWith("    deferOn: [{ status: 403, header: 'a b' }]\n"),
      'policy.yaml:7:38',
    ],
    ['a key in a header whose name is none', policyWith("    idempotency: { header: 'X Y' }\n"), 'policy.yaml:7:28'],
    ['a key in a header of the connection', policyWith('    idempotency: { header: Host }\n'), 'policy.yaml:7:28'],
    [
      'a header whose value would end it',
      policyWith('', 'api', 'request: { method: POST, path: /pay, headers: { X-A: "a\\nb" } }'),
      'policy.yaml:6:58',
    ],
    [
      'a status that means both',
      policyWith('    deferOn: [409]\n', 'api', 'request: { method: POST, path: /pay, success: [409] }'),
      'policy.yaml:7:15',
    ],
    [
      'a condition that is no CEL',
      policyWith('', 'api', `request: { method: POST, path: /pay, success: [200, 'body.ok =='] }`),
      'policy.yaml:6:66',
    ],
    [
      'a condition over arguments',
      policyWith('', 'api', `request: { method: POST, path: /pay, success: 'arguments.ok' }`),
      'policy.yaml:6:52',
    ],
    [
      'two conditions',
      policyWith('', 'api', `request: { method: POST, path: /pay, success: ['body.a', 'body.b'] }`),
      'policy.yaml:6:51',
    ],
    ['N3: a key of HTTP for a child process', policyWith('    deferOn: [429]\n', 'tickets', MCP), 'policy.yaml:7:5'],
    [
      'N3: an idempotency header for an MCP server',
      policyWith('    idempotency: { header: Idempotency-Key }\n', 'remote', MCP),
      'policy.yaml:7:5',
    ],
    ['N3: a key of HTTP for SQL', policyWith('    deferOn: [429]\n', 'db', 'sql: execute'), 'policy.yaml:7:5'],
    [
      'N3: a redirect without HTTP',
      policyWith('    moved: { path: /r, name: /n }\n', 'db', 'sql: execute'),
      'policy.yaml:7:5',
    ],
    [
      'N3: facts that nothing fetches',
      policyWith('    preview: { requests: [{ path: /x, facts: [] }] }\n', 'remote', MCP),
      'policy.yaml:7:5',
    ],
  ])('%s does not load', (_, policy, place) => {
    const problems = problemsOf(policy, WITH_URL);
    expect(problems.map(placeOf)).toEqual([place]);
    for (const { message, fix } of problems) expect([message, fix]).not.toContain('');
  });

  it('deferOn is for MCP servers that are reached by HTTP too', () => {
    expect(load(policyWith('    deferOn: [429]\n', 'remote', MCP), WITH_URL).ok).toBe(true);
  });

  it('warns of statuses that proxies answer', () => {
    const result = load(policyWith('    deferOn: [429, 503]\n'));
    // It has no title either.
    expect(result.ok && result.warnings.map(placeOf)).toEqual(['policy.yaml:3:11', 'policy.yaml:7:20']);
  });

  it('naming more proofs for a built-in tool loosens it', () => {
    const tighter = (more: string) =>
      `version: 1\ninclude: [github]\ntools:\n  - name: github.repos.delete\n    class: irreversible\n    connector: github\n${more}${APPROVALS}`;
    expect(problemsOf(tighter('    deferOn: [500]\n')).map(placeOf)).toEqual(['policy.yaml:7:14']);
    expect(load(tighter('    deferOn: [500]\n    override: true\n')).ok).toBe(true);
  });
});

describe('how long a deferred call waits', () => {
  const wait = (elapsed: number, retryAfterMs = 0, left = HOUR) =>
    deferralWait({ firstAt: 0, now: elapsed, staleAt: elapsed + left, retryAfterMs });

  it('about as long as it has taken so far, and as the target asks', () => {
    expect([0, 1_000, 4_000, 60_000].map((elapsed) => wait(elapsed))).toEqual([1_000, 1_000, 4_000, 60_000]);
    expect(wait(60_000, 90_000)).toBe(90_000);
    expect(wait(0, 20_000)).toBe(20_000);
    expect(wait(2 * HOUR)).toBe(HOUR / 10);
    expect(wait(30 * 24 * HOUR, 0, 30 * 24 * HOUR)).toBe(1.5 * 24 * HOUR);
  });

  it('never beyond its approval; not at all where too little of that is left', () => {
    expect(wait(HOUR, 0, 60_000)).toBe(30_000);
    expect(wait(HOUR, 0, 1_999)).toBeNull();
    expect(wait(0, HOUR)).toBeNull();
    expect(wait(0, 2 * HOUR)).toBeNull();
    for (let left = 2_000; left < HOUR; left *= 3) expect(wait(HOUR, 0, left)).toBeLessThan(left);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-04-01T12:00:00Z');
  it.each([
    ['20', 20_000],
    [' 5 ', 5_000],
    ['Wed, 01 Apr 2026 12:00:30 GMT', 30_000],
    ['Wed, 01 Apr 2026 11:00:00 GMT', undefined],
    ['9999999999', 31_536_000_000],
    ['Sat, 13 Sep 275760 00:00:00 GMT', 31_536_000_000],
    ['2.0', 2_000],
    ['0.5', 1_000],
    ['1.5.2', undefined],
    ['Wednesday, 01-Apr-26 12:00:30 GMT', 30_000],
    ['Wed Apr  1 12:00:30 2026', 30_000],
    ['2026-04-01T14:00:30+02:00', 30_000],
    ['2026-04-01T12:00:30', undefined],
    ['not before 2030', undefined],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
    ['1e9', undefined],
    [null, undefined],
  ])('%s', (value, ms) => {
    for (const zone of ['UTC', 'America/New_York']) {
      vi.stubEnv('TZ', zone);
      expect(readRetryAfter(value, now)).toBe(ms);
    }
    vi.unstubAllEnvs();
  });
});

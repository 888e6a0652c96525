import { describe, expect, it } from 'vitest';
import { placeOf as findPlace, readYaml } from '../../src/domain/files/yaml-source.ts';
import {
  APPROVALS,
  CONFIG,
  EXAMPLE_CONFIG,
  EXAMPLE_POLICY,
  load,
  placeOf,
  problemsOf,
  settingsOf,
} from './policy-support.ts';

const POLICY = `version: 1\n${APPROVALS}`;
const HASH = 'a'.repeat(64);
const placesOf = (config: string): readonly string[] => problemsOf(POLICY, config).map(placeOf);

it('a key that only another kind of connector has is not suggested in its own place', () => {
  const config = CONFIG + '  pg: { type: postgres, url: env:PG, credential: env:PG }\n';
  const [problem] = problemsOf(POLICY, config);
  expect(problem).toMatchObject({
    message: 'unknown key "credential" in pg',
    fix: expect.stringMatching(/^Delete it/),
  });
});

describe('the example files', () => {
  const settings = settingsOf(EXAMPLE_POLICY, EXAMPLE_CONFIG);

  it('load, and every key of them arrives', () => {
    expect(settings).toMatchObject({
      deploymentId: 'acme-production',
      agents: [
        {
          id: 'cleanup-agent',
          keySha256: '0'.repeat(64),
          owner: 'ops-1',
          tools: ['postgres.*', 'github.repos.*'],
          context: { env: 'production' },
        },
        { id: 'billing-service', publicKey: 'file:billing-service.pub', owner: 'finance-1' },
      ],
      reviewers: [
        { id: 'ops-1', groups: ['ops'], email: 'ops-1@example.com', tokenSha256: '0'.repeat(64) },
        { id: 'finance-1', groups: ['finance'], subject: 'https://login.example.com#00u1abc', slack: 'U012ABCDEF' },
        { id: 'audit-1', groups: ['auditors'], role: 'auditor' },
      ],
      oidc: {
        issuer: 'https://login.example.com',
        clientId: 'holdpoint',
        clientSecret: 'env:OIDC_CLIENT_SECRET',
        groupsClaim: 'groups',
      },
      callbacks: ['https://agents.example.com/holdpoint/'],
      unattested: 'hold',
      executeWithinMs: 3_600_000,
      freeze: [],
      limits: {
        pendingPerAgent: 200,
        irreversiblePerToolPerHour: 60,
        sensitivePerToolPerHour: 600,
        requestsPerMinute: 600,
      },
      connectors: {
        github: { baseUrl: 'https://api.github.com', credential: 'env:GITHUB_TOKEN' },
        postgres: { url: 'env:TARGET_DATABASE_URL' },
        payouts: { allowPrivateAddresses: true },
        tickets: { type: 'mcp', command: ['npx', '-y', 'tickets-mcp'], env: { TICKETS_TOKEN: 'env:TICKETS_TOKEN' } },
      },
      notifications: {
        email: { mode: 'per-event' },
        slack: { signingSecret: 'env:SLACK_SIGNING_SECRET' },
        webhooks: [{ events: ['review.*', 'execution.*'] }],
        rateLimit: { perReviewer: 20, per: '1h' },
      },
      publicUrl: 'https://holdpoint.example.com',
    });
  });

  it('have the tools of the policy and of its catalogs', () => {
    expect([...settings.policy.tools.keys()]).toEqual(
      expect.arrayContaining([
        'payouts.create',
        'payouts.get',
        'payouts.notify',
        'payouts.closeAccount',
        'github.repos.delete',
      ]),
    );
    expect(settings.policy.tools.get('payouts.create')?.definition).toMatchObject({
      seal: ['/memo'],
      idempotency: { header: 'Idempotency-Key' },
    });
  });
});

describe('defaults', () => {
  it('are the documented ones', () => {
    expect(settingsOf(POLICY, 'policy: p\n')).toMatchObject({
      deploymentId: 'generated-1',
      agents: [],
      reviewers: [],
      callbacks: [],
      unattested: 'hold',
      executeWithinMs: 3_600_000,
      freeze: [],
      limits: {
        pendingPerAgent: 200,
        irreversiblePerToolPerHour: 60,
        sensitivePerToolPerHour: 600,
        requestsPerMinute: 600,
      },
      connectors: {},
      publicUrl: null,
    });
    expect(settingsOf(POLICY, 'policy: p\nlimits: { pendingPerAgent: 3 }\n').limits).toEqual({
      pendingPerAgent: 3,
      irreversiblePerToolPerHour: 60,
      sensitivePerToolPerHour: 600,
      requestsPerMinute: 600,
    });
  });
});

describe('a configuration is refused with the place of', () => {
  const agents = (...lines: readonly string[]): string =>
    `${CONFIG}agents:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
  const more = (text: string): string => `${CONFIG}${text}\n`;
  const lastLine = (config: string): number => config.trimEnd().split('\n').length;

  it.each([
    ['an agent that cannot prove who it is', agents('{ id: a }')],
    ['an owner nobody knows', agents(`{ id: a, keySha256: ${HASH}, owner: ops-3 }`)],
    ['two agents of one name', agents(`{ id: a, keySha256: ${HASH} }`, '{ id: a, publicKey: "file:a.pub" }')],
    ['an agent named like a reviewer', agents(`{ id: ops-1, keySha256: ${HASH} }`)],
    ['two agents with one key', agents(`{ id: a, keySha256: ${HASH} }`, `{ id: b, keySha256: ${HASH} }`)],
    ['a pattern that is none', agents(`{ id: a, keySha256: ${HASH}, tools: ["github.*.delete"] }`)],
    ['a frozen pattern that is none', more('freeze: ["*.delete"]')],
    ['an operator whom nobody knows', more('operators: [ops, ops-3]')],
    [
      'an operator who is an auditor',
      CONFIG.replace(
        'connectors',
        '  - { id: audit-1, groups: [auditors], role: auditor, email: a@b.example }\nconnectors',
      ) + 'operators: [audit-1]\n',
    ],
    ['an operator who is a person and a group', CONFIG.replace('[ops]', '[ops, ops-2]') + 'operators: [ops-2]\n'],
    ['a second person without operators', more('liftBySecondPerson: true')],
    ['a callback without a slash at its end', more('callbacks: ["https://agents.example.com/holdpoint"]')],
    ['a callback that is no web address', more('callbacks: ["ftp://agents.example.com/"]')],
    ['a callback with a query', more('callbacks: ["https://agents.example.com/?x=/"]')],
    ['a public address with a password', more('publicUrl: https://a:b@holdpoint.example.com')],
    ['a public address with a path', more('publicUrl: https://example.com/holdpoint')],
    ['S8: a private base address', `${CONFIG}  other: { baseUrl: "http://127.0.0.1:9000" }\n`],
    [
      'S8: a private base address, refused in words',
      `${CONFIG}  other: { baseUrl: "http://10.1.2.3", allowPrivateAddresses: false }\n`,
    ],
    ['S8: an address of the cloud’s metadata', `${CONFIG}  other: { baseUrl: "http://169.254.169.254" }\n`],
    ['S8: this machine by its name', `${CONFIG}  other: { baseUrl: "http://api.localhost:80" }\n`],
    ['S8: an IPv6 address of this machine', `${CONFIG}  other: { baseUrl: "http://[::1]:9000" }\n`],
    ['S8: an MCP server at a private address', `${CONFIG}  other: { type: mcp, url: "http://192.168.1.2/mcp" }\n`],
    [
      'S8: a webhook at a private address that says it must not go there',
      more(
        'notifications: { webhooks: [{ url: "http://127.0.0.1:1/x", secret: "env:S", events: ["*"], allowPrivateAddresses: false }] }',
      ),
    ],
    [
      'N3: a credential without effect for a child process',
      `${CONFIG}  other: { type: mcp, command: [x], credential: env:TOKEN }\n`,
    ],
    [
      'N3: an environment without a process',
      `${CONFIG}  other: { type: mcp, url: "https://x.example.com", env: { A: b } }\n`,
    ],
    [
      'N3: a credential header without a credential',
      `${CONFIG}  other: { baseUrl: "https://x.example.com", credentialHeader: X-Key }\n`,
    ],
    [
      'a credential header whose name is none',
      `${CONFIG}  other: { baseUrl: "https://x.example.com", credential: env:K, credentialHeader: X Key }\n`,
    ],
    ['an MCP connector without a way to it', `${CONFIG}  other: { type: mcp }\n`],
    [
      'an MCP connector with two ways to it',
      `${CONFIG}  other: { type: mcp, url: "https://x.example.com", command: [x] }\n`,
    ],
    ['a database that is none', `${CONFIG}  other: { url: "https://x.example.com" }\n`],
    ['a base address with a query', `${CONFIG}  other: { baseUrl: "https://x.example.com?a=1" }\n`],
    [
      'a webhook for an event that there is not',
      more('notifications: { webhooks: [{ url: "https://x.example.com", secret: "env:S", events: ["reviews.*"] }] }'),
    ],
    [
      'a webhook written twice',
      more(
        'notifications:\n  webhooks:\n    - { url: "https://x.example.com", secret: "env:S", events: ["*"] }\n    - { url: "https://x.example.com", secret: "env:S", events: ["review.*"] }',
      ),
    ],
    ['a limit of nothing', more('limits: { pendingPerAgent: 0 }')],
    ['a credential in the clear', `${CONFIG}  other: { baseUrl: "https://x.example.com", credential: secret }\n`],
  ])('%s', (_what, config) => {
    const places = placesOf(config);
    expect(places).toHaveLength(1);
    expect(places[0]).toMatch(new RegExp(`^holdpoint\\.yaml:${lastLine(config)}:`));
  });

  it.each([
    ['nothing to post with', '{ mode: per-event, signingSecret: env:S }', '{ mode'],
    ['a token without a channel', '{ mode: per-event, signingSecret: env:S, token: env:T }', 'env:T'],
    [
      'a channel without a token',
      '{ mode: per-event, signingSecret: env:S, webhook: env:W, channel: C012ABCDEF }',
      'C0',
    ],
    [
      'a channel by its name',
      '{ mode: per-event, signingSecret: env:S, token: env:T, channel: approvals }',
      'approvals',
    ],
  ])('Slack: %s', (_what, slack, at) => {
    const config = `policy: p\nnotifications:\n  slack: ${slack}\n`;
    const problems = problemsOf('version: 1\n', config).filter(({ file }) => file === 'holdpoint.yaml');
    expect(problems).toHaveLength(1);
    const [problem] = problems;
    expect(problem?.line).toBe(3);
    expect(problem?.column).toBe((config.split('\n')[2] as string).indexOf(at) + 1);
  });

  it.each(['ops-1', '@ops', 'U', 'T012/'])('the Slack user %s is none', (slack) => {
    const config = `policy: p\nreviewers:\n  - { id: a, groups: [ops], slack: "${slack}" }\n`;
    expect(placesOf(config)).toHaveLength(1);
  });

  const twoReviewers = (one: string, other: string): string =>
    `policy: p\noidc: { issuer: https://login.example.com, clientId: x }\nreviewers:\n  - { id: a, groups: [ops], ${one} }\n  - { id: b, groups: [ops], ${other} }\n`;

  it.each([
    ['email: ops-1@example.com', 'email: ops-1@example.com'],
    ['email: ops-1@example.com', 'email: Ops-1@Example.COM'],
    [`tokenSha256: ${HASH}`, `tokenSha256: ${HASH}`],
    ['slack: U1', 'slack: U1'],
    ['slack: U1', 'slack: T9/U1'],
    ['slack: T8/U1', 'slack: T9/U1'],
    ['subject: "https://login.example.com#1a"', 'subject: "https://login.example.com#1a"'],
  ])('one person as two reviewers: %s and %s', (one, other) => {
    const config = twoReviewers(one, other);
    expect(placesOf(config)).toHaveLength(1);
    expect(placesOf(config)[0]).toMatch(/^holdpoint\.yaml:5:/);
  });

  it('two people whose subjects differ in a letter are not one', () => {
    const [one, other] = ['1a', '1A'].map((sub) => `subject: "https://login.example.com#${sub}"`);
    expect(settingsOf(POLICY, twoReviewers(one ?? '', other ?? '')).reviewers).toHaveLength(2);
  });

  it('names the operators, and warns where one of them alone could not lift a freeze', () => {
    const operated = (names: string) => `${CONFIG}operators: ${names}\nliftBySecondPerson: true\n`;
    expect(settingsOf(POLICY, operated('[ops, ops-1]'))).toMatchObject({
      operators: ['ops', 'ops-1'],
      liftBySecondPerson: true,
    });
    const warned = (names: string) => {
      const result = load(POLICY, operated(names));
      return result.ok && result.warnings.some(({ message }) => message.includes('only one operator'));
    };
    expect([warned('[ops-1]'), warned('[ops]')]).toEqual([true, false]);
  });

  it('what is wrong in either file, all at once', () => {
    const config = more('freeze: ["*.x"]');
    const files = problemsOf('version: 1\n', config).map(({ file }) => file);
    expect(new Set(files)).toEqual(new Set(['holdpoint.yaml', 'policy.yaml']));
    const unreadable = problemsOf('version: 3\n', config).map(({ file }) => file);
    expect(new Set(unreadable)).toEqual(new Set(['holdpoint.yaml', 'policy.yaml']));
  });
});

it('S8: what is wrong with a private base address names the setting, and the host', () => {
  const [problem] = problemsOf(POLICY, `${CONFIG}  other: { baseUrl: "http://127.0.0.1:9000" }\n`);
  expect(problem?.message).toContain('127.0.0.1:9000');
  expect(problem?.fix).toContain('allowPrivateAddresses: true');
});

describe('C5: the form of a value is told in words', () => {
  const fixOf = (config: string): string | undefined => problemsOf(POLICY, config)[0]?.fix;

  it.each(['T012ABCDEF/U012ABCDEF', 'E1/W1', 'E1/U1', 'W1'])('the Slack user %s is taken', (slack) => {
    const config = `policy: p\nreviewers:\n  - { id: a, groups: [ops], slack: "${slack}" }\n`;
    expect(settingsOf(POLICY, config).reviewers[0]?.slack).toBe(slack);
  });

  it.each([
    ['reviewers: [{ id: a, groups: [ops], slack: "@ops" }]', 'a Slack user id'],
    ['reviewers: [{ id: a, groups: [ops], slack: "C1/U1" }]', 'E012ABCDEF/W012ABCDEF'],
    ['reviewers: [{ id: "a b", groups: [ops] }]', 'letters, digits'],
    ['agents: [{ id: "temporal:x", publicKey: "env:K" }]', 'does not begin with temporal:'],
    ['deploymentId: Acme', 'lower-case letters'],
    ['notifications: { slack: { mode: off, signingSecret: "env:S", token: "env:T", channel: "#ops" } }', 'C012ABCDEF'],
    ['executeWithin: 2 days', 'a duration'],
    ['executeWithin: 90', 'a duration'],
    ['publicUrl: 8080', 'a URL'],
    [`agents: [{ id: a, keySha256: ${'A'.repeat(64)} }]`, '64 lower-case hexadecimal digits'],
  ])('%s', (line, words) => {
    expect(fixOf(`policy: p\n${line}\n`)).toContain(words);
  });
});

describe('a configuration is accepted', () => {
  it('S8: with a warning where a name is probably private', () => {
    const config = `${CONFIG}  other: { baseUrl: "http://payouts.internal:9000" }\n  one: { baseUrl: "http://payouts" }\n`;
    const result = load(POLICY, config);
    expect(result.ok && result.warnings.map(({ fix }) => fix)).toEqual([
      expect.stringContaining('allowPrivateAddresses'),
      expect.stringContaining('allowPrivateAddresses'),
    ]);
  });

  it('with private addresses where the setting allows them', () => {
    const config = `${CONFIG}  other: { baseUrl: "http://127.0.0.1:9000", allowPrivateAddresses: true }\n`;
    const result = load(POLICY, config);
    expect(result.ok && result.warnings).toEqual([]);
  });

  it('with placeholders shared by any number of people, and says so', () => {
    const zeros = '0'.repeat(64);
    const config = `policy: p\nagents:\n  - { id: a, keySha256: ${zeros} }\n  - { id: b, keySha256: ${zeros} }\nreviewers:\n  - { id: c, groups: [ops], tokenSha256: ${zeros} }\n  - { id: d, groups: [ops], tokenSha256: ${zeros} }\n`;
    const result = load(POLICY, config);
    expect(result.ok && result.warnings.map(({ line }) => line)).toEqual([3, 4, 6, 7]);
  });

  it('with a warning where somebody cannot sign in, or a pattern fits nothing', () => {
    const config = 'policy: p\nreviewers:\n  - { id: a, groups: [ops] }\nfreeze: ["*", "githb.*", "mcp.any.*"]\n';
    const result = load(POLICY, config);
    expect(result.ok && result.warnings.map(({ line }) => line)).toEqual([3, 4]);
  });

  it('with a key that an agent and a reviewer do not share by accident of their hash', () => {
    const config = `policy: p\nagents: [{ id: a, keySha256: ${HASH} }]\nreviewers: [{ id: b, groups: [ops], tokenSha256: ${HASH} }]\n`;
    expect(load(POLICY, config).ok).toBe(true);
  });
});

it('the place of a value is found for messages about it', () => {
  const read = readYaml(EXAMPLE_CONFIG, 'holdpoint.yaml', new Set(['keySha256', 'tokenSha256']));
  if (!read.ok) throw new Error('not read');
  expect(findPlace(read.source, 'env:TICKETS_TOKEN')).toMatch(/^holdpoint\.yaml:\d+:\d+$/);
  expect(findPlace(read.source, 'env:ELSEWHERE')).toBeUndefined();
});

it.each(['12345678901234567890', '-9007199254740993', '0.12345678901234567890', '1e400', '.nan', '0x20000000000001'])(
  'B1: the number %s of a file, which would be read as another one, is refused',
  (literal) => {
    const read = readYaml(`a: [1, ${literal}]`, 'holdpoint.yaml');
    const message = `${literal} is a number that cannot be represented exactly`;
    expect(read).toMatchObject({ ok: false, problems: [{ message, line: 1, column: 8 }] });
  },
);

it('B1: numbers of a file that are what they look like are read', () => {
  const read = readYaml('[0.1, 19.90, +1, .5, 1., 1e-7, 2.5e+3, 0x1F, 0o17, 9007199254740991, 0]', 'holdpoint.yaml');
  expect(read.ok && read.source.value).toEqual([0.1, 19.9, 1, 0.5, 1, 1e-7, 2_500, 31, 15, 9_007_199_254_740_991, 0]);
});

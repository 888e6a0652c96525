import { describe, expect, it } from 'vitest';
import { APPROVALS, CONFIG, load, placeOf, policyOf, problemsOf } from './policy-support.ts';

const placesOf = (policy: string, config = CONFIG): readonly string[] => problemsOf(policy, config).map(placeOf);
const github = (tool: string): string => `version: 1
include: [github, stripe]
tools:
  - ${tool}
${APPROVALS}`;
const own = (tool: string, more = ''): string => `version: 1
tools:
  - ${tool}
${more}${APPROVALS}`;
const post = 'connector: api, request: { method: POST, path: /x, body: arguments }';

describe('a policy is refused with the place of', () => {
  it.each([
    [
      'an irreversible tool with a weaker gate',
      own(`{ name: api.do, class: irreversible, gate: soft, ${post} }`),
      'policy.yaml:3:48',
    ],
    [
      'an irreversible rule with a weaker gate',
      own(
        `{ name: api.do, class: reversible, ${post} }`,
        'rules:\n  - { when: "true", class: irreversible, gate: none }\n',
      ),
      'policy.yaml:5:48',
    ],
    [
      'an unknown connector',
      own('{ name: api.do, class: reversible, connector: apii, request: { method: GET, path: /x } }'),
      'policy.yaml:3:51',
    ],
    ['a tool that says nothing to do', own('{ name: api.do, class: reversible, connector: api }'), 'policy.yaml:3:5'],
    [
      'a field of another connector',
      own(`{ name: api.do, class: reversible, sql: select, ${post} }`),
      'policy.yaml:3:40',
    ],
    ['an MCP tool without its name', own('{ name: api.do, class: reversible, connector: tickets }'), 'policy.yaml:3:5'],
    [
      'a malformed path',
      own('{ name: api.do, class: reversible, connector: api, request: { method: GET, path: "/x/{a" } }'),
      'policy.yaml:3:86',
    ],
    [
      'a tool defined twice',
      own(`{ name: api.do, class: reversible, ${post} }\n  - { name: api.do, class: reversible, ${post} }`),
      'policy.yaml:4:13',
    ],
    [
      'a reason that is a code of our own',
      own(
        `{ name: api.do, class: reversible, ${post} }`,
        'rules:\n  - { when: "true", class: sensitive, reason: unattested }\n',
      ),
      'policy.yaml:5:47',
    ],
    [
      'a missing default approval',
      'version: 1\napprovals:\n  - { match: tool == "x", levels: [{ name: a, approvers: [ops], quorum: 1 }] }\n',
      'policy.yaml:3:14',
    ],
    ['no approvals at all', 'version: 1\n', 'policy.yaml:1:1'],
    [
      'an approval that hides those after it',
      `${APPROVALS.replace('approvals:', 'version: 1\napprovals:')}  - match: "true"\n    levels: [{ name: b, approvers: [ops], quorum: 1 }]\n`,
      'policy.yaml:3:12',
    ],
    [
      'a condition, down to the character',
      own(
        `{ name: api.do, class: reversible, ${post} }`,
        'rules:\n  - when: tool == "a" && amount > 1\n    class: sensitive\n',
      ),
      'policy.yaml:5:26',
    ],
    [
      'a condition inside quotes',
      own(
        `{ name: api.do, class: reversible, ${post} }`,
        `rules:\n  - when: 'tool == "a" && amount > 1'\n    class: sensitive\n`,
      ),
      'policy.yaml:5:27',
    ],
    [
      'a redaction that is no pointer',
      own(`{ name: api.do, class: reversible, redact: [secret], ${post} }`),
      'policy.yaml:3:49',
    ],
  ])('%s', (_what, policy, place) => {
    expect(placesOf(policy)).toEqual([place]);
  });
});

describe('built-in tools', () => {
  const get = 'name: github.repos.get, connector: github';
  const remove = 'name: github.repos.delete, connector: github';

  it.each([
    ['a weaker class', `{ ${remove}, class: sensitive }`],
    ['fewer redactions', `{ ${remove}, class: irreversible, redact: [] }`],
    ['another connector', '{ name: github.repos.delete, connector: api, class: irreversible }'],
    ['another request', `{ ${get}, class: reversible, request: { method: DELETE, path: "/repos/{owner}/{repo}" } }`],
    ['no seal', '{ name: stripe.charges.create, connector: stripe, class: sensitive, seal: [] }'],
    ['a weaker gate', '{ name: stripe.charges.create, connector: stripe, class: sensitive, gate: none }'],
  ])('are not loosened silently: %s', (_what, tool) => {
    expect(problemsOf(github(tool))).toHaveLength(1);
    const policy = policyOf(github(tool.replace('{', '{ override: true,')));
    const changed = [...policy.tools.values()].filter(({ overridden }) => overridden);
    expect(changed).toHaveLength(1);
  });

  it('show in every answer that they were loosened', () => {
    const policy = policyOf(github(`{ ${remove}, class: sensitive, override: true }`));
    const call = {
      tool: 'github.repos.delete',
      service: 'github',
      arguments: { owner: 'o', repo: 'r' },
      context: {},
      pinnedContext: {},
      proposer: 'a',
    };
    expect(policy.classify(call)).toMatchObject({ kind: 'free', gate: 'soft', reasonCodes: ['override'] });
  });

  it.each([
    ['a stronger class', `{ ${get}, class: irreversible }`],
    ['forbidden', `{ ${remove}, class: forbidden }`],
    ['a stronger gate', `{ ${get}, class: reversible, gate: hard }`],
    ['more redactions', `{ ${get}, class: reversible, redact: ["/private"] }`],
    ['nothing but its class again', `{ ${remove}, class: irreversible }`],
  ])('are tightened freely: %s', (_what, tool) => {
    const policy = policyOf(github(tool));
    expect([...policy.tools.values()].filter(({ overridden }) => overridden)).toEqual([]);
  });

  it('keep their own schema of arguments under a user’s', () => {
    const schema = 'arguments: { type: object, properties: { owner: { type: string, enum: [acme] } } }';
    const tightened = policyOf(github(`{ ${get}, class: reversible, ${schema} }`)).tools.get('github.repos.get');
    const errorsOf = (args: Record<string, string>): number =>
      tightened?.validate(args, { sealed: false }).length ?? -1;
    expect(errorsOf({ owner: 'acme', repo: 'r' })).toBe(0);
    expect(errorsOf({ owner: 'other', repo: 'r' })).toBe(1);
    expect(errorsOf({ owner: 'acme' })).toBe(1);
    const replaced = policyOf(github(`{ ${get}, class: reversible, ${schema}, override: true }`)).tools.get(
      'github.repos.get',
    );
    expect(replaced).toMatchObject({ overridden: true });
    expect(replaced?.validate({ owner: 'acme' }, { sealed: false })).toEqual([]);
  });

  it('keep their rules when the tool is overridden', () => {
    const policy = policyOf(
      github('{ name: stripe.charges.create, connector: stripe, class: reversible, override: true }'),
    );
    const args = { amount: 10_001, currency: 'usd' };
    const call = {
      tool: 'stripe.charges.create',
      service: 'stripe',
      arguments: args,
      context: {},
      pinnedContext: {},
      proposer: 'a',
    };
    expect(policy.classify(call)).toMatchObject({
      kind: 'held',
      class: 'irreversible',
      reasonCodes: ['large-charge', 'override'],
    });
  });
});

describe('sealing', () => {
  const tool = (seal: string, request = '{ method: POST, path: "/x/{id}", body: arguments }'): string =>
    `name: api.do
    class: reversible
    connector: api
    request: ${request}
    seal: ${seal}
    arguments:
      type: object
      additionalProperties: false
      properties:
        id: { type: string }
        memo: { type: string }
        card: { type: object, additionalProperties: false, properties: { number: { type: string }, brand: { type: string } } }
        list: { type: array, items: { type: string } }`;

  it.each([
    ['["/memo"]', ''],
    ['["/card/number"]', ''],
    ['["/memo", "/card"]', ''],
    ['["/memo"]', 'rules:\n  - when: tool == "api.other" && arguments.memo == "x"\n    class: sensitive\n'],
    [
      '["/card/number"]',
      'rules:\n  - when: has(arguments.card) && arguments.card.brand == "x"\n    class: sensitive\n',
    ],
  ])('of %s is accepted', (seal, rules) => {
    expect(load(own(tool(seal), rules)).ok).toBe(true);
  });

  it.each([
    ['["/id"]', ''],
    ['["/unknown"]', ''],
    ['["/list/0"]', ''],
    ['["/card", "/card/number"]', ''],
    ['["/memo"]', 'rules:\n  - when: arguments.memo == "x"\n    class: sensitive\n'],
    ['["/memo"]', 'rules:\n  - when: has(arguments.memo)\n    class: sensitive\n'],
    ['["/memo"]', 'rules:\n  - when: arguments["memo"] == "x"\n    class: sensitive\n'],
    ['["/memo"]', 'rules:\n  - when: size(arguments) > 2\n    class: sensitive\n'],
    ['["/memo"]', 'rules:\n  - when: arguments.exists(k, arguments[k] == "x")\n    class: sensitive\n'],
    ['["/card/number"]', 'rules:\n  - when: arguments.card == {}\n    class: sensitive\n'],
  ])('of %s is refused where something must read it', (seal, rules) => {
    expect(placesOf(own(tool(seal), rules))[0]).toMatch(/^policy\.yaml:7:/);
  });

  it('of what goes into a query, or is selected on, is refused', () => {
    expect(placesOf(own(tool('["/memo"]', '{ method: GET, path: "/x" }')))[0]).toMatch(/^policy\.yaml:7:/);
    const approvals = APPROVALS.replace(
      '  - match',
      '  - { match: arguments.memo == "x", levels: [{ name: a, approvers: [ops], quorum: 1 }] }\n  - match',
    );
    expect(placesOf(own(tool('["/memo"]')).replace(APPROVALS, approvals))[0]).toMatch(/^policy\.yaml:7:/);
    expect(
      placesOf(
        own(
          '{ name: api.do, class: reversible, seal: ["/memo"], connector: api, request: { method: POST, path: /x, body: arguments } }',
        ),
      ),
    ).toHaveLength(1);
  });

  it('leaves only the sealed form valid at its place', () => {
    const found = policyOf(own(tool('["/card/number"]'))).tools.get('api.do');
    const errorsOf = (number: unknown, sealed: boolean): number =>
      found?.validate({ card: { number, brand: 'x' } } as never, { sealed }).length ?? -1;
    expect(errorsOf({ $sealed: 'e30' }, true)).toBe(0);
    expect(errorsOf('4242', true)).toBeGreaterThan(0);
    expect(errorsOf({ $sealed: 'e30', more: 1 }, true)).toBeGreaterThan(0);
    expect(errorsOf({ $sealed: 'e30' }, false)).toBeGreaterThan(0);
    expect(errorsOf('4242', false)).toBe(0);
  });
});

describe('warnings', () => {
  const warningsOf = (policy: string, config = CONFIG): readonly string[] => {
    const result = load(policy, config);
    return result.ok ? result.warnings.map(placeOf) : ['refused'];
  };

  it('name levels that nobody, or too few, could pass', () => {
    const approvals = (level: string): string => `version: 1\napprovals:\n  - match: "true"\n    levels: [${level}]\n`;
    expect(warningsOf(approvals('{ name: a, approvers: [opps], quorum: 1 }'))).toEqual(['policy.yaml:4:37']);
    expect(warningsOf(approvals('{ name: a, approvers: [ops], quorum: 3 }'))).toEqual(['policy.yaml:4:51']);
    expect(warningsOf(approvals('{ name: a, approvers: [ops], quorum: 2 }'))).toEqual([]);
  });

  describe('C2: approvals that the people left cannot give', () => {
    const HASH = 'a'.repeat(64);
    const agent = (id: string, more: string): string =>
      `  - { id: ${id}, keySha256: ${HASH.replace('a', id)}, ${more} }\n`;
    const configOf = (...agents: readonly string[]): string =>
      CONFIG.replace('reviewers:', `agents:\n${agents.join('')}reviewers:`);
    const approvals = (text: string, more = ''): string =>
      `version: 1\ninclude: [github]\napprovals:\n${more}  - match: "true"\n    separationOfDuties: true\n    levels: [${text}]\n`;
    const told = (policy: string, config: string): readonly string[] => {
      const result = load(policy, config);
      if (!result.ok) return ['refused'];
      return result.warnings.filter(({ file }) => file === 'policy.yaml').map(({ message }) => message);
    };
    const TWO = '{ name: ops, approvers: [ops], quorum: 2 }';

    it('C2: quorum 2 of two, one of whom owns the agent: the warning has its name, and the people left', () => {
      const config = configOf(agent('b', 'owner: ops-1'));
      expect(told(approvals(TWO), config)).toEqual([
        expect.stringMatching(/ops needs 2 votes.*calls of b only ops-2 may vote.*ops-1/),
      ]);
      // Without separation of duties the owner may vote.
      expect(told(approvals(TWO).replace('true\n    levels', 'false\n    levels'), config)).toEqual([]);
      expect(told(approvals(TWO), configOf(agent('b', 'tools: []')))).toEqual([]);
    });

    it('agents of one owner are told together', () => {
      const config = configOf(agent('b', 'owner: ops-1'), agent('c', 'owner: ops-1'), agent('d', 'owner: ops-2'));
      expect(told(approvals(TWO), config)).toEqual([
        expect.stringContaining('calls of b, c only'),
        expect.stringContaining('calls of d only'),
      ]);
    });

    it('only agents whose calls can come under the approval', () => {
      const other =
        '  - match: tool == "github.repos.delete"\n    levels: [{ name: a, approvers: [ops], quorum: 1 }]\n';
      const own = configOf(agent('b', 'owner: ops-1, tools: [github.repos.delete]'));
      expect(told(approvals(TWO, other), own)).toEqual([]);
      const reads = configOf(agent('b', 'owner: ops-1, tools: [github.repos.get]'));
      expect(told(approvals(TWO), reads)).toEqual([]);
      // A match over what a call says leaves the next approval possible.
      const some = other.replace('delete"', 'delete" && arguments.owner == "acme"');
      expect(told(approvals(TWO, some), own)).toEqual([expect.stringContaining('calls of b')]);
    });

    it('levels that need the same people, who vote once', () => {
      const chain = '{ name: one, approvers: [ops], quorum: 1 }, { name: two, approvers: [ops], quorum: 1 }';
      expect(told(approvals(chain), configOf(agent('b', 'owner: ops-1')))).toEqual([
        expect.stringMatching(/two needs 1 vote, but for calls of b the levels before it/),
      ]);
      const three = `${chain}, { name: three, approvers: [ops], quorum: 1 }`;
      expect(told(approvals(three), CONFIG)).toEqual([expect.stringMatching(/three needs 1 vote, and the levels/)]);
    });

    it('people whom an escalation lets in count', () => {
      const config = configOf(agent('b', 'owner: ops-1')).replace(
        'connectors:',
        '  - { id: boss, groups: [managers], email: boss@example.com }\nconnectors:',
      );
      const escalated = `${approvals(TWO)}    escalate: { after: 1h, to: [managers] }\n`;
      expect(told(escalated, config)).toEqual([]);
    });
  });

  it('do not count auditors as voters', () => {
    const config = CONFIG.replace('groups: [ops], email: ops-2', 'role: auditor, groups: [ops], email: ops-2');
    const policy =
      'version: 1\napprovals:\n  - match: "true"\n    levels: [{ name: a, approvers: [ops], quorum: 2 }]\n';
    expect(warningsOf(policy, config)).toEqual(['policy.yaml:4:51']);
  });

  it('name rules that are bound to fail for a tool', () => {
    const policy = (when: string): string =>
      `version: 1\ninclude: [github]\nrules:\n  - when: ${when}\n    class: irreversible\n${APPROVALS}`;
    expect(warningsOf(policy('arguments.amount > 5'))).toEqual(['policy.yaml:4:11']);
    expect(warningsOf(policy('tool == "api.pay" && arguments.amount > 5'))).toEqual([]);
    expect(warningsOf(policy('has(arguments.amount) && arguments.amount > 5'))).toEqual([]);
    expect(warningsOf(policy('arguments.owner == "acme"'))).toEqual([]);
  });

  it('name irreversible tools without a title, with a start for one', () => {
    const message = (more: string, callClass = 'irreversible'): string | undefined => {
      const schema = 'arguments: { type: object, additionalProperties: false, properties: { id: {}, toAccount: {} } }';
      const result = load(own(`{ name: api.closeAccount, class: ${callClass}, ${more}${schema}, ${post} }`));
      const [warning, ...others] = result.ok ? result.warnings : [];
      expect([result.ok, others]).toEqual([true, []]);
      return warning && `${placeOf(warning)} ${warning.message} | ${warning.fix}`;
    };
    expect(message('')).toMatch(
      /^policy\.yaml:3:13 api\.closeAccount .*no title.*\| Add one: title: 'Close account \{id\}/,
    );
    expect(message('', 'sensitive')).toBeUndefined();
    expect(message("title: 'Close {id}', ")).toBeUndefined();
    // A place that no call fills.
    expect(message("title: 'Close {ids}', ")).toMatch(/^policy\.yaml:3:59 .*names \{ids\}.*\| Use \{id\} or/);
  });

  it('name catalogs of which nothing can run', () => {
    const policy = `version: 1\ninclude: [github, postgres]\n${APPROVALS}`;
    expect(warningsOf(policy)).toEqual(['policy.yaml:2:19']);
    const connected = `${CONFIG}  postgres: { url: env:TARGET_DATABASE_URL }\n`;
    expect(warningsOf(policy, connected)).toEqual([]);
  });

  it('name reminders and escalations that never come', () => {
    const policy = `version: 1\n${APPROVALS}    ttl: 1h\n    remind: [30m, 2h]\n    escalate: { after: 1h, to: [ops] }\n`;
    expect(warningsOf(policy)).toEqual(['policy.yaml:6:19', 'policy.yaml:7:24']);
  });
});

describe('the digest of a policy', () => {
  const base = own(`{ name: api.do, class: reversible, ${post} }`);

  it('is of what is in force, not of how it is written', () => {
    const { digest } = policyOf(base);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(policyOf(`# a comment\n${base}`).digest).toBe(digest);
    expect(policyOf(base.replace('class: reversible', 'class: sensitive')).digest).not.toBe(digest);
    expect(policyOf(`${base}unknownTool: forbidden\n`).digest).not.toBe(digest);
    expect(policyOf(base.replace('version: 1', 'version: 1\ninclude: [github]')).digest).not.toBe(digest);
    expect(policyOf(base.replace('quorum: 1', 'quorum: 2')).digest).not.toBe(digest);
  });

  it('does not depend on the order of includes', () => {
    const include = (list: string): string =>
      policyOf(base.replace('version: 1', `version: 1\ninclude: [${list}]`)).digest;
    expect(include('github, stripe')).toBe(include('stripe, github'));
  });
});

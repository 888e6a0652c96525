import { beforeAll, describe, expect, it } from 'vitest';
import { assessCall } from '../../src/domain/policy/assess.ts';
import { explainReasons } from '../../src/domain/policy/explain-reasons.ts';
import { analyzeModification, analyzeSelect } from '../../src/domain/sql/analyze.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { CATALOG_FILES } from '../support/catalogs.ts';

beforeAll(loadSqlParser);

const load = (tool: string) =>
  loadSettings({
    config: {
      name: 'holdpoint.yaml',
      text: `
policy: ./policy.yaml
reviewers: [{ id: ops-1, groups: [ops], tokenSha256: '${'ab'.repeat(32)}' }]
connectors: { postgres: { url: env:TARGET_DATABASE_URL } }
`,
    },
    policy: {
      name: 'policy.yaml',
      text: `
version: 1
include: [postgres]
${tool === '' ? '' : `tools: [${tool}]`}
approvals: [{ match: 'true', levels: [{ name: approval, approvers: [ops], quorum: 1 }] }]
`,
    },
    catalogs: CATALOG_FILES,
    deploymentId: 'test',
  });

function policyWith(tool: string) {
  const loaded = load(tool);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
}

const BY_STATUS = "SELECT * FROM orders WHERE status = 'paid'::order_status";
const ALLOWING = `{ name: postgres.select, class: reversible, connector: postgres, override: true,
  allow: { types: [order_status, shop.size], functions: [shop.net] } }`;

describe('what keeps a read from being plain', () => {
  it.each([
    [
      BY_STATUS,
      /^the type order_status is not allow-listed; an enum type of your own can be allowed .* allow: \{ types: \[order_status\] \}$/,
    ],
    ['SELECT a::shop.size[] FROM t', /types: \[shop\.size\] \}$/],
    [
      'SELECT shop.net(total) FROM orders',
      /^the function shop\.net is .* not volatile .* functions: \[shop\.net\] \}$/,
    ],
    ['SELECT a <%> b FROM t', /^the operator <%> is not allow-listed$/],
    ['SELECT * FROM orders FOR UPDATE', /^lockingClause of SelectStmt is not allowed$/],
    ['EXPLAIN SELECT 1', /^the SQL is not a SELECT$/],
  ])('S4: %s', (sql, message) => {
    const call = { tool: 'postgres.select', arguments: { sql } };
    const reasons = explainReasons(policyWith(''), call, ['not_plain_select']);
    expect(reasons).toEqual([{ code: 'not_plain_select', message: expect.stringMatching(message) }]);
    // Nothing is said of a call that is held for another reason, or whose arguments are gone.
    expect(explainReasons(policyWith(''), call, ['irreversible-tool'])).toEqual([]);
    expect(explainReasons(policyWith(''), { ...call, arguments: null }, ['not_plain_select'])).toEqual([]);
  });

  it('S4: an enum type and a function that policy allows are plain', () => {
    const { policy } = policyWith(ALLOWING);
    const classOf = (sql: string) =>
      policy.findTool('postgres.select')?.definition.allow === undefined
        ? 'not allowed'
        : analyzeSelect(sql, policy.findTool('postgres.select')?.definition.allow);
    expect(classOf(BY_STATUS)).toMatchObject({ ok: true, names: { allowedTypes: [['order_status']], timeless: true } });
    expect(classOf('SELECT shop.net(total), a::shop.size FROM orders')).toMatchObject({
      ok: true,
      names: { allowedFunctions: [['shop', 'net']], allowedTypes: [['shop', 'size']], timeless: false },
    });
    // As they are written, and nothing else.
    expect(classOf('SELECT net(total) FROM orders')).toMatchObject({ ok: false, name: 'net' });
    expect(classOf('SELECT a::size FROM t')).toMatchObject({ ok: false, name: 'size' });
    expect(classOf('SELECT a::"Order_Status" FROM t')).toMatchObject({ ok: false, name: 'Order_Status' });
    const allowed = { types: ['order_status'] };
    expect(analyzeModification(`DELETE FROM orders WHERE status = 'paid'::order_status`, allowed).ok).toBe(true);
  });

  it('S4: allowing loosens a built-in tool, so it takes an override, and belongs to tools that take SQL', () => {
    const without = load(ALLOWING.replace('override: true,', ''));
    expect(without.ok ? [] : without.problems.map(({ message }) => message)).toEqual([
      'postgres.select: allow adds types: order_status, shop.size',
      'postgres.select: allow adds functions: shop.net',
    ]);
    const elsewhere = load('{ name: a.b, class: irreversible, connector: postgres, allow: { types: [x] } }');
    expect(elsewhere.ok ? [] : elsewhere.problems.map(({ message }) => message)).toContain(
      'allow is for tools that take SQL',
    );
  });
});

describe('SQL that cannot work', () => {
  it.each([
    [
      'DELETE FROM users WHERE id = 7',
      [7],
      '/params',
      /^08P01: bind message supplies 1 parameters, but .* requires 0$/,
    ],
    ["DELETE FROM users WHERE id = '$1'", [7], '/params', /in quotes is text/],
    ['CREATE INDEX CONCURRENTLY i ON t (a)', [], '/sql', /^25001: CREATE INDEX CONCURRENTLY cannot run inside/],
    ['COPY t FROM STDIN', [], '/sql', /^COPY FROM STDIN needs a stream/],
  ] as const)('S1, S2: %s is blocked when it is proposed', (sql, params, pointer, message) => {
    for (const tool of ['postgres.execute', 'postgres.select']) {
      const assessment = assessCall({
        service: 'postgres',
        tool,
        arguments: { sql, params },
        context: {},
        urgency: null,
        proposer: { attested: true, id: 'agent-1', owner: null, agent: { id: 'agent-1' } },
        settings: policyWith(''),
      });
      expect(assessment).toMatchObject({
        kind: 'blocked',
        reasonCodes: ['arguments_invalid', 'invalid_call'],
        errors: [{ pointer, message: expect.stringMatching(message) }],
      });
    }
  });
});

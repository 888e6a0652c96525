import { describe, expect, it } from 'vitest';
import type { CallClass } from '../../src/contract/call.ts';
import { EFFECTS, type Effect } from '../../src/contract/policy.ts';
import { isWeakerClass, lowestClass } from '../../src/domain/policy/strictness.ts';
import { APPROVALS, callOf, CATALOGS, CONFIG, load, placeOf, policyOf, problemsOf } from './policy-support.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';

const own = (tool: string): string => `version: 1
include: [github, stripe]
tools:
  - ${tool}
${APPROVALS}`;
const post = 'connector: api, request: { method: POST, path: /x, body: arguments }';

describe('effects of a tool', () => {
  it.each<[Effect, CallClass]>([
    ['none', 'reversible'],
    ['read', 'reversible'],
    ['publish', 'sensitive'],
    ['money', 'irreversible'],
    ['access', 'irreversible'],
    ['destroy', 'irreversible'],
    ['code', 'irreversible'],
  ])('%s demands %s, in a file of one’s own too', (effect, lowest) => {
    expect(lowestClass([effect])).toBe(lowest);
    for (const callClass of ['reversible', 'sensitive', 'irreversible'] as const) {
      const result = load(own(`{ name: api.do, class: ${callClass}, effects: [${effect}], ${post} }`));
      expect(result.ok).toBe(!isWeakerClass(callClass, lowest));
    }
  });

  it('demand the strictest of all of them', () => {
    expect(lowestClass(EFFECTS)).toBe('irreversible');
    expect(lowestClass(['read', 'publish'])).toBe('sensitive');
  });

  it('are told with their place, and bow to override: true, which every record shows', () => {
    const tool = `{ name: api.pay, class: sensitive, effects: [money], ${post} }`;
    expect(problemsOf(own(tool)).map(placeOf)).toEqual(['policy.yaml:4:29']);
    const policy = policyOf(own(tool.replace('{', '{ override: true,')));
    expect(policy.tools.get('api.pay')?.overridden).toBe(true);
    expect(policy.classify(callOf('api.pay'))).toMatchObject({ kind: 'free', reasonCodes: ['override'] });
  });

  it('of a built-in tool are not left out, and what is added counts', () => {
    const charge = 'name: stripe.charges.create, connector: stripe, class: sensitive';
    expect(load(own(`{ ${charge} }`)).ok).toBe(true);
    expect(load(own(`{ ${charge}, effects: [money] }`)).ok).toBe(true);
    expect(problemsOf(own(`{ ${charge}, effects: [none] }`))).toHaveLength(1);
    expect(problemsOf(own(`{ ${charge}, effects: [money, access] }`))).toHaveLength(1);
  });

  it.each(['[]', '[none, read]', '[money, money]', '[annotations]'])('are not %s', (effects) => {
    expect(problemsOf(own(`{ name: api.do, class: irreversible, effects: ${effects}, ${post} }`))).toHaveLength(1);
  });

  it('must be stated by a catalog', () => {
    const catalogs = new Map(CATALOGS);
    const { name, text } = CATALOGS.get('github')!;
    catalogs.set('github', { name, text: text.replace('    effects: [destroy]\n', '') });
    const result = loadSettings({
      config: { name: 'holdpoint.yaml', text: CONFIG },
      policy: { name: 'policy.yaml', text: `version: 1\ninclude: [github]\n${APPROVALS}` },
      catalogs,
      deploymentId: 'test',
    });
    expect(result).toMatchObject({ ok: false, problems: [{ file: 'github.yaml' }] });
  });
});

describe('a reversible tool is warned of where', () => {
  const warnings = (tool: string): readonly string[] => {
    const result = load(own(tool));
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.warnings.map(placeOf);
  };
  const request = (method: string, path: string, name = 'api.do') =>
    `{ name: ${name}, class: reversible, connector: api, request: { method: ${method}, path: ${path} } }`;

  it.each([
    ['its method is DELETE', request('DELETE', '/x')],
    ['it puts a whole collection', request('PUT', '/users')],
    ['it posts to payouts', request('POST', '/v1/payouts')],
    ['its name says pay', request('POST', '/x', 'api.invoices.pay')],
    ['its name says transfer', request('POST', '/x', 'api.transferFunds')],
    ['its name says grant', request('POST', '/x', 'api.grant_role')],
    ['its name says deploy', request('GET', '/x', 'api.deploy')],
    ['its name says delete, though it reads too', request('GET', '/x', 'api.list_and_delete')],
    ['its name says DELETE', request('POST', '/x', 'api.bulkDELETEUsers')],
    ['its name says purge', '{ name: db.purge-old, class: reversible, connector: tickets, mcpTool: tidy }'],
    ['its upstream name says drop', '{ name: db.tidy, class: reversible, connector: tickets, mcpTool: drop_table }'],
  ])('%s', (_what, tool) => {
    expect(warnings(tool)).toHaveLength(1);
    expect(warnings(tool.replace('class: reversible', 'class: sensitive'))).toEqual([]);
    expect(warnings(tool.replace('class: reversible', 'class: reversible, effects: [none]'))).toEqual([]);
  });

  it.each([
    ['a read', request('GET', '/v1/payouts')],
    ['a read of a noun', request('GET', '/x', 'api.payout.get')],
    ['an item put', request('PUT', '"/users/{id}"')],
    ['a word that only begins so', request('POST', '/payloads', 'api.payload.check')],
  ])('and not: %s', (_what, tool) => {
    expect(warnings(tool)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonObject } from '../../src/contract/json.ts';
import { policyFileSchema, type ToolDefinition } from '../../src/contract/policy.ts';
import { loadCatalogTexts } from '../../src/catalog/index.ts';
import { loadSettings } from '../../src/core/files/load-settings.ts';
import { argumentsOfTemplate, parseTemplate } from '../../src/core/render/template.ts';

const texts = loadCatalogTexts();
const catalogs = Object.entries(texts).map(([name, text]) => ({ name, file: policyFileSchema.parse(parse(text)) }));
const tools = catalogs.flatMap(({ file }) => file.tools ?? []);

const policy = (() => {
  const loaded = loadSettings({
    config: {
      name: 'holdpoint.yaml',
      text: `
policy: ./policy.yaml
reviewers: [{ id: ops-1, groups: [ops], tokenSha256: '${'ab'.repeat(32)}' }]
connectors:
  github: { baseUrl: https://api.github.com, credential: env:GITHUB_TOKEN }
  stripe: { baseUrl: https://api.stripe.com, credential: env:STRIPE_API_KEY }
  postgres: { url: env:TARGET_DATABASE_URL }
`,
    },
    policy: {
      name: 'policy.yaml',
      text: `
version: 1
include: [github, stripe, postgres]
approvals: [{ match: 'true', levels: [{ name: approval, approvers: [ops], quorum: 1 }] }]
`,
    },
    catalogs: new Map(Object.entries(texts).map(([name, text]) => [name, { name: `${name}.yaml`, text }])),
    deploymentId: 'test',
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  if (loaded.warnings.length > 0) throw new Error(JSON.stringify(loaded.warnings, null, 2));
  return loaded.settings.policy;
})();

function classOf(tool: string, args: JsonObject): string {
  const definition = policy.tools.get(tool);
  if (definition === undefined) throw new Error(`no tool ${tool}`);
  const result = policy.classify({
    tool,
    service: tool.split('.')[0] ?? '',
    arguments: args,
    context: {},
    pinnedContext: {},
    proposer: 'agent-1',
  });
  const failed = result.fired.find(({ error }) => error !== null);
  if (failed !== undefined) throw new Error(`${failed.source}: ${failed.error}`);
  return result.kind === 'blocked' ? result.reasonCodes.join(',') : `${result.class} ${result.gate}`;
}

describe('catalogs', () => {
  it('name every tool once, under their own service, and hold nothing but tools and rules', () => {
    expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length);
    for (const { name, file } of catalogs) {
      expect(Object.keys(file).filter((key) => !['version', 'tools', 'rules'].includes(key))).toEqual([]);
      for (const tool of file.tools ?? []) {
        expect(tool.name.startsWith(`${name}.`)).toBe(true);
        expect(tool.connector).toBe(name);
        expect(tool.override).toBeUndefined();
      }
    }
  });

  it.each(tools.map((tool) => [tool.name, tool] as const))('%s is closed, explained and renderable', (_, tool) => {
    const { properties, required } = schemaOf(tool);
    expect(tool.arguments?.['additionalProperties']).toBe(false);
    expect(tool.description?.length).toBeGreaterThan(0);
    if (tool.class !== 'reversible') expect(tool.reason?.length).toBeGreaterThan(0);
    if (tool.request !== undefined) {
      const template = parseTemplate(tool.request.path);
      for (const name of argumentsOfTemplate(template!)) expect(required).toContain(name);
      if (tool.request.method === 'GET') expect(tool.class).toBe('reversible');
      else expect(tool.class).not.toBe('reversible');
    }
    for (const name of required) expect(properties).toContain(name);
    for (const { path } of previewsOf(tool)) {
      for (const name of argumentsOfTemplate(parseTemplate(path)!)) expect(properties).toContain(name);
    }
    for (const name of tool.description?.matchAll(/\{(\w+)\}/g) ?? []) expect(properties).toContain(name[1]);
    const facts = previewsOf(tool).flatMap((request) => request.facts);
    expect(new Set(facts.map((fact) => fact.name)).size).toBe(facts.length);
    if (facts.length > 0) expect(facts.some((fact) => fact.pinned) || tool.name.endsWith('.create')).toBe(true);
  });

  it('deleting, paying out and executing are irreversible, and wait', () => {
    const irreversible = tools.filter((tool) => tool.class === 'irreversible').map(({ name }) => name);
    expect(irreversible).toEqual(
      expect.arrayContaining([
        'github.repos.delete',
        'github.repos.transfer',
        'github.branches.delete',
        'github.branchProtection.delete',
        'github.actions.dispatchWorkflow',
        'stripe.refunds.create',
        'stripe.payouts.create',
        'stripe.transfers.create',
        'stripe.customers.delete',
        'stripe.subscriptions.cancel',
        'postgres.execute',
      ]),
    );
    for (const name of irreversible) expect(policy.tools.get(name)?.definition.gate ?? 'hard').toBe('hard');
  });
});

describe('rules of the catalogs', () => {
  it.each<[string, JsonObject, string]>([
    ['github.repos.get', { owner: 'o', repo: 'r' }, 'reversible none'],
    ['github.repos.delete', { owner: 'o', repo: 'r' }, 'irreversible hard'],
    ['github.repos.update', { owner: 'o', repo: 'r', has_wiki: true }, 'sensitive soft'],
    ['github.repos.update', { owner: 'o', repo: 'r', private: true }, 'sensitive soft'],
    ['github.repos.update', { owner: 'o', repo: 'r', private: false }, 'irreversible hard'],
    ['github.repos.update', { owner: 'o', repo: 'r', visibility: 'public' }, 'irreversible hard'],
    ['github.repos.update', { owner: 'o', repo: 'r', name: 'other' }, 'irreversible hard'],
    ['github.repos.create', { org: 'o', name: 'r', private: true }, 'sensitive soft'],
    ['github.repos.create', { org: 'o', name: 'r', private: false }, 'irreversible hard'],
    ['github.repos.create', { org: 'o', name: 'r', private: true, visibility: 'public' }, 'irreversible hard'],
    ['github.branches.update', { owner: 'o', repo: 'r', branch: 'b', sha: 'a'.repeat(40) }, 'sensitive soft'],
    [
      'github.branches.update',
      { owner: 'o', repo: 'r', branch: 'b', sha: 'a'.repeat(40), force: true },
      'irreversible hard',
    ],
    ['github.collaborators.add', { owner: 'o', repo: 'r', username: 'u' }, 'sensitive soft'],
    ['github.collaborators.add', { owner: 'o', repo: 'r', username: 'u', permission: 'push' }, 'sensitive soft'],
    ['github.collaborators.add', { owner: 'o', repo: 'r', username: 'u', permission: 'admin' }, 'irreversible hard'],
    ['github.orgs.setMembership', { org: 'o', username: 'u', role: 'member' }, 'sensitive soft'],
    ['github.orgs.setMembership', { org: 'o', username: 'u', role: 'admin' }, 'irreversible hard'],
    ['github.deployKeys.create', { owner: 'o', repo: 'r', key: 'k', read_only: true }, 'sensitive soft'],
    ['github.deployKeys.create', { owner: 'o', repo: 'r', key: 'k', read_only: false }, 'irreversible hard'],
    ['github.releases.create', { owner: 'o', repo: 'r', tag_name: 'v1', draft: true }, 'sensitive soft'],
    ['github.releases.create', { owner: 'o', repo: 'r', tag_name: 'v1' }, 'irreversible hard'],
    ['stripe.charges.create', { amount: 1, currency: 'usd' }, 'sensitive soft'],
    ['stripe.charges.create', { amount: 10_000, currency: 'usd' }, 'sensitive soft'],
    ['stripe.charges.create', { amount: 10_001, currency: 'usd' }, 'irreversible hard'],
    ['stripe.charges.create', { amount: 1, currency: 'eur' }, 'irreversible hard'],
    ['stripe.charges.create', { amount: 1, currency: 'USD' }, 'arguments_invalid'],
    ['stripe.refunds.create', { charge: 'ch_1' }, 'irreversible hard'],
    ['stripe.refunds.create', { charge: 'ch_1', payment_intent: 'pi_1' }, 'arguments_invalid'],
    ['stripe.refunds.create', {}, 'arguments_invalid'],
    ['stripe.paymentIntents.create', { amount: 10_001, currency: 'usd' }, 'sensitive soft'],
    ['stripe.paymentIntents.create', { amount: 10_001, currency: 'usd', confirm: true }, 'irreversible hard'],
    ['stripe.paymentIntents.create', { amount: 10_000, currency: 'usd', confirm: true }, 'sensitive soft'],
    ['stripe.paymentIntents.create', { amount: 5, currency: 'jpy', confirm: true }, 'irreversible hard'],
    ['stripe.invoices.create', { customer: 'cus_1', auto_advance: true }, 'irreversible hard'],
    ['stripe.invoices.create', { customer: 'cus_1', auto_advance: false }, 'sensitive soft'],
    ['postgres.select', { sql: 'select 1' }, 'reversible none'],
    ['postgres.execute', { sql: 'delete from t', params: [1, [2, 'x'], null] }, 'irreversible hard'],
    ['postgres.execute', { sql: 'delete from t', params: [{}] }, 'arguments_invalid'],
  ])('%s %j is %s', (tool, args, expected) => {
    expect(classOf(tool, args)).toBe(expected);
  });
});

function schemaOf(tool: ToolDefinition): {
  readonly properties: readonly string[];
  readonly required: readonly string[];
} {
  const schema = tool.arguments as { properties: object; required?: readonly string[] };
  return { properties: Object.keys(schema.properties), required: schema.required ?? [] };
}

function previewsOf(tool: ToolDefinition) {
  return tool.preview !== undefined && 'requests' in tool.preview ? tool.preview.requests : [];
}

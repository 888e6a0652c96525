import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { loadCatalogFiles } from '../../src/catalog/index.ts';
import { loadSettings, type SettingsInput } from '../../src/settings/load-settings.ts';
import type { Policy } from '../../src/domain/policy/policy.ts';
import { isWeakerClass, lowestClass } from '../../src/domain/policy/strictness.ts';
import { createSchemaCompiler } from '../../src/domain/policy/argument-schema.ts';
import { argumentsOfTemplate, parseTemplate } from '../../src/domain/render/http.ts';
import { CATALOG_FILES, CATALOGS } from '../support/catalogs.ts';

const catalogs = [...CATALOGS].map(([name, file]) => ({ name, file }));
const tools = catalogs.flatMap(({ file }) => file.tools ?? []);

const policy = load(loadCatalogFiles());

function load(files: SettingsInput['catalogs']): Policy {
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
    catalogs: files,
    deploymentId: 'test',
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  if (loaded.warnings.length > 0) throw new Error(JSON.stringify(loaded.warnings, null, 2));
  return loaded.settings.policy;
}

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
  it('have schemas of arguments that are accepted, as a start compiles them only when they are used', () => {
    const compile = createSchemaCompiler();
    const refused = tools.flatMap((tool) => {
      const schema = compile(tool.arguments, tool.seal ?? []);
      return schema.ok ? [] : [{ tool: tool.name, findings: schema.findings }];
    });
    expect(refused).toEqual([]);
  });

  it('that a build has parsed are the same policy, with the same places in their files', () => {
    const charge = {
      tool: 'stripe.charges.create',
      service: 'stripe',
      arguments: { amount: 20_000, currency: 'usd', source: 'tok_1' },
      context: {},
      pinnedContext: {},
      proposer: 'agent-1',
    };
    const explained = policy.classify(charge);
    expect(explained.fired.map(({ source }) => source)).toEqual([expect.stringMatching(/^stripe\.yaml:\d+ /)]);
    expect(load(CATALOG_FILES).classify(charge)).toEqual(explained);
    expect(load(CATALOG_FILES).digest).toBe(policy.digest);
  });

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
    expect(tool.title?.length).toBeGreaterThan(0);
    // What models read says more than its name, and holds no place for a value.
    expect(tool.description).toMatch(/^[^{}]{15,}\.$/);
    if (tool.class !== 'reversible') expect(tool.reason?.length).toBeGreaterThan(0);
    if (tool.request !== undefined) {
      const template = parseTemplate(tool.request.path);
      for (const name of argumentsOfTemplate(template!)) expect(required).toContain(name);
    }
    for (const name of required) expect(properties).toContain(name);
    for (const { path } of previewsOf(tool)) {
      for (const name of argumentsOfTemplate(parseTemplate(path)!)) expect(properties).toContain(name);
    }
    for (const name of tool.title?.matchAll(/\{(\w+)\}/g) ?? []) expect(properties).toContain(name[1]);
    const facts = previewsOf(tool).flatMap((request) => request.facts);
    expect(new Set(facts.map((fact) => fact.name)).size).toBe(facts.length);
    if (facts.length > 0) expect(facts.some((fact) => fact.pinned) || tool.name.endsWith('.create')).toBe(true);
  });

  /** Tools that move money and may be weaker than irreversible: a rule sets the limit, and these calls are within it and beyond. */
  const LIMITED: Readonly<Record<string, { readonly within: JsonObject; readonly beyond: readonly JsonObject[] }>> = {
    'stripe.charges.create': {
      within: { amount: 10_000, currency: 'usd' },
      beyond: [
        { amount: 10_001, currency: 'usd' },
        { amount: 1, currency: 'eur' },
      ],
    },
    'stripe.paymentIntents.create': {
      within: { amount: 10_000, currency: 'usd', confirm: true },
      beyond: [
        { amount: 10_001, currency: 'usd', confirm: true },
        { amount: 1, currency: 'eur', confirm: true },
      ],
    },
    'stripe.invoices.create': {
      within: { customer: 'cus_1', auto_advance: false },
      beyond: [{ customer: 'cus_1', auto_advance: true }],
    },
  };

  it.each(tools.map((tool) => [tool.name, tool] as const))('%s has the class that its effects demand', (_, tool) => {
    const { effects = [], name } = tool;
    const limited = LIMITED[name];
    expect(effects).not.toEqual([]);
    if (limited === undefined) {
      expect(isWeakerClass(tool.class, lowestClass(effects))).toBe(false);
    } else {
      expect(effects).toEqual(['money']);
      expect(classOf(name, limited.within)).toBe('sensitive soft');
      for (const args of limited.beyond) expect(classOf(name, args)).toBe('irreversible hard');
    }
    if (tool.class === 'irreversible') expect(policy.tools.get(name)?.definition.gate ?? 'hard').toBe('hard');
  });

  it.each(tools.flatMap((tool) => (tool.request === undefined ? [] : [[tool.name, tool] as const])))(
    '%s has effects that fit its method',
    (_, tool) => {
      const { effects = [], request } = tool;
      if (request?.method === 'GET') expect([tool.class, ...effects]).toEqual(['reversible', 'read']);
      else expect(effects).not.toContain('read');
      if (request?.method !== 'GET') expect(tool.class).not.toBe('reversible');
      if (request?.method === 'DELETE' && tool.name !== 'github.contents.delete') expect(effects).toContain('destroy');
    },
  );

  it('let through no more than this without a decision', () => {
    const free = tools.filter((tool) => tool.class === 'sensitive').map(({ name }) => name);
    expect(free).toEqual([
      'github.repos.create',
      'github.repos.archive',
      'github.repos.replaceTopics',
      'github.issues.create',
      'github.issues.update',
      'github.issues.lock',
      'github.issues.comment',
      'github.pulls.create',
      'github.pulls.update',
      'github.actions.cancelRun',
      'stripe.charges.create',
      'stripe.customers.create',
      'stripe.invoices.create',
      'stripe.paymentIntents.create',
    ]);
  });

  it('are listed in docs/catalog.md (vitest -u writes it)', async () => {
    await expect(catalogPage()).toMatchFileSnapshot('../../docs/catalog.md');
  });
});

describe('rules of the catalogs', () => {
  it.each<[string, JsonObject, string]>([
    ['github.repos.get', { owner: 'o', repo: 'r' }, 'reversible none'],
    ['github.repos.delete', { owner: 'o', repo: 'r' }, 'irreversible hard'],
    ['github.repos.update', { owner: 'o', repo: 'r', has_wiki: true }, 'irreversible hard'],
    ['github.repos.create', { org: 'o', name: 'r', private: true }, 'sensitive soft'],
    ['github.repos.create', { org: 'o', name: 'r', private: false }, 'irreversible hard'],
    ['github.repos.create', { org: 'o', name: 'r', private: true, visibility: 'public' }, 'irreversible hard'],
    ['github.collaborators.add', { owner: 'o', repo: 'r', username: 'u', permission: 'pull' }, 'irreversible hard'],
    ['github.deployKeys.create', { owner: 'o', repo: 'r', key: 'k', read_only: true }, 'irreversible hard'],
    [
      'github.contents.put',
      { owner: 'o', repo: 'r', path: 'a', message: 'm', content: 'eA==', branch: 'main' },
      'irreversible hard',
    ],
    ['github.pulls.create', { owner: 'o', repo: 'r', title: 't', head: 'mine', base: 'main' }, 'sensitive soft'],
    [
      'github.pulls.create',
      { owner: 'o', repo: 'r', title: 't', head: 'they:evil', base: 'main' },
      'arguments_invalid',
    ],
    ['github.pulls.update', { owner: 'o', repo: 'r', pull_number: 1, base: 'main' }, 'arguments_invalid'],
    [
      'stripe.subscriptions.update',
      {
        subscription_exposed_id: 'sub_1',
        items: [{ id: 'si_1', quantity: 100_000 }],
        proration_behavior: 'always_invoice',
      },
      'irreversible hard',
    ],
    ['stripe.charges.create', { amount: 1, currency: 'usd' }, 'sensitive soft'],
    ['stripe.charges.create', { amount: 1, currency: 'USD' }, 'arguments_invalid'],
    ['stripe.refunds.create', { charge: 'ch_1' }, 'irreversible hard'],
    ['stripe.refunds.create', { charge: 'ch_1', payment_intent: 'pi_1' }, 'arguments_invalid'],
    ['stripe.refunds.create', {}, 'arguments_invalid'],
    ['stripe.paymentIntents.create', { amount: 10_001, currency: 'usd' }, 'sensitive soft'],
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

/** The page of docs that lists every built-in tool, columns aligned as the formatter wants them. */
function catalogPage(): string {
  const proofs = catalogs.flatMap(({ name, file }) => {
    const deferOn = new Set((file.tools ?? []).map((tool) => JSON.stringify(tool.deferOn)));
    return [...deferOn].flatMap((one) => (one === undefined ? [] : [`- ${name}: \`${one}\``]));
  });
  const rows = tools.map((tool) => [
    `\`${tool.name}\``,
    tool.request === undefined ? 'SQL' : `\`${tool.request.method} ${tool.request.path}\``,
    (tool.effects ?? []).join(', '),
    tool.class,
    tool.reason ?? '',
  ]);
  const table = [['tool', 'request', 'effects', 'class', 'why'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const rules = catalogs.flatMap(({ file }) => file.rules ?? []);
  return `# Built-in tools

Generated by \`npx vitest run -u test/unit/catalog-policy.test.ts\` from \`src/catalog\`; do not edit.

The effects of a tool are those that its provider's API description (GitHub's and Stripe's OpenAPI) gives for the operation, with
any arguments that the tool accepts. The class follows: \`money\`, \`access\`, \`destroy\` and \`code\` are irreversible, \`publish\` is
at least sensitive. A tool that moves money is only sensitive if a rule sets a limit. The rules:

${rules.map((rule) => `- \`${rule.reason}\`: \`${rule.when}\` is ${rule.class}`).join('\n')}

Arguments that would give a sensitive tool more effects are left out of its schema, for instance opening a pull request from a
fork (\`owner:branch\`) or changing its base. A comment, a label or an issue counts as published text. If your CI
acts on such text (\`/deploy\` in a comment), tighten those tools in your own policy file.

Tools name the answers by which their provider says that it did not run the call ([deferOn](policy.md#answers)):

${proofs.join('\n')}

${[lines[0], rule, ...lines.slice(1)].join('\n')}
`;
}

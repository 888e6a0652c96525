import { readFileSync } from 'node:fs';
import { loadSettings, type SettingsResult, type TextFile } from '../../src/settings/load-settings.ts';
import type { FileProblem } from '../../src/domain/files/problem.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { compileExpression, prepareInput, type Expression } from '../../src/domain/policy/expression.ts';
import { foldsOf } from '../../src/domain/policy/schema.ts';
import type { ClassifyInput, Policy } from '../../src/domain/policy/policy.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';

const fixture = (path: string): string => readFileSync(new URL(`../fixtures/policy/${path}`, import.meta.url), 'utf8');

/** Small catalogs of the shape of the real ones. */
export const CATALOGS: ReadonlyMap<string, TextFile> = new Map(
  ['github', 'stripe', 'postgres'].map((name) => [
    name,
    { name: `${name}.yaml`, text: fixture(`catalogs/${name}.yaml`) },
  ]),
);

export const EXAMPLE_CONFIG = fixture('examples/holdpoint.yaml');
export const EXAMPLE_POLICY = fixture('examples/policy.yaml');

export const CONFIG = `policy: ./policy.yaml
reviewers:
  - { id: ops-1, groups: [ops], email: ops-1@example.com }
  - { id: ops-2, groups: [ops], email: ops-2@example.com }
connectors:
  github: { baseUrl: https://api.github.com }
  stripe: { baseUrl: https://api.stripe.com }
  api: { baseUrl: https://api.example.com }
  tickets: { type: mcp, command: [tickets-mcp] }
`;

export const APPROVALS = `approvals:
  - match: "true"
    levels: [{ name: approval, approvers: [ops], quorum: 1 }]
`;

export function load(policy: string, config = CONFIG): SettingsResult {
  return loadSettings({
    config: { name: 'holdpoint.yaml', text: config },
    policy: { name: 'policy.yaml', text: policy },
    catalogs: CATALOGS,
    deploymentId: 'generated-1',
  });
}

/** Settings of files that must load. */
export function settingsOf(policy: string, config = CONFIG): Settings {
  const result = load(policy, config);
  if (!result.ok) throw new Error(result.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  return result.settings;
}

export function policyOf(policy: string, config = CONFIG): Policy {
  return settingsOf(policy, config).policy;
}

/** Problems of files that must not load. */
export function problemsOf(policy: string, config = CONFIG): readonly FileProblem[] {
  const result = load(policy, config);
  if (result.ok) throw new Error('the files load');
  return result.problems;
}

/** `policy.yaml:3:5`, for comparing places. */
export function placeOf({ file, line, column }: FileProblem): string {
  return `${file}:${line}:${column}`;
}

export function callOf(tool: string, more: Partial<ClassifyInput> = {}): ClassifyInput {
  return {
    tool,
    service: tool.split('.')[0] ?? '',
    arguments: {},
    context: {},
    pinnedContext: {},
    proposer: 'agent-1',
    ...more,
  };
}

/** A condition that must compile. */
export function expression(text: string): Expression {
  const compiled = compileExpression(text);
  if (!compiled.ok) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  return compiled.expression;
}

/** A condition over a call of `payouts.create`, whose arguments have a schema where that matters. */
export function evaluate(
  text: string,
  call: { readonly arguments?: JsonObject; readonly context?: JsonObject; readonly schema?: JsonObject } = {},
): boolean | 'error' {
  const { arguments: args = {}, context = {}, schema } = call;
  const values = { tool: 'payouts.create', service: 'payouts', arguments: args, context, proposer: 'agent-1' };
  const verdict = expression(text).evaluate(prepareInput(values, foldsOf(schema)));
  return verdict.ok ? verdict.value : 'error';
}

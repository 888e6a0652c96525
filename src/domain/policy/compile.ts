import type { AgentConfig, ConnectorConfig } from '../../contract/config.ts';
import type { PolicyFile } from '../../contract/policy.ts';
import { digestOf } from '../proof/digest.ts';
import type { ParsedFile } from '../files/parse-file.ts';
import { sortProblems, type FileProblem } from '../files/problem.ts';
import type { YamlSource } from '../files/yaml-source.ts';
import { kindOfConnector } from '../render/index.ts';
import { createSchemaCompiler, type SchemaResult } from './argument-schema.ts';
import { checkApprovals, type Groups } from './check-approvals.ts';
import { checkConditions } from './check-conditions.ts';
import { warnOfUndeclaredMoney } from './check-money.ts';
import { checkTool, warnOfNames, warnOfProofs, warnOfTitles } from './check-tool.ts';
import { foldsOf } from './schema.ts';
import { classifyCall, prepareCall, selectApproval, type Compiled } from './classify.ts';
import { compileApprovals, compileRules } from './conditions.ts';
import { mergeTools, type MergedTool } from './merge-tools.ts';
import type { Policy, PolicyTool } from './policy.ts';
import { approvalsOf } from './tool-approvals.ts';
import { acceptKey, serviceOf, standInFor, upstreamNameOf } from './upstreams.ts';

export interface PolicyInput {
  readonly user: ParsedFile<PolicyFile>;
  /** Built-in catalogs by the name that `include` gives. */
  readonly catalogs: ReadonlyMap<string, ParsedFile<PolicyFile>>;
  /** Reviewers who may vote, by group. */
  readonly groups: Groups;
  readonly connectors: Readonly<Record<string, ConnectorConfig>>;
  readonly agents: readonly Pick<AgentConfig, 'id' | 'tools' | 'context' | 'owner'>[];
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy; readonly warnings: readonly FileProblem[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Turns a policy file and the catalogs it includes into a {@link Policy}. All problems are collected. */
export function compilePolicy({ user, catalogs, groups, connectors, agents }: PolicyInput): PolicyResult {
  const included = [...new Set(user.value.include ?? [])].toSorted();
  const missing = included.filter((name) => !catalogs.has(name));
  const builtin = included.flatMap((name) => catalogs.get(name) ?? []);
  const merged = mergeTools(user, builtin);
  const compiledRules = [...builtin, user].map(compileRules);
  const rules = compiledRules.flatMap((compiled) => compiled.rules);
  const { approvals, problems: wrongApprovals, warnings } = compileApprovals(user);
  const conditions = [...rules, ...approvals];
  const { tools, problems: wrongTools } = compileTools(merged.tools, user.source);
  const unknownTool = user.value.unknownTool ?? 'irreversible';
  const kinds = Object.fromEntries(
    Object.entries(connectors).map(([name, config]) => [name, kindOfConnector(config).kind]),
  );
  const mcp = new Set(Object.keys(kinds).filter((name) => kinds[name] === 'mcp'));
  const reachable = {
    tools: [...merged.tools.values()].map(({ definition }) => definition),
    agents,
    openConnectors: unknownTool === 'forbidden' ? [] : [...mcp],
  };
  const checked = checkConditions({ conditions, ...reachable });
  const problems = [
    ...missing.map((name) => user.source.problem(['include'], `unknown catalog ${name}`, 'Delete it')),
    ...merged.problems,
    ...compiledRules.flatMap((compiled) => compiled.problems),
    ...wrongApprovals,
    ...[...merged.tools.values()].flatMap((tool) => checkTool(tool, connectors, conditions)),
    ...wrongTools,
    ...checked.problems,
  ];
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };

  const digest = digestOf({
    version: 1,
    tools: Object.fromEntries(
      [...merged.tools].map(([name, { definition, origin, overridden }]) => [name, { definition, origin, overridden }]),
    ),
    rules: [...builtin, user].flatMap(({ value }) => value.rules ?? []),
    approvals: user.value.approvals ?? [],
    unknownTool,
    connectors: kinds,
    ...(user.value.accept === undefined ? {} : { accept: user.value.accept }),
  });
  const renamed = new Set(
    [...tools.values()]
      .filter(({ definition }) => mcp.has(definition.connector))
      .map(({ definition }) => acceptKey({ server: definition.connector, tool: upstreamNameOf(definition) })),
  );
  const findListed = (name: string): PolicyTool | undefined => {
    const tool = tools.get(name);
    return tool !== undefined && Object.hasOwn(connectors, tool.definition.connector) ? tool : undefined;
  };
  const compiled: Compiled = {
    rules,
    approvals,
    unknownTool,
    findNamed: (name) => tools.get(name),
    findListed,
    // A name that policy lists never gets a stand-in, so that losing its connector cannot change what it is; nor does
    // a tool of an upstream that policy lists under another name, or a call could choose which of the two rules it.
    findTool: (name) => (tools.has(name) ? findListed(name) : renamed.has(name) ? undefined : standInFor(name, mcp)),
  };
  const policy: Policy = {
    digest,
    tools,
    unknownTool,
    accepted: new Map(Object.entries(user.value.accept ?? {})),
    findTool: compiled.findTool,
    approvalsOf: ({ definition }) => approvalsOf(definition, rules, approvals),
    classify(input) {
      try {
        return classifyCall(compiled, input);
      } catch {
        // Arguments nested beyond the stack, say, which a raw workflow start can hold. What cannot be judged is blocked.
        return { kind: 'blocked', class: null, reasonCodes: ['policy_error'], fired: [] };
      }
    },
    approvalFor(input) {
      try {
        const inputs = prepareCall(input, compiled.findTool(input.tool)?.folds);
        const selected = selectApproval(approvals, input, inputs, 'irreversible');
        return 'plan' in selected ? selected.plan : { error: 'policy_error' };
      } catch {
        return { error: 'policy_error' };
      }
    },
  };
  const idle = warnOfIdleCatalogs(user, catalogs, merged.tools, connectors);
  const unused = warnOfUnusedAccepts(user, mcp);
  return {
    ok: true,
    policy,
    warnings: sortProblems([
      ...merged.warnings,
      ...warnings,
      ...checked.warnings,
      ...checkApprovals({ approvals, rules, groups, ...reachable }),
      ...idle,
      ...unused,
      ...warnOfNames(merged.tools.values()),
      ...warnOfTitles(merged.tools.values()),
      ...warnOfProofs(merged.tools.values()),
      ...warnOfUndeclaredMoney(merged.tools.values()),
    ]),
  };
}

function warnOfUnusedAccepts(user: ParsedFile<PolicyFile>, mcp: ReadonlySet<string>): readonly FileProblem[] {
  return Object.keys(user.value.accept ?? {}).flatMap((key) => {
    const server = key.split('.')[1] ?? '';
    if (mcp.has(server)) return [];
    return [user.source.problem(['accept', key], `unknown MCP connector ${server}`, 'Correct it, or delete it', 'key')];
  });
}

/** A catalog may be included without its connector, but then every call of its tools is `connector_missing`. */
function warnOfIdleCatalogs(
  user: ParsedFile<PolicyFile>,
  catalogs: PolicyInput['catalogs'],
  tools: ReadonlyMap<string, MergedTool>,
  connectors: PolicyInput['connectors'],
): readonly FileProblem[] {
  return (user.value.include ?? []).flatMap((name, index) => {
    const wanted = (catalogs.get(name)?.value.tools ?? []).map(
      (tool) => tools.get(tool.name)?.definition.connector ?? tool.connector,
    );
    if (wanted.some((connector) => Object.hasOwn(connectors, connector))) return [];
    const message = `no tool of ${name} can run: missing connector ${[...new Set(wanted)].join(', ')}`;
    const fix =
      'Add it under connectors in the configuration file; until then their calls are BLOCKED connector_missing';
    return [user.source.problem(['include', index], message, fix)];
  });
}

function compileTools(
  merged: ReadonlyMap<string, MergedTool>,
  user: YamlSource,
): {
  readonly tools: ReadonlyMap<string, PolicyTool>;
  readonly problems: readonly FileProblem[];
} {
  const compileSchema = createSchemaCompiler();
  const tools = new Map<string, PolicyTool>();
  const problems: FileProblem[] = [];
  for (const [name, { definition, origin, overridden, source, path }] of merged) {
    const schema: SchemaResult = compileSchema(definition.arguments, definition.seal ?? [], {
      trusted: source !== user,
    });
    if (schema.ok) {
      const folds = foldsOf(definition.arguments);
      tools.set(name, { definition, service: serviceOf(name), origin, overridden, folds, validate: schema.validate });
    } else {
      problems.push(
        ...schema.findings.map((finding) =>
          source.problem([...path, 'arguments', ...finding.path], `${name}: ${finding.message}`, finding.fix),
        ),
      );
    }
  }
  return { tools, problems };
}

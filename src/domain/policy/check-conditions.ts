import type { AgentConfig } from '../../contract/config.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { findNearest } from '../files/nearest.ts';
import type { FileProblem } from '../files/problem.ts';
import type { CompiledApproval, CompiledRule } from './conditions.ts';
import { matchesPattern } from './settings.ts';
import { readUse, type ValuePath } from './cel-reads.ts';
import type { Expression } from './expression.ts';
import { judgeRead, type ReadFinding } from './schema-reads.ts';
import { serviceOf } from './upstreams.ts';
import { gateOf, isWeakerClass, isWeakerGate } from './strictness.ts';

type CheckedCondition = CompiledRule | CompiledApproval;

interface Checked {
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

type Agent = Pick<AgentConfig, 'id' | 'tools' | 'context'>;
export type CheckedTool = Pick<ToolDefinition, 'name' | 'class' | 'gate' | 'arguments'>;

/** A read of one argument by a condition that a call of a tool can reach. */
interface Read {
  readonly tool: CheckedTool;
  /** `arguments.a.b` */
  readonly shown: string;
  readonly finding: ReadFinding;
  /** The condition asks `has()` of it as well. */
  readonly isGuarded: boolean;
}

/**
 * What a condition reads and a caller can leave out, misspell or write otherwise, so that the condition would not hold or
 * always fail.
 */
export function checkConditions(input: {
  readonly conditions: readonly CheckedCondition[];
  readonly tools: readonly ToolDefinition[];
  readonly agents: readonly Agent[];
  /** MCP connectors whose tools need not be named to be run. */
  readonly openConnectors: readonly string[];
}): Checked {
  const all = input.conditions.map((condition) => {
    const tools = toolsOf(condition, input.tools, input.openConnectors);
    const reads = checkReads(condition, readsOf(condition.expression, tools));
    return { problems: reads.problems, warnings: [...reads.warnings, ...checkContext(condition, tools, input.agents)] };
  });
  return {
    problems: all.flatMap(({ problems }) => problems),
    warnings: all.flatMap(({ warnings }) => warnings),
  };
}

/** Tools that a condition can be about. One that policy does not name stands for all of its connector. */
function toolsOf(
  { expression }: CheckedCondition,
  listed: readonly ToolDefinition[],
  openConnectors: readonly string[],
): readonly CheckedTool[] {
  const known = new Set(listed.map(({ name }) => name));
  const unlisted = openConnectors.flatMap((connector) => {
    const prefix = `mcp.${connector}.`;
    const named = [...expression.tools].filter((name) => name.startsWith(prefix) && !known.has(name));
    return [...named, `${prefix}*`].map((name): CheckedTool => ({ name, class: 'irreversible' }));
  });
  return [...listed.filter((tool) => tool.class !== 'forbidden'), ...unlisted].filter(({ name }) =>
    expression.concerns(name, serviceOf(name)),
  );
}

function readsOf(expression: Expression, tools: readonly CheckedTool[]): readonly Read[] {
  return tools.flatMap((tool) => {
    const uses = expression.usesFor(tool.name, serviceOf(tool.name), 'arguments').map(readUse);
    const tested = new Set(uses.flatMap(({ path, looksAt }) => (looksAt === 'presence' ? [keyOf(path)] : [])));
    return uses.map(({ path, looksAt }) => ({
      tool,
      shown: ['arguments', ...path].join('.'),
      finding: judgeRead(tool.arguments, path, looksAt),
      isGuarded: looksAt === 'presence' || tested.has(keyOf(path)),
    }));
  });
}

function keyOf(path: ValuePath): string {
  return JSON.stringify(path);
}

function checkReads(condition: CheckedCondition, reads: readonly Read[]): Checked {
  const { expression, source, path } = condition;
  const kind = wordOf(condition);
  const counts = ({ tool }: Read): boolean => condition.kind === 'approval' || raises(condition, tool);
  const of = (finding: ReadFinding): readonly Read[] => reads.filter((read) => read.finding === finding);
  const tell = (found: readonly Read[], message: (what: string) => string, fix: string): readonly FileProblem[] =>
    found.length === 0 ? [] : [source.problem(path, message(describeReads(found)), fix)];
  const open = of('open').filter(counts);
  // A rule for every tool is not refused for those that an MCP server might have: they are held as it is.
  const isError = ({ tool }: Read): boolean => kind === 'rule' && !(tool.name.endsWith('*') && isForAll(expression));
  const tellOpen = (found: readonly Read[]): readonly FileProblem[] =>
    tell(
      found,
      (what) =>
        `this ${kind} reads ${what}, which the schema does not close and type: a call could express it in another way`,
      'Give the tool a schema of arguments with additionalProperties: false and a type for it, or start the condition with its tool: tool == "…" &&',
    );
  const isNamed = ({ tool }: Read): boolean => expression.tools.has(tool.name);
  const misspelt = of('unknown').filter(isNamed);
  const known = [...new Set(misspelt.flatMap(({ tool }) => namesIn(tool)))];
  const nearest = misspelt[0] && findNearest(misspelt[0].shown.replace('arguments.', ''), known);
  const failing = of('unknown').filter((read) => !isNamed(read) && !read.isGuarded);
  const isMet = (name: string): boolean => reads.some(({ shown, finding }) => shown === name && finding !== 'unknown');
  const unmet = of('unknown').filter((read) => !isNamed(read) && read.isGuarded && !isMet(read.shown));
  const texts = of('free_text').filter(counts);
  return {
    problems: [
      ...tellOpen(open.filter(isError)),
      ...tell(
        misspelt,
        (what) => `this ${kind} reads ${what}, which the schema does not have`,
        nearest === undefined ? 'Correct the name, or name only tools that have it' : `Did you mean ${nearest}?`,
      ),
    ],
    warnings: [
      ...tellOpen(open.filter((read) => !isError(read))),
      ...tell(
        failing,
        (what) =>
          kind === 'rule'
            ? `this rule fails where it reads ${what}, which the schema does not have, and makes the call irreversible`
            : `this match fails where it reads ${what}, which the schema does not have, and blocks the call`,
        'Start the condition with its tool: tool == "…" &&',
      ),
      ...tell(
        unmet,
        (what) => `this ${kind} never holds: it reads ${what}, which no schema has`,
        'Correct the name, or delete the condition',
      ),
      ...tell(
        texts,
        (what) => `this ${kind} compares ${what}, which is free text: another spelling would not match`,
        'Add enum, const, pattern or fold: ascii to its schema',
      ),
    ],
  };
}

/** As the policy file calls it. */
function wordOf({ kind }: CheckedCondition): 'rule' | 'match' {
  return kind === 'rule' ? 'rule' : 'match';
}

/** Whether nothing in its text is about particular tools. */
function isForAll(expression: Expression): boolean {
  return expression.concerns('', '');
}

/** Whether a rule asks for more than the tool does. */
export function raises(rule: CompiledRule, tool: CheckedTool): boolean {
  return isWeakerClass(tool.class, rule.class) || isWeakerGate(gateOf(tool), gateOf(rule));
}

function namesIn({ arguments: schema }: CheckedTool): readonly string[] {
  const properties = schema?.['properties'];
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

const MOST_NAMED = 5;

/** `arguments.env (of api.a, api.b)` */
function describeReads(reads: readonly Read[]): string {
  const byName = new Map<string, Set<string>>();
  for (const { shown, tool } of reads) byName.set(shown, (byName.get(shown) ?? new Set()).add(tool.name));
  return [...byName].map(([shown, tools]) => `${shown} (of ${listNames([...tools])})`).join(' and ');
}

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${shown} and ${names.length - MOST_NAMED} more` : shown;
}

/** What an agent's configuration does not pin is missing where the call is judged without what the caller said itself. */
function checkContext(
  condition: CheckedCondition,
  tools: readonly CheckedTool[],
  agents: readonly Agent[],
): readonly FileProblem[] {
  const { expression, source, path } = condition;
  const kind = wordOf(condition);
  const uses = tools.flatMap(({ name }) => expression.usesFor(name, serviceOf(name), 'context')).map(readUse);
  const keysOf = (presence: boolean): ReadonlySet<string> =>
    new Set(uses.flatMap(({ path: [key], looksAt }) => ((looksAt === 'presence') === presence && key ? [key] : [])));
  const guarded = keysOf(true);
  const concerned = agents.filter((agent) =>
    tools.some(({ name }) => (agent.tools ?? ['*']).some((pattern) => matchesPattern(pattern, name))),
  );
  const effect = kind === 'rule' ? 'always makes the call irreversible (rule_error)' : 'always blocks the call';
  return [...new Set([...keysOf(false), ...guarded])].flatMap((key) => {
    const lacking = concerned.filter((agent) => !Object.hasOwn(agent.context ?? {}, key)).map(({ id }) => id);
    const nobody = lacking.length === concerned.length;
    const who = lacking.length === 0 ? '' : `; not pinned for ${listNames(lacking)}`;
    const fix = `Pin it for these agents: context: { ${key}: … } under agents in the configuration file`;
    if (guarded.has(key)) {
      const message = `no agent pins context.${key}: this ${kind} only matches callers that set it themselves`;
      return nobody && kind === 'rule' ? [source.problem(path, `${message}${who}`, fix)] : [];
    }
    if (!nobody && lacking.length === 0) return [];
    const message = nobody
      ? `no agent pins context.${key}, so this ${kind} ${effect}${who}`
      : `this ${kind} reads context.${key} and ${effect} where it is not pinned: ${listNames(lacking)}`;
    return [source.problem(path, message, fix)];
  });
}

import type { AgentConfig } from '../../contract/config.ts';
import type { JsonObject } from '../../contract/json.ts';
import { suggest } from '../files/nearest.ts';
import type { FileProblem } from '../files/problem.ts';
import { findUnfillable } from '../gate/seats.ts';
import { listNames, type CheckedTool } from './check-conditions.ts';
import type { CompiledApproval, CompiledRule } from './conditions.ts';
import { prepareInput } from './expression.ts';
import { matchesPattern } from './settings.ts';
import { isEverHeld } from './tool-approvals.ts';
import { serviceOf } from './upstreams.ts';

/** Reviewers who may vote, by group. */
export type Groups = ReadonlyMap<string, ReadonlySet<string>>;

type Agent = Pick<AgentConfig, 'id' | 'tools' | 'context' | 'owner'>;

/**
 * Approvals that too few people could give: calls would wait and expire, which is safe but seldom meant. Under separation
 * of duties that depends on who owns the agent.
 */
export function checkApprovals(input: {
  readonly approvals: readonly CompiledApproval[];
  readonly rules: readonly CompiledRule[];
  readonly tools: readonly CheckedTool[];
  readonly groups: Groups;
  readonly agents: readonly Agent[];
  /** MCP connectors whose tools need not be named to be run; they are held. */
  readonly openConnectors: readonly string[];
}): readonly FileProblem[] {
  const { approvals, groups } = input;
  const unlisted = input.openConnectors.map((name): CheckedTool => ({ name: `mcp.${name}.*`, class: 'irreversible' }));
  const held = [...input.tools, ...unlisted].filter((tool) => isEverHeld(tool, input.rules));
  const reached = input.agents.map((agent) => ({ agent, approvals: findReached(agent, held, approvals) }));
  return approvals.flatMap((approval) => {
    const agents = reached.filter((one) => one.approvals.has(approval)).map(({ agent }) => agent);
    return [...warnOfGroups(approval, groups), ...warnOfQuorums(approval, groups, agents)];
  });
}

/** Approvals that a call of this agent may come under. Where a match depends on what a call says, the next may apply too. */
function findReached(
  { id, tools: patterns = ['*'], context = {} }: Agent,
  tools: readonly CheckedTool[],
  approvals: readonly CompiledApproval[],
): ReadonlySet<CompiledApproval> {
  const reached = new Set<CompiledApproval>();
  for (const { name } of tools.filter((tool) => patterns.some((pattern) => matchesPattern(pattern, tool.name)))) {
    for (const approval of approvals) {
      const matches = matchesAgent(approval, name, id, context);
      if (matches !== false) reached.add(approval);
      if (matches === true) break;
    }
  }
  return reached;
}

/** Undefined: it depends on the arguments, or on what the caller says. */
function matchesAgent(
  { expression }: CompiledApproval,
  tool: string,
  proposer: string,
  context: JsonObject,
): boolean | undefined {
  const service = serviceOf(tool);
  if (!expression.concerns(tool, service)) return false;
  if (expression.usesFor(tool, service, 'arguments').length > 0 || expression.readsCallersWord) return undefined;
  const verdict = expression.evaluate(prepareInput({ tool, service, arguments: {}, context, proposer }));
  return verdict.ok && verdict.value;
}

function warnOfGroups({ plan, source, path }: CompiledApproval, groups: Groups): readonly FileProblem[] {
  const check = (group: string, ...at: readonly (string | number)[]): readonly FileProblem[] => {
    if ((groups.get(group)?.size ?? 0) > 0) return [];
    const otherwise = `Add "${group}" to the groups of a reviewer in the configuration file`;
    const fix = suggest(group, groups.keys(), otherwise);
    return [source.problem([...approvalPath(path), ...at], `the group ${group} has no reviewer who may vote`, fix)];
  };
  return [
    ...(plan.escalate?.to ?? []).flatMap((group, index) => check(group, 'escalate', 'to', index)),
    ...plan.levels.flatMap(({ approvers }, level) =>
      approvers.flatMap((group, at) => check(group, 'levels', level, 'approvers', at)),
    ),
  ];
}

function warnOfQuorums(approval: CompiledApproval, groups: Groups, agents: readonly Agent[]): readonly FileProblem[] {
  const { levels, separationOfDuties } = approval.plan;
  const votersFor = (owner?: string): readonly (readonly string[])[] =>
    levels.map((_, level) => votersOf(approval, level, groups).filter((id) => id !== owner));
  const findShort = (voters: readonly (readonly string[])[]): readonly number[] =>
    findUnfillable(
      levels.map(({ quorum }, level) => ({ quorum, people: new Set(voters[level]) })),
      separationOfDuties,
    );
  const tell = (index: number, message: string, fix: string): FileProblem =>
    approval.source.problem([...approvalPath(approval.path), 'levels', index, 'quorum'], message, fix);
  const anyone = votersFor();
  const short = findShort(anyone);
  const general = short.flatMap((index) => {
    const [level, voters = []] = [levels[index], anyone[index]];
    // A level without any voter is told by its groups.
    if (level === undefined || voters.length === 0) return [];
    const why = voters.length < level.quorum ? `its groups have ${count(voters.length, 'reviewer')}` : NEEDED_BEFORE;
    return [tell(index, `${needs(level)}, and ${why}`, 'Lower the quorum, or add reviewers to the groups')];
  });
  if (!separationOfDuties) return general;
  const owners = new Set(agents.flatMap(({ owner }) => owner ?? []));
  const own = [...owners].flatMap((owner) => {
    const ids = agents.filter((agent) => agent.owner === owner).map(({ id }) => id);
    const left = votersFor(owner);
    return findShort(left).flatMap((index) => {
      const [level, voters = []] = [levels[index], left[index]];
      if (level === undefined || short.includes(index)) return [];
      const few = voters.length === 0 ? 'nobody may vote' : `only ${voters.join(' and ')} may vote`;
      const why = voters.length < level.quorum ? few : NEEDED_BEFORE;
      const message = `${needs(level)}, but for calls of ${listNames(ids)} ${why}: separationOfDuties bars the owner ${owner}`;
      return [tell(index, message, 'Add reviewers to the groups, lower the quorum, or give the agent another owner')];
    });
  });
  return [...general, ...own];
}

const NEEDED_BEFORE =
  'the levels before it need some of its reviewers, and with separationOfDuties each of them votes once';

/** A condition stands at its `match`. */
function approvalPath(path: CompiledApproval['path']): CompiledApproval['path'] {
  return path.slice(0, 2);
}

function votersOf({ plan }: CompiledApproval, level: number, groups: Groups): readonly string[] {
  const names = [...(plan.levels[level]?.approvers ?? []), ...(plan.escalate?.to ?? [])];
  return [...new Set(names.flatMap((group) => [...(groups.get(group) ?? [])]))];
}

function needs({ name, quorum }: CompiledApproval['plan']['levels'][number]): string {
  return `${name} needs ${count(quorum, 'vote')}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

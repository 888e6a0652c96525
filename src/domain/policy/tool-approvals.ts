import type { ToolDefinition } from '../../contract/policy.ts';
import { raises, type CheckedTool } from './check-conditions.ts';
import type { CompiledApproval, CompiledRule } from './conditions.ts';
import type { ToolApproval } from './policy.ts';
import { gateOf } from './strictness.ts';
import { serviceOf } from './upstreams.ts';

/** The approvals that calls of one tool may come under, in order: up to the first that every call matches. */
export function approvalsOf(
  tool: ToolDefinition,
  rules: readonly CompiledRule[],
  approvals: readonly CompiledApproval[],
): readonly ToolApproval[] {
  // What a statement does is found in the statement: a plain query may turn out to be none.
  const isHeldByArguments = tool.sql !== undefined && tool.class !== 'forbidden';
  if (!isHeldByArguments && !isEverHeld(tool, rules)) return [];
  const service = serviceOf(tool.name);
  const found: ToolApproval[] = [];
  for (const { expression, plan } of approvals) {
    if (!expression.concerns(tool.name, service)) continue;
    const isSure = expression.holdsFor(tool.name, service) === true;
    found.push({ when: isSure ? null : expression.text, levels: plan.levels });
    if (isSure) break;
  }
  return found;
}

/** Whether its class or some rule can hold a call of a tool. */
export function isEverHeld(tool: CheckedTool, rules: readonly CompiledRule[]): boolean {
  if (tool.class === 'forbidden') return false;
  if (gateOf(tool) === 'hard') return true;
  return rules.some(
    (rule) =>
      rule.class !== 'forbidden' &&
      gateOf(rule) === 'hard' &&
      raises(rule, tool) &&
      rule.expression.concerns(tool.name, serviceOf(tool.name)),
  );
}

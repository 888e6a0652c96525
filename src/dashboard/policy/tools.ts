import type { Explanation, ToolSummary } from '../../contract/api.ts';
import { capitalize } from '../../domain/lifecycle.ts';
import { gateOf } from '../../domain/policy/strictness.ts';
import { holdsWords } from '../ui/search-words.ts';
import { words } from '../words.ts';

/** Tools by service, in the order of their names. */
export function servicesOf(tools: readonly ToolSummary[]): readonly (readonly [string, readonly ToolSummary[]])[] {
  const services = new Map<string, ToolSummary[]>();
  for (const tool of tools.toSorted((a, b) => (a.tool < b.tool ? -1 : 1))) {
    services.set(tool.service, [...(services.get(tool.service) ?? []), tool]);
  }
  return [...services].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Tools whose row holds every word of the search, in any case. */
export function findTools(tools: readonly ToolSummary[], search: string): readonly ToolSummary[] {
  return tools.filter((tool) => {
    const texts = [
      tool.tool,
      tool.title ?? tool.description ?? '',
      tool.reason ?? '',
      tool.class,
      effectText(tool),
      heldText(tool),
      ...tool.approvals.flatMap(({ levels }) => levels.map(levelText)),
    ];
    return holdsWords(texts, search);
  });
}

export function effectText({ effects }: ToolSummary): string {
  if (effects === null) return words.policy.effectsUnknown;
  return capitalize(effects.map((effect) => words.policy.effects[effect]).join(', '));
}

/** What its calls meet before any rule is asked, and whether a rule can change that. */
export function heldText({ class: callClass, gate, approvals }: ToolSummary): string {
  if (callClass === 'forbidden') return words.policy.blocked;
  const own = gateOf({ class: callClass, gate });
  const text = words.policy.gates[own];
  return own !== 'hard' && approvals.length > 0 ? `${text}; ${words.policy.someHeld}` : text;
}

export function levelText({ approvers, quorum }: Explanation['levels'][number]): string {
  return words.policy.votes(quorum, approvers.join(words.policy.or));
}

/** Prefix of the gateway's own tools; nothing else may be offered under it. */
const OWN_PREFIX = 'holdpoint_';

/** Longest name that the specification lets a tool have. */
const MAX_LENGTH = 128;

/** Models' APIs take no dots in tool names: `github.repos.delete` is offered as `github_repos_delete`. */
function exposedName(tool: string): string {
  return tool.replaceAll('.', '_');
}

/**
 * Tools by the name they are offered under. Where two would have the same name, neither is offered: a model could not
 * tell them apart. Only what policy names may take a name from what it does not name.
 */
export function assignNames<T extends { readonly tool: string; readonly named: boolean }>(
  tools: readonly T[],
): ReadonlyMap<string, T> {
  const groups = new Map<string, T[]>();
  for (const tool of tools) {
    const name = exposedName(tool.tool);
    groups.set(name, [...(groups.get(name) ?? []), tool]);
  }
  const assigned = new Map<string, T>();
  for (const [name, group] of groups) {
    if (name.startsWith(OWN_PREFIX) || name.length > MAX_LENGTH) continue;
    const named = group.filter((tool) => tool.named);
    const [first, ...others] = named.length > 0 ? named : group;
    if (first !== undefined && others.length === 0) assigned.set(name, first);
  }
  return assigned;
}

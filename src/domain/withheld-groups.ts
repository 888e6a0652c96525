import { findNearest } from './files/nearest.ts';

/** A group of a reviewer that the identity provider does not name. */
export interface WithheldGroup {
  readonly group: string;
  /** What it sends that was probably meant; null: nothing resembles it. */
  readonly nearest: string | null;
}

/**
 * Groups that the configuration gives and a claim takes away. Names are compared exactly; that `/ops` or
 * `CN=ops,OU=groups` was probably meant is only told.
 */
export function findWithheldGroups(groups: readonly string[], claimed: readonly string[]): readonly WithheldGroup[] {
  return groups
    .filter((group) => !claimed.includes(group))
    .map((group) => ({ group, nearest: nearestTo(group, claimed) ?? null }));
}

/** The name with which Keycloak, LDAP, Windows and Google surround theirs, else one that is a slip of the pen away. */
function nearestTo(group: string, claimed: readonly string[]): string | undefined {
  const word = group.toLowerCase();
  const partsOf = (name: string): readonly string[] => name.toLowerCase().split(/[/\\,=:@\s]/);
  return claimed.find((name) => partsOf(name).includes(word)) ?? findNearest(group, claimed);
}

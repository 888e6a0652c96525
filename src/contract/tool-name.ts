/** Most characters of a tool's name that the models' APIs take; they take letters, digits, `_` and `-`. */
const MAX_LENGTH = 64;

/** What no tool may be offered as: the gateway's own tools are called so. */
export const OWN_PREFIX = 'holdpoint_';

/**
 * The name that a tool is offered to models under: `github_repos_delete` for `github.repos.delete`. It follows from the
 * full name alone, so it is the same in every process and release. One that would be too long is cut and gets the
 * fingerprint of the full name.
 */
export function offeredName(tool: string): string {
  const name = tool.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  return name.length <= MAX_LENGTH && !name.startsWith(OWN_PREFIX) ? name : distinctName(tool);
}

/** The name of a tool whose {@link offeredName} another tool has. */
export function distinctName(tool: string): string {
  const mark = fingerprint(tool);
  const name = tool.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_LENGTH - mark.length - 1);
  return `${name.startsWith(OWN_PREFIX) ? 'tool' : name}_${mark}`;
}

export function isOfferableName(name: string): boolean {
  return name.length <= MAX_LENGTH && /^[A-Za-z0-9_-]+$/.test(name);
}

/** FNV-1a of 64 bits. Not for safety: two tools with one mark are not offered at all. */
function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(36).padStart(13, '0').slice(-8);
}

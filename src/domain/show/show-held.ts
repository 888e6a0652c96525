import type { FiredRule, MetCondition, Review } from '../../contract/review.ts';
import { parsePointer } from '../json/pointer.ts';
import { pair, type Line, type Pair } from './shown.ts';

/** The rules that raised the class of a call and the `match` that selected its approval, each with what it read. */
export function showHeldBy({ heldBy }: Pick<Review, 'heldBy'>): readonly Pair[] {
  if (heldBy === undefined) return [];
  const { rules, approval } = heldBy;
  return [
    ...rules.map((rule): Pair => {
      const line = pair('Rule', [...nameLine(rule), ...readsLine(rule)]);
      return rule.error === null ? line : { ...line, value: [...line.value, ...failureLine(rule)], tone: 'bad' };
    }),
    ...(isDefault(approval) ? [] : [pair('Approval', [{ code: approval.source }, ...readsLine(approval)])]),
  ];
}

/** Names of the conditions that read a member of the arguments or the context, by the member. */
export function readersOf(
  { heldBy }: Pick<Review, 'heldBy'>,
  root: 'arguments' | 'context',
): Readonly<Record<string, readonly string[]>> {
  if (heldBy === undefined) return {};
  const conditions = [
    ...heldBy.rules.map((rule) => ({ name: `rule ${ruleName(rule)}`, reads: rule.reads })),
    { name: `approval ${placeOf(heldBy.approval)}`, reads: heldBy.approval.reads },
  ];
  const readers = new Map<string, string[]>();
  for (const { name, reads } of conditions) {
    for (const member of new Set(reads.flatMap((pointer) => memberOf(pointer, root)))) {
      readers.set(member, [...(readers.get(member) ?? []), name]);
    }
  }
  return Object.fromEntries(readers);
}

/** `rule large-payout, approval policy.yaml:48`, for what is drawn under another name than its argument's. */
export function readByLine(names: readonly string[] | undefined): Line {
  return names === undefined ? [] : [' (read by ', { policy: names.join(', ') }, ')'];
}

/** A rule is called by its reason; where the policy gives none, or it failed, by its place. */
export function ruleName(rule: FiredRule): string {
  return rule.error === null ? (rule.reason ?? placeOf(rule)) : placeOf(rule);
}

export function placeOf({ source }: MetCondition): string {
  return /^([^:]*:\d+) /.exec(source)?.[1] ?? source;
}

function nameLine(rule: FiredRule): Line {
  const name = ruleName(rule);
  return name === placeOf(rule) ? [{ code: rule.source }] : [{ policy: name }, ' (', { code: rule.source }, ')'];
}

function readsLine({ reads }: MetCondition): Line {
  return reads.length === 0 ? [] : ['; reads ', { policy: reads.map(writePointer).join(', ') }];
}

function failureLine({ error }: FiredRule): Line {
  return ['; it could not be judged, which counts as irreversible: ', { policy: error ?? '' }];
}

/** `/arguments/a/b` → `a.b`; of the context and of all arguments with their root. */
function writePointer(pointer: string): string {
  const [root, ...keys] = parsePointer(pointer);
  if (keys.length === 0) return root === 'arguments' ? 'all arguments' : (root ?? '');
  return root === 'arguments' ? keys.join('.') : [root, ...keys].join('.');
}

function memberOf(pointer: string, root: 'arguments' | 'context'): readonly string[] {
  const [first, member] = parsePointer(pointer);
  return first === root && member !== undefined ? [member] : [];
}

/** `match: "true"` selects for every call. */
function isDefault(approval: MetCondition): boolean {
  return approval.source.slice(placeOf(approval).length).trim() === 'true';
}

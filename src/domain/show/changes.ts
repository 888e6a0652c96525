import { diffLines } from 'diff';
import type { Json } from '../../contract/json.ts';
import type { Material, Review } from '../../contract/review.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { isSealed } from '../seal-binding.ts';

/** A line of two versions laid side by side. */
export interface ChangedLine {
  readonly kind: 'same' | 'added' | 'removed';
  /** Raw: the layout makes it visible. */
  readonly text: string;
}

/** What the version that a review shows changed against an earlier one; undefined where retention has erased it. */
export function changesSince(before: Material, review: Review): readonly ChangedLine[] | undefined {
  const { call, class: callClass, evidence, levels } = review;
  if (call.arguments === null || callClass === null) return undefined;
  const now: Compared = {
    ...review,
    class: callClass,
    arguments: call.arguments,
    evidence: evidence.at(0) ?? null,
    levels: levels.map(({ name, approvers, quorum, escalation }) => ({ name, approvers, quorum, escalation })),
  };
  const isSameCall = JSON.stringify(tidy(before.arguments)) === JSON.stringify(tidy(now.arguments));
  return diffJson(comparable(before, isSameCall), comparable(now, isSameCall));
}

type Compared = Pick<
  Material,
  'class' | 'arguments' | 'target' | 'evidence' | 'context' | 'levels' | 'separationOfDuties' | 'expiresAt'
>;

/**
 * What of a version people compare; the rest follows from it or never changes. The request is written from the
 * arguments: where these differ, it would say the same twice.
 */
function comparable(version: Compared, isSameCall: boolean): Json {
  return {
    class: version.class,
    arguments: version.arguments,
    ...(isSameCall ? { target: version.target?.request ?? null } : {}),
    facts: version.evidence?.facts ?? [],
    context: version.context,
    levels: version.levels,
    separationOfDuties: version.separationOfDuties,
    expiresAt: version.expiresAt,
  };
}

/** Beyond so many changed lines the comparison is all of the old and all of the new: finding the least costs their square. */
const MOST_CHANGES = 400;

/**
 * Two values line by line, as indented JSON with keys in order. Both are an agent's: two that have nothing in common must
 * not stall the reader. What is sealed stays so.
 */
export function diffJson(before: Json, after: Json): readonly ChangedLine[] {
  const [old, now] = [layOut(before), layOut(after)];
  const parts = diffLines(old, now, { maxEditLength: MOST_CHANGES }) ?? [
    { value: old, added: false, removed: true },
    { value: now, added: true, removed: false },
  ];
  return parts.flatMap(({ value, added, removed }) =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): ChangedLine => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
}

/** A text of several lines goes over as many, each with its `\n`: of a long statement only what changed is to be read. */
function layOut(value: Json): string {
  const json = writeJson(tidy(value), 2);
  const lines = json.replace(/\\./g, (escape, at: number) =>
    escape === '\\n' && json[at + 2] !== '"' ? `${escape}\n` : escape,
  );
  return `${lines}\n`;
}

/** Keys in order; of what is sealed its tail, which differs wherever it was sealed anew. */
function tidy(value: Json): Json {
  if (isSealed(value)) return { $sealed: `(encrypted …${value.$sealed.slice(-12)})` };
  if (Array.isArray(value)) return (value as readonly Json[]).map(tidy);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, tidy(inner)]));
}

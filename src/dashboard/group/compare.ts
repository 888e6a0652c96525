import { isSealed } from '../../domain/seal-binding.ts';
import type { Block, Line, Pair, Section, SectionId } from '../../domain/show/shown.ts';
import { writeValue } from '../../domain/text/write-value.ts';

/** One thing that a review says of its call: an argument, a fact, the agent's reason. */
export interface Entry {
  /** Where it stands; the same thing of another review has the same. */
  readonly key: string;
  readonly label: Line;
  readonly content: Content;
}

export type Content = { readonly line: Line } | { readonly text: string };

export interface Listed {
  readonly entries: readonly Entry[];
  /** There is nothing else to be seen before a yes. */
  readonly isWhole: boolean;
}

export interface Comparison {
  /** What all of them say, once. */
  readonly common: readonly Entry[];
  /** What differs, or not all of them say. */
  readonly columns: readonly Pick<Entry, 'key' | 'label'>[];
}

const COMPARED = new Set<SectionId>(['why', 'call', 'evidence', 'words']);
/** What needs the review's own page. */
const ON_ITS_PAGE = new Set<SectionId>(['equal', 'changes']);

export function listEntries(sections: readonly Section[]): Listed {
  const entries: Entry[] = [];
  const taken = new Set<string>();
  let isWhole = sections.every(({ id }) => !ON_ITS_PAGE.has(id));
  for (const { id, blocks } of sections.filter((section) => COMPARED.has(section.id))) {
    for (const block of blocks) {
      const listed = entriesOf(block);
      isWhole &&= listed !== undefined;
      for (const [label, content] of listed ?? []) {
        const named = `${id} ${JSON.stringify(label)}`;
        let key = named;
        for (let n = 2; taken.has(key); n += 1) key = `${named} ${n}`;
        taken.add(key);
        entries.push({ key, label, content });
      }
    }
  }
  return { entries, isWhole };
}

/** Undefined: it has no place in a table. */
function entriesOf(block: Block): readonly (readonly [Line, Content])[] | undefined {
  switch (block.kind) {
    case 'pairs':
      return block.pairs.filter((pair) => !isMoment(pair)).map(({ label, value }) => [label, { line: value }]);
    case 'values':
      return Object.entries(block.values).map(([name, value]) => [
        [{ said: name }],
        isSealed(value) ? { line: ['(sealed)'] } : { text: writeValue(value) },
      ]);
    case 'text':
      return block.isFolded === true ? [] : [[block.label, { text: block.text }]];
    case 'json':
      return block.isFolded === true ? [] : undefined;
    case 'quote':
      return [[['Reason'], { text: block.text }]];
    case 'warning':
      return [[['Note'], { line: block.line }]];
    case 'table':
    case 'changes':
    case 'events':
      return undefined;
    default:
      return block satisfies never;
  }
}

/** When Holdpoint did something: it differs always, and tells nothing apart. Times among the facts have the target's labels. */
function isMoment({ label, value }: Pair): boolean {
  const isOwn = label.every((part) => typeof part === 'string');
  return isOwn && value.some((part) => typeof part === 'object' && ('at' in part || 'until' in part));
}

export function compareEntries(all: readonly (readonly Entry[])[]): Comparison {
  const known = new Map<string, Entry[]>();
  for (const entry of all.flat()) known.set(entry.key, [...(known.get(entry.key) ?? []), entry]);
  const common: Entry[] = [];
  const columns: Entry[] = [];
  for (const [first, ...others] of known.values()) {
    if (first === undefined) continue;
    const written = JSON.stringify(first.content);
    const isCommon = others.length + 1 === all.length && others.every((one) => JSON.stringify(one.content) === written);
    (isCommon ? common : columns).push(first);
  }
  return { common, columns };
}

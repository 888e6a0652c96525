import type { Json, JsonObject } from '../../contract/json.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { isExactLiteral } from '../../contract/exact-number.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { isSealed } from '../../domain/seal-binding.ts';
import { words } from '../words.ts';

/** A value while it is being edited, as typed: nothing is converted before it is read, so nothing is lost on the way. */
export type Draft =
  | { readonly kind: 'text'; readonly text: string }
  /** `kept`: the number that was there; it is sent back as it was while its text stays the same. */
  | { readonly kind: 'number'; readonly text: string; readonly kept?: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly items: readonly Draft[] }
  | { readonly kind: 'object'; readonly members: readonly Member[] }
  /** Encrypted to the execute worker: it cannot be edited, and is sent back as it was. */
  | { readonly kind: 'sealed'; readonly value: Json };

export type ObjectDraft = Extract<Draft, { kind: 'object' }>;

export interface Member {
  readonly name: string;
  readonly draft: Draft;
  /** Not sent. Its draft is kept at its place, for people who change their mind. */
  readonly isLeftOut?: boolean;
}

export type Kind = Exclude<Draft['kind'], 'sealed'>;

export function draftOf(value: Json): Draft {
  if (value === null) return { kind: 'null' };
  if (typeof value === 'string') return { kind: 'text', text: value };
  if (typeof value === 'number') return { kind: 'number', text: String(value), kept: value };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (Array.isArray(value)) return { kind: 'list', items: (value as readonly Json[]).map(draftOf) };
  if (isSealed(value)) return { kind: 'sealed', value };
  return { kind: 'object', members: Object.entries(value).map(([name, part]) => ({ name, draft: draftOf(part) })) };
}

/** A draft of another kind; what was typed stays where both kinds are typed. */
export function changeKind(draft: Draft, kind: Kind): Draft {
  if (draft.kind === kind) return draft;
  const typed = draft.kind === 'text' || draft.kind === 'number' ? draft.text : '';
  switch (kind) {
    case 'text':
    case 'number':
      return { kind, text: typed };
    case 'boolean':
      return { kind, value: false };
    case 'null':
      return { kind };
    case 'list':
      return { kind, items: [] };
    case 'object':
      return { kind, members: [] };
    default:
      return kind satisfies never;
  }
}

/** The value that a draft is. With errors it is not to be sent. */
export function readDraft(draft: Draft): { readonly value: Json; readonly errors: readonly ArgumentError[] } {
  const errors: ArgumentError[] = [];
  return { value: read(draft, '', errors), errors };
}

function read(draft: Draft, pointer: string, errors: ArgumentError[]): Json {
  switch (draft.kind) {
    case 'text':
      return draft.text;
    case 'number': {
      const number = readNumber(draft);
      if (typeof number === 'number') return number;
      errors.push({ pointer, message: number });
      return null;
    }
    case 'boolean':
    case 'sealed':
      return draft.value;
    case 'null':
      return null;
    case 'list':
      return draft.items.map((item, index) => read(item, `${pointer}/${index}`, errors));
    case 'object': {
      const sent = draft.members.filter(({ isLeftOut }) => isLeftOut !== true);
      // `fromEntries` defines properties, whatever their names.
      return Object.fromEntries(
        sent.map(({ name, draft: part }) => [name, read(part, pointer + pointerStep(name), errors)]),
      );
    }
    default:
      return draft satisfies never;
  }
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The number, or what is wrong with what was typed. */
function readNumber({ text, kept }: Extract<Draft, { kind: 'number' }>): number | string {
  if (kept !== undefined && text === String(kept)) return kept;
  const typed = text.trim();
  if (typed === '') return words.form.numberNeeded;
  if (!NUMBER.test(typed)) {
    return words.form.notANumber;
  }
  if (!isExactLiteral(typed)) return words.form.inexactNumber;
  const number = Number(typed);
  return Object.is(number, -0) ? words.form.minusZero : number;
}

/** The text that a change in its text area makes, which turns every line break into a line feed: untouched ones stay. */
export function editText(before: string, shown: string): string {
  const old = before.replace(/\r\n?/g, '\n');
  if (old === before) return shown;
  const shorter = Math.min(old.length, shown.length);
  let start = 0;
  while (start < shorter && old[start] === shown[start]) start += 1;
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === shown[shown.length - 1 - end]) end += 1;
  const head = before.slice(0, placeOf(before, start));
  const rest = shown.slice(start, shown.length - end) + before.slice(placeOf(before, old.length - end));
  if (!rest.startsWith('\n')) return head + rest;
  // A carriage return alone before a line feed would make one line break of two.
  let alone = head.length;
  while (head[alone - 1] === '\r') alone -= 1;
  return head.slice(0, alone) + '\n'.repeat(head.length - alone) + rest;
}

/** Where in a text the character is that its text area has at `index`. */
function placeOf(text: string, index: number): number {
  let place = 0;
  for (let shown = 0; shown < index; shown += 1) place += text.startsWith('\r\n', place) ? 2 : 1;
  return place;
}

/** More fields than this are not gone through one by one, and deeper ones have no room on a phone. */
const MOST_FIELDS = 300;
const DEEPEST_FIELD = 6;

/** Whether fields are a good way to edit a value. */
export function fitsFields(value: JsonObject): boolean {
  const left: (readonly [value: Json, depth: number])[] = [[value, 0]];
  let count = 0;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [one, depth] = next;
    count += 1;
    if (count > MOST_FIELDS || depth > DEEPEST_FIELD) return false;
    if (typeof one !== 'object' || one === null) continue;
    for (const part of Object.values(one) as Json[]) left.push([part, depth + 1]);
  }
  return true;
}

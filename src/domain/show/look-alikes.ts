import type { Json } from '../../contract/json.ts';
import { findLookAlikes, nameLetter } from '../text/look-alikes.ts';
import { visible } from '../text/visible.ts';
import type { Block } from './shown.ts';

/** Words in a value, keys included, that read as something else than they are. */
export function warnOfLookAlikes(value: Json): Block[] {
  return findLookAlikes(textsOf(value).join('\n')).map(({ word, letters }) => ({
    kind: 'warning',
    text: `“${visible(word)}” is not what it looks like: it has ${letters.map(nameLetter).join(', ')}.`,
  }));
}

/** Not as JSON, whose escapes would be read as letters of the word that follows. */
function textsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(textsOf);
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsOf(item)]);
}

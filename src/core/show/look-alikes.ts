import type { Json } from '../../contract/json.ts';
import { findLookAlikes, nameLetter } from '../text/look-alikes.ts';
import { visible } from '../text/visible.ts';
import type { Block } from './shown.ts';

/** Words in a value, keys included, that read as something else than they are. */
export function warnOfLookAlikes(value: Json): Block[] {
  return findLookAlikes(JSON.stringify(value)).map(({ word, letters }) => ({
    kind: 'warning',
    text: `“${visible(word)}” is not what it looks like: ${letters.map(nameLetter).join(', ')} is no Latin letter.`,
  }));
}

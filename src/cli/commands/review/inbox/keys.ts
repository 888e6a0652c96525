import type { DecisionType } from '../../../../contract/review.ts';
import type { Key } from '../../../ui/screen.ts';

/** What somebody wants, whichever key said so. */
export type Intent =
  | { readonly want: 'move'; readonly by: 'line' | 'page' | 'end'; readonly down: boolean }
  | { readonly want: 'sibling'; readonly down: boolean }
  | { readonly want: 'decide'; readonly type: DecisionType }
  | { readonly want: 'open' | 'back' | 'changes' | 'mine' | 'refresh' | 'undo' | 'send' | 'help' | 'quit' };

const INTENTS: Readonly<Record<string, Intent>> = {
  up: { want: 'move', by: 'line', down: false },
  k: { want: 'move', by: 'line', down: false },
  down: { want: 'move', by: 'line', down: true },
  j: { want: 'move', by: 'line', down: true },
  pageup: { want: 'move', by: 'page', down: false },
  b: { want: 'move', by: 'page', down: false },
  pagedown: { want: 'move', by: 'page', down: true },
  space: { want: 'move', by: 'page', down: true },
  home: { want: 'move', by: 'end', down: false },
  g: { want: 'move', by: 'end', down: false },
  end: { want: 'move', by: 'end', down: true },
  G: { want: 'move', by: 'end', down: true },
  n: { want: 'sibling', down: true },
  p: { want: 'sibling', down: false },
  return: { want: 'open' },
  enter: { want: 'open' },
  right: { want: 'open' },
  l: { want: 'open' },
  left: { want: 'back' },
  h: { want: 'back' },
  escape: { want: 'back' },
  d: { want: 'changes' },
  m: { want: 'mine' },
  R: { want: 'refresh' },
  a: { want: 'decide', type: 'approve' },
  e: { want: 'decide', type: 'edit' },
  r: { want: 'decide', type: 'reject' },
  c: { want: 'decide', type: 'revise' },
  o: { want: 'decide', type: 'respond' },
  u: { want: 'undo' },
  s: { want: 'send' },
  '?': { want: 'help' },
  q: { want: 'quit' },
};

/** Undefined: the key means nothing here. */
export function intentOf(key: Key): Intent | undefined {
  if (key.ctrl) return key.name === 'c' || key.name === 'd' ? { want: 'quit' } : undefined;
  if (key.meta) return undefined;
  return Object.hasOwn(INTENTS, key.name) ? INTENTS[key.name] : undefined;
}

export const KEY_HELP: readonly (readonly [keys: string, does: string])[] = [
  ['↑ ↓  j k', 'move; in a review: scroll'],
  ['space  b', 'a page on, a page back'],
  ['g  G', 'to the beginning, to the end'],
  ['enter  →', 'open a review'],
  ['←  esc', 'back to the list'],
  ['n  p', 'next and previous review'],
  ['d', 'what changed since the version before'],
  ['a', 'approve exactly what is shown'],
  ['e', 'approve it with other arguments ($VISUAL or $EDITOR)'],
  ['r', 'reject; stop an approved call that has not run yet'],
  ['c', 'ask the proposer for changes'],
  ['o', 'answer a question of a workflow'],
  ['u', 'undo: a decision waits 5 s before it is sent'],
  ['s', 'send it now'],
  ['m', 'only what waits for me'],
  ['R', 'read the list again'],
  ['q  ctrl-c', 'quit; what was not sent is not sent'],
];

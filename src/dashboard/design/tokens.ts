/** A named value of `styles/tokens.css`. */
export interface Token {
  readonly name: string;
  readonly value: string;
}

export type TokenGroup = 'colour' | 'face' | 'size' | 'weight' | 'leading' | 'space' | 'shape' | 'layout' | 'motion';

/** By the beginning of the name; everything else is a colour. */
const GROUPS: readonly (readonly [string, TokenGroup])[] = [
  ['--sans', 'face'],
  ['--mono', 'face'],
  ['--size-', 'size'],
  ['--weight-', 'weight'],
  ['--leading', 'leading'],
  ['--space-', 'space'],
  ['--radius', 'shape'],
  ['--shadow-', 'shape'],
  ['--control', 'layout'],
  ['--bar-height', 'layout'],
  ['--page-width', 'layout'],
  ['--gutter', 'layout'],
  ['--quick', 'motion'],
  ['--gentle', 'motion'],
  ['--ease', 'motion'],
];

export function tokenGroup(name: string): TokenGroup {
  return GROUPS.find(([start]) => name.startsWith(start))?.[1] ?? 'colour';
}

/** The tokens that the style sheets of this document declare for `:root`, so that the page cannot differ from them. */
export function readTokens(sheets: Iterable<CSSStyleSheet>): readonly Token[] {
  const found = new Map<string, string>();
  for (const sheet of sheets) {
    for (const rule of sheet.cssRules) {
      if (!(rule instanceof CSSStyleRule) || rule.selectorText !== ':root') continue;
      for (const name of rule.style) {
        if (name.startsWith('--')) found.set(name, rule.style.getPropertyValue(name).trim());
      }
    }
  }
  return [...found].map(([name, value]) => ({ name, value }));
}

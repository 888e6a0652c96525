import { useState, type CSSProperties } from 'react';
import { usePageTitle } from '../ui/hooks.ts';
import { words } from '../words.ts';

/** The names that the style sheets are written in, and what they look like. */
export function DesignPage() {
  usePageTitle(words.design.title);
  const [tokens] = useState(() => readTokens(document.styleSheets));
  return (
    <div className="design">
      <h1>{words.design.title}</h1>
      {Object.entries(words.design.groups).map(([group, title]) => (
        <section key={group} className="card" aria-label={title}>
          <h2>{title}</h2>
          <dl className="tokens">
            {tokens
              .filter(({ name }) => tokenGroup(name) === group)
              .map((token) => (
                <div key={token.name} className="token">
                  <dt>
                    <code>{token.name}</code>
                  </dt>
                  <dd>
                    <Swatch token={token} />
                    <code className="quiet">{token.value}</code>
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

function Swatch({ token: { name } }: { readonly token: Token }) {
  const value = `var(${name})`;
  const swatch = (style: CSSProperties) => <span className="swatch" style={style} />;
  const sample = (style: CSSProperties) => <span style={style}>{words.design.sample}</span>;
  const group = tokenGroup(name);
  switch (group) {
    case 'colour':
      return swatch({ background: value });
    case 'face':
      return sample({ fontFamily: value });
    case 'size':
      return sample({ fontSize: value });
    case 'weight':
      return sample({ fontWeight: value });
    case 'leading':
      return sample({ lineHeight: value });
    case 'space':
      return swatch({ width: value });
    case 'shape':
      return swatch(name.startsWith('--shadow') ? { boxShadow: value } : { borderRadius: value });
    case 'layout':
    case 'motion':
      return null;
    default:
      return group satisfies never;
  }
}

/** A named value of `styles/tokens.css`. */
interface Token {
  readonly name: string;
  readonly value: string;
}

type TokenGroup = 'colour' | 'face' | 'size' | 'weight' | 'leading' | 'space' | 'shape' | 'layout' | 'motion';

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

function tokenGroup(name: string): TokenGroup {
  return GROUPS.find(([start]) => name.startsWith(start))?.[1] ?? 'colour';
}

/** The tokens that the style sheets of this document declare for `:root`, so that the page cannot differ from them. */
function readTokens(sheets: Iterable<CSSStyleSheet>): readonly Token[] {
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

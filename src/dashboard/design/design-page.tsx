import { useState, type CSSProperties } from 'react';
import { usePageTitle } from '../ui/hooks.ts';
import { readTokens, tokenGroup, type Token } from './tokens.ts';
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

/** A path template such as `/repos/{owner}/{repo}/issues?state={state}`, taken apart. */
export interface PathTemplate {
  readonly path: readonly TemplatePart[];
  readonly query: readonly { readonly name: string; readonly value: readonly TemplatePart[] }[];
}
export type TemplatePart = { readonly literal: string } | { readonly argument: string };

/** Undefined where braces do not match, or where the template has a fragment. */
export function parseTemplate(template: string): PathTemplate | undefined {
  if (template.includes('#')) return undefined;
  const mark = template.indexOf('?');
  const path = parseParts(mark < 0 ? template : template.slice(0, mark));
  const query = (mark < 0 ? [] : template.slice(mark + 1).split('&')).map((pair) => {
    const equals = pair.indexOf('=');
    return {
      name: equals < 0 ? pair : pair.slice(0, equals),
      value: parseParts(equals < 0 ? '' : pair.slice(equals + 1)),
    };
  });
  if (path === undefined) return undefined;
  const pairs: { name: string; value: readonly TemplatePart[] }[] = [];
  for (const { name, value } of query) {
    if (value === undefined || name === '' || /[{}]/.test(name)) return undefined;
    pairs.push({ name, value });
  }
  return { path, query: pairs };
}

/** Names of the arguments that a template uses, each once. */
export function argumentsOfTemplate(template: PathTemplate): readonly string[] {
  const parts = [...template.path, ...template.query.flatMap(({ value }) => value)];
  return [...new Set(parts.flatMap((part) => ('argument' in part ? [part.argument] : [])))];
}

function parseParts(text: string): readonly TemplatePart[] | undefined {
  const parts: TemplatePart[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([^{}]+))/.exec(rest);
    if (match === null) return undefined;
    parts.push(match[1] === undefined ? { literal: match[2] ?? '' } : { argument: match[1] });
    rest = rest.slice(match[0].length);
  }
  return parts;
}

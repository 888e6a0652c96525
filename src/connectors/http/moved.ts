import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { storableText } from '../../domain/json/storable.ts';
import { valueAt } from '../../domain/json/pointer.ts';
import { parseTemplate } from '../../domain/render/http.ts';
import type { ExchangeResult } from './exchange.ts';

const REDIRECTS = new Set([301, 302, 307, 308]);
const LONGEST_NAME = 200;

/**
 * What a thing is called now that its target redirects to: asked once, with a GET at the same origin, where the tool says
 * that such a place tells its name (`moved`). The call itself follows no redirect. In words; undefined: not moved, or
 * nobody knows where to.
 */
export async function findNewName(
  tool: ToolDefinition,
  { baseUrl }: HttpConnectorConfig,
  url: string,
  answer: ExchangeResult,
  fetch: (url: string) => Promise<ExchangeResult>,
): Promise<string | undefined> {
  const { moved } = tool;
  if (moved === undefined || answer.kind !== 'answer' || !REDIRECTS.has(answer.status)) return undefined;
  const place = placeOf(moved.path, baseUrl, url, answer.headers['location']);
  const told = place === undefined ? undefined : await fetch(place);
  if (told?.kind !== 'answer' || told.status !== 200 || told.body.kind !== 'json') return undefined;
  const name = valueAt(told.body.value, moved.name);
  if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME) return undefined;
  return `The target answered ${answer.status}: it has moved, and is ${storableText(name)} now. Propose the call with that name`;
}

/** The part of the new address that the template names, at the connector's own origin. */
function placeOf(path: string, baseUrl: string, from: string, location: string | undefined): string | undefined {
  const template = parseTemplate(path);
  if (template === undefined || location === undefined || !URL.canParse(location, from)) return undefined;
  const base = new URL(baseUrl);
  const to = new URL(location, from);
  const prefix = base.pathname.replace(/\/$/, '');
  if (to.origin !== base.origin || !to.pathname.startsWith(`${prefix}/`)) return undefined;
  const wanted = path.split('/');
  const given = to.pathname.slice(prefix.length).split('/').slice(0, wanted.length);
  const fits = wanted.every((part, index) => {
    const segment = given[index];
    return /^\{[^}]+\}$/.test(part) ? segment !== undefined && /^[A-Za-z0-9_-]+$/.test(segment) : segment === part;
  });
  return fits ? `${base.origin}${prefix}${given.join('/')}` : undefined;
}

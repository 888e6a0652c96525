import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { HttpRequestTemplate, ToolDefinition } from '../../contract/policy.ts';
import { holdsSealed } from '../seal-binding.ts';

/** What `target.request` of an HTTP tool holds; no credential, no idempotency key. */
export interface HttpTargetRequest {
  readonly method: HttpRequestTemplate['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyFormat?: 'json' | 'form';
  readonly body?: JsonObject;
}

export type Rendered<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

const invalid = (message: string): { readonly ok: false; readonly message: string } => ({ ok: false, message });

/** Renders the request of a call. Everything in `args` is the caller's. */
export function renderHttpRequest(
  tool: ToolDefinition,
  connector: HttpConnectorConfig,
  args: JsonObject,
): Rendered<HttpTargetRequest> {
  const { request } = tool;
  if (request === undefined) return invalid('the tool has no request');
  const template = parseTemplate(request.path);
  if (template === undefined) return invalid('the path template is not well-formed');
  const headers = request.headers ?? {};
  for (const [name, value] of Object.entries(headers)) {
    if (!isStaticHeader(name, value)) return invalid(`the header ${name} cannot be set`);
  }
  const used = new Set(argumentsOfTemplate(template));
  const form = request.bodyFormat === 'form';
  if (request.body === undefined) {
    const query = renderQueryRest(tool, args, used, form);
    if (!query.ok) return query;
    const url = renderUrl(connector.baseUrl, template, args, query.value);
    if (!url.ok) return url;
    return { ok: true, value: { method: request.method, url: url.value, headers } };
  }
  const url = renderUrl(connector.baseUrl, template, args, '');
  if (!url.ok) return url;
  const rest = withoutUsed(args, used);
  if (form && encodeForm(rest) === undefined) return invalid('an argument cannot be form-encoded');
  return {
    ok: true,
    value: { method: request.method, url: url.value, headers, bodyFormat: form ? 'form' : 'json', body: rest },
  };
}

/**
 * Fills a template and makes sure that the result is the place the template names: same origin, same number of path
 * segments, nothing that a parser along the way could read as another path.
 */
export function renderUrl(
  baseUrl: string,
  template: PathTemplate,
  args: JsonObject,
  moreQuery: string,
): Rendered<string> {
  const base = new URL(baseUrl);
  if (base.username !== '' || base.password !== '' || base.search !== '' || base.hash !== '') {
    return invalid('the base URL holds more than an origin and a path');
  }
  const prefix = base.pathname.replace(/\/$/, '');
  const path = fillPath(template.path, args);
  if (!path.ok) return path;
  const query = fillQuery(template.query, args);
  if (!query.ok) return query;
  const search = [query.value, moreQuery].filter((part) => part !== '').join('&');
  const url = new URL(`${base.origin}${prefix}${path.value}${search === '' ? '' : `?${search}`}`);
  const shape = prefix + template.path.map((part) => ('literal' in part ? part.literal : 'x')).join('');
  if (url.origin !== base.origin || url.username !== '' || url.password !== '' || url.hash !== '') {
    return invalid('the rendered URL leaves its origin');
  }
  if (url.pathname.split('/').length !== shape.split('/').length) {
    return invalid('the rendered URL has another number of segments than its template');
  }
  return { ok: true, value: url.href };
}

function fillPath(parts: readonly TemplatePart[], args: JsonObject): Rendered<string> {
  let path = '';
  for (const part of parts) {
    if ('literal' in part) {
      path += part.literal;
      continue;
    }
    const value = Object.hasOwn(args, part.argument) ? args[part.argument] : undefined;
    if (value === undefined) return invalid(`${part.argument} is missing; the path needs it`);
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof text !== 'string' || !isPathValue(text)) return invalid(`${part.argument} cannot stand in a path`);
    path += encodeURIComponent(text);
  }
  return { ok: true, value: path };
}

function fillQuery(pairs: PathTemplate['query'], args: JsonObject): Rendered<string> {
  const rendered: string[] = [];
  for (const { name, value } of pairs) {
    const missing = value.some((part) => 'argument' in part && !Object.hasOwn(args, part.argument));
    if (missing) continue;
    let text = '';
    for (const part of value) {
      const piece = 'literal' in part ? part.literal : encodeScalar(args[part.argument]);
      if (piece === undefined) return invalid(`${name} cannot stand in a query`);
      text += piece;
    }
    rendered.push(`${name}=${text}`);
  }
  return { ok: true, value: rendered.join('&') };
}

/** Arguments that neither path nor body takes: only a closed schema lets them into the query. */
function renderQueryRest(
  tool: ToolDefinition,
  args: JsonObject,
  used: ReadonlySet<string>,
  form: boolean,
): Rendered<string> {
  const known = closedProperties(tool);
  const unknown = Object.keys(args).find((name) => !used.has(name) && !known.has(name));
  if (unknown !== undefined) return invalid(`${unknown} has no place in the request`);
  const rest = withoutUsed(args, used);
  if (form) {
    if (Object.values(rest).some(holdsSealed)) return invalid('a sealed argument cannot stand in a query');
    const encoded = encodeForm(rest);
    return encoded === undefined ? invalid('an argument cannot be form-encoded') : { ok: true, value: encoded };
  }
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(rest)) {
    const text = encodeScalar(value);
    if (text === undefined) return invalid(`${name} cannot stand in a query`);
    pairs.push(`${encodeURIComponent(name)}=${text}`);
  }
  return { ok: true, value: pairs.join('&') };
}

/** Arguments that the path does not take. */
function withoutUsed(args: JsonObject, used: ReadonlySet<string>): JsonObject {
  if (![...used].some((name) => Object.hasOwn(args, name))) return args;
  return Object.fromEntries(Object.entries(args).filter(([name]) => !used.has(name)));
}

/** Names of a schema that allows no others. */
export function closedProperties(tool: ToolDefinition): ReadonlySet<string> {
  const schema = tool.arguments;
  const properties = schema?.['properties'];
  if (schema?.['additionalProperties'] !== false || typeof properties !== 'object' || properties === null) {
    return new Set();
  }
  return new Set(Object.keys(properties));
}

/** Non-empty, no dot segment, and nothing that separates, escapes or ends a path. */
function isPathValue(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/\\%?#]|\p{Cc}/u.test(text) && isWellFormed(text);
}

function encodeScalar(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return isWellFormed(value) ? encodeURIComponent(value) : undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return encodeURIComponent(String(value));
  return undefined;
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** Headers that belong to the connection or to the connector. */
const RESERVED_HEADERS = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function isStaticHeader(name: string, value: string): boolean {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || RESERVED_HEADERS.has(name.toLowerCase())) return false;
  return /^[\t\x20-\x7e]*$/.test(value);
}

/** A path template such as `/repos/{owner}/{repo}/issues?state={state}`, taken apart. */
export interface PathTemplate {
  readonly path: readonly TemplatePart[];
  readonly query: readonly { readonly name: string; readonly value: readonly TemplatePart[] }[];
}
type TemplatePart = { readonly literal: string } | { readonly argument: string };

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

/** Characters of a form before encoding. Every leaf repeats the keys above it: a few long keys would make gigabytes. */
const MAX_FORM = 1024 * 1024;

interface Form {
  readonly pairs: string[];
  size: number;
}

/**
 * `application/x-www-form-urlencoded` with nesting as Stripe reads it: `a[b]=c`, `a[0]=c`; null is the empty string,
 * which unsets. Undefined where a key holds a bracket (it would name another parameter), text is not valid Unicode, or
 * the form is larger than 1 MiB.
 */
export function encodeForm(fields: JsonObject): string | undefined {
  const form: Form = { pairs: [], size: 0 };
  for (const [key, value] of Object.entries(fields)) {
    if (!addPairs(form, key, key, value)) return undefined;
  }
  return form.pairs.join('&');
}

function addPairs(form: Form, path: string, key: string, value: Json): boolean {
  if (/[[\]]/.test(key)) return false;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).every((item, index) => addPairs(form, `${path}[${index}]`, String(index), item));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).every(([inner, item]) => addPairs(form, `${path}[${inner}]`, inner, item));
  }
  const text = value === null ? '' : String(value);
  form.size += path.length + text.length;
  if (form.size > MAX_FORM) return false;
  try {
    form.pairs.push(`${encodeURIComponent(path)}=${encodeURIComponent(text)}`);
    return true;
  } catch {
    return false; // encodeURIComponent throws on lone surrogates alone
  }
}

import type { HttpConnectorConfig } from '../../contract/config.ts';
import { HEADER_NAME_PATTERN } from '../../contract/constants.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { HttpRequestTemplate, ToolDefinition } from '../../contract/policy.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { isJsonObject, own } from '../json/pointer.ts';
import { holdsSealed } from '../seal-binding.ts';
import { encodeForm, FORM_TYPE } from './form.ts';

/** What `target.request` of an HTTP tool holds; no credential, no idempotency key. */
export interface HttpTargetRequest {
  readonly method: HttpRequestTemplate['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it goes over the wire; a sealed value stands in it as it is. */
  readonly body?: { readonly type: string; readonly text: string };
  /** JSON Pointers of arguments by which the target clears something, as its tool declares with `nulls: clear`. */
  readonly clears?: readonly string[];
}

export type Rendered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly ArgumentError[] };

/** `name`: of the argument that is wrong; absent: it is none of them. */
export function refuse(
  message: string,
  name?: string,
): { readonly ok: false; readonly errors: readonly ArgumentError[] } {
  return { ok: false, errors: [{ pointer: name === undefined ? '' : pointerStep(name), message }] };
}

/** Renders the request of a call, with its body as it will be sent. Everything in `args` is the caller's. */
export function renderHttpRequest(
  tool: ToolDefinition,
  connector: HttpConnectorConfig,
  args: JsonObject,
): Rendered<HttpTargetRequest> {
  const { request } = tool;
  if (request === undefined) return refuse('the tool has no request');
  const template = parseTemplate(request.path);
  if (template === undefined) return refuse('the path template is not well-formed');
  const headers = request.headers ?? {};
  for (const [name, value] of Object.entries(headers)) {
    if (!isStaticHeader(name, value)) return refuse(`the header ${name} cannot be set`);
  }
  const used = new Set(argumentsOfTemplate(template));
  const rest = withoutUsed(args, used);
  const encoded = request.body === undefined ? encodeQueryRest(tool, template, rest) : encodeBody(request, rest);
  if (!encoded.ok) return encoded;
  const { type, text, clears } = encoded.value;
  if (clears.length > MOST_CLEARED) return refuse(`more than ${MOST_CLEARED} arguments would be cleared`);
  const url = renderUrl(connector.baseUrl, template, args, type === undefined ? text : '');
  if (!url.ok) return url;
  return {
    ok: true,
    value: {
      method: request.method,
      url: url.value,
      headers,
      ...(type === undefined ? {} : { body: { type, text } }),
      ...(clears.length === 0 ? {} : { clears }),
    },
  };
}

/** People read each of them. */
const MOST_CLEARED = 100;

/** What the path does not take. `type`: of a body; absent: a query. */
interface EncodedRest {
  readonly type?: string;
  readonly text: string;
  readonly clears: readonly string[];
}

function encodeBody({ bodyFormat, nulls }: HttpRequestTemplate, rest: JsonObject): Rendered<EncodedRest> {
  if (bodyFormat === 'form') return encodeAsForm(rest, nulls, FORM_TYPE);
  const clears = nulls === 'clear' ? findNulls(rest) : [];
  return { ok: true, value: { type: 'application/json', text: JSON.stringify(rest), clears } };
}

function encodeAsForm(rest: JsonObject, nulls: HttpRequestTemplate['nulls'], type?: string): Rendered<EncodedRest> {
  const { text, clears, errors } = encodeForm(rest, nulls);
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, value: { ...(type === undefined ? {} : { type }), text, clears } };
}

/** JSON Pointers of members that are null; an item of a list has no name that could be cleared. */
function findNulls(value: Json, pointer = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, Json]) => {
    const at = pointer + pointerStep(key);
    return part === null && isJsonObject(value) ? [at] : findNulls(part, at);
  });
}

/** The request as a message of HTTP/1.1 is written, for people: method and URL, headers, the body as it is sent. */
export function writeHttpRequest({ method, url, headers, body }: HttpTargetRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${url}`, ...lines, ...(body === undefined ? [] : [`Content-Type: ${body.type}`])];
  return body === undefined ? head.join('\n') : `${head.join('\n')}\n\n${body.text}`;
}

/** The request of a target, where it is one of HTTP and not of another connector. A stored state may hold anything. */
export function asHttpRequest(request: Json): HttpTargetRequest | undefined {
  if (!isJsonObject(request)) return undefined;
  const { method, url, headers, body, clears = [] } = request;
  const isBody = isJsonObject(body) && typeof body['type'] === 'string' && typeof body['text'] === 'string';
  const isHttp =
    typeof method === 'string' &&
    typeof url === 'string' &&
    isJsonObject(headers) &&
    (body === undefined || isBody) &&
    Array.isArray(clears) &&
    clears.every((pointer: Json) => typeof pointer === 'string');
  return isHttp ? (request as unknown as HttpTargetRequest) : undefined;
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
    return refuse('the base URL holds more than an origin and a path');
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
    return refuse('the rendered URL leaves its origin');
  }
  if (url.pathname.split('/').length !== shape.split('/').length) {
    return refuse('the rendered URL has another number of segments than its template');
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
    const name = part.argument;
    const value = own(args, name);
    if (value === undefined) return refuse(`${name} is missing; the path needs it`, name);
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof text !== 'string' || !isPathValue(text)) return refuse(`${name} cannot stand in a path`, name);
    path += encodeURIComponent(text);
  }
  return { ok: true, value: path };
}

function fillQuery(pairs: PathTemplate['query'], args: JsonObject): Rendered<string> {
  const rendered: string[] = [];
  for (const { name, value } of pairs) {
    const names = value.flatMap((part) => ('argument' in part ? [part.argument] : []));
    const missing = names.find((argument) => !Object.hasOwn(args, argument));
    if (missing !== undefined) {
      const given = names.find((argument) => Object.hasOwn(args, argument));
      if (given !== undefined) return refuse(`${given} is sent together with ${missing}, which is missing`, given);
      continue;
    }
    let text = '';
    for (const part of value) {
      if ('literal' in part) text += part.literal;
      else {
        const piece = encodeScalar(args[part.argument]);
        if (piece === undefined) return refuseInQuery(part.argument, args[part.argument]);
        text += piece;
      }
    }
    rendered.push(`${name}=${text}`);
  }
  return { ok: true, value: rendered.join('&') };
}

function refuseInQuery(name: string, value: Json | undefined): ReturnType<typeof refuse> {
  if (value === null) return refuse('null cannot be sent in a query: leave it out', name);
  return refuse(`${name} cannot stand in a query: it takes a text, a number, true or false`, name);
}

/** Arguments that neither path nor body takes: only a closed schema lets them into the query. */
function encodeQueryRest(tool: ToolDefinition, template: PathTemplate, rest: JsonObject): Rendered<EncodedRest> {
  const known = closedProperties(tool);
  const fixed = new Set(template.query.map(({ name }) => name.split('[')[0]));
  for (const name of Object.keys(rest)) {
    if (!known.has(name)) return refuse(`${name} has no place in the request`, name);
    if (fixed.has(encodeURIComponent(name))) return refuse(`the path of the tool sets ${name} already`, name);
  }
  const nulls = tool.request?.nulls;
  if (tool.request?.bodyFormat === 'form') {
    const sealed = Object.keys(rest).find((name) => holdsSealed(rest[name] ?? null));
    if (sealed !== undefined) return refuse('a sealed argument cannot stand in a query', sealed);
    return encodeAsForm(rest, nulls);
  }
  const pairs: string[] = [];
  const clears: string[] = [];
  for (const [name, value] of Object.entries(rest)) {
    const text = value === null && nulls === 'clear' ? '' : encodeScalar(value);
    if (text === undefined) return refuseInQuery(name, value);
    if (text === '' && nulls === 'clear') clears.push(pointerStep(name));
    pairs.push(`${encodeURIComponent(name)}=${text}`);
  }
  return { ok: true, value: { text: pairs.join('&'), clears } };
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
  return text !== '' && text !== '.' && text !== '..' && !/[/\\%?#]|\p{Cc}/u.test(text) && text.isWellFormed();
}

function encodeScalar(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? encodeURIComponent(value) : undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return encodeURIComponent(String(value));
  return undefined;
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

/** Whether a tool may have this header sent. */
export function isStaticHeader(name: string, value: string): boolean {
  if (!HEADER_NAME_PATTERN.test(name) || RESERVED_HEADERS.has(name.toLowerCase())) return false;
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

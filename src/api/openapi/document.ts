import { z } from 'zod';
import { problemSchema } from '../../contract/api.ts';
import { PROBLEMS, type ProblemCode } from '../../contract/codes.ts';
import { bodyLimitOf, isCountedByAddress, type Endpoint, type Who } from '../http/endpoint.ts';
import { nameSchemas } from './schemas.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of a list of endpoints. JSON Schema 2020-12, as OpenAPI 3.1 wants it, comes from zod. */
export function buildOpenApi(endpoints: readonly Endpoint[], version: string): Json {
  const shown = endpoints.filter(({ hidden }) => hidden !== true);
  const { components, refTo } = nameSchemas();
  const paths: Record<string, Json> = {};
  for (const definition of shown) {
    paths[definition.path] = { ...paths[definition.path], [definition.method]: operationOf(definition, refTo) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdpoint',
      version,
      description: 'Holds irreversible calls until a human says yes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(shown.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: { schemas: components, securitySchemes: SECURITY_SCHEMES },
  };
}

function operationOf(definition: Endpoint, refTo: RefTo): Json {
  const { summary, description, tag, who, body } = definition;
  return {
    operationId: operationId(definition),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: SECURITY[who],
    parameters: [...pathParameters(definition), ...queryParameters(definition), ...headerParameters(definition)],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            description: `At most ${bodyLimitOf(definition)} bytes.`,
            required: definition.bodyOptional !== true,
            content: { 'application/json': { schema: refTo(body) } },
          },
        }),
    responses: responsesOf(definition, refTo),
  };
}

type RefTo = (schema: z.ZodType) => Json;

function responsesOf(definition: Endpoint, refTo: RefTo): Json {
  const responses: Record<string, Json> = { 431: HEADERS_TOO_LARGE };
  for (const [status, answer] of Object.entries(definition.answers)) {
    const media = [answer.contentType ?? 'application/json', ...(answer.otherTypes ?? [])];
    const schema = answer.schema === undefined ? { type: 'string' } : refTo(answer.schema);
    const hasContent = answer.schema !== undefined || answer.contentType !== undefined;
    responses[status] = {
      description: answer.description,
      ...(hasContent ? { content: Object.fromEntries(media.map((type) => [type, { schema }])) } : {}),
    };
  }
  for (const [status, codes] of problemsByStatus(problemCodesOf(definition))) {
    const list = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n- ');
    const existing = responses[status] as { description?: string; content?: Json; headers?: Json } | undefined;
    const narrowed = { allOf: [refTo(problemSchema), { properties: { code: { enum: codes } } }] };
    responses[status] = {
      description: `${existing?.description === undefined ? '' : `${existing.description}\n\n`}- ${list}`,
      content: { ...existing?.content, 'application/problem+json': { schema: narrowed } },
      ...(codes.some((code) => PROBLEMS[code].retryable) ? { headers: RETRY_AFTER } : {}),
    };
  }
  return responses;
}

/** Problems that a route can answer: its own, and those that come with what it takes. */
function problemCodesOf(definition: Endpoint): ProblemCode[] {
  const { problems, who, body, query, path } = definition;
  const common: ProblemCode[] = ['method_not_allowed', 'internal'];
  if (who !== 'public') common.push('unauthenticated', 'rate_limited');
  if (isCountedByAddress(definition)) common.push('rate_limited');
  if (who === 'agent' || who === 'reviewer') common.push('forbidden');
  if (path === '/v1/session') common.push('forbidden');
  if (query !== undefined) common.push('invalid_request');
  if (body !== undefined) common.push(...BODY_PROBLEMS);
  // A session needs its CSRF token for whatever changes something.
  if (body !== undefined && who !== 'agent' && who !== 'public') common.push('forbidden');
  return [...new Set([...common, ...problems])];
}

const BODY_PROBLEMS: readonly ProblemCode[] = [
  'malformed_json',
  'duplicate_key',
  'number_out_of_range',
  'lone_surrogate',
  'forbidden_key',
  'too_deep',
  'too_many_values',
  'invalid_request',
  'payload_too_large',
  'unsupported_media_type',
];

function problemsByStatus(codes: readonly ProblemCode[]): Map<string, ProblemCode[]> {
  const groups = new Map<string, ProblemCode[]>();
  for (const code of codes) {
    const status = String(PROBLEMS[code].status);
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}

function pathParameters({ path }: Endpoint): Json[] {
  return [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query }: Endpoint): Json[] {
  if (query === undefined) return [];
  const schema = z.toJSONSchema(query, { io: 'output', unrepresentable: 'any' });
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.has(name),
    schema: property,
  }));
}

function headerParameters({ headers }: Endpoint): Json[] {
  return Object.entries(headers ?? {}).map(([name, header]) => ({ name, in: 'header', required: false, ...header }));
}

function operationId({ method, path }: Endpoint): string {
  const words = path
    .replaceAll(/[{}]/g, '')
    .split(/[/.]/)
    .filter((word) => word !== '' && word !== 'v1');
  return [method, ...words.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('');
}

const RETRY_AFTER = {
  'Retry-After': { description: 'Seconds after which trying again can help', schema: { type: 'integer', minimum: 0 } },
};

/** By Node's own HTTP server, before any route is known. */
const HEADERS_TOO_LARGE = { description: 'The address and headers are over 16 KiB; no body' };

const SECURITY_SCHEMES = {
  agentKey: { type: 'http', scheme: 'bearer', description: 'An agent’s key (`hpk_…`).' },
  reviewerToken: { type: 'http', scheme: 'bearer', description: 'A reviewer’s or auditor’s token (`hpr_…`).' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'holdpoint_session',
    description:
      'Session of a reviewer, over https under the name `__Host-holdpoint_session`; what changes something needs its `X-CSRF-Token` as well.',
  },
};
const SECURITY: Readonly<Record<Who, readonly Json[]>> = {
  public: [],
  agent: [{ agentKey: [] }],
  reviewer: [{ reviewerToken: [] }, { session: [] }],
  principal: [{ agentKey: [] }, { reviewerToken: [] }, { session: [] }],
};

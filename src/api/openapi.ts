import { z } from 'zod';
import { bodyLimitOf, isCountedByAddress, type Endpoint, type Who } from './http/endpoint.ts';
import * as api from '../contract/api.ts';
import * as audit from '../contract/audit.ts';
import * as call from '../contract/call.ts';
import { PROBLEMS, type ProblemCode } from '../contract/codes.ts';
import * as decision from '../contract/decision.ts';
import * as envelope from '../contract/envelope.ts';
import * as execute from '../contract/execute.ts';
import { jsonObjectSchema, jsonSchema } from '../contract/json.ts';
import * as review from '../contract/review.ts';

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
    const narrowed = { allOf: [refTo(api.problemSchema), { properties: { code: { enum: codes } } }] };
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
  'Retry-After': { description: 'Seconds after which a retry can succeed', schema: { type: 'integer', minimum: 0 } },
};

/** By Node's own HTTP server, before any route is known. */
const HEADERS_TOO_LARGE = { description: 'URL and headers are over 16 KiB; no body' };

const SECURITY_SCHEMES = {
  agentKey: { type: 'http', scheme: 'bearer', description: 'An agent’s key (`hpk_…`).' },
  reviewerToken: { type: 'http', scheme: 'bearer', description: 'A reviewer’s or auditor’s token (`hpr_…`).' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'holdpoint_session',
    description:
      'Session of a reviewer, over https under the name `__Host-holdpoint_session`; requests that change something also need its `X-CSRF-Token`.',
  },
};
const SECURITY: Readonly<Record<Who, readonly Json[]>> = {
  public: [],
  agent: [{ agentKey: [] }],
  reviewer: [{ reviewerToken: [] }, { session: [] }],
  principal: [{ agentKey: [] }, { reviewerToken: [] }, { session: [] }],
};

/** Schemas that have a name of their own in the document; every other is written out where it is used. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Json: jsonSchema,
  JsonObject: jsonObjectSchema,
  Problem: api.problemSchema,
  ReviewList: api.listResponseSchema,
  Queued: api.queuedSchema,
  ExplainRequest: api.explainRequestSchema,
  Explanation: api.explanationSchema,
  AuditPage: api.auditPageSchema,
  Checkpoint: api.checkpointResponseSchema,
  SignInRequest: api.signInRequestSchema,
  SignInWays: api.signInWaysSchema,
  Session: api.sessionResponseSchema,
  Readiness: api.readinessSchema,
  ToolList: api.toolListSchema,
  Tool: api.toolViewSchema,
  PolicyInForce: api.policyInForceSchema,
  AuditEntry: audit.auditEntrySchema,
  ProofFile: audit.proofFileSchema,
  Evidence: call.evidenceSchema,
  DecisionRequest: decision.decisionRequestSchema,
  DecisionsRequest: decision.decisionsRequestSchema,
  DecisionsResponse: decision.decisionsResponseSchema,
  RevisionRequest: decision.revisionRequestSchema,
  ReconcileRequest: decision.reconcileRequestSchema,
  Envelope: envelope.dsseEnvelopeSchema,
  TrustedKey: envelope.trustedKeySchema,
  ExecuteRequest: execute.executeRequestSchema,
  ExecuteResponse: execute.executeResponseSchema,
  ExecuteBatchRequest: execute.executeBatchRequestSchema,
  ExecuteBatchResponse: execute.executeBatchResponseSchema,
  Material: review.materialSchema,
  Execution: review.executionViewSchema,
  Review: review.reviewSchema,
  ReviewRow: review.reviewRowSchema,
};

/** `components.schemas`, and how to refer to a schema from an operation. */
function nameSchemas(): { readonly components: Json; readonly refTo: (schema: z.ZodType) => Json } {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  // `input`: what a caller may send, and for answers a promise that leaves room for more fields later.
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: 'input' });
  const components: Record<string, Json> = {};
  for (const [id, schema] of Object.entries(schemas as Record<string, Json>)) {
    if (id === '__shared') continue;
    components[id] = tidy(schema);
  }
  // Shapes that recur without a name of their own (any JSON value).
  const shared = (schemas as Record<string, { $defs?: Record<string, Json> }>)['__shared']?.$defs ?? {};
  for (const [id, schema] of Object.entries(shared)) components[`Shared_${id}`] = tidy(schema);
  const names = new Map(Object.entries(NAMED).map(([id, schema]) => [schema, id]));
  return {
    components,
    refTo(schema) {
      const name = names.get(schema);
      if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
      return tidy(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json);
    },
  };
}

const EXACT_NUMBER = { type: 'number', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };

/** Drops the keywords that only a document of its own has, and points references at the components. */
function tidy(schema: Json): Json {
  const { $schema: _schema, $id: _id, id: _name, ...rest } = schema;
  const text = JSON.stringify(rest)
    .replaceAll('"#/components/schemas/__shared#/$defs/', '"#/components/schemas/Shared_')
    // The strict parser takes no number beyond what a double holds exactly.
    .replaceAll('{"type":"number"}', JSON.stringify(EXACT_NUMBER));
  return JSON.parse(text) as Json;
}

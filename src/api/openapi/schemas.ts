import { z } from 'zod';
import * as api from '../../contract/api.ts';
import * as audit from '../../contract/audit.ts';
import * as call from '../../contract/call.ts';
import * as decision from '../../contract/decision.ts';
import * as envelope from '../../contract/envelope.ts';
import * as execute from '../../contract/execute.ts';
import { jsonObjectSchema, jsonSchema } from '../../contract/json.ts';
import { policyInForceSchema } from '../../contract/policy-in-force.ts';
import * as review from '../../contract/review.ts';
import * as signIn from '../../contract/sign-in.ts';

type Json = Record<string, unknown>;

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
  SignInRequest: signIn.signInRequestSchema,
  SignInWays: signIn.signInWaysSchema,
  Session: signIn.sessionResponseSchema,
  Readiness: api.readinessSchema,
  ToolList: api.toolListSchema,
  Tool: api.toolViewSchema,
  PolicyInForce: policyInForceSchema,
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
export function nameSchemas(): { readonly components: Json; readonly refTo: (schema: z.ZodType) => Json } {
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

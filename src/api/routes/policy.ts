import { explainRequestSchema, explanationSchema, type ExplainRequest } from '../../contract/api.ts';
import { policyInForceSchema, type PolicyInForce } from '../../contract/policy-in-force.ts';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import type { GateService } from '../service/types.ts';

export function policyEndpoints(service: GateService, policyInForce: () => PolicyInForce): Endpoint[] {
  return [
    endpoint<'reviewer'>({
      method: 'get',
      path: '/v1/policy',
      tag: 'Policy',
      summary: 'The policy file in force',
      description: 'As this process has it, with what is probably not meant in it. It holds no secrets.',
      who: 'reviewer',
      answers: { 200: { description: 'The file', schema: policyInForceSchema } },
      problems: [],
      handle: () => ({ status: 200, json: policyInForce() }),
    }),
    endpoint<'principal', ExplainRequest>({
      method: 'post',
      path: '/v1/policy/explain',
      tag: 'Policy',
      summary: 'What policy says of a call',
      description: 'As if the caller proposed it. Runs nothing and records nothing.',
      who: 'principal',
      body: explainRequestSchema,
      answers: {
        200: { description: 'Class, gate, levels, reason codes and the rules that fired', schema: explanationSchema },
      },
      problems: ['sealed_not_allowed'],
      handle: ({ principal, body }) => ({ status: 200, json: service.explain(principal, body) }),
    }),
  ];
}

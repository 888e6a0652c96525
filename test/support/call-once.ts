import { createConnector } from '../../src/connectors/index.ts';
import { toolSchema } from '../../src/contract/policy.ts';
import { connectorSchema } from '../../src/contract/config.ts';
import { renderTarget } from '../../src/domain/render/index.ts';

// Run as a process of its own, with an environment that Node reads at its start: one GET through a connector.
const config = connectorSchema.parse(JSON.parse(process.env['HOLDPOINT_TEST_CONNECTOR'] ?? ''));
const tool = toolSchema.parse({
  name: 'svc.get',
  class: 'reversible',
  connector: 'svc',
  request: { method: 'GET', path: '/things' },
});
const rendered = renderTarget(tool, 'svc', config, {});
if (!rendered.ok) throw new Error('not rendered');
const result = await createConnector('svc', config, () => 'secret').execute({
  tool,
  arguments: {},
  target: rendered.target,
  evidence: null,
  idempotencyKey: null,
  sendBy: Number.POSITIVE_INFINITY,
});
console.log(JSON.stringify(result));

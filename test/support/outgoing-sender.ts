import { createIdentityProvider } from '../../src/api/sign-in/identity-provider.ts';
import { readProxyFrom, useProxyForFetch } from '../../src/cli/compose/proxy.ts';
import { createSendPost, sendToSlack } from '../../src/cli/compose/send.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import { createConnector } from '../../src/connectors/index.ts';
import type { ConnectorConfig } from '../../src/contract/config.ts';
import type { SettingsSource } from '../../src/domain/policy/settings.ts';
import { toolSchema } from '../../src/contract/policy.ts';
import { renderTarget } from '../../src/domain/render/index.ts';
import type { Connector } from '../../src/ports/connector.ts';
import type { Outgoing } from './outgoing.ts';

// The process behind `sendFrom`.
const proxy = readProxyFrom(process.env);
await useProxyForFetch(process.env);
const requests = JSON.parse(process.env['HOLDPOINT_TEST_REQUESTS'] ?? '[]') as readonly Outgoing[];
const results: unknown[] = [];
for (const request of requests) results.push(await send(request));
console.log(JSON.stringify(results));

async function send(request: Outgoing): Promise<unknown> {
  const signal = AbortSignal.timeout(20_000);
  switch (request.client) {
    case 'http': {
      const { config, address } = request;
      const resolve = address === undefined ? {} : { resolve: async () => [{ address, family: 4 as const }] };
      return call(createHttpConnector({ config, secret: () => 'secret', proxy, ...resolve }), config);
    }
    case 'mcp':
      return call(
        createConnector('svc', request.config, () => 'secret', proxy),
        request.config,
      );
    case 'webhook': {
      const { url, allowPrivateAddresses } = request;
      return createSendPost(proxy)({ url, headers: {}, body: '{}', allowPrivateAddresses, signal });
    }
    case 'identity provider': {
      const settings = { current: () => ({ oidc: { issuer: request.issuer, clientId: 'x' } }), problem: () => null };
      const found = createIdentityProvider(settings as unknown as SettingsSource, () => '').find();
      return found.then(
        () => ({ found: true }),
        (error: Error) => ({ found: false, code: error.message }),
      );
    }
    case 'fetch':
      return sendToSlack({ url: request.url, headers: {}, body: '{}', signal });
    default:
      return request satisfies never;
  }
}

async function call(connector: Connector, config: ConnectorConfig): Promise<unknown> {
  const tool = toolSchema.parse({
    name: 'svc.get',
    class: 'reversible',
    connector: 'svc',
    ...('baseUrl' in config ? { request: { method: 'GET', path: '/things' } } : { mcpTool: 'get' }),
  });
  const rendered = renderTarget(tool, 'svc', config, {});
  if (!rendered.ok) throw new Error('not rendered');
  const sendBy = Number.POSITIVE_INFINITY;
  const call = { tool, arguments: {}, target: rendered.target, evidence: null, idempotencyKey: null, sendBy };
  const result = await connector.execute(call);
  await connector.close();
  return result;
}

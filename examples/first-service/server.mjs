// A deploy service that knows nothing of Holdpoint: two operations, a token, and the OpenAPI description beside this file.
//
// DEPLOYS_TOKEN=… node server.mjs
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

const { DEPLOYS_TOKEN, PORT = '4100' } = process.env;
if (!DEPLOYS_TOKEN) throw new Error('Set DEPLOYS_TOKEN');
const description = readFileSync(new URL('openapi.yaml', import.meta.url));
const running = { shop: { staging: '1.4.1', production: '1.4.1' }, search: { staging: '0.9.0', production: '0.8.7' } };

async function answer(request) {
  const [, collection, service, deployments] = request.url.split('/');
  if (request.url === '/openapi.yaml') return [200, description];
  if (request.headers.authorization !== `Bearer ${DEPLOYS_TOKEN}`) return [401, 'wrong token'];
  if (collection !== 'services' || !Object.hasOwn(running, service)) return [404, 'no such service'];
  if (request.method === 'GET' && deployments === undefined) return [200, running[service]];
  if (request.method !== 'POST' || deployments !== 'deployments') return [405, 'not allowed'];
  const { version, environment } = await json(request);
  running[service][environment] = version;
  console.log(`deployed ${service} ${version} to ${environment}`);
  return [201, { service, version, environment }];
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request).catch(() => [400, 'not JSON']);
  const isText = Buffer.isBuffer(body);
  response.writeHead(status, { 'content-type': isText ? 'application/yaml' : 'application/json' });
  response.end(isText ? body : JSON.stringify(body));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`deploys on http://127.0.0.1:${PORT}`));

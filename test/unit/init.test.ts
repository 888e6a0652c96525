import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import type { ConfigFile } from '../../src/contract/config.ts';
import type { PolicyFile, ToolDefinition } from '../../src/contract/policy.ts';
import { visibleLines } from '../../src/domain/text/visible.ts';
import { ensureKeys, hashKey } from '../../src/storage/keys/index.ts';
import { capture } from './cli-io.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-init-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Of the variables that the files refer to; `policy check` warns of those without one. */
const VALUES = {
  GITHUB_TOKEN: 'token',
  STRIPE_API_KEY: 'key',
  TARGET_DATABASE_URL: 'postgresql://localhost/target',
  PAYOUTS_TOKEN: 'token',
  SMTP_URL: 'smtp://localhost',
};

async function holdpoint(...args: readonly string[]) {
  const captured = capture({ cwd: directory, env: { HOLDPOINT_DATA_DIR: join(directory, 'data'), ...VALUES } });
  const code = await run(args, captured.streams, new AbortController().signal);
  const [out, err] = [captured.stdout(), captured.stderr()];
  return { code, out, err, json: () => JSON.parse(out) as Record<string, unknown> };
}

const PEOPLE = ['--agent', 'bot', '--reviewer', 'alice=ops,finance'] as const;
const init = (...args: readonly string[]) => holdpoint('init', ...PEOPLE, ...args);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
const config = (): ConfigFile => parse(read('holdpoint.yaml')) as ConfigFile;
const policy = (): PolicyFile => parse(read('policy.yaml')) as PolicyFile;
const tools = (): readonly ToolDefinition[] => policy().tools ?? [];

/** A description with the given paths, as init reads it. */
function describeService(paths: object, more: object = {}): string {
  const file = join(directory, 'openapi.json');
  const info = { title: 'Shop API', version: '1' };
  writeFileSync(
    file,
    JSON.stringify({ openapi: '3.1.0', info, servers: [{ url: 'https://shop.example.com' }], paths, ...more }),
  );
  return file;
}
const operation = (more: object = {}): object => ({ responses: {}, ...more });
const jsonBody = (schema: object): object => ({ required: true, content: { 'application/json': { schema } } });

/** The one tool of a description with this operation. Files with a warning are not written. */
async function proposed(path: string, method: string, more: object, document: object = {}): Promise<ToolDefinition> {
  const { code, err } = await init(
    '--force',
    '--openapi',
    describeService({ [path]: { [method]: operation(more) } }, document),
  );
  expect(err).toBe('');
  expect(code).toBe(0);
  return tools()[0] as ToolDefinition;
}

async function expectNoWarnings(): Promise<void> {
  const { code, json } = await holdpoint('policy', 'check', '--json');
  expect(json()).toMatchObject({ ok: true, warnings: [], problems: [] });
  expect(code).toBe(0);
}

describe('the files', () => {
  test('pass the check, and hold only hashes of the keys that were printed', async () => {
    const { code, json } = await init('--json', '--include', 'github,stripe,postgres');
    expect(code).toBe(0);
    const { agents, reviewers } = json() as { agents: { key: string }[]; reviewers: { token: string }[] };
    const key = agents[0]?.key ?? '';
    const token = reviewers[0]?.token ?? '';
    expect(key).toMatch(/^hpk_[A-Za-z0-9_-]{43}$/);
    expect(token).toMatch(/^hpr_[A-Za-z0-9_-]{43}$/);
    expect(config()).toMatchObject({
      agents: [{ id: 'bot', keySha256: hashKey(key), owner: 'alice' }],
      reviewers: [{ id: 'alice', groups: ['ops', 'finance'], tokenSha256: hashKey(token) }],
    });
    for (const name of ['holdpoint.yaml', 'policy.yaml', '.env.example']) expect(read(name)).not.toMatch(/hp[kr]_/);
    expect(policy().approvals?.[0]?.levels[0]?.approvers).toEqual(['ops', 'finance']);
    expect(read('.env.example')).toMatch(/^GITHUB_TOKEN=$/m);
    await expectNoWarnings();
  });

  test('what they show in comments is valid, too', async () => {
    await init('--http', 'payouts=https://payouts.example.com');
    const uncomment = (name: string, part: RegExp, from = '', to = ''): void => {
      const text = read(name);
      const [found = ''] = part.exec(text) ?? [];
      expect(found).not.toBe('');
      writeFileSync(join(directory, name), text.replace(found, found.replaceAll(/^#( |$)?/gm, '')).replace(from, to));
    };
    uncomment('policy.yaml', /^# {2}- name: payouts[^]*?\n(?!#)/m, 'tools: []', 'tools:');
    uncomment('policy.yaml', /^# {2}- when: [^]*?\n(?!#)/m, 'rules: []', 'rules:');
    uncomment('holdpoint.yaml', /^# executeWithin[^]*/m);
    await expectNoWarnings();
    expect(policy()).toMatchObject({ tools: [{ name: 'payouts.create' }], rules: [{ reason: 'large-payout' }] });
    expect(config()).toMatchObject({ executeWithin: '1h', limits: {}, notifications: { email: {} }, oidc: {} });
  });

  test('exist already: nothing is written without --force', async () => {
    writeFileSync(join(directory, 'policy.yaml'), 'mine');
    const { code, err } = await init();
    expect(code).toBe(5);
    expect(err).toContain('files_exist');
    expect(readdirSync(directory)).toEqual(['policy.yaml']);
    expect(read('policy.yaml')).toBe('mine');
    expect((await init('--force')).code).toBe(0);
    await expectNoWarnings();
  });

  test('say which variables are still to be filled in, and never their values', async () => {
    expect((await init('--include', 'github,stripe')).out).toContain('then fill in GITHUB_TOKEN, STRIPE_API_KEY');
    writeFileSync(join(directory, '.env'), 'GITHUB_TOKEN=secret\nSTRIPE_API_KEY=\n');
    const { out } = await init('--force', '--include', 'github,stripe');
    expect(out).toContain('add to .env: STRIPE_API_KEY\n');
    expect(out).not.toContain('secret');
  });

  test('bear the name that the keys here were made for', async () => {
    ensureKeys(join(directory, 'data', 'keys'), { deploymentId: 'acme', now: new Date() });
    expect((await init()).code).toBe(0);
    expect(config().deploymentId).toBe('acme');
    expect((await init('--force', '--deployment', 'other')).err).toContain('deployment_differs');
  });
});

test.each([
  [[], 'answers_missing'],
  [['--agent', 'bot'], 'answers_missing'],
  [['--agent', 'bot', '--reviewer', 'alice='], 'invalid_id'],
  [['--agent', 'no one', '--reviewer', 'alice'], 'invalid_id'],
  [['--agent', 'alice', '--reviewer', 'alice'], 'duplicate'],
  [[...PEOPLE, '--include', 'gitlab'], 'unknown_catalog'],
  [[...PEOPLE, '--http', 'https://a.example.com'], 'name_missing'],
  [[...PEOPLE, '--http', 'mcp=https://a.example.com'], 'invalid_name'],
  [[...PEOPLE, '--http', 'a=https://user:word@a.example.com'], 'url_invalid'],
  [[...PEOPLE, '--base-url', 'https://a.example.com'], 'one_openapi'],
  [[...PEOPLE, '--http', 'a=https://a.example.com', '--http', 'a=https://b.example.com'], 'duplicate'],
  [[...PEOPLE, '--openapi', 'nothing.yaml'], 'openapi_unreadable'],
])('without a terminal, %j is refused with %s, and nothing is written', async (args, code) => {
  const { err } = await holdpoint('init', ...args);
  expect(err).toContain(`error ${code}:`);
  expect(readdirSync(directory)).toEqual([]);
});

describe('an OpenAPI description', () => {
  test.each([
    ['swagger: "2.0"\npaths: {}', 'openapi_unsupported'],
    ['openapi: 3.1.0\n', 'openapi_invalid'],
    ['openapi: 3.1.0\npaths: {}', 'openapi_invalid'],
    ['- a list', 'openapi_invalid'],
    ['openapi: [\n', 'openapi_invalid'],
    ['{"openapi":', 'openapi_invalid'],
  ])('%j is refused with %s', async (text, code) => {
    writeFileSync(join(directory, 'openapi'), text);
    expect((await init('--openapi', 'openapi')).err).toContain(`error ${code}:`);
  });

  test.each([
    ['get', '/orders', 'reversible'],
    ['post', '/orders', 'irreversible'],
    ['put', '/orders/{id}', 'irreversible'],
    ['patch', '/orders/{id}', 'irreversible'],
    ['delete', '/orders/{id}', 'irreversible'],
    // A GET that tells of an effect.
    ['get', '/orders/{id}/delete', 'irreversible'],
  ])('%s %s is %s', async (method, path, callClass) => {
    const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
    const tool = await proposed(path, method, { parameters: path.includes('{') ? [id] : [] });
    expect(tool.class).toBe(callClass);
    expect(tool.effects).toEqual(callClass === 'reversible' ? ['read'] : method === 'delete' ? ['destroy'] : undefined);
    expect(read('policy.yaml').includes('held for a decision')).toBe(callClass === 'irreversible');
  });

  test('parameters and body become arguments; what shares a name is told apart', async () => {
    const tool = await proposed('/carts/{cart-id}', 'post', {
      operationId: 'carts/add',
      summary: 'Add an item to a cart.',
      parameters: [
        { name: 'cart-id', in: 'path', required: true, schema: { type: 'string' } },
        { name: 'id', in: 'query', schema: { type: 'integer' } },
        { name: 'tags', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
      ],
      requestBody: jsonBody({
        type: 'object',
        required: ['id'],
        properties: { id: { type: 'string' }, count: { type: 'integer' } },
      }),
    });
    expect(tool).toMatchObject({
      name: 'shop.carts.add',
      title: 'Add an item to a cart: {cart_id}, {id}',
      request: { method: 'POST', path: '/carts/{cart_id}?id={query_id}', body: 'arguments' },
      arguments: {
        required: ['cart_id', 'id'],
        additionalProperties: false,
        properties: {
          cart_id: { type: 'string' },
          query_id: { type: 'integer' },
          id: { type: 'string' },
          count: { type: 'integer' },
        },
      },
    });
    expect(Object.keys(tool.arguments?.['properties'] ?? {})).toHaveLength(4);
  });

  test('what cannot be called is left out, and told', async () => {
    const file = describeService({
      '/files': { post: operation({ requestBody: { content: { 'multipart/form-data': {} } } }) },
      '/list': { post: operation({ requestBody: jsonBody({ type: 'array' }) }) },
      '/tagged': {
        get: operation({ parameters: [{ name: 'tag', in: 'query', required: true, schema: { type: 'array' } }] }),
      },
      '/headed': { get: operation({ parameters: [{ name: 'x-tenant', in: 'header', required: true }] }) },
      '/gone/{id}': { get: operation() },
      '/label/{id}': {
        get: operation({
          parameters: [{ name: 'id', in: 'path', required: true, style: 'label', schema: { type: 'string' } }],
        }),
      },
      '/elsewhere': { servers: [{ url: 'https://uploads.example.com' }], get: operation() },
      '/good': { get: operation({ servers: [{ url: 'https://shop.example.com' }] }) },
    });
    const { json } = await init('--json', '--openapi', file);
    const { leftOut } = json() as { leftOut: { name: string }[] };
    const names = [
      'POST /files',
      'POST /list',
      'GET /tagged',
      'GET /headed',
      'GET /gone/{id}',
      'GET /label/{id}',
      'GET /elsewhere',
    ];
    expect(leftOut.map(({ name }) => name)).toEqual(names);
    expect(tools().map(({ name }) => name)).toEqual(['shop.getGood']);
  });

  const schemas: readonly (readonly [string, object, object])[] = [
    [
      'nullable of 3.0',
      { type: 'string', nullable: true, enum: ['a'] },
      { type: ['string', 'null'], enum: ['a', null] },
    ],
    [
      'exclusive bounds of 3.0',
      { type: 'integer', minimum: 0, exclusiveMinimum: true },
      { type: 'integer', exclusiveMinimum: 0 },
    ],
    ['exclusive bounds of 3.1', { type: 'number', exclusiveMaximum: 9 }, { type: 'number', exclusiveMaximum: 9 }],
    ['a bound that YAML would round', { type: 'integer', maximum: 2 ** 63 }, { type: 'integer' }],
    ['const', { const: 'x' }, { type: 'string', enum: ['x'] }],
    ['a pattern that is not linear', { type: 'string', pattern: '(?=a)b' }, { type: 'string' }],
    ['an unknown format', { type: 'string', format: 'iban' }, { type: 'string' }],
    ['unknown keywords', { type: 'string', example: 'x', 'x-internal': true, xml: {} }, { type: 'string' }],
    ['uniqueItems without an end', { type: 'array', items: {}, uniqueItems: true }, { type: 'array', items: {} }],
    [
      'a reference',
      { $ref: '#/components/schemas/Named' },
      { type: 'object', additionalProperties: false, properties: { a: { type: 'string' } } },
    ],
    ['a reference that leads nowhere', { $ref: '#/components/schemas/Nothing' }, {}],
    ['a reference to another document', { $ref: 'https://other.example.com/schemas.json' }, {}],
    [
      'a schema that contains itself',
      { $ref: '#/components/schemas/Tree' },
      { type: 'object', additionalProperties: false, properties: { children: { type: 'array', items: {} } } },
    ],
    [
      'allOf, closed as one object',
      {
        allOf: [
          { $ref: '#/components/schemas/Named' },
          { type: 'object', required: ['b'], properties: { b: { type: 'integer' } } },
        ],
      },
      {
        type: 'object',
        required: ['b'],
        additionalProperties: false,
        properties: { a: { type: 'string' }, b: { type: 'integer' } },
      },
    ],
    [
      'allOf, of which one part requires what another names, and one may be null',
      {
        required: ['c'],
        properties: { c: {}, id: { readOnly: true } },
        allOf: [{ type: 'object', nullable: true, properties: { a: { type: 'string' } } }, { required: ['a', 'id'] }],
      },
      {
        type: 'object',
        required: ['c', 'a'],
        additionalProperties: false,
        properties: { c: {}, a: { type: 'string' } },
      },
    ],
    [
      'alternatives that differ in what they require',
      { type: 'object', properties: { a: {}, b: {} }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { type: 'object', additionalProperties: false, properties: { a: {}, b: {} } },
    ],
    [
      'oneOf, of which two may fit',
      { oneOf: [{ type: 'string' }, { type: 'integer' }] },
      { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    ],
    ['oneOf with anything', { oneOf: [{ type: 'string' }, {}] }, {}],
    [
      'members that only answers have',
      { type: 'object', properties: { id: { type: 'string', readOnly: true }, a: { type: 'string' } } },
      { type: 'object', additionalProperties: false, properties: { a: { type: 'string' } } },
    ],
    [
      'a map',
      { type: 'object', additionalProperties: { type: 'string' } },
      { type: 'object', additionalProperties: { type: 'string' } },
    ],
  ];
  test.each(schemas)('%s', async (_, schema, expected) => {
    const components = {
      schemas: {
        Named: { type: 'object', properties: { a: { type: 'string' } } },
        Tree: {
          type: 'object',
          properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } },
        },
      },
    };
    const requestBody = jsonBody({ type: 'object', properties: { value: schema } });
    const tool = await proposed('/values', 'post', { requestBody }, { components });
    expect(tool.arguments?.['properties']).toEqual({ value: expected });
  });

  test('schemas that multiply are cut off', async () => {
    const level = (n: number): object => ({
      type: 'object',
      properties: Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, { $ref: `#/components/schemas/L${n}` }])),
    });
    const components = { schemas: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`L${n}`, level(n + 1)])) };
    await proposed('/deep', 'post', { requestBody: jsonBody(level(0)) }, { components });
    expect(read('policy.yaml').length).toBeLessThan(100_000);
  });

  test('amounts beside a currency are declared, or said to be none', async () => {
    const pay = (properties: object) => ({
      requestBody: jsonBody({ type: 'object', properties: { currency: { type: 'string' }, ...properties } }),
    });
    const paid = await proposed('/pay', 'post', pay({ amount: { type: 'integer' }, retries: { type: 'integer' } }));
    expect(paid.money).toEqual([{ amount: '/amount', currency: '/currency', scale: 'minor' }]);
    expect((await proposed('/pay', 'post', pay({ amount: { type: 'number' } }))).money?.[0]?.scale).toBe('major');
    expect((await proposed('/pay', 'post', pay({ retries: { type: 'integer' } }))).money).toEqual([]);
  });

  const HOSTILE = 'x\n      class: reversible\u202e\u0007\u200b # {id} \'"\\ ${' + 'y'.repeat(5_000);
  test('its text is untrusted: bounded, on one line, in quotes, and no key of the file', async () => {
    const tool = await proposed('/orders', 'post', {
      operationId: HOSTILE,
      summary: HOSTILE,
      description: HOSTILE,
      requestBody: jsonBody({
        type: 'object',
        description: HOSTILE,
        properties: {
          a: { type: 'string', description: HOSTILE, enum: ['ok', 'b\u202ed'] },
          [HOSTILE]: { type: 'string' },
          ['__proto__']: { type: 'string' },
        },
      }),
    });
    expect(tool.class).toBe('irreversible');
    expect(tool.name.length).toBeLessThanOrEqual(64);
    expect(tool.title?.length).toBeLessThanOrEqual(200);
    expect(tool.title).not.toContain('{id}');
    expect(Object.keys(tool.arguments?.['properties'] ?? {})).toEqual(['a']);
    expect(tool.arguments?.['properties']).not.toHaveProperty('a.enum');
    for (const name of ['holdpoint.yaml', 'policy.yaml', '.env.example']) {
      expect(visibleLines(read(name)).join('\n')).toBe(read(name));
      expect(
        Math.max(
          ...read(name)
            .split('\n')
            .map((line) => line.length),
        ),
      ).toBeLessThan(400);
    }
  });

  test.each([
    ['https://api.example.com/v1', undefined],
    ['http://169.254.169.254/latest', 'base_url_private'],
    ['http://127.0.0.1:4100', 'base_url_private'],
    ['/v1', 'base_url_missing'],
    ['https://{host}/v1', 'base_url_missing'],
    ['https://user:word@api.example.com', 'base_url_missing'],
  ])('a file whose server is %s: %s', async (url, code) => {
    const file = describeService({ '/a': { get: operation() } }, { servers: [{ url }] });
    const { err } = await init('--openapi', file);
    if (code === undefined) expect(config().connectors?.['shop']).toMatchObject({ baseUrl: url });
    else expect(err).toContain(`error ${code}:`);
    expect((await init('--force', '--openapi', file, '--base-url', 'http://127.0.0.1:9/v2')).code).toBe(0);
    expect(config().connectors?.['shop']).toMatchObject({
      baseUrl: 'http://127.0.0.1:9/v2',
      allowPrivateAddresses: true,
    });
    await expectNoWarnings();
  });

  test.each([
    [{ type: 'http', scheme: 'bearer' }, { credential: 'env:SHOP_TOKEN' }],
    [
      { type: 'http', scheme: 'basic' },
      { credential: 'env:SHOP_BASIC', credentialScheme: 'Basic' },
    ],
    [
      { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      { credential: 'env:SHOP_API_KEY', credentialHeader: 'X-Api-Key' },
    ],
    [{ type: 'oauth2', flows: {} }, { credential: 'env:SHOP_TOKEN' }],
    [{ type: 'apiKey', in: 'query', name: 'key' }, {}],
    [{ type: 'apiKey', in: 'header', name: 'X-Bad\r\nHeader' }, {}],
    [undefined, {}],
  ])('security scheme %j', async (scheme, settings) => {
    const components = scheme === undefined ? {} : { components: { securitySchemes: { main: scheme } } };
    await proposed('/a', 'get', {}, { security: [{ main: [] }], ...components });
    expect(config().connectors?.['shop']).toEqual({ type: 'http', baseUrl: 'https://shop.example.com', ...settings });
    const [, variable] = /env:(\w+)/.exec(JSON.stringify(settings)) ?? [];
    expect(/^\w+=$/m.exec(read('.env.example'))?.[0]).toBe(variable === undefined ? undefined : `${variable}=`);
  });

  test('GitHub’s own: only what was chosen, and all of it loads without a warning', { timeout: 60_000 }, async () => {
    const file = packageFile('node_modules/@octokit/openapi/generated/api.github.com.json');
    expect((await init('--openapi', file)).err).toContain('error too_many_operations:');
    expect((await init('--openapi', file, '--operations', 'pulls/nothing')).err).toContain('error no_operation:');
    const { json } = await init('--json', '--openapi', `gh=${file}`, '--operations', 'pulls/*,gists/*,/user/keys');
    expect(json()).toMatchObject({ leftOut: [] });
    await expectNoWarnings();
    expect(tools().length).toBeGreaterThan(40);
    const writes = tools().filter(({ request }) => request?.method !== 'GET');
    expect(writes.map((tool) => tool.class)).toEqual(writes.map(() => 'irreversible'));
  });
});

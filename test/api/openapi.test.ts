import type { Router } from 'express';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PROBLEMS } from '../../src/contract/codes.ts';
import { CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

let api: Harness;
let document: Document;
beforeAll(async () => {
  api = await makeHarness();
  document = (await api.get('/openapi.json')).body;
});
afterAll(() => api.close());

/** Pages for people and their files; no part of the API. */
const PAGES = [
  '/',
  '/reviews/{reviewId}',
  '/group',
  '/audit',
  '/policy',
  '/design',
  '/assets/{name}',
  '/docs',
  '/mail.css',
  '/mail/{link}',
];

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}
function routesOf(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ route, handle }) => {
    if (route === undefined) return routesOf(handle.stack ?? []);
    const path = route.path.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    return Object.keys(route.methods)
      .filter((method) => method !== '_all')
      .map((method) => `${method} ${path}`);
  });
}

/** Every schema that the document holds, compiled as it stands. */
function compile(schema: object) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  return ajv.compile({ ...schema, components: document.components });
}

const operations = (): readonly (readonly [string, string, Operation])[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [method, path, operation] as const),
  );

/** Who signs in has no credential yet. */
const WAYS_IN = new Set(['', '/ways', '/oidc', '/oidc/callback'].map((path) => `/v1/session${path}`));

describe('the document', () => {
  test('holds every route that is registered, and no other', () => {
    const registered = routesOf((api.app as unknown as { router: Router }).router.stack as unknown as Layer[]);
    const pages = [...PAGES.map((path) => `get ${path}`), 'post /mail/{link}'];
    const described = operations().map(([method, path]) => `${method} ${path}`);
    expect(registered.toSorted()).toEqual([...described, ...pages].toSorted());
  });

  test('is OpenAPI 3.1 whose references lead somewhere', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref as string);
    expect(references.length).toBeGreaterThan(50);
    for (const reference of new Set(references)) {
      const name = /^#\/components\/schemas\/([A-Za-z0-9_]+)$/.exec(reference)?.[1] ?? reference;
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
  });

  test('every schema compiles as JSON Schema 2020-12', () => {
    for (const name of Object.keys(document.components.schemas)) {
      expect(() => compile({ $ref: `#/components/schemas/${name}` })).not.toThrow();
    }
  });

  test('operations have names of their own, security and their problems', () => {
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, path, operation] of operations()) {
      if (path.startsWith('/v1/') && !WAYS_IN.has(path)) {
        expect(operation.security.length).toBeGreaterThan(0);
        expect(Object.keys(operation.responses)).toContain('401');
      }
      expect(Object.keys(operation.responses)).toContain('500');
    }
  });

  test('every problem that there is is described somewhere', () => {
    const text = JSON.stringify(document.paths);
    for (const code of Object.keys(PROBLEMS)) expect(text).toContain(`\`${code}\``);
  });
});

describe('what is answered fits the document', () => {
  async function check(method: string, path: string, answer: { status: number; headers: Headers; body: unknown }) {
    const response = document.paths[path]?.[method]?.responses[String(answer.status)];
    const media = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const schema = response?.content?.[media]?.schema;
    expect(schema, `${method} ${path} ${answer.status} ${media}`).toBeDefined();
    const validate = compile(schema ?? {});
    validate(answer.body);
    expect(validate.errors ?? []).toEqual([]);
  }

  test('on the way through', async () => {
    const executed = await api.execute(GET);
    await check('post', '/v1/execute', executed);
    await check('post', '/v1/execute', await api.execute({ arguments: {} }));
    await check('post', '/v1/execute', await api.execute({ extra: 1 }));
    const held = await api.execute();
    await check('post', '/v1/execute', held);
    const { reviewId } = held.body;
    const shown = await api.get(`/v1/reviews/${reviewId}`, 'ops-1');
    await check('get', '/v1/reviews/{reviewId}', shown);
    await check('get', '/v1/reviews', await api.get('/v1/reviews', 'ops-1'));
    await check(
      'post',
      '/v1/reviews/{reviewId}/decision',
      await api.decide(reviewId, shown.body.call.digest, {}, 'finance-1'),
    );
    await check('post', '/v1/reviews/{reviewId}/decision', await api.decide(reviewId, shown.body.call.digest));
    await check('post', '/v1/execute/batch', await api.post('/v1/execute/batch', { calls: [CREATE] }, 'agent-1'));
    await check('post', '/v1/policy/explain', await api.post('/v1/policy/explain', CREATE, 'ops-1'));
    await check('get', '/v1/session', await api.get('/v1/session', 'ops-1'));
    await check('get', '/v1/audit/entries', await api.get('/v1/audit/entries', 'audit-1'));
    await api.store.putCheckpoint((await api.store.head()).size, 'note');
    await check('get', '/v1/audit/checkpoint', await api.get('/v1/audit/checkpoint', 'audit-1'));
    const asking = api.get(`/v1/reviews/${reviewId}/proof`, 'audit-1');
    await vi.waitUntil(async () => (await api.store.statements.requested(1)).length > 0);
    await api.store.statements.answer(reviewId);
    await check('get', '/v1/reviews/{reviewId}/proof', await asking);
    await check('get', '/readyz', await api.get('/readyz'));
    await check('get', '/healthz', await api.get('/healthz'));
    api.gate.mode = 'down';
    await check('get', '/readyz', await api.get('/readyz'));
    await check('post', '/v1/execute', await api.execute());
    await check('get', '/v1/reviews', await api.get('/v1/reviews'));
  });

  test('what the document allows to be sent is what is taken', () => {
    const schema = document.paths['/v1/execute']?.['post']?.requestBody?.content['application/json']?.schema ?? {};
    const validate = compile(schema);
    expect(validate(CREATE)).toBe(true);
    expect(validate({ ...CREATE, extra: 1 })).toBe(false);
    expect(validate({ ...CREATE, waitSeconds: 61 })).toBe(false);
  });
});

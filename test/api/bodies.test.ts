import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, CREATE, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());

const raw = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  api.send('POST', '/v1/execute', undefined, { as: 'agent-1', raw: body, headers });
const whole = JSON.stringify(CREATE);

describe('bodies', () => {
  test.each([
    ['not UTF-8', Uint8Array.from([0x7b, 0xff, 0x7d]), 'malformed_json'],
    ['two values', `${whole}${whole}`, 'malformed_json'],
    ['a comment', `${whole}//`, 'malformed_json'],
    ['NaN', '{"a":NaN}', 'malformed_json'],
    ['a key twice, deep down', '{"arguments":{"a":[{"b":1,"b":2}]}}', 'duplicate_key'],
    ['a key twice, once escaped', '{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['an overflow', '{"a":1e999}', 'number_out_of_range'],
    ['null', 'null', 'invalid_request'],
    ['an array', '[]', 'invalid_request'],
    ['nothing', '', 'invalid_request'],
  ])('%s: 400 %s', async (_what, body, code) => {
    const answer = await raw(body);
    expect([answer.status, codeOf(answer)]).toEqual([400, code]);
  });

  test('what does not fit is told by its place', async () => {
    const answer = await api.execute({ waitSeconds: 61, threadId: '' });
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual([
      '/threadId',
      '/waitSeconds',
    ]);
  });

  test.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'application/json; charset=utf-16' }],
    [{ 'content-type': 'application/jsonx' }],
    [{ 'content-encoding': 'gzip' }],
  ])('%j: 415', async (headers) => {
    const body = 'content-encoding' in headers ? gzipSync(whole) : whole;
    const answer = await raw(body, headers);
    expect([answer.status, codeOf(answer)]).toEqual([415, 'unsupported_media_type']);
  });

  test('B5: a byte order mark is skipped; a second one is no JSON', async () => {
    expect((await raw(`\ufeff${whole}`)).status).toBe(202);
    const twice = await raw(`\ufeff\ufeff${whole}`);
    expect([twice.status, codeOf(twice)]).toEqual([400, 'malformed_json']);
  });

  test('B5: bytes that are no UTF-8 are told as what they are, or with their place', async () => {
    const detailOf = async (bytes: Buffer): Promise<string> => {
      const answer = await raw(bytes);
      expect([answer.status, codeOf(answer)]).toEqual([400, 'malformed_json']);
      return answer.body.detail;
    };
    expect(await detailOf(Buffer.from(`\ufeff${whole}`, 'utf16le'))).toContain('UTF-16');
    expect(await detailOf(Buffer.from(`\ufeff${whole}`, 'utf16le').swap16())).toContain('UTF-16');
    expect(await detailOf(Buffer.from('{\n  "reason": "caf\u00e9"', 'latin1'))).toContain('line 2, column 17');
  });

  test('utf-8 may be said', async () => {
    expect((await raw(whole, { 'content-type': 'application/json; charset=UTF-8' })).status).toBe(202);
  });

  test('256 KiB is the limit, also where no length was announced', async () => {
    const fill = (bytes: number): string => {
      const empty = JSON.stringify({ ...CREATE, arguments: { account: '', amount: 1 } });
      return empty.replace('"account":""', `"account":"${'x'.repeat(bytes - empty.length)}"`);
    };
    expect((await raw(fill(262_144))).status).toBe(202);
    const over = await raw(fill(262_145));
    expect([over.status, codeOf(over)]).toEqual([413, 'payload_too_large']);
    const chunked = await fetch(`${api.url}/v1/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${api.credential('agent-1')}` },
      body: new Blob([fill(300_000)]).stream(),
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
  });

  test('a body that ends early leaves the server as it was', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(api.server.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.credential('agent-1')}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`,
          () => socket.destroy(),
        );
      });
      socket.on('close', () => resolve());
      socket.on('error', () => undefined);
    });
    expect((await api.execute()).status).toBe(202);
  });
});

describe('a body is read no further than its route needs', () => {
  const ID = 'rev_01J00000000000000000000000';
  const DIGEST = `sha256:${'a'.repeat(64)}`;
  /** Blanks after the body are as good as a longer one. */
  const sized = (body: unknown, bytes: number): string => JSON.stringify(body).padEnd(bytes);

  test.each([
    ['/v1/session', undefined, { token: 'hpr_x' }, 4_096, 401],
    [`/v1/reviews/${ID}/withdraw`, 'agent-1', {}, 1_024, 404],
    [`/v1/reviews/${ID}/reconcile`, 'ops-1', { outcome: 'failed', note: 'x' }, 32_768, 404],
    [`/v1/reviews/${ID}/decision`, 'ops-1', { type: 'reject', digest: DIGEST, comment: 'x' }, 32_768, 404],
    [`/v1/reviews/${ID}/decision`, 'ops-1', { type: 'edit', digest: DIGEST, arguments: {} }, 262_144, 404],
    [`/v1/reviews/${ID}/revision`, 'agent-1', { arguments: {} }, 262_144, 404],
  ])('%s, %s, %j: %i bytes', async (path, as, body, limit, status) => {
    const post = (bytes: number) =>
      api.send('POST', path, undefined, { raw: sized(body, bytes), ...(as === undefined ? {} : { as }) });
    expect((await post(limit)).status).toBe(status);
    expect(codeOf(await post(limit + 1))).toBe('payload_too_large');
  });

  test('the document names every limit', async () => {
    const { paths } = (await api.get('/openapi.json')).body;
    const limitOf = (path: string) => paths[path].post.requestBody.description as string;
    expect(limitOf('/v1/session')).toContain(' 4096 ');
    expect(limitOf('/v1/execute')).toContain(' 262144 ');
    expect(Object.keys(paths['/v1/session'].post.responses)).toContain('413');
  });

  test('without a credential no body is looked at, however bad or long', async () => {
    const { paths } = (await api.get('/openapi.json')).body as { paths: Record<string, Record<string, unknown>> };
    const posts = Object.keys(paths).filter((path) => 'post' in (paths[path] ?? {}) && path !== '/v1/session');
    expect(posts.length).toBeGreaterThan(7);
    for (const path of posts) {
      const answer = await api.send('POST', path.replace('{reviewId}', ID), undefined, { raw: 'x'.repeat(300_000) });
      expect([path, answer.status]).toEqual([path, 401]);
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const mail = await api.send('POST', '/mail/x', undefined, { raw: 'x'.repeat(300_000), headers: form });
    expect(mail.status).toBe(404);
  });
});

describe('paths and methods', () => {
  test.each([
    ['GET', '/v1/execute', 'POST'],
    ['DELETE', '/v1/reviews', 'GET, HEAD'],
    ['PUT', '/v1/session', 'POST, GET, HEAD, DELETE'],
    ['OPTIONS', '/v1/decisions', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('%s %s: 405 with Allow', async (method, path, allow) => {
    const answer = await api.send(method, path, undefined, { as: 'ops-1' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
    expect(codeOf(answer)).toBe('method_not_allowed');
  });

  test.each(['/v1', '/v1/execute/', '/V1/execute', '/v1/reviews/x/y/z', '/docs/../package.json', '/docs/package.json'])(
    '%s: 404',
    async (path) => {
      const answer = await api.get(path, 'ops-1');
      expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
    },
  );

  test('a path that cannot be decoded is nothing', async () => {
    const answer = await api.get('/v1/reviews/%E0%A4%A', 'ops-1');
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
  });

  test('a Host that is none does not get into a URL', async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(api.server.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/execute HTTP/1.1\r\nHost: evil.example/"><script>\r\nConnection: close\r\nAuthorization: Bearer ${api.credential('agent-1')}\r\nContent-Type: application/json\r\nContent-Length: ${whole.length}\r\n\r\n${whole}`,
        );
      });
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('close', () => resolve(text));
    });
    expect(answer).toContain(`"statusUrl":"http://127.0.0.1:${api.server.port}/`);
  });
});

describe('whatever is sent, it is answered and never with 5xx', () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json({ maxDepth: 4 }),
    // Nearly right: one field of a good request replaced.
    fc
      .tuple(
        fc.constantFrom(
          'service',
          'tool',
          'arguments',
          'reason',
          'context',
          'threadId',
          'group',
          'waitSeconds',
          'callback',
        ),
        fc.jsonValue({ maxDepth: 3 }),
      )
      .map(([field, value]) => JSON.stringify({ ...CREATE, [field]: value })),
  );
  const paths = fc.constantFrom(
    '/v1/execute',
    '/v1/execute/batch',
    '/v1/decisions',
    '/v1/session',
    '/v1/policy/explain',
    '/v1/reviews/rev_01KN4EMBG0PMMQS6MCY17GRJHD/decision',
    '/v1/reviews/rev_01KN4EMBG0PMMQS6MCY17GRJHD/revision',
    '/v1/reviews/rev_01KN4EMBG0PMMQS6MCY17GRJHD/reconcile',
  );

  test('bodies', async () => {
    await fc.assert(
      fc.asyncProperty(paths, noise, fc.constantFrom('agent-1', 'ops-1', undefined), async (path, body, as) => {
        const answer = await api.send('POST', path, undefined, { raw: body, ...(as === undefined ? {} : { as }) });
        // waitSeconds is random too, but nothing of this waits for people: at most it is classified.
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400 && answer.body.outcome === undefined) codeOf(answer);
      }),
      { numRuns: 250 },
    );
  });

  test('paths and queries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/v1/reviews', '/v1/audit/entries', '/v1/reviews/'),
        fc.dictionary(
          fc.constantFrom('status', 'limit', 'cursor', 'from', 'waitSeconds', 'x', '__proto__'),
          fc.string(),
        ),
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        async (path, query, tail) => {
          const search = new URLSearchParams(query).toString();
          const end = path.endsWith('/') ? encodeURIComponent(tail) : '';
          const answer = await api.get(`${path}${end}?${search}`, 'ops-1');
          expect(answer.status).toBeLessThan(500);
        },
      ),
      { numRuns: 150 },
    );
  });
});

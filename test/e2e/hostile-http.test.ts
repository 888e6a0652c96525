import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentId, ReviewerId } from '../support/e2e-deployment.ts';
import { runSchemathesis } from '../support/e2e-schemathesis.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** A hostile client of the HTTP side: malformed, oversized, endless, slow; and a machine that tries what the description allows. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const bearer = (as: AgentId | ReviewerId) => `Bearer ${world.deployment.credentials[as]}`;
const port = () => Number(new URL(world.holdpoint.url).port);

/** Opens a connection, writes what it is given and reads until the other side closes. */
function raw(...parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket: Socket = connect(port(), '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.setTimeout(60_000, () => socket.destroy());
  });
}

const head = (length: number, more = '') =>
  `POST /v1/execute HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${bearer('agent-1')}\r\n` +
  `Content-Type: application/json\r\n${more}Content-Length: ${length}\r\n\r\n`;

/** It answers others as if nothing had been. */
async function expectAlive(): Promise<void> {
  const ref = newRef('alive');
  const answer = await world.execute('bank.get', { ref });
  expect(answer.status).toBe(200);
  expect((await fetch(new URL('/readyz', world.holdpoint.url))).status).toBe(200);
}

describe('bodies', () => {
  test('ten megabytes are refused, announced or not', async () => {
    const big = JSON.stringify({ service: 'bank', tool: 'bank.pay', arguments: { ref: 'x'.repeat(10_000_000) } });
    expect(await raw(head(big.length), big)).toMatch(/^HTTP\/1\.1 413 /);
    const chunked = await fetch(new URL('/v1/execute', world.holdpoint.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: bearer('agent-1') },
      body: new Blob([big]).stream(),
      duplex: 'half',
    } as RequestInit).then(
      ({ status }) => status,
      () => 413,
    );
    expect(chunked).toBe(413);
    await expectAlive();
  });

  const bodies: Readonly<Record<string, readonly [string, string]>> = {
    'a key twice': ['{"service":"bank","tool":"bank.get","tool":"bank.pay","arguments":{}}', 'duplicate_key'],
    'a key twice, deep in the arguments': [
      '{"service":"bank","tool":"bank.pay","arguments":{"ref":"a","ref":"b"}}',
      'duplicate_key',
    ],
    'a prototype': ['{"service":"bank","tool":"bank.get","arguments":{"__proto__":{"x":1}}}', 'forbidden_key'],
    'a number beyond 2^53': [
      '{"service":"bank","tool":"bank.pay","arguments":{"ref":"x","amount":9007199254740993}}',
      'number_out_of_range',
    ],
    'half a character': ['{"service":"bank","tool":"bank.get","arguments":{"ref":"\\ud800"}}', 'lone_surrogate'],
    'nesting without end': ['['.repeat(100_000), 'too_deep'],
    'what claims to be approved': [
      '{"service":"bank","tool":"bank.pay","arguments":{"ref":"x"},"approved":true}',
      'invalid_request',
    ],
    'a review id of one’s own': [
      '{"service":"bank","tool":"bank.pay","arguments":{"ref":"x"},"reviewId":"rev_00000000000000000000000000"}',
      'invalid_request',
    ],
    'a callback to anywhere': [
      '{"service":"bank","tool":"bank.get","arguments":{"ref":"x"},"callback":"http://169.254.169.254/"}',
      'callback_not_allowed',
    ],
    'a name with a line break': ['{"service":"bank","tool":"bank.get\\n","arguments":{}}', 'invalid_request'],
    'no JSON': ['{"service"', 'malformed_json'],
  };
  test.each(Object.entries(bodies))('%s', async (_what, [body, code]) => {
    const before = world.target.seen.length;
    const answer = await world.send('POST', '/v1/execute', {
      as: 'agent-1',
      raw: body,
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.body['code']]).toEqual([400, code]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(world.target.seen.length).toBe(before);
  });

  test('values that would be another path at the target are refused', async () => {
    for (const ref of ['..', '.', '../admin', 'a/b', 'a\\b', 'a%2fb', 'a?b=c', 'a#b', 'a\r\nb', '']) {
      const answer = await world.execute('bank.get', { ref });
      expect([ref, answer.status]).toEqual([ref, 403]);
      expect(answer.body.reasonCodes).toContain('arguments_invalid');
    }
    expect(world.target.seen.filter(({ path }) => !path.startsWith('/pay/alive-'))).toEqual([]);
  });
});

describe('requests', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['two lengths', 'POST /v1/execute HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'POST /v1/execute HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX',
    ],
    ['a header without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['a line break in the path', 'GET /v1/reviews\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n'],
    [
      'the address of another server',
      'GET http://evil.example/v1/reviews HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ],
  ])('%s: refused, and the next one is answered', async (_what, text) => {
    expect(await raw(text)).toMatch(/^HTTP\/1\.1 4\d\d /);
    await expectAlive();
  });

  test('credentials that are none', async () => {
    for (const authorization of [
      'Bearer',
      'Bearer hpk_',
      `Bearer ${world.deployment.credentials['agent-1']}x`,
      `Bearer ${world.deployment.credentials['agent-1'].slice(0, -1)}`,
      `bearer\t${world.deployment.credentials['agent-1']}`,
      `Basic ${Buffer.from(`agent-1:${world.deployment.credentials['agent-1']}`).toString('base64')}`,
    ]) {
      const answer = await world.send('GET', '/v1/reviews', { headers: { authorization } });
      expect([authorization.slice(0, 12), answer.status]).toEqual([authorization.slice(0, 12), 401]);
    }
  });

  test('an agent’s key opens nothing of a reviewer’s, nor the other way round', async () => {
    const asAgent = [
      ['POST', '/v1/decisions'],
      ['GET', '/v1/audit/entries'],
      ['GET', '/v1/audit/checkpoint'],
    ] as const;
    for (const [method, path] of asAgent)
      expect(
        (await world.send(method, path, { as: 'agent-1', ...(method === 'POST' ? { body: {} } : {}) })).status,
      ).toBe(403);
    expect((await world.send('POST', '/v1/execute', { as: 'ops-1', body: {} })).status).toBe(403);
  });

  test('slow ones by the hundred hold up nobody, and are cut off', async () => {
    const slow = Array.from({ length: 200 }, () => {
      const socket = connect(port(), '127.0.0.1', () => socket.write('POST /v1/execute HTTP/1.1\r\nHost: x\r\n'));
      socket.on('error', () => undefined);
      return socket;
    });
    const drip = setInterval(() => {
      for (const socket of slow) if (!socket.destroyed) socket.write('X: y\r\n');
    }, 1_000);
    try {
      for (let n = 0; n < 5; n += 1) await expectAlive();
      await until(() => (slow.every((socket) => socket.destroyed || socket.readableEnded) ? true : undefined), {
        what: 'the end of the slow ones',
        withinMs: 90_000,
      });
    } finally {
      clearInterval(drip);
      for (const socket of slow) socket.destroy();
    }
  });

  test('streams without end are bounded', async () => {
    const controller = new AbortController();
    const open = () =>
      fetch(new URL('/v1/events', world.holdpoint.url), {
        signal: controller.signal,
        headers: { authorization: bearer('agent-2') },
      });
    const answers = await Promise.all(Array.from({ length: 30 }, open));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(10);
    controller.abort();
    await expectAlive();
  });
});

describe('what the description of the API allows, tried by schemathesis', () => {
  test.each(['agent-1', 'ops-1'] as const)('as %s', async (as) => {
    const { code, output } = await runSchemathesis(
      [
        `${world.holdpoint.url}/openapi.json`,
        `--header=Authorization: ${bearer(as)}`,
        '--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,' +
          'response_schema_conformance,negative_data_rejection,unsupported_method',
        // Streams would be read for ever.
        '--exclude-path-regex=/events$',
        '--phases=examples,coverage,fuzzing',
        '--max-time=30',
        '--request-timeout=70',
        '--seed=1',
        '--no-color',
        // Two of its threads at once end in CPython's "AST constructor recursion depth mismatch" now and then.
        '--workers=1',
      ],
      world.deployment.directory,
    );
    expect({ code, output: code === 0 ? '' : failuresIn(output) }).toEqual({ code: 0, output: '' });
    // It has got through to every operation. How many calls it then makes up is a matter of time.
    const selected = /(\d+) selected/.exec(output)?.[1];
    expect(selected).toBeDefined();
    expect(/Coverage[^✅]*✅\s+(\d+) passed/.exec(output)?.[1]).toBe(selected);
    await expectAlive();
  });
});

/** The report without its warnings, and without the thousands of characters that some made-up values have. */
function failuresIn(output: string): string {
  const lines = output.slice(0, output.indexOf('= WARNINGS =')).split('\n');
  return lines
    .map((line) => line.slice(0, 300))
    .join('\n')
    .slice(-6_000);
}

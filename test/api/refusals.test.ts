import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { codeOf, CREATE, makeHarness, type AnyJson, type Harness } from './support/harness.ts';

let api: Harness;
let document: AnyJson;
beforeAll(async () => {
  api = await makeHarness();
  document = (await api.get('/openapi.json')).body;
});
afterAll(() => api.close());

/** How Holdpoint tells of a field. */
const OURS = /^(must |is missing: expected |is only for |is for |unknown key; (did you mean "|known keys: ))/;
/** Words of zod and ajv. */
const THEIRS =
  /invalid (input|option|string|iso)|unrecognized|received|too (big|small)|must (match pattern|NOT)|regex|\^/i;

type Told = readonly [pointer: string, message: string, part?: 'query' | 'header'];
const told = (body: AnyJson): readonly Told[] =>
  body.errors.map(({ pointer, message, in: part }: AnyJson) =>
    part === undefined ? [pointer, message] : [pointer, message, part],
  );

describe('a request that does not fit is told by its field, with what is expected', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const review = '/v1/reviews/rev_01J00000000000000000000000';

  test.each<[string, string, string, JsonObject, Told]>([
    [
      'an unknown key',
      '/v1/execute',
      'agent-1',
      { ...CREATE, wait: 1 },
      [
        '/wait',
        'unknown key; known keys: service, tool, arguments, reason, context, urgency, threadId, group, waitSeconds, callback',
      ],
    ],
    [
      'a misspelt key',
      '/v1/execute',
      'agent-1',
      { ...CREATE, thredId: 'a' },
      ['/thredId', 'unknown key; did you mean "threadId"?'],
    ],
    [
      'a key that is misspelt and missing',
      '/v1/execute',
      'agent-1',
      { service: 'payouts', tool: 'payouts.get', argument: {} },
      ['/argument', 'unknown key; did you mean "arguments"?'],
    ],
    [
      'a missing key',
      '/v1/execute',
      'agent-1',
      { tool: 'payouts.get', arguments: {} },
      ['/service', 'is missing: expected a string'],
    ],
    [
      'an object that is missing',
      '/v1/execute',
      'agent-1',
      { service: 'payouts', tool: 'payouts.get' },
      ['/arguments', 'is missing: expected an object'],
    ],
    ['another type', '/v1/execute', 'agent-1', { ...CREATE, arguments: ['a-1'] }, ['/arguments', 'must be an object']],
    ['null', '/v1/execute', 'agent-1', { ...CREATE, reason: null }, ['/reason', 'must be a string, not null']],
    [
      'text that is too long',
      '/v1/execute',
      'agent-1',
      { ...CREATE, reason: 'x'.repeat(4_001) },
      ['/reason', 'must have at most 4000 characters'],
    ],
    ['empty text', '/v1/execute', 'agent-1', { ...CREATE, group: '' }, ['/group', 'must not be empty']],
    [
      'a number that is too large',
      '/v1/execute',
      'agent-1',
      { ...CREATE, waitSeconds: 61 },
      ['/waitSeconds', 'must be at most 60'],
    ],
    [
      'a fraction',
      '/v1/execute',
      'agent-1',
      { ...CREATE, waitSeconds: 1.5 },
      ['/waitSeconds', 'must be a whole number, not a number'],
    ],
    [
      'a value that is none of those allowed',
      '/v1/execute',
      'agent-1',
      { ...CREATE, urgency: 'hihg' },
      ['/urgency', 'must be low, normal or high; did you mean "high"?'],
    ],
    [
      'a name of another form',
      '/v1/execute',
      'agent-1',
      { ...CREATE, tool: 'Payouts' },
      ['/tool', 'must be a dotted name that starts with a lower-case letter, such as payouts.create'],
    ],
    [
      'a URL that is none',
      '/v1/execute',
      'agent-1',
      { ...CREATE, callback: 'here' },
      ['/callback', 'must be a URL such as https://example.com'],
    ],
    [
      'a call of a batch',
      '/v1/execute/batch',
      'agent-1',
      { calls: [CREATE, { ...CREATE, tool: 5 }] },
      [
        '/calls/1/tool',
        'must be a dotted name that starts with a lower-case letter, such as payouts.create, not a number',
      ],
    ],
    ['no call in a batch', '/v1/execute/batch', 'agent-1', { calls: [] }, ['/calls', 'must have at least 1 entry']],
    [
      'a decision of no type',
      `${review}/decision`,
      'ops-1',
      { type: 'aprove', digest },
      ['/type', 'must be approve, edit, reject, revise or respond; did you mean "approve"?'],
    ],
    [
      'a digest of another form',
      `${review}/decision`,
      'ops-1',
      { type: 'approve', digest: 'abc' },
      ['/digest', 'must be a digest: sha256: and 64 lower-case hexadecimal digits'],
    ],
    [
      'a review id of another form',
      `${review}/decision`,
      'ops-1',
      { type: 'approve', digest, repeats: ['x'] },
      ['/repeats/0', 'must be a review id: rev_ and a ULID of 26 characters'],
    ],
    ['a sign-in without a token', '/v1/session', 'ops-1', {}, ['/token', 'is missing: expected a string']],
  ])('%s', async (_what, path, as, body, expected) => {
    const answer = await api.post(path, body, as);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(told(answer.body)).toEqual([expected]);
    const end = expected[1]?.endsWith('?') ? '' : '.';
    expect(answer.body.detail).toBe(
      `The request does not have the documented shape: ${expected[0]}: ${expected[1]}${end}`,
    );
  });

  test('a key that a decision of its type does not use', async () => {
    const { reviewId, call } = await api.propose();
    const answer = await api.decide(reviewId, call.digest, { type: 'reject', arguments: {}, repeats: [] });
    expect([answer.status, told(answer.body)]).toEqual([
      400,
      [
        ['/arguments', 'is only for the type edit, not reject'],
        ['/repeats', 'is only for the type approve or edit, not reject'],
      ],
    ]);
  });

  test.each<[string, string, string, Told]>([
    [
      'an unknown parameter',
      'reviews?open=1',
      'ops-1',
      ['/open', expect.stringMatching(/^unknown key; known keys: status, tool,/), 'query'],
    ],
    [
      'a misspelt parameter',
      'reviews?statsu=pending',
      'ops-1',
      ['/statsu', 'unknown key; did you mean "status"?', 'query'],
    ],
    [
      'a word that is none of those allowed',
      'reviews?status=open',
      'ops-1',
      [
        '/status',
        'must be one or more of pending, changes_requested, approved, rejected, expired, withdrawn, not_required, blocked, aborted, separated by commas',
        'query',
      ],
    ],
    ['no number', 'reviews?limit=ten', 'ops-1', ['/limit', 'must be a whole number', 'query']],
    ['a number that is too large', 'reviews?limit=500', 'ops-1', ['/limit', 'must be at most 200', 'query']],
    ['a parameter given twice', 'reviews?limit=1&limit=2', 'ops-1', ['/limit', 'must be given once', 'query']],
    ['an empty parameter', 'reviews?tool=', 'ops-1', ['/tool', 'must not be empty', 'query']],
    [
      'a cursor that is none',
      'reviews?cursor=x',
      'ops-1',
      ['/cursor', 'must be the nextCursor of another page', 'query'],
    ],
    ['what is for reviewers', 'reviews?approver=me', 'agent-1', ['/approver', 'is for reviewers only', 'query']],
    [
      'a time of another form',
      'audit/entries?since=yesterday',
      'ops-1',
      ['/since', 'must be a time such as 2026-01-31T12:00:00.000Z', 'query'],
    ],
    ['a missing parameter', 'audit/consistency?from=1', 'ops-1', ['/to', 'is missing: expected a string', 'query']],
    [
      'a log that is not that long',
      'audit/consistency?from=1&to=99999',
      'ops-1',
      ['/to', 'must be at most the size of the log, and not below from', 'query'],
    ],
    [
      'a tree that is not that large',
      'audit/inclusion?size=99999&index=0',
      'ops-1',
      ['/size', 'must be at most the size of the log, and above every index', 'query'],
    ],
  ])('%s in the query', async (_what, path, as, expected) => {
    const answer = await api.get(`/v1/${path}`, as);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(told(answer.body)).toEqual([expected]);
    expect(answer.body.detail).toContain(`query parameter ${expected[0].slice(1)}: `);
  });

  test.each<[string, string, string, Told]>([
    [
      '/v1/execute',
      'idempotency-key',
      'x'.repeat(256),
      ['/Idempotency-Key', 'must have 1 to 255 characters', 'header'],
    ],
    ['/v1/execute', 'holdpoint-channel', 'mail', ['/holdpoint-channel', 'must be api or cli', 'header']],
    [
      '/v1/events',
      'last-event-id',
      'x',
      ['/Last-Event-ID', 'must be the id of an event of this stream: a whole number', 'header'],
    ],
  ])('%s: the header %s', async (path, header, value, expected) => {
    const as = header === 'holdpoint-channel' ? 'ops-1' : 'agent-1';
    const method = path === '/v1/events' || as === 'ops-1' ? 'GET' : 'POST';
    const where = as === 'ops-1' ? '/v1/reviews' : path;
    const answer = await api.send(method, where, method === 'POST' ? CREATE : undefined, {
      as,
      headers: { [header]: value },
    });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(told(answer.body)).toEqual([expected]);
    expect(answer.body.detail).toContain(`header ${expected[0].slice(1)}: `);
  });

  test.each<[string, string | undefined, Record<string, string>, number, string]>([
    ['no body', undefined, {}, 400, 'The body is missing: send a JSON object.'],
    ['JSON that breaks off', '{"tool": ', {}, 400, 'The body is not valid JSON, at line 1, column 10.'],
    ['a key twice', '{"a": 1, "a": 2}', {}, 400, 'The body has the same key twice ("a"), at line 1, column 10.'],
    [
      'what is no object',
      '[]',
      {},
      400,
      'The request does not have the documented shape: must be an object, not an array.',
    ],
    [
      'a form',
      'a=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'Send JSON in UTF-8 with the header Content-Type: application/json, not application/x-www-form-urlencoded.',
    ],
    [
      'no content type',
      '{}',
      { 'content-type': '' },
      415,
      'Send JSON in UTF-8 with the header Content-Type: application/json; the header is missing.',
    ],
    [
      'another encoding',
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'Send JSON in UTF-8 with the header Content-Type: application/json, without another charset.',
    ],
    ['a body that is too long', `"${'x'.repeat(300_000)}"`, {}, 413, 'The body is too large: at most 262,144 bytes.'],
  ])('%s', async (_what, raw, headers, status, detail) => {
    const answer = await api.send('POST', '/v1/execute', undefined, {
      as: 'agent-1',
      headers,
      ...(raw === undefined ? {} : { raw }),
    });
    expect([answer.status, answer.body.detail]).toEqual([status, detail]);
    codeOf(answer);
  });
});

describe('a credential that does not do', () => {
  test.each<[string, string, Record<string, string>, number, string]>([
    ['none', '/v1/reviews', {}, 401, 'There is no credential. Send the header Authorization: Bearer'],
    [
      'a session that has ended',
      '/v1/reviews',
      { cookie: 'holdpoint_session=x' },
      401,
      'The session has ended. Sign in again.',
    ],
    ['another scheme', '/v1/reviews', { authorization: 'Basic eDp5' }, 401, 'This is no credential of Holdpoint. Send'],
    [
      'a key of another Holdpoint',
      '/v1/reviews',
      { authorization: `Bearer hpr_${'x'.repeat(43)}` },
      401,
      'The configuration in force has no such key.',
    ],
    [
      'an agent’s key where people act',
      '/v1/policy',
      { authorization: 'agent-1' },
      403,
      'This is for reviewers: an agent’s key',
    ],
  ])('%s says what to do', async (_what, path, headers, status, detail) => {
    const as = headers['authorization'] === 'agent-1' ? { as: 'agent-1' } : { headers };
    const answer = await api.send('GET', path, undefined, as);
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringContaining(detail)]);
    codeOf(answer);
  });

  test('a reviewer’s token where agents propose', async () => {
    const answer = await api.post('/v1/execute', CREATE, 'ops-1');
    expect(answer.body.detail).toContain('This is for agents: a reviewer’s token');
  });
});

/** Bodies and queries that do not fit a schema of the document, with the field that is wrong. */
function* spoil(schema: AnyJson, part: 'body' | 'query'): Generator<readonly [field: string, value: AnyJson]> {
  const at = (schema: AnyJson): AnyJson =>
    schema.$ref ? at(document.components.schemas[schema.$ref.split('/').at(-1)]) : schema;
  const { properties = {}, required = [] } = at(schema);
  yield ['zzz', { zzz: '1' }];
  for (const name of required) yield [name, {}];
  for (const [name, property] of Object.entries<AnyJson>(properties)) {
    const { type, enum: values, pattern, maxLength, format } = at(property);
    // Everything in a query is a string.
    if (type === 'string' && part === 'body') yield [name, { [name]: 7 }];
    if (type === 'integer' || type === 'object' || type === 'array') yield [name, { [name]: 'x' }];
    // Any text is a search.
    if (values || (pattern && name !== 'q') || format) yield [name, { [name]: '?!' }];
    if (maxLength) yield [name, { [name]: 'x'.repeat(maxLength + 1) }];
  }
}

test('no route speaks a validator’s words, whatever does not fit', async () => {
  const seen: string[] = [];
  for (const [path, methods] of Object.entries<AnyJson>(document.paths)) {
    for (const [method, operation] of Object.entries<AnyJson>(methods)) {
      const filled = path.replaceAll('{reviewId}', 'rev_01J00000000000000000000000');
      const parameters = (operation.parameters ?? []).filter((one: AnyJson) => one.in === 'query');
      const query = {
        properties: Object.fromEntries(parameters.map((one: AnyJson) => [one.name, one.schema])),
        required: [],
      };
      const body = operation.requestBody?.content['application/json']?.schema;
      const requests = [
        ...(body === undefined
          ? []
          : [...spoil(body, 'body')].map(([field, value]) => [field, filled, value] as const)),
        ...(parameters.length === 0
          ? []
          : [...spoil(query, 'query')].map(
              ([field, value]) => [field, `${filled}?${new URLSearchParams(value).toString()}`, undefined] as const,
            )),
      ];
      for (const [field, target, value] of requests) {
        const sendAs = (as: string) => api.send(method.toUpperCase(), target, value, { as });
        const asReviewer = await sendAs('ops-1');
        const answer = asReviewer.status === 403 ? await sendAs('agent-1') : asReviewer;
        if (path.startsWith('/mcp') || (answer.status < 400 && value === undefined)) continue;
        const where = `${method} ${target.slice(0, 100)} ${field}`;
        expect([where, answer.status]).toEqual([where, 400]);
        const words = told(answer.body).map(([pointer, message]) => `${pointer} ${message}`);
        expect([where, words]).toEqual([where, expect.arrayContaining([expect.stringContaining(`/${field}`)])]);
        for (const [, message] of told(answer.body)) {
          expect([where, message]).toEqual([where, expect.stringMatching(OURS)]);
          expect([where, message]).toEqual([where, expect.not.stringMatching(THEIRS)]);
        }
      }
      if (requests.length > 0) seen.push(`${method} ${path}`);
    }
  }
  expect(seen.length).toBeGreaterThan(12);
});

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ConnectorConfig } from '../../src/contract/config.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { toolSchema, type ToolDefinition } from '../../src/contract/policy.ts';
import { encodeForm } from '../../src/domain/render/form.ts';
import { argumentFloor, renderTarget, templateArguments } from '../../src/domain/render/index.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';

const http: ConnectorConfig = { baseUrl: 'https://api.example.com/v1', credential: 'env:TOKEN' };
const postgres: ConnectorConfig = { url: 'env:TARGET' };

function tool(fields: Partial<ToolDefinition>): ToolDefinition {
  return toolSchema.parse({ name: 'shop.orders.change', class: 'irreversible', connector: 'shop', ...fields });
}
function render(fields: Partial<ToolDefinition>, args: JsonObject, connector = http) {
  const result = renderTarget(tool(fields), 'shop', connector, args);
  return result.ok ? result.target.request : result.code;
}
const closed = (...names: string[]): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(names.map((name) => [name, {}])),
});

/** A form as a target reads it: keys that count from 0 are a list. */
function readForm(text: string): Json {
  const root = new Map<string, unknown>();
  for (const pair of text === '' ? [] : text.split('&')) {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent);
    const steps = name.replaceAll(']', '').split('[');
    let at = root;
    for (const step of steps.slice(0, -1)) {
      const next = at.get(step) ?? new Map<string, unknown>();
      at.set(step, next);
      at = next as Map<string, unknown>;
    }
    at.set(steps.at(-1) as string, value);
  }
  const read = (part: unknown, isRoot = false): Json => {
    if (!(part instanceof Map)) return part as string;
    const entries = [...part].map(([key, inner]) => [String(key), read(inner)] as const);
    if (!isRoot && entries.every(([key], index) => key === String(index))) return entries.map(([, inner]) => inner);
    return Object.fromEntries(entries);
  };
  return read(root, true);
}

function asTexts(value: Json): Json {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.map(asTexts);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, asTexts(part as Json)]));
}

describe('HTTP targets', () => {
  const get = { request: { method: 'GET', path: '/orders/{id}/lines/{line}' } } as const;

  it('fills the path, URL-encoded, and keeps the rest for the body', () => {
    expect(
      render(
        { request: { method: 'POST', path: '/orders/{id}?dry={dry}', body: 'arguments', headers: { 'X-Api': '2' } } },
        { id: 'a b@é', dry: true, amount: 5, nested: { a: [1] } },
      ),
    ).toEqual({
      method: 'POST',
      url: 'https://api.example.com/v1/orders/a%20b%40%C3%A9?dry=true',
      headers: { 'X-Api': '2' },
      body: { type: 'application/json', text: '{"amount":5,"nested":{"a":[1]}}' },
    });
  });

  it('takes integers in a path and leaves absent arguments out of the query', () => {
    expect(render({ request: { method: 'GET', path: '/o/{id}?a={a}&fixed=1&b={b}' } }, { id: 7, b: 'x&y=z#' })).toEqual(
      {
        method: 'GET',
        url: 'https://api.example.com/v1/o/7?fixed=1&b=x%26y%3Dz%23',
        headers: {},
      },
    );
  });

  it.each<[Json, string]>([
    ['', 'empty'],
    ['.', 'dot'],
    ['..', 'dots'],
    ['a/b', 'slash'],
    ['a\\b', 'backslash'],
    ['%2e%2e', 'percent'],
    ['a?b', 'question mark'],
    ['a#b', 'hash'],
    ['a\nb', 'line break'],
    ['a\u0000', 'NUL'],
    ['a\u0085', 'C1 control'],
    ['\ud800', 'lone surrogate'],
    [1.5, 'fraction'],
    [2 ** 53, 'unsafe integer'],
    [true, 'boolean'],
    [null, 'null'],
    [['a'], 'list'],
    [{ $sealed: 'x' }, 'sealed'],
  ])('refuses %j in a path (%s)', (id) => {
    expect(render(get, { id, line: 1 })).toBe('invalid_call');
  });

  it('refuses a missing path argument, also one that only the prototype has', () => {
    expect(render(get, { id: 'a' })).toBe('invalid_call');
    expect(render({ request: { method: 'GET', path: '/o/{constructor}' } }, {})).toBe('invalid_call');
  });

  it('keeps origin and number of segments for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (id, line) => {
        const request = render(get, { id, line }) as { url: string } | 'invalid_call';
        if (request === 'invalid_call') return;
        const url = new URL(request.url);
        expect(url.origin).toBe('https://api.example.com');
        expect(url.pathname.split('/')).toHaveLength(6);
        expect(url.search + url.hash).toBe('');
        expect(url.pathname.split('/').map(decodeURIComponent).slice(-3)).toEqual([id, 'lines', line]);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses templates and base URLs that lead elsewhere', () => {
    expect(render({ request: { method: 'GET', path: '/../admin/{id}' } }, { id: 'a' })).toBe('invalid_call');
    expect(render({ request: { method: 'GET', path: '/o#{id}' } }, { id: 'a' })).toBe('invalid_call');
    expect(render({ request: { method: 'GET', path: '/o/{id' } }, { id: 'a' })).toBe('invalid_call');
    expect(render(get, { id: 'a', line: 1 }, { baseUrl: 'https://user:pass@api.example.com' })).toBe('invalid_call');
    expect(render(get, { id: 'a', line: 1 }, { baseUrl: 'https://api.example.com/?a=' })).toBe('invalid_call');
    expect(render({ request: { method: 'GET', path: '//evil.example/{id}' } }, { id: 'a' })).toMatchObject({
      url: 'https://api.example.com/v1//evil.example/a',
    });
  });

  it('lets arguments into the query only where template or closed schema names them', () => {
    const list = { request: { method: 'GET', path: '/orders' } } as const;
    expect(render(list, { state: 'open' })).toBe('invalid_call');
    expect(render({ ...list, arguments: { type: 'object', properties: { state: {} } } }, { state: 'a' })).toBe(
      'invalid_call',
    );
    expect(render({ ...list, arguments: closed('state', 'n') }, { state: 'a b', n: 2 })).toMatchObject({
      url: 'https://api.example.com/v1/orders?state=a%20b&n=2',
    });
    expect(render({ ...list, arguments: closed('state') }, { state: { a: 1 } })).toBe('invalid_call');
    expect(render({ ...list, arguments: closed('state') }, { state: { $sealed: 'x' } })).toBe('invalid_call');
    expect(render({ ...list, arguments: closed('state') }, { other: 'x' })).toBe('invalid_call');
  });

  it('sends no argument of a query without the others of its pair, and none that the path sets', () => {
    const search = { request: { method: 'GET', path: '/search?q={a}:{b}&page=1' }, arguments: closed('page') } as const;
    expect(errorsOf(search, { a: 'x' })).toEqual(['/a']);
    expect(errorsOf(search, { page: 2 })).toEqual(['/page']);
    expect(render(search, {})).toMatchObject({ url: 'https://api.example.com/v1/search?page=1' });
  });

  it('nests form fields in bodies and queries', () => {
    expect(encodeForm({ a: { b: [1, { c: 'x y' }] }, d: '', e: true })).toEqual({
      text: 'a%5Bb%5D%5B0%5D=1&a%5Bb%5D%5B1%5D%5Bc%5D=x%20y&d=&e=true',
      clears: [],
      errors: [],
    });
    expect(render(form, { a: { b: 1 } })).toMatchObject({
      body: { type: 'application/x-www-form-urlencoded', text: 'a%5Bb%5D=1' },
    });
    expect(render(formQuery('created'), { created: { gte: 5 } })).toMatchObject({
      url: 'https://api.example.com/v1/c?created%5Bgte%5D=5',
    });
    expect(render(formQuery('created'), { created: { gte: { $sealed: 'x' } } })).toBe('invalid_call');
  });

  const form = { request: { method: 'POST', path: '/c', body: 'arguments', bodyFormat: 'form' } } as const;
  const formQuery = (...names: string[]) =>
    ({ request: { method: 'GET', path: '/c', bodyFormat: 'form' }, arguments: closed(...names) }) as const;
  const errorsOf = (fields: Partial<ToolDefinition>, args: JsonObject): readonly string[] => {
    const result = renderTarget(tool(fields), 'shop', http, args);
    return result.ok ? [] : result.errors.map(({ pointer }) => pointer);
  };

  it.each<[string, JsonObject, string[]]>([
    ['R1: an empty object', { metadata: {} }, ['/metadata']],
    ['R2: empty lists and objects, each by its place', { tags: [], x: {}, name: 'n' }, ['/tags', '/x']],
    ['R2: they are found inside others', { a: { 'b/c': [{ d: [] }] } }, ['/a/b~1c/0/d']],
    ['R3: null, where the tool does not say what it means', { name: null, list: [null] }, ['/name', '/list/0']],
    ['R2: a key with a bracket', { 'amount]': 1, m: { 'a][b': 1 } }, ['/amount]', '/m/a][b']],
    ['R2: an empty key', { '': 1, m: { '': 1 } }, ['/', '/m/']],
    ['R2: an object that reads as a list', { m: { 0: 'a', 1: 'b' } }, ['/m']],
    ['R2: -0, NaN, dates', { n: -0, m: Number.NaN, at: new Date(0) as never }, ['/n', '/m', '/at']],
    ['R2: NUL and half characters', { t: 'a\0', u: { ['\ud800']: 1 }, v: '\udc00' }, ['/t', '/u', '/v']],
  ])('%s cannot be sent in a form', (_, args, pointers) => {
    expect(errorsOf(form, args)).toEqual(pointers);
    expect(errorsOf(formQuery(...Object.keys(args)), args)).toEqual(pointers);
  });

  it.each<[string, Json]>([
    ['null', null],
    ['a list', ['a']],
    ['an empty list', []],
    ['an object', { a: 1 }],
  ])('R2: %s cannot stand in a query', (_, value) => {
    const query = { request: { method: 'GET', path: '/c' }, arguments: closed('x') } as const;
    expect(errorsOf(query, { x: value })).toEqual(['/x']);
    expect(errorsOf({ request: { method: 'GET', path: '/c?x={x}' } }, { x: value })).toEqual(['/x']);
    expect(errorsOf({ request: { method: 'GET', path: '/c/{x}' } }, { x: value })).toEqual(['/x']);
  });

  it('R2: JSON carries lists, objects and nulls as they are, but not what is no JSON', () => {
    const post = { request: { method: 'POST', path: '/p', body: 'arguments' } } as const;
    const args = { tags: [], x: {}, name: null, z: 'a\tb', a: 1e-7 };
    expect(render(post, args)).toMatchObject({ body: { text: '{"tags":[],"x":{},"name":null,"z":"a\\tb","a":1e-7}' } });
    expect(errorsOf(post, { a: [-0], b: { c: Number.POSITIVE_INFINITY } })).toEqual(['/a/0', '/b/c']);
  });

  it('R3: null clears where the tool says so, and the request says what it clears', () => {
    const clearing = (request: Partial<ToolDefinition['request']>) =>
      ({
        request: { method: 'POST', path: '/c', body: 'arguments', nulls: 'clear', ...request },
        arguments: closed('name', 'note', 'to', 'tags'),
      }) as Partial<ToolDefinition>;
    const args = { name: null, note: '', to: { street: null, city: 'x' } };
    expect(render(clearing({ bodyFormat: 'form' }), args)).toMatchObject({
      body: { text: 'name=&note=&to%5Bstreet%5D=&to%5Bcity%5D=x' },
      clears: ['/name', '/note', '/to/street'],
    });
    expect(render(clearing({}), args)).toMatchObject({
      body: { text: JSON.stringify(args) },
      clears: ['/name', '/to/street'],
    });
    expect(render(clearing({ method: 'GET', body: undefined }), { name: null })).toMatchObject({
      url: 'https://api.example.com/v1/c?name=',
      clears: ['/name'],
    });
    // Items of a list have no names.
    expect(errorsOf(clearing({ bodyFormat: 'form' }), { tags: [null] })).toEqual(['/tags/0']);
    expect(errorsOf(clearing({ bodyFormat: 'form' }), { tags: [] })).toEqual(['/tags']);
  });

  it('R2: two arguments that differ never have the same form, but for the type of a scalar', () => {
    const key = fc.string({ unit: fc.constantFrom('a', '0', '1', '[', ']', '&', '=', '%', 'é', '.'), maxLength: 3 });
    const scalar = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.integer(), fc.boolean(), fc.constant(null));
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 3 }), (args) => {
        const { text, errors } = encodeForm(args);
        if (errors.length === 0) expect(readForm(text)).toEqual(asTexts(args));
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps sealed values in bodies as they are', () => {
    const post = { request: { method: 'POST', path: '/p', body: 'arguments' } } as const;
    expect(render(post, { memo: { $sealed: 'jwe' } })).toMatchObject({ body: { text: '{"memo":{"$sealed":"jwe"}}' } });
  });

  it.each(['Host', 'content-length', 'Transfer-Encoding', 'connection', 'bad name', 'x\r\ny'])(
    'refuses the static header %j',
    (name) => {
      expect(render({ request: { method: 'GET', path: '/a', headers: { [name]: 'x' } } }, {})).toBe('invalid_call');
    },
  );

  it('refuses a header value with a line break and does not fill header values', () => {
    const of = (value: string) =>
      render({ request: { method: 'GET', path: '/a/{b}', headers: { X: value } } }, { b: 'q' });
    expect(of('a\r\nb: c')).toBe('invalid_call');
    expect(of('{b}')).toMatchObject({ headers: { X: '{b}' } });
  });

  it('refuses a tool without a request', () => {
    expect(render({}, {})).toBe('invalid_call');
  });
});

describe('PostgreSQL targets', () => {
  beforeAll(loadSqlParser);
  const select = { name: 'postgres.select', sql: 'select' } as const;
  const execute = { name: 'postgres.execute', sql: 'execute' } as const;

  it('reads what is one plain SELECT and executes anything else', () => {
    expect(render(select, { sql: 'select $1::int4', params: [1] }, postgres)).toEqual({
      mode: 'select',
      sql: 'select $1::int4',
      params: [1],
    });
    expect(render(select, { sql: 'delete from users' }, postgres)).toMatchObject({ mode: 'execute', params: [] });
    expect(render(execute, { sql: 'select 1' }, postgres)).toMatchObject({ mode: 'execute' });
  });

  it.each([
    [{ sql: 'select 1; drop table users' }],
    [{ sql: 'commit' }],
    [{ sql: 'not sql' }],
    [{ sql: 5 }],
    [{ sql: { $sealed: 'x' } }],
    [{}],
    [{ sql: 'select 1', params: 'x' }],
    [{ sql: 'select 1', params: [{ a: 1 }] }],
    [{ sql: 'select 1', params: [[{ a: 1 }]] }],
    [{ sql: 'select 1', mode: 'select' }],
  ] as [JsonObject][])('refuses %j', (args) => {
    expect(render(select, args, postgres)).toBe('invalid_call');
  });

  it('R2: a parameter that PostgreSQL would take for another value is told by its place', () => {
    const args = { sql: 'insert into t values ($1, $2, $3, $4)', params: [[], 1, { a: [] }, [[1]]] };
    const result = renderTarget(tool(execute), 'db', postgres, args);
    expect(result.ok ? [] : result.errors.map(({ pointer }) => pointer)).toEqual([
      '/params/0',
      '/params/2',
      '/params/3',
    ]);
  });

  it('takes lists and sealed values as parameters', () => {
    const args = { sql: 'delete from users where id = any ($1) and mail = $2', params: [[1, 2], { $sealed: 'x' }] };
    expect(render(execute, args, postgres)).toMatchObject({ params: [[1, 2], { $sealed: 'x' }] });
  });

  it('sets the floor for SQL that is not one plain SELECT', () => {
    expect(argumentFloor(tool(select), { sql: 'select 1' })).toBeUndefined();
    const floor = { class: 'irreversible', reason: 'not_plain_select' };
    expect(argumentFloor(tool(select), { sql: 'select pg_sleep(1)' })).toEqual(floor);
    expect(argumentFloor(tool(select), { sql: 'drop table users' })).toEqual(floor);
    expect(argumentFloor(tool(select), {})).toEqual(floor);
    expect(argumentFloor(tool(execute), { sql: 'drop table users' })).toBeUndefined();
  });
});

describe('MCP targets', () => {
  it('calls the upstream by its own name', () => {
    const mcp: ConnectorConfig = { type: 'mcp', url: 'https://mcp.example.com' };
    expect(render({ name: 'mcp.tickets.issue.close' }, { id: 1 }, mcp)).toEqual({
      tool: 'issue.close',
      arguments: { id: 1 },
    });
    expect(render({ name: 'mcp.tickets.close', mcpTool: 'Close Ticket' }, {}, mcp)).toMatchObject({
      tool: 'Close Ticket',
    });
  });
});

describe('templateArguments', () => {
  it('names what path, query, preview and SQL use', () => {
    expect(
      templateArguments(
        tool({
          request: { method: 'POST', path: '/a/{x}?q={y}', body: 'arguments' },
          preview: { requests: [{ path: '/b/{z}', facts: [] }] },
        }),
      ),
    ).toEqual(['x', 'y', 'z']);
    expect(templateArguments(tool({ request: { method: 'GET', path: '/a' }, arguments: closed('s') }))).toEqual(['s']);
    expect(templateArguments(tool({ sql: 'execute' }))).toEqual(['sql']);
  });
});

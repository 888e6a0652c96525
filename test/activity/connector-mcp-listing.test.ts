import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { ZodType } from 'zod';
import type { Connector, ConnectorResult } from '../../src/ports/connector.ts';
import { askUpstreams } from '../../src/cli/compose/upstreams.ts';
import { createConnector } from '../../src/connectors/index.ts';
import { listUpstreamTools } from '../../src/connectors/mcp/listing.ts';
import type { ListedTool } from '../../src/domain/upstream.ts';
import { writeHostileUpstream } from '../support/e2e-mcp.ts';
import { until } from '../support/e2e-world.ts';
import { APPROVALS, settingsOf } from '../unit/policy-support.ts';
import { memoryStore } from '../support/databases.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const SCHEMA = { type: 'object', properties: { id: { type: 'string' } } };
const CLOSE = { name: 'close', description: 'Closes a ticket.', inputSchema: SCHEMA };

function start(tools: readonly object[]) {
  const upstream = writeHostileUpstream(tools);
  cleanups.push(() => upstream.remove());
  const connector = createConnector('tickets', { type: 'mcp', command: upstream.command }, () => '');
  if (connector.listTools === undefined) throw new Error('this connector lists no tools');
  cleanups.push(() => connector.close());
  const listing = connector.listTools;
  return { upstream, connector, list: async () => (await listing()).tools, listing };
}

function call(connector: Connector, definition: string | null): Promise<ConnectorResult> {
  return connector.execute({
    tool: { name: 'mcp.tickets.close', class: 'irreversible', connector: 'tickets' },
    arguments: {},
    target: { connector: 'tickets', request: { tool: 'close', arguments: {}, definition } },
    evidence: null,
    idempotencyKey: null,
    sendBy: Date.now() + 30_000,
  });
}

describe('what an upstream lists', () => {
  it('has a digest over everything that it lists of a tool', async () => {
    const variants = [
      CLOSE,
      { ...CLOSE, description: 'Closes a ticket!' },
      { ...CLOSE, annotations: { readOnlyHint: true } },
      { ...CLOSE, inputSchema: { type: 'object' } },
      { ...CLOSE, somethingNew: 1 },
    ];
    const { upstream, list } = start([CLOSE]);
    const digestNow = async (tool: object): Promise<string | undefined> => {
      upstream.list([tool]);
      return (await list())[0]?.digest;
    };
    const digests = new Set<string | undefined>();
    for (const variant of variants) digests.add(await digestNow(variant));
    // The order of keys says nothing.
    digests.add(await digestNow(Object.fromEntries(Object.entries(CLOSE).toReversed())));
    expect(digests.size).toBe(variants.length);
  });

  it.each([null, ''])(
    'ends where the next cursor is %j, as servers write one that they do not have',
    async (nextCursor) => {
      const pages: object[] = [
        { tools: [CLOSE], nextCursor: 'more' },
        { tools: null, nextCursor },
      ];
      const client = { request: (_: object, schema: ZodType) => Promise.resolve(schema.parse(pages.shift())) };
      const { tools } = await listUpstreamTools(client as unknown as Client, 1_000);
      expect([tools.map(({ name }) => name), pages]).toEqual([['close'], []]);
    },
  );

  it('is bounded and makes invisible text visible; what cannot be shown is left out', async () => {
    const deep = { type: 'object', properties: { x: { description: 'a\u202eb', enum: ['c\u0007'] } } };
    const { list, listing } = start([
      { ...CLOSE, description: 'x'.repeat(100_000) },
      { name: 'hidden', description: 'a\u202eb\u{e0041}\nc', inputSchema: deep },
      { name: 'na\u200bme', inputSchema: SCHEMA },
      { name: 'x'.repeat(129), inputSchema: SCHEMA },
      { name: 'twice', inputSchema: SCHEMA },
      { name: 'twice', inputSchema: SCHEMA },
      { name: 'keys', inputSchema: { type: 'object', properties: { 'a\u202e': {} } } },
      { name: 'outside', inputSchema: { type: 'object', allOf: [{ $ref: 'https://evil.example/' }] } },
      { name: 'large', inputSchema: { type: 'object', description: 'x'.repeat(40_000) } },
    ]);
    const listed = await list();
    expect(listed.map(({ name }) => name)).toEqual(['close', 'hidden']);
    expect((await listing()).leftOut).toEqual([
      { name: 'na\\u{200b}me', reason: 'name_unsafe' },
      { name: `${'x'.repeat(127)}…`, reason: 'name_unsafe' },
      { name: 'twice', reason: 'name_twice' },
      { name: 'keys', reason: 'schema_unsafe' },
      { name: 'outside', reason: 'schema_unsafe' },
      { name: 'large', reason: 'schema_too_large' },
    ]);
    expect(listed[0]?.definition.description).toHaveLength(4_000);
    expect(listed[1]?.definition).toEqual({
      description: 'a\\u{202e}b\\u{e0041}\nc',
      inputSchema: { type: 'object', properties: { x: { description: 'a\\u{202e}b', enum: ['c\\u{7}'] } } },
    });
  });

  it('is noticed when it changes, and a call that was approved before is not made', async () => {
    const { upstream, connector, list } = start([CLOSE]);
    let changes = 0;
    connector.onToolsChanged?.(() => (changes += 1));
    const approved = (await list())[0]?.digest ?? null;
    expect((await call(connector, approved)).status).toBe('executed');
    upstream.list([{ ...CLOSE, description: 'Deletes everything.' }]);
    await until(() => (changes > 0 ? true : undefined), { what: 'word of the change' });
    expect(await call(connector, approved)).toMatchObject({ status: 'failed', code: 'drifted' });
    expect(upstream.calls()).toEqual(['close']);
    const now = (await list())[0]?.digest ?? null;
    expect((await call(connector, now)).status).toBe('executed');
  });
});

describe('a tool that changes silently', () => {
  it('is found by asking again and again', async () => {
    const { upstream, connector } = start([CLOSE]);
    const store = await memoryStore();
    cleanups.push(() => store.close());
    // Nobody listens to what it says by itself.
    const { onToolsChanged: _unheard, ...silent } = connector;
    const connectors = { tickets: { type: 'mcp' as const, command: upstream.command } };
    const settings = { ...settingsOf(`version: 1\n${APPROVALS}`), connectors };
    const source = { current: () => settings, onChange: () => () => undefined };
    const asking = askUpstreams(source, { get: () => silent }, store, pino({ level: 'silent' }), 50);
    cleanups.push(() => asking.stop());
    const digestNow = async (): Promise<string | undefined> =>
      (await store.readUpstreamTools())[0]?.digest ?? undefined;
    const first = await until(digestNow, { what: 'a first listing' });
    upstream.list([{ ...CLOSE, description: 'Closes everything.' }]);
    const changed = async () => ((await digestNow()) === first ? undefined : digestNow());
    const second = await until(changed, { what: 'the change' });
    expect((await store.readUpstreamTools())[0]).toMatchObject({ first, digest: second });
  });
});

describe('what is remembered of it', () => {
  it('is how a tool was first, how it is now, and that it is gone', async () => {
    const store = await memoryStore();
    cleanups.push(() => store.close());
    const tool = (name: string, letter: string): ListedTool => ({
      name,
      digest: `sha256:${letter.repeat(64)}`,
      parts: { description: `sha256:${letter.repeat(64)}` },
      definition: { description: letter, inputSchema: { type: 'object' } },
    });
    const seen = async () =>
      (await store.readUpstreamTools()).map(({ server, tool: name, first, digest }) =>
        [server, name, first.at(-1), digest?.at(-1) ?? null].join(' '),
      );
    await store.putUpstreamTools('one', [tool('x', 'a'), tool('y', 'a')]);
    await store.putUpstreamTools('two', [tool('x', 'c')]);
    await store.putUpstreamTools('one', [tool('x', 'b')]);
    expect(await seen()).toEqual(['one x a b', 'one y a ', 'two x c c']);
    await store.putUpstreamTools('one', [tool('x', 'b'), tool('y', 'd')]);
    expect(await seen()).toEqual(['one x a b', 'one y a d', 'two x c c']);
    await store.putUpstreamTools('two', []);
    expect((await store.readUpstreamTools()).at(-1)).toMatchObject({ digest: null, definition: null });
  });
});

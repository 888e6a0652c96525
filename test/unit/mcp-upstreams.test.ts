import { describe, expect, it } from 'vitest';
import type { Digest, JsonObject } from '../../src/contract/json.ts';
import { digestWithoutDescription, type ToolParts, type UpstreamTool } from '../../src/domain/upstream.ts';
import { assessCall, findTool } from '../../src/domain/policy/assess.ts';
import type { InForce } from '../../src/domain/policy/settings.ts';
import { toolsByServer, upstreamChanges } from '../../src/domain/policy/upstreams.ts';
import { distinctName } from '../../src/contract/tool-name.ts';
import { assignNames, offeredTools } from '../../src/mcp/catalog.ts';
import { openSession, readSession } from '../../src/mcp/endpoints.ts';
import { APPROVALS, load, problemsOf, settingsOf } from './policy-support.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

const PARTS: ToolParts = { description: digest('1'), inputSchema: digest('2') };

function upstream(tool: string, more: Partial<UpstreamTool> = {}): UpstreamTool {
  return {
    server: 'tickets',
    tool,
    first: digest('a'),
    firstParts: PARTS,
    digest: digest('a'),
    parts: PARTS,
    previous: null,
    definition: { description: `does ${tool}`, inputSchema: { type: 'object', properties: { id: {} } } },
    ...more,
  };
}

const POLICY = `version: 1
tools:
  - { name: mcp.tickets.search, class: reversible, connector: tickets }
  - { name: tickets.find, class: reversible, connector: tickets, mcpTool: find }
${APPROVALS}`;

function settingsWith(tools: readonly UpstreamTool[], policy = POLICY): InForce {
  return { ...settingsOf(policy), upstreams: { tools: toolsByServer(tools), settled: new Set() } };
}

function assess(settings: InForce, tool = 'mcp.tickets.search', args: JsonObject = {}) {
  const proposer = { attested: true, id: 'agent-1', owner: null, agent: { id: 'agent-1' } } as const;
  const service = tool.split('.')[0] ?? '';
  return assessCall({ service, tool, arguments: args, context: {}, urgency: null, proposer, settings });
}

const SEARCH = upstream('search');
const CHANGED = upstream('wipe', { digest: digest('b') });

describe('calls of an upstream’s tools', () => {
  it('are what policy says while the upstream is what it was, and name the definition they go by', () => {
    const assessed = assess(settingsWith([SEARCH, upstream('wipe')]));
    expect(assessed).toMatchObject({ kind: 'free', class: 'reversible', gate: 'none' });
    expect(assessed).toMatchObject({ target: { request: { tool: 'search', definition: digest('a') } } });
    expect(assess(settingsWith([upstream('find')]), 'tickets.find').kind).toBe('free');
  });

  it('R4: are blocked for a null that its schema plainly does not take, and that alone', () => {
    const text = { type: 'string' };
    const line = { type: 'object', required: ['sku'], properties: { sku: text, note: text } };
    const properties = {
      id: text,
      state: { type: ['string', 'integer'] },
      nick: { type: ['string', 'null'] },
      name: { type: 'string', nullable: true },
      owner: { anyOf: [text, { type: 'null' }] },
      any: {},
      lines: { type: 'array', items: line },
    };
    const inputSchema = { type: 'object', required: ['id'], properties };
    const settings = settingsWith([upstream('search', { definition: { description: null, inputSchema } })]);
    const errorsOf = (args: JsonObject) => {
      const found = assess(settings, 'mcp.tickets.search', args);
      return found.kind === 'blocked' ? [found.reasonCodes, ...found.errors] : found.kind;
    };
    const allowed = { nick: null, name: null, owner: null, any: null, other: null, lines: [null] };
    expect(errorsOf(allowed)).toBe('free');
    expect(errorsOf({ id: null, state: null, lines: [{ sku: null, note: null }] })).toEqual([
      ['arguments_invalid'],
      { pointer: '/id', message: 'must be a string' },
      { pointer: '/state', message: 'must be a string or a whole number: leave it out instead of null' },
      { pointer: '/lines/0/sku', message: 'must be a string' },
      { pointer: '/lines/0/note', message: 'must be a string: leave it out instead of null' },
    ]);
  });

  it('are irreversible where no policy names them', () => {
    const settings = settingsWith([]);
    expect(findTool(settings, 'mcp.tickets.close.all')).toMatchObject({ class: 'irreversible', mcpTool: 'close.all' });
    const none = ['mcp.other.x', 'mcp.pay.x', 'mcp.tickets', 'tickets.x', 'mcp.constructor.x', 'mcp.__proto__.x'];
    for (const name of none) expect(findTool(settings, name)).toBeUndefined();
  });

  it('have one name: what policy lists under another is unknown by its own', () => {
    const settings = settingsWith([SEARCH, upstream('find')]);
    expect(assess(settings, 'mcp.tickets.find')).toMatchObject({ kind: 'blocked', reasonCodes: ['unknown_tool'] });
    expect(settings.policy.findTool('mcp.tickets.find')).toBeUndefined();
    expect(findTool(settings, 'mcp.tickets.find')).toBeUndefined();
  });

  it.each<[string, string, string]>([
    ['its name', 'mcp.tickets.search', 'mcp.tickets.search'],
    ['the name that policy gives it', 'tickets.find', 'tickets.find'],
    ['the upstream’s own name, where policy renames it', 'mcp.tickets.find', 'tickets.find'],
    ['a beginning of that', 'mcp.tickets.*', 'tickets.find'],
    ['the name of one that policy does not know', 'mcp.tickets.wipe', 'mcp.tickets.wipe'],
    ['the name that it only seems to have', 'mcp.tickets.look', 'mcp.tickets.look'],
    ['the name that mcpTool says it has', 'mcp.tickets.drop', 'mcp.tickets.look'],
  ])('are frozen by %s', (_, pattern, tool) => {
    const renamed = '  - { name: mcp.tickets.look, class: reversible, connector: tickets, mcpTool: drop }\n';
    const policy = POLICY.replace('tools:\n', `tools:\n${renamed}`);
    const settings = settingsWith([SEARCH, upstream('find'), upstream('wipe'), upstream('drop')], policy);
    expect(assess({ ...settings, freeze: [pattern] }, tool).reasonCodes).toEqual(['frozen']);
    expect(assess({ ...settings, freeze: ['mcp.tickets.other', 'find'] }, tool).kind).not.toBe('blocked');
    // A model calls it by the folded name it is offered under; the gateway proposes the tool of that name.
    const offered = [...offeredTools(settings, { id: 'agent-1' }).offered].find(([, one]) => one.tool === tool);
    expect(offered?.[0]).toBe(tool.replaceAll('.', '_'));
  });

  it.each<[string, readonly UpstreamTool[], string]>([
    ['once the tool changed', [{ ...SEARCH, digest: digest('b') }], 'upstream_changed'],
    ['once another tool of the server changed', [SEARCH, CHANGED], 'upstream_changed'],
    ['once the tool is gone', [{ ...SEARCH, digest: null, definition: null }], 'upstream_unlisted'],
    ['where it never was', [upstream('other')], 'upstream_unlisted'],
    ['where the server was never asked', [], 'upstream_unlisted'],
  ])('are held %s', (_, tools, reason) => {
    const assessed = assess(settingsWith(tools));
    expect(assessed).toMatchObject({ kind: 'held', class: 'irreversible' });
    expect(assessed.reasonCodes).toContain(reason);
  });

  it('are free again once policy accepts the change, and exactly that one', () => {
    const accepting = (letter: string): string => `${POLICY}accept: { mcp.tickets.wipe: "${digest(letter)}" }\n`;
    expect(assess(settingsWith([SEARCH, CHANGED], accepting('b'))).kind).toBe('free');
    expect(assess(settingsWith([SEARCH, CHANGED], accepting('c'))).kind).toBe('held');
    // What was accepted is what counts from then on, also where it is no longer there.
    expect(assess(settingsWith([SEARCH, upstream('wipe')], accepting('b'))).kind).toBe('held');
    expect(assess(settingsWith([SEARCH, { ...SEARCH, server: 'other', digest: digest('b') }])).kind).toBe('free');
  });

  it('change the policy’s digest by what is accepted, and say where nothing is', () => {
    const accept = `accept: { mcp.nowhere.x: "${digest('b')}" }\n`;
    expect(settingsOf(POLICY + accept).policy.digest).not.toBe(settingsOf(POLICY).policy.digest);
    const loaded = load(POLICY + accept);
    expect(loaded.ok && loaded.warnings.map(({ line }) => line)).toHaveLength(1);
    expect(problemsOf(`${POLICY}accept: { mcp.tickets.x: sha256:beef }\n`)).toHaveLength(1);
    expect(problemsOf(`${POLICY}accept: { github.repos.delete: "${digest('b')}" }\n`)).toHaveLength(1);
  });
});

describe('W6: an upstream that changes its words', () => {
  const CONNECTORS = settingsOf(POLICY).connectors;
  const withFreeWords = (tools: readonly UpstreamTool[], policy = POLICY): InForce => ({
    ...settingsWith(tools, policy),
    connectors: { ...CONNECTORS, tickets: { type: 'mcp', command: ['tickets'], acceptDescriptions: true } },
  });
  const [words, schema] = [{ description: digest('8') }, { inputSchema: digest('9') }];
  const changedTo = (parts: ToolParts, more: Partial<UpstreamTool> = {}) =>
    upstream('wipe', { digest: digest('b'), parts: { ...PARTS, ...parts }, ...more });
  const namedIn = (settings: InForce) =>
    upstreamChanges(settings, { name: 'mcp.tickets.search', connector: 'tickets' })?.tools;

  it('W6: which part of which tool changed is named', () => {
    const both = changedTo({ ...words, ...schema, annotations: digest('7') });
    const parts = ['description', 'inputSchema', 'annotations'];
    expect(namedIn(settingsWith([SEARCH, both]))).toEqual([{ tool: 'mcp.tickets.wipe', parts }]);
    const gone = changedTo({}, { parts: { inputSchema: digest('2') } });
    expect(namedIn(settingsWith([SEARCH, gone]))).toEqual([{ tool: 'mcp.tickets.wipe', parts: ['description'] }]);
    expect(namedIn(settingsWith([SEARCH]))).toBeUndefined();
  });

  it('W6: after an accepted change, what differs from that is named', () => {
    const accepting = `${POLICY}accept: { mcp.tickets.wipe: "${digest('c')}" }\n`;
    const previous = { digest: digest('c'), parts: { ...PARTS, ...schema } };
    const again = changedTo({ ...schema, ...words }, { previous });
    expect(namedIn(settingsWith([SEARCH, again], accepting))).toMatchObject([{ parts: ['description'] }]);
  });

  it('W6: no more than twenty tools are named', () => {
    const many = Array.from({ length: 23 }, (_, n) => upstream(`tool-${n}`, { digest: digest('b') }));
    const changes = upstreamChanges(settingsWith([SEARCH, ...many]), {
      name: 'mcp.tickets.search',
      connector: 'tickets',
    });
    expect([changes?.tools.length, changes?.more]).toEqual([20, 3]);
  });

  it('W6: acceptDescriptions frees descriptions, never schemas or anything else', () => {
    expect(assess(withFreeWords([SEARCH, changedTo(words)])).kind).toBe('free');
    expect(assess(settingsWith([SEARCH, changedTo(words)])).kind).toBe('held');
    for (const part of ['inputSchema', 'outputSchema', 'annotations', 'title', 'other']) {
      const settings = withFreeWords([SEARCH, changedTo({ ...words, [part]: digest('9') })]);
      expect(assess(settings)).toMatchObject({
        kind: 'held',
        reasonCodes: expect.arrayContaining(['upstream_changed']),
      });
      expect(namedIn(settings)).toEqual([{ tool: 'mcp.tickets.wipe', parts: [part] }]);
    }
  });

  it('W6: with it, a call goes by a digest that its description is no part of, and policy can accept that', () => {
    const moved = changedTo(schema);
    const loose = digestWithoutDescription(moved.parts);
    const assessed = assess(withFreeWords([SEARCH, upstream('wipe')]));
    expect(assessed).toMatchObject({ target: { request: { definition: digestWithoutDescription(PARTS) } } });
    const accepting = `${POLICY}accept: { mcp.tickets.wipe: "${loose}" }\n`;
    expect(assess(withFreeWords([SEARCH, moved], accepting)).kind).toBe('free');
    const reworded = { ...moved, digest: digest('d'), parts: { ...moved.parts, ...words } };
    expect(assess(withFreeWords([SEARCH, reworded], accepting)).kind).toBe('free');
    expect(assess(settingsWith([SEARCH, moved], accepting)).kind).toBe('held');
  });
});

describe('what is offered of it', () => {
  const offeredBy = (settings: InForce, tools?: string[]) =>
    offeredTools(settings, { id: 'agent-1', ...(tools === undefined ? {} : { tools }) }).offered;

  it('is what policy names and what the server lists, each once', () => {
    const offered = offeredBy(settingsWith([SEARCH, upstream('find'), upstream('wipe')]));
    expect([...offered.keys()].toSorted()).toEqual(['mcp_tickets_search', 'mcp_tickets_wipe', 'tickets_find']);
    expect(offered.get('mcp_tickets_search')?.inputSchema).toEqual({ type: 'object', properties: { id: {} } });
    expect([...offeredBy(settingsWith([SEARCH]), ['tickets.*']).keys()]).toEqual(['tickets_find']);
    const strict = settingsWith([upstream('wipe')], `${POLICY}unknownTool: forbidden\n`);
    expect(offeredBy(strict).has('mcp_tickets_wipe')).toBe(false);
  });

  it('leaves out what the upstream says of itself once it changed', () => {
    const offered = offeredBy(
      settingsWith([SEARCH, { ...CHANGED, definition: { description: 'obey', inputSchema: {} } }]),
    );
    expect(JSON.stringify([...offered.values()])).not.toMatch(/obey|does search/);
    expect(offered.get('tickets_find')?.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
  });
});

describe('what a model and its host are told of a tool', () => {
  const offered = (tool: string) =>
    offeredTools(settingsOf(`version: 1\ninclude: [github]\ntools:\n  - { name: api.do, ${tool} }\n${APPROVALS}`), {
      id: 'agent-1',
    }).offered.get('api_do');
  const post = 'connector: api, request: { method: POST, path: /x, body: arguments }';
  const get = 'connector: api, request: { method: GET, path: /x }';

  it('is its description, and its title without values', () => {
    const told = offered(
      `title: 'Deploy {service_name} to {env}', description: 'Starts it.', class: sensitive, ${post}`,
    );
    expect(told?.title).toBe('Deploy service name to env');
    expect(told?.description).toMatch(/^Starts it\.\n\nIt runs at once/);
    expect(offered(`class: sensitive, ${post}`)).toMatchObject({ title: 'api.do' });
  });

  it.each<[string, string, readonly [reads: boolean, destroys: boolean]]>([
    ['reads, as it states', `class: reversible, effects: [read], ${post}`, [true, false]],
    ['reads, by its method', `class: reversible, ${get}`, [true, false]],
    ['is reversible', `class: reversible, ${post}`, [false, false]],
    ['publishes', `class: sensitive, effects: [publish], ${post}`, [false, false]],
    ['is sensitive, and does not state its effects', `class: sensitive, ${post}`, [false, true]],
    ['is irreversible', `class: irreversible, effects: [money], ${post}`, [false, true]],
    ['destroys, and is let through', `class: sensitive, effects: [destroy], override: true, ${post}`, [false, true]],
  ])('says of one that %s what a host may presume', (_what, tool, [readOnlyHint, destructiveHint]) => {
    const hints = { readOnlyHint, destructiveHint, idempotentHint: readOnlyHint, openWorldHint: true };
    expect(offered(tool)?.annotations).toEqual(hints);
  });
});

describe('names', () => {
  type Given = readonly [tool: string, named: boolean];
  const tools = (...given: readonly Given[]) => given.map(([tool, named]) => ({ tool, named }));
  const assigned = (...given: readonly Given[]) => {
    const { offered, leftOut } = assignNames(tools(...given));
    return { names: Object.fromEntries([...offered].map(([name, { tool }]) => [tool, name])), leftOut };
  };
  const MARKED = /^mcp_a_b_c_[0-9a-z]{8}$/;

  it('W1: two tools that fold to one name are offered under two, which follow from their full names alone', () => {
    const { names, leftOut } = assigned(['mcp.a.b_c', false], ['mcp.a.b.c', false], ['mcp.a.d', false]);
    expect(names).toEqual({
      'mcp.a.b_c': expect.stringMatching(MARKED),
      'mcp.a.b.c': expect.stringMatching(MARKED),
      'mcp.a.d': 'mcp_a_d',
    });
    expect(names['mcp.a.b_c']).not.toBe(names['mcp.a.b.c']);
    expect(leftOut).toEqual([]);
    expect(assigned(['mcp.a.b.c', true], ['mcp.a_b.c', true]).names['mcp.a.b.c']).toBe(names['mcp.a.b.c']);
  });

  it('W1: what policy names keeps the plain name', () => {
    const { names } = assigned(['mcp.a.b_c', false], ['mcp.a.b.c', true]);
    expect(names).toEqual({ 'mcp.a.b.c': 'mcp_a_b_c', 'mcp.a.b_c': expect.stringMatching(MARKED) });
  });

  it('W1: a name of 85 characters is offered with 64, and never begins like the gateway’s own', () => {
    const long = `mcp.server.${'x'.repeat(74)}`;
    const { names, leftOut } = assigned([long, false], [`${long}y`, false], ['holdpoint.await', true]);
    expect(names[long]).toMatch(/^mcp_server_x+_[0-9a-z]{8}$/);
    expect([names[long]?.length, names[`${long}y`]?.length]).toEqual([64, 64]);
    expect(names[long]).not.toBe(names[`${long}y`]);
    expect(names['holdpoint.await']).toMatch(/^tool_[0-9a-z]{8}$/);
    expect(leftOut).toEqual([]);
  });

  it('W1: a tool called like the mark of another takes nothing from what policy names, and what is left out is told', () => {
    const mark = distinctName('mcp.a.b.c');
    const forged = `mcp.${mark.slice('mcp_'.length)}`;
    const both: readonly Given[] = [
      ['mcp.a.b.c', true],
      ['mcp.a_b.c', true],
    ];
    expect(assigned(...both, [forged, false])).toMatchObject({
      names: { 'mcp.a.b.c': mark },
      leftOut: [{ tool: forged, reason: 'name_taken' }],
    });
    const unnamed = both.map(([tool]) => [tool, false] as const);
    const { names, leftOut } = assigned(...unnamed, [forged, false]);
    expect(names['mcp.a.b.c']).toBeUndefined();
    expect(leftOut).toEqual(['mcp.a.b.c', forged].map((tool) => ({ tool, reason: 'name_taken' })));
  });

  it('W1: a tool has the same name for every agent, whatever else that one may propose', () => {
    const settings = settingsWith([upstream('a.b'), upstream('a_b')]);
    const nameFor = (tools: string[]) => [...offeredTools(settings, { id: 'agent-1', tools }).offered.keys()];
    const [name] = nameFor(['mcp.tickets.a.b']);
    expect(name).toBe(distinctName('mcp.tickets.a.b'));
    expect(nameFor(['mcp.*'])).toContain(name);
  });

  it('W1: a tool of an upstream that no call can name is left out, and told', () => {
    const { offered, leftOut } = offeredTools(settingsWith([SEARCH, upstream('read file')]), { id: 'agent-1' });
    expect([...offered.keys()]).not.toContain('mcp_tickets_read_file');
    expect(leftOut).toEqual([{ tool: 'mcp.tickets.read file', reason: 'name_unusable' }]);
  });
});

describe('sessions', () => {
  it('are read by any process that has the secret, for the agent they were made for', () => {
    const id = openSession('secret', 'agent-1');
    expect(readSession('secret', 'agent-1', id)).toEqual({ nonce: id.split('.')[0] });
    expect(readSession('secret', 'agent-2', id)).toBeUndefined();
    expect(readSession('other', 'agent-1', id)).toBeUndefined();
    expect(readSession('secret', 'agent-1', `${id.startsWith('A') ? 'B' : 'A'}${id.slice(1)}`)).toBeUndefined();
    expect(readSession('secret', 'agent-1', '')).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/contract/json.ts';
import type { UpstreamTool } from '../../src/domain/upstream.ts';
import { assessCall, findTool } from '../../src/domain/policy/assess.ts';
import type { InForce } from '../../src/domain/policy/settings.ts';
import { toolsByServer } from '../../src/domain/policy/upstreams.ts';
import { assignNames, offeredTools } from '../../src/mcp/catalog.ts';
import { openSession, readSession } from '../../src/mcp/endpoints.ts';
import { APPROVALS, load, problemsOf, settingsOf } from './policy-support.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

function upstream(tool: string, more: Partial<UpstreamTool> = {}): UpstreamTool {
  return {
    server: 'tickets',
    tool,
    first: digest('a'),
    digest: digest('a'),
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

function assess(settings: InForce, tool = 'mcp.tickets.search') {
  const proposer = { attested: true, id: 'agent-1', owner: null, agent: { id: 'agent-1' } } as const;
  const service = tool.split('.')[0] ?? '';
  return assessCall({ service, tool, arguments: {}, context: {}, urgency: null, proposer, settings });
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
    const offered = [...offeredTools(settings, { id: 'agent-1' })].find(([, one]) => one.tool === tool);
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

describe('what is offered of it', () => {
  const offeredBy = (settings: InForce, tools?: string[]) =>
    offeredTools(settings, { id: 'agent-1', ...(tools === undefined ? {} : { tools }) });

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
  });
});

describe('names', () => {
  type Given = readonly [tool: string, named: boolean];
  const tools = (...given: readonly Given[]) => given.map(([tool, named]) => ({ tool, named }));
  const namesOf = (...given: readonly Given[]) => [...assignNames(tools(...given)).keys()];

  it('of two tools that would be called the same, neither is offered, unless policy names just one', () => {
    expect(namesOf(['mcp.a.b_c', false], ['mcp.a.b.c', false], ['mcp.a.d', false])).toEqual(['mcp_a_d']);
    expect(namesOf(['mcp.a_b.c', true], ['mcp.a.b.c', true])).toEqual([]);
    expect(assignNames(tools(['mcp.a.b_c', false], ['mcp.a.b.c', true])).get('mcp_a_b_c')?.tool).toBe('mcp.a.b.c');
  });

  it('never begin like the gateway’s own, and are no longer than the specification allows', () => {
    expect(namesOf(['holdpoint.await', true], [`mcp.${'a'.repeat(125)}`, true])).toEqual([]);
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

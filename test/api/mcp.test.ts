import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolResultSchema,
  CancelTaskResultSchema,
  CreateTaskResultSchema,
  GetTaskResultSchema,
  ListTasksResultSchema,
  ResultSchema,
  ToolListChangedNotificationSchema,
  type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { PolicyTool } from '../../src/domain/policy/policy.ts';
import { toolsByServer } from '../../src/domain/policy/upstreams.ts';
import { LEFT_OUT } from '../../src/mcp/catalog.ts';
import { mcpEndpoints, type McpDeps } from '../../src/mcp/index.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { codeOf, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
let holdMs = 30_000;
let lookEverySeconds = 5;
const listeners = new Set<() => void>();
const secret = randomBytes(32).toString('hex');

beforeAll(async () => {
  api = await makeHarness({
    app: { doors: (parts) => mcpEndpoints(mcpDeps, parts) },
  });
});
beforeEach(() => {
  api.gate.mode = 'working';
  api.gate.executes = true;
  holdMs = 30_000;
});
const open: Client[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});
afterAll(() => api.close());

const mcpDeps: McpDeps = {
  get holdMs() {
    return holdMs;
  },
  get lookEverySeconds() {
    return lookEverySeconds;
  },
  sessionSecret: secret,
  onToolsChanged: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  version: '0.0.0',
};

const mcpUrl = (harness = api): URL => new URL(`${harness.url}/mcp`);

async function connect(as = 'agent-1', capabilities: JsonObject = {}, harness = api): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  const headers = { authorization: `Bearer ${harness.credential(as)}` };
  await client.connect(new StreamableHTTPClientTransport(mcpUrl(harness), { requestInit: { headers } }) as Transport);
  open.push(client);
  return client;
}

const CREATE = { name: 'payouts_create', arguments: { account: 'a-1', amount: 100 } };

// oxlint-disable-next-line typescript/no-explicit-any -- what it must be is for assertions to say
type AnyJson = any;

async function call(client: Client, params: Record<string, unknown>): Promise<CallToolResult & { said: AnyJson }> {
  const result = await client.request({ method: 'tools/call', params: params as never }, CallToolResultSchema);
  return { ...result, said: result.structuredContent };
}

/** The review that a call under this thread became. */
async function pendingOf(threadId: string, harness = api): Promise<AnyJson> {
  const reviewsOf = async (): Promise<AnyJson[]> =>
    (await harness.get(`/v1/reviews?threadId=${threadId}`, 'ops-1')).body.reviews;
  await expect.poll(reviewsOf, { timeout: 20_000 }).toHaveLength(1);
  const [row] = await reviewsOf();
  return (await harness.get(`/v1/reviews/${row.reviewId}`, 'ops-1')).body;
}

/** A call that is equal to none under another thread. */
const thread = (threadId: string) => ({
  _meta: { 'holdpoint/threadId': threadId, 'holdpoint/context': { thread: threadId } },
});

describe('what is offered', () => {
  test('the tools this agent may propose, under names that models’ APIs take, and none that decides', async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['payouts_create', 'payouts_get']));
    expect(names.filter((name) => name.startsWith('holdpoint_'))).toEqual([
      'holdpoint_await',
      'holdpoint_withdraw',
      'holdpoint_revise',
    ]);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    const create = tools.find(({ name }) => name === 'payouts_create');
    expect(create).toMatchObject({ title: 'Pay amount to account', inputSchema: { type: 'object' } });
    expect(create?.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    const narrow = await (await connect('narrow-agent')).listTools();
    expect(narrow.tools.map(({ name }) => name).filter((name) => !name.startsWith('holdpoint_'))).toEqual([
      'payouts_get',
    ]);
  });

  test('W1: own tools use the keywords that every model’s API takes, and say what they do', async () => {
    const { tools } = await (await connect()).listTools();
    const own = tools.filter(({ name }) => name.startsWith('holdpoint_'));
    const plain = new Set(['type', 'description', 'properties', 'required']);
    for (const { inputSchema, annotations } of own) {
      const parts = [inputSchema, ...Object.values(inputSchema.properties ?? {})];
      expect(parts.flatMap((part) => Object.keys(part)).filter((keyword) => !plain.has(keyword))).toEqual([]);
      expect(annotations).toMatchObject({ readOnlyHint: expect.any(Boolean) });
    }
    expect(own.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).toEqual([
      ['holdpoint_await', true],
      ['holdpoint_withdraw', false],
      ['holdpoint_revise', false],
    ]);
  });

  test('a client that listens is told when it may have changed', async () => {
    const client = await connect();
    const told = new Promise<void>((resolve) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
    });
    await expect.poll(() => listeners.size, { timeout: 20_000 }).toBeGreaterThan(0);
    for (const listener of listeners) listener();
    await told;
  });

  test('a tool outside the agent’s list is stopped by the gate, which records it; an unknown one is no tool', async () => {
    const client = await connect('narrow-agent');
    const stopped = await call(client, { ...CREATE, name: 'payouts.create' });
    expect(stopped).toMatchObject({ isError: true, said: { outcome: 'BLOCKED', reasonCodes: ['tool_not_allowed'] } });
    expect((await api.get(`/v1/reviews/${stopped.said.reviewId}`, 'ops-1')).body.status).toBe('blocked');
    await expect(call(client, { name: 'payouts_create', arguments: {} })).rejects.toMatchObject({ code: -32_602 });
    await expect(call(client, { name: 'no.such', arguments: {} })).rejects.toMatchObject({ code: -32_602 });
  });
});

describe('a call', () => {
  test('that is reversible runs at once', async () => {
    const result = await call(await connect(), { name: 'payouts_get', arguments: { id: 'p-1' } });
    expect(result.isError).toBeUndefined();
    expect(result.said).toMatchObject({ outcome: 'EXECUTED', edited: false, result: { ok: true } });
  });

  test('that waits is held, with progress, and answered when it was approved and made', async () => {
    const client = await connect();
    const progress: number[] = [];
    const held = client.callTool({ ...CREATE, ...thread('mcp-hold') }, undefined, {
      onprogress: (step) => progress.push(step.progress),
    });
    const review = await pendingOf('mcp-hold');
    await expect.poll(() => progress.length, { timeout: 30_000 }).toBeGreaterThan(0);
    await api.decide(review.reviewId, review.call.digest, { comment: 'fine' });
    expect(await held).toMatchObject({
      structuredContent: { outcome: 'EXECUTED', reviewId: review.reviewId, edited: false, comment: 'fine' },
    });
  });

  test('that is held for too long is pending, with a link that lets nobody in, and can be waited for', async () => {
    holdMs = 0;
    const client = await connect();
    const pending = await call(client, { ...CREATE, ...thread('mcp-pending') });
    const { reviewId } = pending.said;
    expect(pending.isError).toBeUndefined();
    expect(pending.said).toMatchObject({
      outcome: 'PENDING',
      status: 'pending',
      link: `${api.url}/reviews/${reviewId}`,
      next: { tool: 'holdpoint_await', arguments: { reviewId } },
    });
    const waiting = call(client, { name: 'holdpoint_await', arguments: { reviewId } });
    const review = await pendingOf('mcp-pending');
    await api.decide(reviewId, review.call.digest);
    expect((await waiting).said).toMatchObject({ outcome: 'EXECUTED', reviewId });
  });

  test('after an edit says so, and carries what really ran', async () => {
    const client = await connect();
    const held = call(client, { ...CREATE, ...thread('mcp-edit') });
    const review = await pendingOf('mcp-edit');
    await api.decide(review.reviewId, review.call.digest, { type: 'edit', arguments: { account: 'a-1', amount: 7 } });
    // The edit is another version, which the other reviewers have not seen.
    const edited = await pendingOf('mcp-edit');
    await api.decide(edited.reviewId, edited.call.digest, {}, 'ops-2');
    expect((await held).said).toMatchObject({
      outcome: 'EXECUTED',
      edited: true,
      ran: { tool: 'payouts.create', arguments: { account: 'a-1', amount: 7 } },
    });
  });

  test('that was rejected is an error with the reviewer’s words, not to be tried again', async () => {
    const client = await connect();
    const held = call(client, { ...CREATE, ...thread('mcp-no') });
    const review = await pendingOf('mcp-no');
    await api.decide(review.reviewId, review.call.digest, { type: 'reject', comment: 'not \u202etoday' });
    const result = await held;
    expect(result).toMatchObject({
      isError: true,
      said: { outcome: 'BLOCKED', retryable: false, comment: 'not \u202etoday', hiddenCharacters: ['U+202E'] },
    });
    expect(result.said.reasonCodes).toContain('rejected');
  });

  test('for which changes are asked is revised with a tool', async () => {
    const client = await connect();
    const held = call(client, { ...CREATE, ...thread('mcp-revise') });
    const review = await pendingOf('mcp-revise');
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    expect((await held).said).toMatchObject({ outcome: 'PENDING', status: 'changes_requested', feedback: 'less' });
    const revised = await call(client, {
      name: 'holdpoint_revise',
      arguments: { reviewId: review.reviewId, arguments: { account: 'a-1', amount: 5 } },
    });
    expect(revised.said).toMatchObject({ outcome: 'PENDING', status: 'pending' });
    const withdrawn = await call(client, { name: 'holdpoint_withdraw', arguments: { reviewId: review.reviewId } });
    expect(withdrawn.said.reasonCodes).toContain('withdrawn');
  });

  test('is answered as soon as changes are asked for, whatever else it would have waited for', async () => {
    // Whoever waits here for the time to be over waits for ever.
    lookEverySeconds = 3_600;
    holdMs = 3_600_000;
    try {
      const client = await connect();
      const held = call(client, { ...CREATE, ...thread('mcp-feedback') });
      const review = await pendingOf('mcp-feedback');
      await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less \u202eof it' });
      const feedback = { outcome: 'PENDING', status: 'changes_requested', feedback: 'less \u202eof it' };
      const next = { tool: 'holdpoint_revise', arguments: { reviewId: review.reviewId } };
      expect((await held).said).toMatchObject({ ...feedback, next });
      const awaited = await call(client, { name: 'holdpoint_await', arguments: { reviewId: review.reviewId } });
      expect(awaited.said).toMatchObject({ ...feedback, next });
      await call(client, { name: 'holdpoint_withdraw', arguments: { reviewId: review.reviewId } });
    } finally {
      lookEverySeconds = 5;
    }
  });

  test('whose arguments do not fit says where', async () => {
    const result = await call(await connect(), { name: 'payouts_create', arguments: { amount: 'much' } });
    expect(result).toMatchObject({ isError: true, said: { outcome: 'BLOCKED', reasonCodes: ['arguments_invalid'] } });
    expect(result.said.errors.length).toBeGreaterThan(0);
  });

  test('R4: null stands for what is left out: the arguments of a tool, and what is optional of our own tools', async () => {
    const rpc = (params: object) =>
      api.send(
        'POST',
        '/mcp',
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
        {
          as: 'agent-1',
          headers: { accept: 'application/json' },
        },
      );
    const none = await rpc({ name: 'payouts_create', arguments: null });
    expect(none.body.result.structuredContent).toMatchObject({ reasonCodes: ['arguments_invalid'] });
    const { error } = (await rpc({ name: 'payouts_create', arguments: [1] })).body;
    expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining('/arguments') });

    const client = await connect();
    const held = call(client, { ...CREATE, ...thread('mcp-null') });
    const { reviewId, call: proposed } = await pendingOf('mcp-null');
    await api.decide(reviewId, proposed.digest, { type: 'revise', comment: 'less' });
    await held;
    const awaited = await call(client, { name: 'holdpoint_await', arguments: { reviewId, waitSeconds: null } });
    expect(awaited.said).toMatchObject({ outcome: 'PENDING', status: 'changes_requested' });
    const revision = { reviewId, arguments: { account: 'a-1', amount: 5 }, reason: null };
    const revised = await call(client, { name: 'holdpoint_revise', arguments: revision });
    expect(revised.said).toMatchObject({ outcome: 'PENDING', status: 'pending' });
    await call(client, { name: 'holdpoint_withdraw', arguments: { reviewId } });
  });

  test('B4: every character comes as it was sent, in parts and as data', async () => {
    const text = 'a:\n\tgcc\r\nスペース\u3000\u00a0👩‍👩‍👧 ❤\ufe0f\u200d🔥 \u200fab \u200c \u2028';
    const part = { type: 'text', text };
    const file = { type: 'resource', resource: { uri: 'file:///a', mimeType: 'text/plain', text } };
    const body = { content: [part, file], structuredContent: { [text]: [text] } };
    api.answer(() => ({ status: 'executed', body }));
    const result = await call(await connect(), { name: 'payouts_get', arguments: { id: 'p-1' } });
    expect(result.content.slice(1)).toEqual([part, { type: 'text', text: expect.stringContaining('file:///a') }, part]);
    expect(result.said.result).toEqual(body.structuredContent);
    expect(result.said).not.toHaveProperty('hiddenCharacters');
    const [sentence = '', data = ''] = (result.content[0] as { readonly text: string }).text.split(/\n(?=\{)/);
    expect(sentence).toBe('Done.');
    expect(JSON.parse(data).result).toEqual(body.structuredContent);
  });

  test('B1: numbers keep their digits: bare in the text, as text for programs that would round them', async () => {
    const structuredContent = { id: { $number: '1234567890123456789' }, x: { $number: '1e400' } };
    api.answer(() => ({ status: 'executed', body: structuredContent }));
    const result = await call(await connect(), { name: 'payouts_get', arguments: { id: 'p-1' } });
    expect((result.content[0] as { readonly text: string }).text).toContain('{"id":1234567890123456789,"x":1e400}');
    expect(result.said.result).toEqual({ id: '1234567890123456789', x: '1e400' });
  });

  test('K2: a part that is too large is named, and costs no other', async () => {
    const content = [
      { type: 'text', text: 'one line' },
      { type: 'image', data: 'A'.repeat(400_000), mimeType: 'image/png' },
      { type: 'text', text: `log\n${'line\n'.repeat(100_000)}` },
      ...Array.from({ length: 60 }, (_, n) => ({ type: 'text', text: `part ${n}` })),
    ];
    api.answer(() => ({ status: 'executed', body: { content } }));
    const result = await call(await connect(), { name: 'payouts_get', arguments: { id: 'p-1' } });
    expect(result.content).toHaveLength(1 + content.length);
    expect(result.content[1]).toEqual(content[0]);
    expect(result.content[2]).toEqual({ type: 'text', text: '[image/png of 400,002 bytes: too large, left out.]' });
    expect((result.content[3] as { readonly text: string }).text).toMatch(
      /^log\nline\n[^]{900,}…\n\[The text of [0-9,]+ bytes: too large, left out\.\]$/,
    );
    expect(result.content.at(-1)).toEqual({ type: 'text', text: 'part 59' });
  });

  test('that an upstream answered with hidden text says so, and has no link to follow', async () => {
    api.answer(() => ({
      status: 'executed',
      body: {
        content: [
          { type: 'text', text: 'plain\u202e\u{e0041}' },
          { type: 'resource_link', uri: 'file:///etc/passwd', name: 'x' },
          { type: 'image', data: 'AAAA', mimeType: 'image/png' },
          { type: 'image', data: '"><script>', mimeType: 'image/png' },
        ],
        structuredContent: { key: 'a\u0007b' },
      },
    }));
    const result = await call(await connect(), { name: 'payouts_get', arguments: { id: 'p-1' } });
    api.answer(() => ({ status: 'executed', body: { ok: true } }));
    expect(result.content.slice(1).map(({ type }) => type)).toEqual(['text', 'text', 'image', 'text']);
    expect(result.content[1]).toEqual({ type: 'text', text: 'plain\u202e\u{e0041}' });
    expect(result.said).toMatchObject({
      result: { key: 'a\u0007b' },
      hiddenCharacters: ['U+0007', 'U+202E', 'U+E0041'],
    });
    expect(result.content[0]).toMatchObject({ text: expect.stringContaining('U+0007, U+202E, U+E0041') });
  });

  test('of another agent does not exist', async () => {
    const review = await api.propose({ threadId: 'mcp-other' }, 'agent-2');
    const client = await connect();
    for (const name of ['holdpoint_await', 'holdpoint_withdraw']) {
      expect(await call(client, { name, arguments: { reviewId: review.reviewId } })).toMatchObject({
        isError: true,
        said: { code: 'not_found' },
      });
    }
  });

  test.each(['payouts.refund', 'payouts_refund'])('of %s, whose connector is missing, says so', async (name) => {
    const { policy } = api.settings.current();
    const get = policy.tools.get('payouts.get') as PolicyTool;
    const refund = { ...get, definition: { ...get.definition, name: 'payouts.refund', connector: 'ledger' } };
    const verdict = { kind: 'blocked', class: 'reversible', reasonCodes: ['connector_missing'], fired: [] } as const;
    api.settings.update({
      policy: {
        ...policy,
        tools: new Map([...policy.tools, ['payouts.refund', refund]]),
        findTool: () => undefined,
        classify: () => verdict,
      },
    });
    try {
      const said = await call(await connect(), { name, arguments: {} });
      expect(said).toMatchObject({ isError: true, said: { outcome: 'BLOCKED', reasonCodes: ['connector_missing'] } });
    } finally {
      api.settings.update({ policy });
    }
  });

  test('that Temporal does not take is a refusal that can be retried', async () => {
    api.gate.mode = 'down';
    const result = await call(await connect(), { name: 'payouts_get', arguments: { id: 'p-1' } });
    expect(result).toMatchObject({ isError: true, said: { code: 'temporal_unavailable', retryable: true } });
  });
});

test('a tool of an upstream that nobody has asked yet is to be tried again; nobody is asked about it', async () => {
  const before = api.settings.current();
  const key = randomBytes(8).toString('hex');
  const search = { name: 'mcp.tickets.search', class: 'reversible', connector: 'tickets' } as const;
  const request = { service: 'mcp', tool: search.name, arguments: {} };
  const propose = (as = 'agent-1') => api.execute(request, as, { 'idempotency-key': key });
  const digest = `sha256:${'a'.repeat(64)}` as const;
  const definition = { description: null, inputSchema: {} };
  const listed = toolsByServer([
    { server: 'tickets', tool: 'search', first: digest, firstParts: {}, digest, parts: {}, previous: null, definition },
  ]);
  api.settings.setPolicy({ tools: [search] });
  const connectors = { ...before.connectors, tickets: { type: 'mcp' as const, command: ['tickets'] } };
  api.settings.update({ connectors, upstreams: { tools: new Map(), settled: new Set() } });
  try {
    const { started } = api.gate;
    const count = started.length;
    const early = await propose();
    expect(codeOf(early)).toBe('worker_unavailable');
    expect(early.headers.get('retry-after')).not.toBeNull();
    expect(started).toHaveLength(count);
    // What would not run anyway is blocked, and recorded.
    expect((await propose('narrow-agent')).body).toMatchObject({ reasonCodes: ['tool_not_allowed'] });
    expect(await call(await connect(), { name: 'mcp.tickets.search', arguments: {} })).toMatchObject({
      isError: true,
      said: { outcome: 'REFUSED', code: 'worker_unavailable', retryable: true },
    });
    api.settings.update({ upstreams: { tools: listed, settled: new Set(['tickets']) } });
    expect((await propose()).body).toMatchObject({ outcome: 'EXECUTED', class: 'reversible' });
    // It had its time and said nothing: then a human is asked.
    api.settings.update({ upstreams: { tools: new Map(), settled: new Set(['tickets']) } });
    const held = await api.execute(request);
    expect(held.body).toMatchObject({ outcome: 'ESCALATE', gate: 'hard', class: 'irreversible' });
  } finally {
    api.settings.update({ ...before, upstreams: { tools: new Map(), settled: new Set() } });
  }
});

test('W1, W6: people are told which tools of an upstream changed in what, and which no agent is offered', async () => {
  const before = api.settings.current();
  const [first, digest] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
  const firstParts = { description: first };
  const one = { server: 'tickets', first, firstParts, digest: first, parts: firstParts, previous: null };
  const tools = toolsByServer([
    { ...one, tool: 'read file', definition: null },
    { ...one, tool: 'close', digest, parts: { description: digest }, definition: null },
  ]);
  const connectors = { ...before.connectors, tickets: { type: 'mcp' as const, command: ['tickets'] } };
  api.settings.update({ connectors, upstreams: { tools, settled: new Set(['tickets']) } });
  try {
    const { body } = await api.get('/v1/mcp/upstreams', 'ops-1');
    expect(body.tools).toMatchObject([
      { tool: 'read file', state: 'accepted', changed: [], notOffered: LEFT_OUT.name_unusable },
      { tool: 'close', state: 'changed', changed: ['description'], accept: digest, notOffered: null },
    ]);
  } finally {
    api.settings.update({ connectors: before.connectors, upstreams: { tools: new Map(), settled: new Set() } });
  }
});

test('a process that shuts down answers what it holds', async () => {
  holdMs = 300_000;
  const stopping: Harness = await makeHarness({
    store: api.store,
    app: {
      doors: (parts) => mcpEndpoints(mcpDeps, parts),
    },
  });
  const client = await connect('agent-1', {}, stopping);
  const held = call(client, { ...CREATE, ...thread('mcp-shutdown') });
  await pendingOf('mcp-shutdown', stopping);
  stopping.shutdown.abort();
  expect((await held).said).toMatchObject({ outcome: 'PENDING' });
  await client.close();
  await stopping.close();
});

describe('tasks', () => {
  const asTask = (client: Client, threadId: string) =>
    client.request(
      { method: 'tools/call', params: { ...CREATE, ...thread(threadId), task: { ttl: 60_000 } } },
      CreateTaskResultSchema,
    );
  const get = (client: Client, taskId: string) =>
    client.request({ method: 'tasks/get', params: { taskId } }, GetTaskResultSchema);

  test('work while people decide; a rejection is completed, and an error', async () => {
    const client = await connect();
    const { task } = await asTask(client, 'task-no');
    expect(task).toMatchObject({ status: 'working' });
    // The handle is the review, and is there: looked at once, with nothing waited for.
    const found = await api.get(`/v1/reviews/${task.taskId}`, 'ops-1');
    expect(found.status).toBe(200);
    const review = found.body;
    expect(review).toMatchObject({ reviewId: task.taskId, threadId: 'task-no', status: 'pending' });
    expect(Date.parse(task.createdAt) + (task.ttl ?? 0)).toBeGreaterThan(Date.parse(review.expiresAt));
    expect(await get(client, task.taskId)).toMatchObject({ status: 'working' });
    const result = client.request({ method: 'tasks/result', params: { taskId: task.taskId } }, CallToolResultSchema);
    await api.decide(review.reviewId, review.call.digest, { type: 'reject', comment: 'no' });
    expect(await result).toMatchObject({ isError: true, structuredContent: { outcome: 'BLOCKED', comment: 'no' } });
    expect(await get(client, task.taskId)).toMatchObject({ status: 'completed' });
  });

  test('results that are waited for count as streams do, and end with the key', async () => {
    const few: Harness = await makeHarness({
      app: {
        doors: (parts) => mcpEndpoints(mcpDeps, parts),
        limits: { streamsPerPrincipal: 1 },
      },
    });
    const client = await connect('agent-1', {}, few);
    const { task } = await asTask(client, 'task-slots');
    const wait = () =>
      client.request({ method: 'tasks/result', params: { taskId: task.taskId } }, CallToolResultSchema);
    const first = wait().then(
      () => 'answered',
      () => 'refused',
    );
    await expect(wait()).rejects.toThrow();
    const { agents } = few.settings.current();
    few.settings.update({ agents: agents.filter(({ id }) => id !== 'agent-1') });
    expect(await first).toBe('refused');
    expect((await few.get(`/v1/reviews/${task.taskId}`, 'ops-1')).body.status).toBe('pending');
    await few.close();
  });

  test('pass on a reviewer’s words while changes are wanted, and how to answer them', async () => {
    const client = await connect();
    const { task } = await asTask(client, 'task-revise');
    const { body: review } = await api.get(`/v1/reviews/${task.taskId}`, 'ops-1');
    await api.decide(task.taskId, review.call.digest, { type: 'revise', comment: 'only \u202ehalf' });
    const wanted = await get(client, task.taskId);
    expect(wanted.status).toBe('working');
    expect(wanted.statusMessage).toContain('only \\u{202e}half');
    expect(wanted.statusMessage).toContain('holdpoint_revise');
    await call(client, {
      name: 'holdpoint_revise',
      arguments: { reviewId: task.taskId, arguments: { account: 'a-1', amount: 5 } },
    });
    expect((await get(client, task.taskId)).statusMessage).not.toContain('holdpoint_revise');
  });

  test('belong to the agent that proposed, and are cancelled by withdrawing', async () => {
    const client = await connect();
    const { task } = await asTask(client, 'task-cancel');
    const { taskId } = task;
    const other = await connect('agent-2');
    await expect(get(other, taskId)).rejects.toMatchObject({ code: -32_602 });
    await expect(
      other.request({ method: 'tasks/cancel', params: { taskId } }, CancelTaskResultSchema),
    ).rejects.toMatchObject({ code: -32_602 });
    const mine = await client.request({ method: 'tasks/list' }, ListTasksResultSchema);
    expect(mine.tasks.map((one) => one.taskId)).toContain(taskId);
    const theirs = await other.request({ method: 'tasks/list' }, ListTasksResultSchema);
    expect(theirs.tasks.map((one) => one.taskId)).not.toContain(taskId);
    const cancelled = await client.request({ method: 'tasks/cancel', params: { taskId } }, CancelTaskResultSchema);
    expect(cancelled.status).toBe('cancelled');
    expect((await api.get(`/v1/reviews/${taskId}`, 'ops-1')).body.status).toBe('withdrawn');
    await expect(
      client.request({ method: 'tasks/cancel', params: { taskId } }, CancelTaskResultSchema),
    ).rejects.toMatchObject({ code: -32_602 });
  });

  describe('of the extension', () => {
    const EXTENSION = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
    const DECLARED = { 'io.modelcontextprotocol/clientCapabilities': EXTENSION };
    const ask = (client: Client, method: string, params: Record<string, unknown>, meta: JsonObject = DECLARED) =>
      client.request({ method, params: { ...params, _meta: meta } }, ResultSchema);
    const propose = (client: Client, threadId: string, meta: JsonObject = DECLARED) =>
      ask(client, 'tools/call', CREATE, { ...meta, 'holdpoint/threadId': threadId });

    test('are handed out where the request declares it, and carry the result', async () => {
      const client = await connect();
      const handle = await propose(client, 'task-extension');
      // At once: the handle is there no sooner than the review.
      const { taskId } = handle as unknown as { readonly taskId: string };
      const review = (await api.get(`/v1/reviews/${taskId}`, 'ops-1')).body;
      expect(handle).toMatchObject({ resultType: 'task', taskId: review.reviewId, status: 'working' });
      expect(handle['ttlMs']).toBeGreaterThan(Date.parse(review.expiresAt) - Date.parse(review.proposedAt));
      const read = () => ask(client, 'tasks/get', { taskId });
      for (const answer of [handle, await read()]) {
        expect(Object.keys(answer)).toEqual(expect.arrayContaining(['ttlMs', 'pollIntervalMs']));
        expect(answer).not.toHaveProperty('ttl');
        expect(answer).not.toHaveProperty('pollInterval');
        expect(answer).not.toHaveProperty('result');
      }
      expect(await read()).toMatchObject({ resultType: 'complete', status: 'working' });
      await api.decide(review.reviewId, review.call.digest);
      await expect.poll(read, { timeout: 20_000 }).toMatchObject({
        resultType: 'complete',
        status: 'completed',
        result: { structuredContent: { outcome: 'EXECUTED' } },
      });
      // A client of 2025-11-25 reads the same task in its own words.
      const plain = await ask(client, 'tasks/get', { taskId }, {});
      expect(plain).toMatchObject({ status: 'completed', ttl: handle['ttlMs'], pollInterval: 5_000 });
      for (const name of ['ttlMs', 'pollIntervalMs', 'resultType', 'result']) expect(plain).not.toHaveProperty(name);
      const free = await ask(client, 'tools/call', { name: 'payouts_get', arguments: { id: 'p-1' } });
      expect(free).toMatchObject({ structuredContent: { outcome: 'EXECUTED' } });
    });

    test('are not handed out for what a client declared when it introduced itself', async () => {
      holdMs = 0;
      const client = await connect('agent-1', EXTENSION);
      const answer = await propose(client, 'task-undeclared', {});
      expect(answer).not.toHaveProperty('resultType');
      expect(answer).toMatchObject({ structuredContent: { outcome: 'PENDING' } });
    });

    test('are updated and cancelled with nothing but an acknowledgement, also once they have ended', async () => {
      const client = await connect();
      const { taskId } = (await propose(client, 'task-ack')) as unknown as { readonly taskId: string };
      const acknowledged = { resultType: 'complete' };
      expect(await ask(client, 'tasks/update', { taskId, inputResponses: {} })).toEqual(acknowledged);
      expect(await ask(client, 'tasks/cancel', { taskId })).toEqual(acknowledged);
      const ended = { resultType: 'complete', status: 'cancelled' };
      await expect.poll(() => ask(client, 'tasks/get', { taskId }), { timeout: 20_000 }).toMatchObject(ended);
      expect(await ask(client, 'tasks/cancel', { taskId })).toEqual(acknowledged);
      const unknown = { taskId: `rev_${'0'.repeat(26)}` };
      for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
        await expect(ask(client, method, unknown)).rejects.toMatchObject({ code: -32_602 });
      }
    });

    test('are not updated by a client that does not declare it', async () => {
      const client = await connect('agent-1', EXTENSION);
      const { taskId } = (await propose(client, 'task-missing')) as unknown as { readonly taskId: string };
      await expect(ask(client, 'tasks/update', { taskId, inputResponses: {} }, {})).rejects.toMatchObject({
        code: -32_021,
        data: { requiredCapabilities: EXTENSION },
      });
    });
  });
});

describe('the door', () => {
  const headers = { accept: 'application/json, text/event-stream' };
  const rpc = (method: string, params: object = {}, id: number = 1) => ({ jsonrpc: '2.0', id, method, params });
  const HELLO = rpc('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  });
  const post = (body: unknown, as?: string, more: Record<string, string> = {}) =>
    api.post('/mcp', body, as, { ...headers, ...more });
  const answerOf = (body: unknown): AnyJson => {
    const data = /^data: (.*)$/m.exec(String(body))?.[1];
    return JSON.parse(data ?? 'null');
  };

  const sessionOf = async (): Promise<string> => (await post(HELLO, 'agent-1')).headers.get('mcp-session-id') ?? '';
  const send = async (session: string, params: object = CREATE, id: number | string = 1) => {
    const body = { ...rpc('tools/call', params), id };
    const answer = await post(body, 'agent-1', { 'mcp-session-id': session });
    return answerOf(answer.body).result;
  };
  const GET = { name: 'payouts_get', arguments: { id: 'p-1' } };

  test('I2, I3: an id is free again once it was answered, for the same arguments and for others', async () => {
    holdMs = 0;
    const session = await sessionOf();
    const ids = [];
    for (const params of [GET, GET, { ...GET, arguments: { id: 'p-2' } }, CREATE, CREATE, GET]) {
      const { structuredContent } = await send(session, params);
      expect(structuredContent).not.toHaveProperty('code');
      ids.push(structuredContent.reviewId);
    }
    expect(new Set(ids).size).toBe(ids.length);
    // Refused is answered, too.
    api.gate.mode = 'down';
    expect(await send(session, GET)).toMatchObject({ structuredContent: { code: 'temporal_unavailable' } });
    api.gate.mode = 'working';
    expect(await send(session, GET)).toMatchObject({ structuredContent: { outcome: 'EXECUTED' } });
  });

  test('an empty id is none', async () => {
    holdMs = 0;
    const session = await sessionOf();
    const [first, second] = await Promise.all([send(session, CREATE, ''), send(session, CREATE, '')]);
    expect(first.structuredContent.reviewId).not.toBe(second.structuredContent.reviewId);
  });

  test('a request that is sent again before it was answered is the same call; other arguments or another session are another', async () => {
    const [one, two] = [await sessionOf(), await sessionOf()];
    const params = { ...CREATE, ...thread('mcp-in-flight') };
    const broken = new AbortController();
    const lost = fetch(`${api.url}/mcp`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        authorization: `Bearer ${api.credential('agent-1')}`,
        'mcp-session-id': one,
      },
      body: JSON.stringify(rpc('tools/call', params, 7)),
      signal: broken.signal,
    });
    const { reviewId } = await pendingOf('mcp-in-flight');
    broken.abort();
    await lost.then((response) => response.text()).catch(() => undefined);
    holdMs = 0;
    const other = { ...params, arguments: { account: 'a-2', amount: 1 } };
    const results = [
      await send(one, other, 7),
      await send(two, params, 7),
      await send(one, params, 8),
      await send(one, { ...params, _meta: { ...params._meta, progressToken: 'another' } }, 7),
    ];
    expect(results.map(({ structuredContent }) => structuredContent.reviewId === reviewId)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect((await send(one, params, 7)).structuredContent.reviewId).not.toBe(reviewId);
  });

  test('a call that attaches to one that waits says so, in a result and in a handle', async () => {
    holdMs = 0;
    api.settings.setPolicy({ approval: { ...ONE_OF_OPS, reproposal: 'attach' } });
    try {
      const session = await sessionOf();
      const params = { name: 'payouts_create', arguments: { account: 'attached', amount: 7 } };
      const first = (await send(session, params)).structuredContent;
      expect(first).not.toHaveProperty('attached');
      const second = await send(session, params);
      expect(second.structuredContent).toMatchObject({ reviewId: first.reviewId, attached: true, outcome: 'PENDING' });
      const task = await send(session, { ...params, task: {} });
      expect(task).toMatchObject({ task: { taskId: first.reviewId }, _meta: { 'holdpoint/attached': true } });
    } finally {
      api.settings.setPolicy({});
    }
  });

  test('without a session the client may say itself which call is the same, and why it is made', async () => {
    holdMs = 0;
    const key = randomBytes(8).toString('hex');
    let id = 0;
    const send = async (meta: object, args: object = CREATE.arguments) => {
      id += 1;
      const { body } = await post(rpc('tools/call', { ...CREATE, arguments: args, _meta: meta }, id), 'agent-1');
      return answerOf(body);
    };
    const meta = {
      'holdpoint/idempotencyKey': key,
      'holdpoint/reason': 'the invoice is due',
      'holdpoint/context': { env: 'test' },
    };
    const { structuredContent: first } = (await send(meta)).result;
    expect(first.outcome).toBe('PENDING');
    expect((await send(meta)).result.structuredContent.reviewId).toBe(first.reviewId);
    expect((await api.get(`/v1/reviews/${first.reviewId}`, 'ops-1')).body).toMatchObject({
      reason: 'the invoice is due',
      context: { env: 'test' },
    });
    expect(
      (await send({ ...meta, 'holdpoint/idempotencyKey': `${key}-2` })).result.structuredContent,
    ).not.toMatchObject({
      reviewId: first.reviewId,
    });
    expect((await send(meta, { account: 'a-2', amount: 1 })).result.structuredContent).toMatchObject({
      code: 'idempotency_mismatch',
    });
    for (const wrong of [
      { 'holdpoint/idempotencyKey': 'x'.repeat(256) },
      { 'holdpoint/context': 'env' },
      { 'holdpoint/reason': 7 },
    ]) {
      expect((await send(wrong)).error).toMatchObject({ code: -32_602 });
    }
  });

  test('a session is worth nothing to another agent, and cannot be made up', async () => {
    const { headers: answered } = await post(HELLO, 'agent-1');
    const session = answered.get('mcp-session-id') ?? '';
    const list = (as: string, id: string) => post(rpc('tools/list'), as, { 'mcp-session-id': id });
    expect((await list('agent-1', session)).status).toBe(200);
    expect((await list('agent-2', session)).status).toBe(404);
    expect((await list('agent-1', `${session.startsWith('A') ? 'B' : 'A'}${session.slice(1)}`)).status).toBe(404);
    expect((await list('agent-1', 'made-up')).status).toBe(404);
  });

  test.each([
    ['JSON alone', 'application/json', 'application/json'],
    ['anything', '*/*', 'application/json'],
    ['anything of its kind', 'application/*', 'application/json'],
    ['both', 'application/json, text/event-stream', 'text/event-stream'],
    ['both, in capitals', 'Application/JSON, Text/Event-Stream', 'text/event-stream'],
    ['a stream alone', 'text/event-stream', 'text/event-stream'],
  ])('W2: a client that accepts %s gets it, also at /mcp/', async (_what, accept, type) => {
    for (const path of ['/mcp', '/mcp/']) {
      const answer = await api.post(path, HELLO, 'agent-1', { accept });
      expect([answer.status, answer.headers.get('content-type')?.split(';')[0]]).toEqual([200, type]);
      const said: AnyJson = type === 'application/json' ? answer.body : answerOf(answer.body);
      expect(said.result.serverInfo.name).toBe('holdpoint');
    }
  });

  test('W2: a whole call is answered in JSON', async () => {
    const body = rpc('tools/call', { name: 'payouts_get', arguments: { id: 'p-1' } });
    const answer = await api.post('/mcp/', body, 'agent-1', { accept: 'application/json' });
    expect(answer.body).toMatchObject({ id: 1, result: { structuredContent: { outcome: 'EXECUTED' } } });
  });

  test('W2: who accepts neither is refused', async () => {
    expect((await api.post('/mcp', HELLO, 'agent-1', { accept: 'text/html' })).status).toBe(406);
  });

  test('only agents come in', async () => {
    const refused = await post(HELLO);
    expect(refused.status).toBe(401);
    expect((await post(HELLO, 'ops-1')).status).toBe(403);
    // As the SDK's own client reads it.
    const at = extractWWWAuthenticateParams(new Response(null, { headers: refused.headers })).resourceMetadataUrl;
    expect(at?.href).toBe(`${api.url}/.well-known/oauth-protected-resource/mcp`);
    const listening = await api.get('/mcp', undefined, headers);
    expect(listening.status).toBe(401);
    expect(listening.headers.get('www-authenticate')).toBe(refused.headers.get('www-authenticate'));
    expect((await api.get('/v1/reviews')).headers.get('www-authenticate')).toBe('Bearer realm="holdpoint"');
    const metadata = await api.get(at?.pathname ?? '');
    expect(metadata.body).toMatchObject({ resource: `${api.url}/mcp`, bearer_methods_supported: ['header'] });
  });

  test('no web page comes in, under whatever name it made the browser reach us', async () => {
    expect((await post(HELLO, 'agent-1', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post(HELLO, 'agent-1', { origin: 'null' })).status).toBe(403);
    expect((await post(HELLO, 'agent-1', { origin: api.url })).status).toBe(200);
    // `fetch` does not let its caller choose the host.
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const payload = JSON.stringify(HELLO);
      const authorization = `Bearer ${api.credential('agent-1')}`;
      const sent = httpRequest(mcpUrl(), {
        method: 'POST',
        headers: { ...headers, authorization, host: 'evil.example', 'content-type': 'application/json' },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.end(payload);
    });
    expect(status).toBe(403);
  });

  test('JSON is read as strictly as elsewhere', async () => {
    const raw = (text: string) =>
      api.send('POST', '/mcp', undefined, { as: 'agent-1', headers: { ...headers }, raw: text });
    expect(codeOf(await raw('{"jsonrpc":"2.0","jsonrpc":"2.0"}'))).toBe('duplicate_key');
    expect(codeOf(await raw('{"jsonrpc":"2.0","id":9007199254740993}'))).toBe('number_out_of_range');
    expect(codeOf(await raw(JSON.stringify([HELLO])))).toBe('invalid_request');
    expect(codeOf(await raw(JSON.stringify({ ...HELLO, padding: 'x'.repeat(300_000) })))).toBe('payload_too_large');
    expect((await api.send('DELETE', '/mcp', undefined, { as: 'agent-1' })).status).toBe(405);
  });

  test('a fault of ours says nothing of itself', async () => {
    const store = api.store as { readReview: unknown };
    const before = store.readReview;
    store.readReview = () => Promise.reject(new Error('secret detail'));
    try {
      const reviewId = `rev_${'0'.repeat(26)}`;
      const { body } = await post(rpc('tasks/get', { taskId: reviewId }), 'agent-1');
      expect(answerOf(body).error).toMatchObject({ code: -32_603, data: { code: 'internal' } });
      expect(String(body)).not.toContain('secret');
    } finally {
      store.readReview = before;
    }
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.ts';
import { noteRunning } from '../../src/cli/embedded/data-dir.ts';
import { tryLockFile } from '../../src/cli/embedded/file-lock.ts';
import { registerInstance } from '../../src/cli/embedded/instances.ts';
import { originOf, signCheckpoint } from '../../src/domain/proof/checkpoint.ts';
import { EMPTY_ROOT } from '../../src/domain/proof/tree.ts';
import { aReview } from '../unit/client-fixtures.ts';
import { capture, type Captured } from '../unit/cli-io.ts';
import { json, problem, startStub, type Step, type Stub } from './client-stub.ts';

const id = aReview().reviewId;
const digest = aReview().call.digest as string;

let directory: string;
let stub: Stub | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-cli-'));
});
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await stub?.close();
  stub = undefined;
});

interface Ran extends Captured {
  readonly code: number;
}

async function holdpoint(args: readonly string[], options: Parameters<typeof capture>[0] = {}): Promise<Ran> {
  const env = {
    HOLDPOINT_DATA_DIR: directory,
    ...(stub === undefined ? {} : { HOLDPOINT_URL: stub.url, HOLDPOINT_TOKEN: 'hpr_test' }),
    ...options.env,
  };
  const captured = capture({ cwd: directory, ...options, env });
  const code = await run(args, captured.streams, new AbortController().signal);
  return { ...captured, code };
}

async function serve(...steps: readonly Step[]): Promise<Stub> {
  stub = await startStub(...steps);
  return stub;
}

describe('B6: audit checkpoint > FILE; audit verify --since FILE', () => {
  const deploymentId = 'acme';
  const key = generateKeyPairSync('ed25519');
  const note = signCheckpoint({ origin: originOf(deploymentId), size: 0, root: EMPTY_ROOT }, key);
  const publicKey = key.publicKey.export({ format: 'jwk' });
  const trusted = { keyid: 'k1', role: 'execute', publicKey, createdAt: '2026-04-01T12:00:00.000Z' };

  async function verify(text: string, mark = ''): Promise<Ran> {
    writeFileSync(join(directory, 'kept'), text);
    writeFileSync(join(directory, 'trust.json'), `${mark}${JSON.stringify({ deploymentId, keys: [trusted] })}`);
    return holdpoint(['--json', 'audit', 'verify', '--since', 'kept', '--keys', 'trust.json']);
  }

  test('what is printed is the file', async () => {
    const latest = json(200, { size: 0, checkpoint: note });
    await serve(latest, latest, json(200, { entries: [], nextFrom: null }));
    const { stdout } = await holdpoint(['audit', 'checkpoint']);
    expect(stdout()).toBe(note);
    const verified = await verify(stdout());
    expect([verified.code, JSON.parse(verified.stdout())]).toMatchObject([0, { ok: true, since: { size: 0 } }]);
  });

  test('B5: keys that another program saved with a byte order mark are keys', async () => {
    await serve(json(200, { size: 0, checkpoint: note }), json(200, { entries: [], nextFrom: null }));
    expect((await verify(note, '\ufeff')).code).toBe(0);
  });

  test.each([
    ['CRLF', note.replaceAll('\n', '\r\n'), 1],
    ['an empty file', '', 1],
    ['one line break too many', `${note}\n`, 6],
  ])('%s is malformed, with the place', async (_what, text, line) => {
    const { code, stdout } = await verify(text);
    expect(code).toBe(2);
    const message = expect.stringContaining(`kept is malformed at line ${line}`);
    expect(JSON.parse(stdout())).toMatchObject({ error: { code: 'since_malformed', message } });
  });
});

test('review list --unknown asks for what waits to be reconciled, whatever its status', async () => {
  const server = await serve(json(200, { reviews: [], nextCursor: null }));
  expect((await holdpoint(['review', 'list', '--unknown', '--json'])).code).toBe(0);
  const asked = new URL(server.seen[0]?.url ?? '', 'http://localhost').searchParams;
  expect([asked.get('execution'), asked.has('status')]).toEqual(['outcome_unknown', false]);
});

describe('exit codes', () => {
  test.each([
    ['unknown command', ['explode'], 2],
    ['unknown option', ['review', 'list', '--nope'], 2],
    ['missing argument', ['review', 'show'], 2],
    ['JSON that is none', ['execute', 'postgres.select', '--arguments', '{'], 2],
    ['a status that is none', ['review', 'list', '--status', 'waiting'], 2],
    ['a file that is not there', ['execute', 'postgres.select', '--arguments', '@nothing.json'], 4],
    ['help', ['--help'], 0],
    ['version', ['--version'], 0],
  ])('%s', async (_name, args, expected) => {
    await serve(problem(500, 'internal'));
    expect((await holdpoint(args)).code).toBe(expected);
  });

  test.each([
    ['unknown command', ['explode']],
    ['unknown option', ['review', 'list', '--nope']],
    ['missing argument', ['review', 'show']],
    ['missing option', ['audit', 'erase']],
    ['missing command', ['audit']],
    ['option without its value', ['review', 'list', '--status']],
  ])('a wrong command line is an error in JSON too: %s', async (_name, args) => {
    const ran = await holdpoint(['--json', ...args]);
    expect(ran.code).toBe(2);
    expect(JSON.parse(ran.stdout())).toEqual({
      error: { code: 'usage', message: expect.stringMatching(/^(?!error)./), hint: expect.any(String) },
    });
  });

  test.each([
    [401, 'unauthenticated', 8],
    [403, 'not_an_approver', 5],
    [404, 'not_found', 4],
    [409, 'expired', 5],
    [422, 'comment_required', 5],
    [500, 'internal', 1],
  ] as const)('a problem with status %i (%s)', async (status, code, expected) => {
    // The client waits between retries of what may pass; here it is what never passes.
    await serve(json(200, aReview()), problem(status, code, { 'retry-after': '3600' }));
    const ran = await holdpoint(['review', 'approve', id, '--yes', '--json']);
    expect(ran.code).toBe(expected);
    expect(JSON.parse(ran.stdout())).toMatchObject({ error: { code } });
  });

  test('nothing answers', async () => {
    const closed = await startStub(json(200, {}));
    await closed.close();
    const ran = await holdpoint(['review', 'approve', id, '--yes', '--json', '--url', closed.url, '--token', 'hpr_x']);
    expect(ran.code).toBe(6);
    expect(JSON.parse(ran.stdout())).toMatchObject({ error: { code: 'connection_failed' } });
  });

  test('no URL, no token', async () => {
    expect((await holdpoint(['review', 'list', '--json'])).code).toBe(2);
    expect((await holdpoint(['review', 'list', '--json', '--url', 'http://127.0.0.1:9'])).code).toBe(8);
  });
});

describe('execute', () => {
  const common = {
    decisionId: 'dec_01J00000000000000000000000',
    reviewId: id,
    class: 'irreversible',
    gate: 'hard',
    reasonCodes: [],
  };
  const execution = { status: 'executed', body: { rows: 1 }, error: null, startedAt: null, finishedAt: null };
  test.each([
    ['EXECUTED', 0, 200, { execution }],
    ['ESCALATE', 9, 202, { expiresAt: null, statusUrl: '/x' }],
    ['BLOCKED', 5, 403, { retryable: false }],
    ['ERROR', 1, 502, { execution, executionError: { code: 'upstream_rejected', message: 'no' } }],
  ] as const)('%s is one JSON document and exit code %i', async (outcome, code, status, more) => {
    const server = await serve(json(status, { ...common, outcome, ...more }));
    const ran = await holdpoint([
      'execute',
      'stripe.refunds.create',
      '-a',
      '{"charge":"ch_1"}',
      '--reason',
      'r',
      '--json',
    ]);
    expect(ran.code).toBe(code);
    expect(JSON.parse(ran.stdout())).toMatchObject({ outcome, reviewId: id });
    expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({
      service: 'stripe',
      tool: 'stripe.refunds.create',
      arguments: { charge: 'ch_1' },
      reason: 'r',
    });
  });

  test('what the target said stands beside the error, with every digit', async () => {
    const body = '{"error":"no such charge","id":1234567890123456789}';
    const error = { code: 'upstream_rejected', message: 'The target answered 404' };
    const failed = {
      ...common,
      outcome: 'ERROR',
      execution: { ...execution, status: 'failed', error },
      executionError: error,
    };
    const text = JSON.stringify(failed).replace('{"rows":1}', body);
    await serve((_, response) => void response.writeHead(502, { 'content-type': 'application/json' }).end(text));
    const { stdout } = await holdpoint(['execute', 'stripe.refunds.create', '-a', '{"charge":"ch_1"}']);
    expect(stdout()).toContain('no such charge');
    expect(stdout()).toContain('1234567890123456789');
  });

  test('arguments come from a file or from standard input', async () => {
    const server = await serve(json(200, { ...common, outcome: 'EXECUTED', execution }));
    writeFileSync(join(directory, 'a.json'), '{"sql":"SELECT 1"}');
    await holdpoint(['execute', 'postgres.select', '-a', '@a.json', '--json']);
    await holdpoint(['execute', 'postgres.select', '-a', '-', '--json'], { stdin: '{"sql":"SELECT 2"}' });
    const sent = server.seen.map(({ body }) => (JSON.parse(body) as { arguments: unknown }).arguments);
    expect(sent).toEqual([{ sql: 'SELECT 1' }, { sql: 'SELECT 2' }]);
  });

  test.each(['latin1', 'utf16le'] as const)('from a file in %s they are refused, not changed', async (encoding) => {
    const server = await serve(json(200, { ...common, outcome: 'EXECUTED', execution }));
    writeFileSync(
      join(directory, 'a.json'),
      Buffer.from('\ufeff{"sql":"SELECT \'Zürich\'"}'.slice(encoding === 'latin1' ? 1 : 0), encoding),
    );
    const ran = await holdpoint(['execute', 'postgres.select', '-a', '@a.json']);
    expect([ran.code, server.seen]).toEqual([2, []]);
    expect(ran.stderr()).toContain('not_utf8');
  });
});

describe('deciding', () => {
  const approved = json(
    200,
    aReview({ status: 'approved', execution: { ...aReview().execution, status: 'executed' } }),
  );

  test('sends the digest that was read, marked as the command line', async () => {
    const server = await serve(json(200, aReview()), approved);
    const ran = await holdpoint(['review', 'approve', id, '--yes', '-m', 'fine', '--json']);
    expect(ran.code).toBe(0);
    expect(server.seen[1]).toMatchObject({ method: 'POST', url: `/v1/reviews/${id}/decision` });
    expect(JSON.parse(server.seen[1]?.body ?? '')).toEqual({ type: 'approve', digest, comment: 'fine' });
    expect(server.seen[1]?.headers['holdpoint-channel']).toBe('cli');
  });

  test('with --digest of something else nothing is sent', async () => {
    const server = await serve(json(200, aReview()), approved);
    const ran = await holdpoint(['review', 'approve', id, '--yes', '--json', '--digest', `sha256:${'00'.repeat(32)}`]);
    expect(ran.code).toBe(5);
    expect(JSON.parse(ran.stdout())).toMatchObject({ error: { code: 'digest_mismatch' } });
    expect(server.seen).toHaveLength(1);
  });

  test.each(['approve', 'reject', 'revise'])('%s where nobody can be asked sends nothing', async (decision) => {
    const server = await serve(json(200, aReview()), approved);
    expect((await holdpoint(['review', decision, id, '-m', 'fine'])).code).toBe(2);
    expect((await holdpoint(['review', decision, id, '-m', 'fine', '--json'])).code).toBe(2);
    expect(server.seen.every(({ method }) => method === 'GET')).toBe(true);
  });

  test('the digest that was reviewed stands for the question', async () => {
    const server = await serve(json(200, aReview()), approved);
    expect((await holdpoint(['review', 'approve', id, '--json', '--digest', digest])).code).toBe(0);
    expect(JSON.parse(server.seen[1]?.body ?? '')).toEqual({ type: 'approve', digest });
  });

  test('edit sends all arguments', async () => {
    const server = await serve(json(200, aReview()), approved);
    await holdpoint(['review', 'edit', id, '--yes', '--json', '-a', '{"sql":"DELETE FROM users WHERE id = 7"}']);
    expect(JSON.parse(server.seen[1]?.body ?? '')).toEqual({
      type: 'edit',
      digest,
      arguments: { sql: 'DELETE FROM users WHERE id = 7' },
    });
  });

  test('edit without arguments and without a terminal is a usage error, and nothing is sent', async () => {
    const server = await serve(json(200, aReview()), approved);
    expect((await holdpoint(['review', 'edit', id])).code).toBe(2);
    expect(server.seen.every(({ method }) => method === 'GET')).toBe(true);
  });

  test('a decision that is only queued is not called one', async () => {
    await serve(json(200, aReview()), json(202, { queued: true, reviewId: id, decisionUlid: 'u', statusUrl: '/x' }));
    const ran = await holdpoint(['review', 'reject', id, '--yes', '--json']);
    expect(ran.code).toBe(9);
    expect(JSON.parse(ran.stdout())).toMatchObject({ admitted: false });
  });
});

describe('the inbox and the list', () => {
  const { reviewId: _id, call, execution, levels, ...review } = aReview();
  const row = {
    ...review,
    reviewId: id,
    service: call.service,
    tool: call.tool,
    summary: `postgres.execute {"sql":"DELETE FROM users WHERE id IN (${'7, '.repeat(100)})"}`,
    executionStatus: execution.status,
    votesMissing: 1,
    closedTo: [],
    approvers: levels[0]?.approvers ?? [],
  };

  test('`review` alone lists what waits', async () => {
    const server = await serve(json(200, { reviews: [row], nextCursor: null }));
    const ran = await holdpoint(['review']);
    expect(ran.code).toBe(0);
    expect(ran.stdout()).toContain(row.reviewId);
    expect(server.seen).toHaveLength(1);
  });

  test('a subcommand that is none is still a usage error', async () => {
    expect((await holdpoint(['review', 'explode'])).code).toBe(2);
  });

  test('on a narrow terminal no line is wider than it, and the id is whole', async () => {
    await serve(json(200, { reviews: [row, row], nextCursor: null }));
    const ran = await holdpoint(['review', 'list'], { tty: true, columns: 80, env: { NO_COLOR: '1' } });
    const lines = ran.stdout().trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines.filter((line) => line.startsWith(id))).toHaveLength(2);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

test('hostile text of a review never reaches the terminal as an escape, in either mode', async () => {
  const review = aReview({ reason: 'fine \u001b]0;owned\u0007 \u202e', context: { '\u009b2J': '\u2066' } });
  await serve(json(200, review));
  const shown = await holdpoint(['review', 'show', id]);
  const machine = await holdpoint(['review', 'show', id, '--json']);
  for (const text of [shown.stdout(), machine.stdout()]) {
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  }
  expect(JSON.parse(machine.stdout())).toEqual(review);
});

describe('whose credential is sent where', () => {
  function writeAccess(url: string): void {
    const access = {
      url,
      temporalAddress: '127.0.0.1:7233',
      agents: [{ id: 'demo-agent', key: 'hpk_demo' }],
      reviewers: [
        { id: 'ops-1', groups: ['ops'], token: 'hpr_ops1' },
        { id: 'ops-2', groups: ['ops'], token: 'hpr_ops2' },
      ],
    };
    writeFileSync(join(directory, 'access.json'), JSON.stringify(access));
  }
  const demo = { HOLDPOINT_URL: '', HOLDPOINT_TOKEN: '' };
  const sent = (server: Stub): unknown => server.seen.at(-1)?.headers.authorization;

  test('in the demo: the first reviewer, or whom --as names; agents for agents’ commands', async () => {
    const server = await serve(json(200, { reviews: [], nextCursor: null }));
    writeAccess(server.url);
    expect((await holdpoint(['review', 'list', '--json'], { env: demo })).code).toBe(0);
    expect(sent(server)).toBe('Bearer hpr_ops1');
    await holdpoint(['review', 'list', '--json', '--as', 'ops-2'], { env: demo });
    expect(sent(server)).toBe('Bearer hpr_ops2');
    await holdpoint(['execute', 'postgres.select', '--json'], { env: demo });
    expect(sent(server)).toBe('Bearer hpk_demo');
    expect((await holdpoint(['review', 'list', '--json', '--as', 'ceo-1'], { env: demo })).code).toBe(4);
  });

  test('a credential of the demo never goes to another URL', async () => {
    const server = await serve(json(200, { reviews: [], nextCursor: null }));
    writeAccess('http://127.0.0.1:1');
    expect((await holdpoint(['review', 'list', '--json', '--url', server.url], { env: demo })).code).toBe(8);
    expect(
      (await holdpoint(['review', 'list', '--json', '--url', server.url, '--as', 'ops-1'], { env: demo })).code,
    ).toBe(4);
    expect(server.seen).toHaveLength(0);
  });

  test('another local name of the demo is the demo, and the credential still goes to its own URL', async () => {
    const server = await serve(json(200, { reviews: [], nextCursor: null }));
    writeAccess(server.url);
    const { port } = new URL(server.url);
    const list = (url: string) => holdpoint(['review', 'list', '--json', '--url', url], { env: demo });
    expect((await list(`http://localhost:${port}`)).code).toBe(0);
    expect(sent(server)).toBe('Bearer hpr_ops1');
    expect(server.seen[0]?.headers.host).toBe(new URL(server.url).host);
    expect((await list('http://localhost:1')).code).toBe(8);
    expect((await list(`http://localhost.example:${port}`)).code).toBe(8);
  });

  describe('without a URL', () => {
    const own = { HOLDPOINT_URL: '', HOLDPOINT_DATA_DIR: '' };
    let home: string;
    const remove: (() => void)[] = [];
    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), 'holdpoint-home-'));
    });
    afterEach(() => {
      for (const end of remove.splice(0)) end();
      rmSync(home, { recursive: true, force: true });
    });
    /** A Holdpoint that runs with its data at `name`, as its own process would note it. */
    function runAt(name: string, url: string): string {
      const dataDir = join(home, name);
      mkdirSync(dataDir);
      remove.push(
        noteRunning(dataDir, {
          url,
          configFile: join(home, `${name}.yaml`),
          keysDir: join(dataDir, 'keys'),
          temporalAddress: '127.0.0.1:7233',
        }),
      );
      return dataDir;
    }
    const list = (env = {}) => holdpoint(['review', 'list'], { env: { ...own, HOME: home, ...env } });

    test('commands find the Holdpoint that runs here, wherever its data and its port are', async () => {
      const server = await serve(json(200, { reviews: [], nextCursor: null }));
      const dataDir = runAt('elsewhere', server.url);
      remove.push(registerInstance({ HOME: home }, dataDir));
      const ran = await list();
      expect([ran.code, server.seen.length]).toEqual([0, 1]);
      expect(ran.stderr()).toContain(`at ${server.url}, which has its data in ${dataDir}`);
      // What is named counts, and what is here comes first.
      expect((await list({ HOLDPOINT_DATA_DIR: join(home, 'nothing') })).stderr()).toContain(
        `No Holdpoint runs in ${join(home, 'nothing')}.`,
      );
    });

    test('of several it asks for one, by URL and data directory', async () => {
      const [first, second] = [runAt('one', 'http://127.0.0.1:1'), runAt('two', 'http://127.0.0.1:2')] as const;
      remove.push(registerInstance({ HOME: home }, first));
      const other = tryLockFile(join(home, '.local/state/holdpoint/instances/other'), second);
      const ran = await list();
      expect(ran.code).toBe(2);
      expect(ran.stderr()).toMatch(
        /several_instances: Several Holdpoints run here:[^]*127\.0\.0\.1:1 .*one[^]*127\.0\.0\.1:2 .*two/,
      );
      expect(ran.stderr()).toContain('--url');
      other?.release();
      // One that was killed is forgotten.
      expect((await list()).stderr()).toContain(`at http://127.0.0.1:1, which has its data in ${first}`);
    });

    test('and where none runs they say so', async () => {
      const ran = await list();
      expect(ran.code).toBe(2);
      expect(ran.stderr()).toContain('no_url: This user runs no Holdpoint on this machine.');
      expect(ran.stderr()).toContain('npm start');
    });
  });

  test('a token may come from a file', async () => {
    const server = await serve(json(200, { reviews: [], nextCursor: null }));
    writeFileSync(join(directory, 'token'), 'hpr_file\n');
    await holdpoint(['review', 'list', '--json', '--token', '@token']);
    expect(sent(server)).toBe('Bearer hpr_file');
  });
});

test('keys create prints a key whose hash is in the config lines', async () => {
  const ran = await holdpoint(['keys', 'create', 'agent', 'cleanup-agent', '--owner', 'ops-1', '--json']);
  const { key, sha256, config } = JSON.parse(ran.stdout()) as { key: string; sha256: string; config: string };
  const { createHash } = await import('node:crypto');
  const { parse } = await import('yaml');
  expect(key).toMatch(/^hpk_[A-Za-z0-9_-]{43}$/);
  expect(sha256).toBe(createHash('sha256').update(key).digest('hex'));
  expect(parse(config)).toEqual({ agents: [{ id: 'cleanup-agent', keySha256: sha256, owner: 'ops-1' }] });
  expect(config).not.toContain(key);
  expect((await holdpoint(['keys', 'create', 'agent', '../x'])).code).toBe(2);
});

test('audit proof -o writes the file that the server gave', async () => {
  await serve(json(200, { format: 'holdpoint-proof/v1', reviewId: id }));
  const ran = await holdpoint(['audit', 'proof', id, '-o', 'p.json']);
  expect(ran.code).toBe(0);
  expect(JSON.parse(readFileSync(join(directory, 'p.json'), 'utf8'))).toMatchObject({ reviewId: id });
});

describe('drill', () => {
  const at = '2026-04-01T12:00:00.000Z';
  const reportOf = (answered: boolean, endedAt: string | null) => ({
    reviewId: id,
    group: 'ops',
    startedBy: 'ops-1',
    startedAt: at,
    expiresAt: '2026-04-01T12:15:00.000Z',
    endedAt,
    status: endedAt === null ? 'pending' : 'approved',
    members: [
      {
        reviewer: 'ops-1',
        notices: [{ destination: 'email:ops-1', state: 'delivered', code: null, at }],
        answer: { at: '2026-04-01T12:01:05.000Z', channel: 'dashboard' },
      },
      { reviewer: 'ops-2', notices: [], answer: answered ? { at, channel: 'cli' } : null },
    ],
    notices: [{ destination: 'slack', state: 'failed', code: 'http_500', at }],
  });
  const started = json(202, { reviewId: id, group: 'ops', members: ['ops-1', 'ops-2'] });

  test('starts one, and says how to see who answered', async () => {
    const server = await serve(started);
    const { code, stdout, stderr } = await holdpoint(['drill', 'ops', '--ttl', '10m']);
    expect(code).toBe(0);
    expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({ group: 'ops', ttl: '10m' });
    expect(stdout()).toContain(`${id}, for ops-1, ops-2`);
    expect(stderr()).toContain(`holdpoint drill report ${id}`);
  });

  test.each([
    ['everyone answered', reportOf(true, at), 0],
    ['time was up for one', reportOf(false, at), 1],
  ])('--wait reports when %s, and the exit code says so', async (_what, report, expected) => {
    const over = aReview({ kind: 'in-flow', status: 'approved', resolvedAt: at });
    await serve(started, json(200, over), json(200, report));
    const { code, stdout } = await holdpoint(['drill', 'ops', '--wait', '10m']);
    expect(code).toBe(expected);
    expect(stdout()).toContain('by dashboard, after 1 min 5 s');
    expect(stdout()).toContain('slack failed (http_500)');
    expect(stdout().includes('no answer')).toBe(expected !== 0);
  });

  test('the wait ends before the drill: what there is so far, and 9', async () => {
    const waits = json(200, aReview({ kind: 'in-flow', status: 'pending' }));
    const report = json(200, reportOf(false, null));
    await serve(started, (seen, ...to) => (seen.url.startsWith('/v1/drills/') ? report : waits)(seen, ...to));
    const { code, stdout } = await holdpoint(['--json', 'drill', 'ops', '--wait', '1ms']);
    expect([code, JSON.parse(stdout())]).toMatchObject([9, { endedAt: null }]);
  });

  test('report prints that of an earlier one', async () => {
    const server = await serve(json(200, reportOf(false, null)));
    const { code, stdout } = await holdpoint(['drill', 'report', id]);
    expect([code, server.seen[0]?.url]).toEqual([0, `/v1/drills/${id}`]);
    expect(stdout()).toContain('1 of 2 in ops answered');
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { isAlive } from '../../src/cli/embedded/processes.ts';
import { startTemporalServer, type TemporalServerOptions } from '../../src/cli/embedded/temporal-server.ts';
import { searchAttributeNames } from '../../src/workflows/messages.ts';
import { freePort } from '../support/ports.ts';

let directory: string;
let started: number[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-temporal-'));
  started = [];
});
afterEach(() => {
  for (const pid of started.filter(isAlive)) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function options(): Promise<TemporalServerOptions> {
  return {
    binary: await findTemporalCli(process.env, () => undefined),
    databaseFile: join(directory, 'temporal.db'),
    port: await freePort(),
    uiPort: await freePort(),
    logFile: join(directory, 'temporal.log'),
    pidFile: join(directory, 'temporal.pid'),
    say: () => undefined,
  };
}

async function start(opts: TemporalServerOptions) {
  const server = await startTemporalServer(opts);
  started.push(server.pid);
  return server;
}

test('serves with our search attributes, a longer retention and a Web UI, and stops', async () => {
  const server = await start(await options());
  const connection = await Connection.connect({ address: server.address });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  await connection.close();

  expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...searchAttributeNames()]));
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
  expect((await fetch(server.uiUrl ?? '')).status).toBe(200);
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
});

test('a server left behind is carried on with', async () => {
  const opts = await options();
  const first = await start(opts);
  const second = await start(opts);
  expect(second).toMatchObject({ pid: first.pid, adopted: true });
});

test('a server left behind with other settings is stopped before another opens its file', async () => {
  const opts = await options();
  const first = await start(opts);
  const second = await start({ ...opts, port: await freePort() });
  expect(second.adopted).toBe(false);
  expect(isAlive(first.pid)).toBe(false);
});

test('a port that another program has is refused', async () => {
  const opts = await options();
  const other = await start({ ...opts, databaseFile: null, uiPort: null, pidFile: null });
  await expect(startTemporalServer(opts)).rejects.toMatchObject({ code: 'port_in_use' });
  await other.stop();
});

test('a server that cannot open its file is an error in words, and leaves no process', async () => {
  const opts = { ...(await options()), databaseFile: directory };
  await expect(startTemporalServer(opts)).rejects.toMatchObject({ code: 'temporal_unavailable' });
});

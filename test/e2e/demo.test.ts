import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { startHoldpoint, type Holdpoint } from '../support/holdpoint.ts';

let holdpoint: Holdpoint;
beforeAll(async () => {
  holdpoint = await startHoldpoint();
});
afterAll(() => holdpoint.destroy());

interface Ran {
  readonly code: number | null;
  readonly out: Record<string, unknown>;
}

/** The command line as a user runs it, in JSON mode. */
function cli(...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [packageFile('dist', 'cli', 'main.js'), ...args, '--json'], {
    cwd: holdpoint.dataDir,
    env: {
      PATH: process.env['PATH'],
      HOLDPOINT_DATA_DIR: holdpoint.dataDir,
      HOLDPOINT_TEMPORAL_PORT: holdpoint.temporalAddress.split(':')[1],
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out: JSON.parse(text) as Record<string, unknown> }));
  });
}

test('the tour verifies every step, and does so again', async () => {
  const first = await cli('demo', '--auto');
  expect(first).toMatchObject({ code: 0, out: { verified: true } });
  const again = await cli('demo', '--auto');
  expect(again).toMatchObject({ code: 0, out: { verified: true } });
  // The second one puts the rows back first.
  expect((again.out['checks'] as unknown[]).length).toBeGreaterThan((first.out['checks'] as unknown[]).length);
});

describe('the record of the tour', () => {
  const proofFile = (): string => {
    const name = readdirSync(holdpoint.dataDir).find((file) => file.endsWith('.proof.json'));
    return join(holdpoint.dataDir, name as string);
  };

  test('the log verifies over HTTP, against itself and against a checkpoint kept before', async () => {
    expect(await cli('audit', 'checkpoint', '-o', 'kept.txt')).toMatchObject({ code: 0 });
    await cli('execute', 'postgres.select', '-a', '{"sql":"SELECT 1 AS one"}');
    const verified = await cli('audit', 'verify', '--since', 'kept.txt');
    expect(verified).toMatchObject({ code: 0, out: { ok: true, faults: [] } });
    expect(verified.out['entries']).toBeGreaterThan((verified.out['since'] as { size: number }).size);
  });

  test('a proof verifies offline; a changed one, and one without trusted keys, do not', async () => {
    expect(await cli('audit', 'verify', '--proof', proofFile())).toMatchObject({ code: 0, out: { ok: true } });
    const changed = join(holdpoint.dataDir, 'changed.json');
    writeFileSync(changed, readFileSync(proofFile(), 'utf8').replaceAll('ops-1', 'ops-2'));
    expect(await cli('audit', 'verify', '--proof', changed)).toMatchObject({ code: 7, out: { ok: false } });
    const nobody = join(holdpoint.dataDir, 'nobody.json');
    writeFileSync(nobody, JSON.stringify({ deploymentId: 'x', keys: [] }));
    expect(await cli('audit', 'verify', '--proof', proofFile(), '--keys', nobody)).toMatchObject({
      code: 7,
      out: { error: { code: 'no_trusted_keys' } },
    });
  });

  test('the database is not opened while a running Holdpoint has it', async () => {
    expect(await cli('audit', 'verify', '--database')).toMatchObject({
      code: 5,
      out: { error: { code: 'data_dir_locked' } },
    });
  });
});

describe('doctor', () => {
  const failed = ({ out }: Ran): string[] =>
    (out['findings'] as { check: string; status: string }[])
      .filter(({ status }) => status === 'fail')
      .map(({ check }) => check);

  test('finds nothing wrong while everything runs, and names what is down afterwards', async () => {
    const healthy = await cli('doctor');
    expect([healthy.code, failed(healthy)]).toEqual([0, []]);
    await holdpoint.stop();
    const down = await cli('doctor');
    expect([down.code, failed(down)]).toEqual([1, ['temporal', 'api']]);
    expect(await cli('audit', 'verify', '--database', '--since', 'kept.txt')).toMatchObject({
      code: 0,
      out: { ok: true },
    });
    expect(await cli('review', 'list')).toMatchObject({ code: 6, out: { error: { code: 'connection_failed' } } });
    expect(await cli('demo', '--auto')).toMatchObject({ code: 6, out: { verified: false } });
  });
});

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { commandBlocks, openTerminals, type Terminals } from '../support/page-commands.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { devServer } from '../support/servers.ts';

const page = readFileSync(packageFile('docs/running.md'), 'utf8');
const blocks = commandBlocks(page.slice(page.indexOf('\n## Setting up\n'), page.indexOf('\n### With Compose\n')));

let place: string;
let postgres: Postgres;
let temporal: Awaited<ReturnType<typeof devServer>>;
let terminals: Terminals;
const ports = new Map<string, string>();

/** An empty directory on a machine with Node, PostgreSQL, a Temporal server, and no container engine. */
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'holdpoint-running-'));
  [postgres, temporal] = await Promise.all([startPostgres(), devServer()]);
  ports.set('5432', String(postgres.port)).set('7233', temporal.address.split(':')[1] ?? '');
  for (const port of ['8080', '8081']) ports.set(port, String(await freePort()));
  const bin = join(place, 'bin');
  mkdirSync(bin);
  mkdirSync(join(place, 'work'));
  const cli = await findTemporalCli(process.env, () => undefined);
  const commands = {
    holdpoint: `exec '${process.execPath}' '${packageFile('dist', 'cli', 'main.js')}' "$@"`,
    temporal: `exec '${cli}' "$@"`,
  };
  for (const [name, line] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const env = {
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    HOME: place,
    PGHOST: '127.0.0.1',
    PGPORT: String(postgres.port),
    PGUSER: 'postgres',
  };
  terminals = openTerminals(join(place, 'work'), () => env);
}, 120_000);

afterAll(async () => {
  await terminals?.stop();
  await temporal?.stop();
  postgres?.stop();
  rmSync(place, { recursive: true, force: true });
});

/** This machine's ports, and what is typed where a command asks. */
const fillIn = (commands: string): string =>
  commands
    .replaceAll(
      /(127\.0\.0\.1:|HOLDPOINT_PORT=)(\d+)/g,
      (_all, before: string, port: string) => before + (ports.get(port) ?? port),
    )
    .replace('read -rs credential', "credential='a credential'");

const isReady = async (): Promise<boolean> => {
  const answers = ['8080', '8081'].map((port) =>
    fetch(`http://127.0.0.1:${ports.get(port)}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return (await Promise.all(answers)).every(Boolean);
};

test('docs/running.md sets up every part apart, on an empty machine, as it is written', async () => {
  const terminal = terminals.open();
  let started = 0;
  for (const { commands, kind } of blocks) {
    if (kind === 'background') {
      terminals.open(['-c', fillIn(commands)]);
      started += 1;
      if (started === 4) await terminals.waitFor(terminal, isReady);
    } else await terminals.run(terminal, fillIn(commands));
  }
  expect(started).toBe(4);
  expect(terminals.output().match(/All checks passed/g)).toHaveLength(4);
  expect(terminals.output()).not.toContain('a credential');
});

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findProcesses } from '../../src/cli/embedded/processes.ts';
import { servesDatabase } from '../../src/cli/embedded/temporal-server.ts';
import { withoutSettings } from '../support/holdpoint.ts';
import { commandBlocks, openTerminals, type Terminals } from '../support/page-commands.ts';
import { freePort } from '../support/ports.ts';

const blocks = commandBlocks(readFileSync(packageFile('docs/first-service.md'), 'utf8'));

let place: string;
let directory: string;
let env: NodeJS.ProcessEnv;
const ports = new Map<string, number>();
let terminals: Terminals;
const output = (): string => terminals.output();

/** Folders that Git ignores: what was installed, built or kept here. */
const ignored = new Set(['.git', ...(readFileSync(packageFile('.gitignore'), 'utf8').match(/^.+(?=\/$)/gm) ?? [])]);

/** A clone as a user has it, without what Git ignores; only the installed packages are shared. */
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'holdpoint-first-'));
  directory = join(place, 'deploys');
  mkdirSync(directory);
  cpSync(packageFile(), join(place, 'holdpoint'), { recursive: true, filter: (path) => !ignored.has(basename(path)) });
  symlinkSync(packageFile('node_modules'), join(place, 'holdpoint', 'node_modules'));
  for (const port of ['4100', '8080', '7233', '8233']) ports.set(port, await freePort());
  env = {
    ...withoutSettings(process.env),
    PORT: String(ports.get('4100')),
    HOLDPOINT_PORT: String(ports.get('8080')),
    HOLDPOINT_TEMPORAL_PORT: String(ports.get('7233')),
    HOLDPOINT_TEMPORAL_UI_PORT: String(ports.get('8233')),
  };
  terminals = openTerminals(directory, () => env);
});

afterAll(async () => {
  await terminals.stop();
  const servers = await findProcesses((argv) => servesDatabase(argv, join(directory, '.holdpoint', 'temporal.db')));
  for (const { pid } of servers) process.kill(pid, 'SIGKILL');
  rmSync(place, { recursive: true, force: true });
});

/** What a reader puts in the place of `hpk_…` and its like: what was printed last. */
function fillIn(commands: string): string {
  const filled = commands.replaceAll(/\b(hpk|hpr|rev)_…/g, (placeholder, kind: string) => {
    const printed = output().match(new RegExp(`\\b${kind}_[A-Za-z0-9_-]+`, 'g')) ?? [];
    return printed.at(-1) ?? placeholder;
  });
  return filled.replaceAll(/127\.0\.0\.1:(\d+)/g, (address, port) => `127.0.0.1:${ports.get(port) ?? port}`);
}

const deploys = (): readonly string[] => output().match(/^deployed .*$/gm) ?? [];

test('every command works as it is written, and nothing is deployed before it was approved', async () => {
  const terminal = terminals.open();
  let approved = 0;
  for (const { commands, kind } of blocks) {
    const before = output().length;
    const since = (): string => output().slice(before);
    if (kind === 'background') {
      const own = terminals.open(['-c', fillIn(commands)]);
      await terminals.waitFor(own, () => /^(deploys on http|Holdpoint is ready)/m.test(since()));
      continue;
    }
    const isApproval = commands.includes('review approve');
    if (isApproval) expect(deploys()).toHaveLength(approved);
    await terminals.run(terminal, fillIn(commands));
    // Nothing to type in before it was printed.
    if (commands.trimEnd().endsWith('&')) await terminals.waitFor(terminal, () => /\brev_/.test(since()));
    if (!isApproval) continue;
    approved += 1;
    await terminals.waitFor(terminal, () => deploys().length === approved);
  }
  expect(deploys()).toEqual(['deployed shop 1.4.2 to production', 'deployed search 0.9.1 to production']);
  expect(output()).toContain('policy.yaml are valid: 2 tools, 1 agent, 1 reviewer\n');
  expect(output()).toContain('"outcome":"EXECUTED"');
  expect(output()).toContain('"outcome":"ESCALATE"');
  // What propose.mjs prints in the end.
  expect(output()).toContain("{ service: 'search', version: '0.9.1', environment: 'production' }");
});

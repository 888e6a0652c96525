import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

/** What may import what, as the lint sees it: file, import, allowed or not. */
const CASES: readonly (readonly [file: string, line: string, allowed: boolean])[] = [
  ['src/contract/a.ts', `import { z } from 'zod';`, true],
  ['src/contract/a.ts', `import { x } from './b.ts';`, true],
  ['src/contract/a.ts', `import { x } from '../domain/b.ts';`, false],
  ['src/contract/a.ts', `import { readFileSync } from 'node:fs';`, false],
  ['src/contract/a.ts', `import x from 'express';`, false],
  ['src/domain/a.ts', `import { x } from '../contract/b.ts';`, true],
  ['src/domain/gate/a.ts', `import { x } from '../policy/b.ts';`, true],
  ['src/domain/a.ts', `import { createHash } from 'node:crypto';`, true],
  ['src/domain/a.ts', `import { readFile } from 'node:fs/promises';`, false],
  ['src/domain/gate/a.ts', `import { x } from '../../storage/b.ts';`, false],
  ['src/domain/a.ts', `import { Client } from '@temporalio/client';`, false],
  ['src/domain/a.ts', `import pg from 'pg';`, false],
  ['src/workflows/a.ts', `import { sleep } from '@temporalio/workflow';`, true],
  ['src/workflows/a.ts', `import { x } from '../domain/b.ts';`, true],
  ['src/workflows/a.ts', `import type { X } from '../activities/b.ts';`, true],
  ['src/workflows/a.ts', `import { x } from '../activities/b.ts';`, false],
  ['src/workflows/a.ts', `import type { X } from '../contract/b.ts';`, true],
  ['src/workflows/a.ts', `import { x } from '../contract/review.ts';`, false],
  ['src/workflows/a.ts', `import { PROBLEMS } from '../contract/codes.ts';`, true],
  ['src/workflows/a.ts', `import { MAX } from '../contract/constants.ts';`, true],
  ['src/workflows/a.ts', `import { z } from 'zod';`, false],
  ['src/workflows/a.ts', `import { createHash } from 'node:crypto';`, false],
  ['src/workflows/a.ts', `import { x } from '../api/b.ts';`, false],
  ['src/activities/a.ts', `import { x } from '../domain/b.ts';`, true],
  ['src/activities/a.ts', `import { x } from '../storage/b.ts';`, false],
  ['src/activities/a.ts', `import { x } from '../connectors/b.ts';`, false],
  ['src/activities/a.ts', `import { fetch } from 'undici';`, false],
  ['src/connectors/http/a.ts', `import type { X } from '../../ports/connector.ts';`, true],
  ['src/connectors/http/a.ts', `import { x } from '../../activities/execute.ts';`, false],
  ['src/connectors/http/a.ts', `import { fetch } from 'undici';`, true],
  ['src/connectors/http/a.ts', `import { x } from '../../api/b.ts';`, false],
  ['src/storage/a.ts', `import { x } from '../domain/b.ts';`, true],
  ['src/storage/a.ts', `import { x } from '../api/b.ts';`, false],
  ['src/api/a.ts', `import { x } from '../workflows/messages.ts';`, true],
  ['src/api/a.ts', `import { x } from '../workflows/gated-call.ts';`, false],
  ['src/api/a.ts', `import { x } from '../storage/b.ts';`, false],
  ['src/api/a.ts', `import { Client } from '@temporalio/client';`, false],
  ['src/api/gate-client.ts', `import { Client } from '@temporalio/client';`, true],
  ['src/api/hand-off.ts', `import { Client } from '@temporalio/client';`, true],
  ['src/mcp/a.ts', `import { x } from '../storage/b.ts';`, false],
  ['src/client/a.ts', `import type { X } from '../contract/b.ts';`, true],
  ['src/client/a.ts', `import { x } from '../contract/review.ts';`, false],
  ['src/client/a.ts', `import { x } from '../domain/b.ts';`, false],
  ['src/client/a.ts', `import { x } from '../contract/exact-number.ts';`, true],
  ['src/client/a.ts', `import { Agent } from 'node:http';`, false],
  ['src/dashboard/a.ts', `import { x } from '../client/b.ts';`, true],
  ['src/dashboard/a.ts', `import { x } from '../api/b.ts';`, false],
  ['src/dashboard/a.ts', `import { x } from '../domain/proof/verify-proof.ts';`, true],
  ['src/dashboard/a.ts', `import { x } from '../domain/gate/decide.ts';`, true],
  ['src/dashboard/a.ts', `import { x } from '../settings/follow.ts';`, false],
  ['src/settings/a.ts', `import { x } from '../domain/b.ts';`, true],
  ['src/settings/a.ts', `import { x } from '../storage/b.ts';`, false],
  ['src/cli/a.ts', `import { x } from '../storage/b.ts';`, true],
  ['src/cli/a.ts', `export const x = process.env.HOME;`, true],
  ['src/api/a.ts', `export const x = process.env.HOME;`, false],
  ['src/storage/a.ts', `process.exit(1);`, false],
  ['src/domain/a.ts', `export const x = fetch('http://127.0.0.1');`, false],
];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-lint-'));
  cpSync(packageFile('.oxlintrc.json'), join(directory, '.oxlintrc.json'));
  for (const [index, [file, line]] of CASES.entries()) {
    const path = join(directory, String(index), file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${line}\n`);
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Refusals by case. The configuration's globs are relative to it, so each case gets a copy of it. */
function lint(index: number): readonly string[] {
  const cwd = join(directory, String(index));
  cpSync(join(directory, '.oxlintrc.json'), join(cwd, '.oxlintrc.json'));
  const result = spawnSync(packageFile('node_modules', '.bin', 'oxlint'), ['-f', 'json'], { cwd, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(result.stdout) as { diagnostics: readonly { code: string }[] };
  return diagnostics.map(({ code }) => code).filter((code) => code.includes('no-restricted'));
}

describe('imports by folder', () => {
  test.each(CASES.map(([file, line, allowed], index) => ({ file, line, allowed, index })))(
    '$file: $line → $allowed',
    ({ index, allowed }) => {
      expect(lint(index).length === 0).toBe(allowed);
    },
  );
});

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { json, startStub, type Stub } from '../api/client-stub.ts';
import { npmPackage } from '../support/programs.ts';
import { aReview } from '../unit/client-fixtures.ts';

const AGENT = packageFile('test', 'support', 'runtimes', 'agent.mjs');
const EDGE = packageFile('test', 'support', 'runtimes', 'edge.mjs');

/** The program in the one package of a scope that npm chose for this machine. */
async function programOf(name: string, version: string, scope: string, path: readonly string[]): Promise<string> {
  const folder = join(await npmPackage(name, version), scope);
  const found = readdirSync(folder).find((entry) => !entry.includes('musl')) ?? '';
  return join(folder, found, ...path);
}

let programs: { readonly bun: string; readonly deno: string };
beforeAll(async () => {
  const [bun, deno] = await Promise.all([
    programOf('bun', '1.4.5', '@oven', ['bin', 'bun']),
    programOf('deno', '2.9.6', '@deno', ['deno']),
  ]);
  programs = { bun, deno };
}, 300_000);

let stub: Stub | undefined;
afterEach(async () => {
  await stub?.close();
});

const waiting = aReview();
const ended = aReview({ status: 'approved', execution: { ...aReview().execution, status: 'executed', body: 'done' } });

/** The built client, as it is published. */
describe('@holdpoint/client runs in', () => {
  test.each([
    ['Node', () => [process.execPath, AGENT]],
    ['Bun', () => [programs.bun, AGENT]],
    ['Deno', () => [programs.deno, 'run', '--no-config', '--allow-read', '--allow-net', '--allow-env', AGENT]],
    [
      'an edge runtime: no process, no Buffer, no node: modules',
      () => [process.execPath, '--experimental-vm-modules', EDGE],
    ],
  ])('%s', async (_runtime, command) => {
    const { reviewId, decisionId } = waiting;
    const escalated = { outcome: 'ESCALATE', decisionId, reviewId, class: 'irreversible', gate: 'hard' };
    stub = await startStub(
      json(202, { ...escalated, reasonCodes: [], expiresAt: null, statusUrl: '/x' }),
      json(200, waiting),
      json(200, ended),
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const [id, review] of Object.entries({ 7: waiting, 9: ended })) {
          response.write(`id: ${id}\nevent: review\ndata: ${JSON.stringify(review)}\n\n`);
        }
        response.end();
      },
    );
    const [program = '', ...args] = command();
    const env = { ...process.env, HOLDPOINT_URL: stub.url, HOLDPOINT_API_KEY: 'hpk_test' };
    const result = await runCommand(program, [...args, stub.url], { env, timeoutMs: 60_000 });
    if (!result.ok) throw new Error(result.output);
    expect(new Set(stub.seen.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer hpk_test']));
    expect(JSON.parse(result.stdout)).toEqual({
      escalated: true,
      executed: true,
      body: 'done',
      watched: ['7', '9'],
      webhook: { n: 1 },
      forged: 'webhook_signature_invalid',
      proposal: true,
    });
  });
});

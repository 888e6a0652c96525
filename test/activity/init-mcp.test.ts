import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run } from '../../src/cli/commands/run.ts';
import type { PolicyFile } from '../../src/contract/policy.ts';
import { capture } from '../unit/cli-io.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-init-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function init(mcp: string) {
  const captured = capture({ cwd: directory, env: { HOLDPOINT_DATA_DIR: directory } });
  const args = ['init', '--json', '--agent', 'bot', '--reviewer', 'alice', '--mcp', mcp];
  const code = await run(args, captured.streams, new AbortController().signal);
  return { code, json: JSON.parse(captured.stdout()) as Record<string, unknown> };
}

test('every tool that an MCP server lists is held, whatever it says of itself', async () => {
  const program = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
  const { code, json } = await init(`everything=node "${program}" stdio`);
  expect(json).toMatchObject({ leftOut: [] });
  expect(code).toBe(0);
  const { tools = [] } = parse(readFileSync(join(directory, 'policy.yaml'), 'utf8')) as PolicyFile;
  const echo = tools.find(({ name }) => name === 'mcp.everything.echo');
  expect(echo?.title).toBe('Everything echo: {message}');
  expect(tools.map((tool) => tool.class)).toEqual(tools.map(() => 'irreversible'));
  expect(tools.every(({ title }) => title !== undefined)).toBe(true);
  expect(parse(readFileSync(join(directory, 'holdpoint.yaml'), 'utf8'))).toMatchObject({
    connectors: { everything: { type: 'mcp', command: ['node', program, 'stdio'] } },
  });
});

test('a command that speaks no MCP is refused, and nothing is written', async () => {
  const { code, json } = await init('nothing=false');
  expect(json).toMatchObject({ error: { code: 'mcp_unavailable' } });
  expect(code).toBe(6);
  expect(() => readFileSync(join(directory, 'policy.yaml'))).toThrow();
});

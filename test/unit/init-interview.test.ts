import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { run } from '../../src/cli/commands/run.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { capture } from './cli-io.ts';

/** What a person answers, in order; `undefined` takes what is proposed. */
const answers: unknown[] = [];
const CANCELLED = Symbol('cancelled');

// Files of this tier share what they have loaded: what is replaced here is loaded anew, before and after.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());

vi.mock('@clack/prompts', () => {
  const answer = async (prompt: {
    readonly initialValue?: unknown;
    readonly initialValues?: unknown;
    readonly validate?: (text: string) => string | undefined;
  }): Promise<unknown> => {
    if (answers.length === 0) throw new Error('nobody answers');
    const given = answers.shift();
    const chosen = given === undefined ? (prompt.initialValue ?? prompt.initialValues) : given;
    // The real one asks again.
    if (typeof chosen === 'string' && prompt.validate?.(chosen) !== undefined) return answer(prompt);
    return chosen;
  };
  const spinner = () => ({ start: () => undefined, stop: () => undefined });
  const asking = {
    text: answer,
    confirm: answer,
    select: answer,
    multiselect: answer,
    autocompleteMultiselect: answer,
  };
  return { ...asking, spinner, intro: () => undefined, log: { error: () => undefined } };
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-init-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function interview(...given: readonly unknown[]) {
  answers.splice(0, answers.length, ...given);
  const captured = capture({ cwd: directory, tty: true, env: { HOLDPOINT_DATA_DIR: directory, USER: 'alice' } });
  Object.assign(captured.streams.stdin, { isTTY: true });
  const code = await run(['init'], captured.streams, new AbortController().signal);
  return { code, out: captured.stdout(), err: captured.stderr() };
}

const read = (name: string): unknown => parse(readFileSync(join(directory, name), 'utf8'));
const DESCRIPTION = packageFile('examples/first-service/openapi.yaml');

test('asks for people and a service, and again where an answer does not work', async () => {
  const people = ['release-bot', undefined, 'ops, finance', true, 'alice', 'bob', undefined, false];
  const service = [['openapi', 'github'], 'nothing.yaml', DESCRIPTION, undefined, 'not a url', 'http://127.0.0.1:4100'];
  const { code, out, err } = await interview(...people, ...service, [], ['show', 'deploy']);
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(answers).toEqual([]);
  expect(read('holdpoint.yaml')).toMatchObject({
    agents: [{ id: 'release-bot', owner: 'alice' }],
    reviewers: [
      { id: 'alice', groups: ['ops', 'finance'] },
      { id: 'bob', groups: ['ops'] },
    ],
    connectors: { github: {}, deploys: { baseUrl: 'http://127.0.0.1:4100', allowPrivateAddresses: true } },
  });
  expect(read('policy.yaml')).toMatchObject({
    include: ['github'],
    tools: [{ name: 'deploys.show' }, { name: 'deploys.deploy' }],
  });
  expect(out.match(/hp[kr]_[A-Za-z0-9_-]{43}/g)).toHaveLength(3);
});

test('Ctrl-C writes nothing', async () => {
  const { code, err } = await interview('release-bot', CANCELLED);
  expect(code).toBe(1);
  expect(err).toContain('cancelled');
  expect(readdirSync(directory)).toEqual([]);
});

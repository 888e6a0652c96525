import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followUpstreams, type FollowedUpstreams } from '../../src/cli/compose/upstreams.ts';
import type { UpstreamTool } from '../../src/domain/upstream.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';
import { APPROVALS, settingsOf } from './policy-support.ts';

const TICKETS = { tickets: { type: 'mcp' as const, command: ['tickets'] } };

let settings: Settings;
let tools: readonly UpstreamTool[];
let now: number;
let followed: FollowedUpstreams;
beforeEach(() => {
  settings = { ...settingsOf(`version: 1\n${APPROVALS}`), connectors: TICKETS };
  tools = [];
  now = 0;
});
afterEach(() => followed.stop());

const list = (server: string): void => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  const parts = { firstParts: {}, parts: {}, previous: null };
  tools = [...tools, { server, tool: 'x', first: digest, digest, ...parts, definition: null }];
};
const upstreams = () => followed.inForce.current().upstreams;
const settled = (): readonly string[] => [...(upstreams()?.settled ?? [])];
const until = (check: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(check()).toBe(true), { timeout: 20_000, interval: 5 });

/** Read as often as a test can want it, by a clock that the test moves. */
async function follow(): Promise<void> {
  followed = await followUpstreams(
    { current: () => settings, problem: () => null },
    { readUpstreamTools: () => Promise.resolve(tools) },
    pino({ level: 'silent' }),
    { everyMs: 5, now: () => now },
  );
}

describe('an upstream that never listed its tools', () => {
  it('is waited for until it has', async () => {
    await follow();
    expect(settled()).toEqual([]);
    list('tickets');
    await until(() => settled().includes('tickets'));
    expect(upstreams()?.tools.get('tickets')?.has('x')).toBe(true);
  });

  it('is waited for no longer than a minute', async () => {
    await follow();
    now = 59_999;
    list('other');
    // What came with it says that it was read again since.
    await until(() => upstreams()?.tools.has('other') === true);
    expect(settled()).toEqual([]);
    now = 60_000;
    await until(() => settled().includes('tickets'));
    expect(upstreams()?.tools.has('tickets')).toBe(false);
  });

  it('is waited for as well where the configuration brings it later', async () => {
    settings = { ...settings, connectors: {} };
    await follow();
    expect(upstreams()?.settled.has('tickets')).toBe(false);
    settings = { ...settings, connectors: TICKETS };
    list('tickets');
    await until(() => settled().includes('tickets'));
  });
});

it('an upstream that was known before the start is not waited for', async () => {
  list('tickets');
  await follow();
  expect(settled()).toEqual(['tickets']);
});

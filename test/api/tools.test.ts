import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());

describe('tools', () => {
  test('a reviewer lists what policy names and reads the schema of one', async () => {
    const list = await api.get('/v1/tools', 'ops-1');
    expect(list.status).toBe(200);
    expect(list.body.tools.map((tool: { tool: string }) => tool.tool)).toContain('payouts.create');
    expect(JSON.stringify(list.body)).not.toContain('properties');
    const { effects, approvals } = list.body.tools.find((tool: { tool: string }) => tool.tool === 'payouts.create');
    expect(effects).toBeNull();
    expect(approvals).toEqual([{ when: null, levels: [expect.objectContaining({ quorum: 1 })] }]);
    const one = await api.get('/v1/tools/payouts.create', 'ops-1');
    expect(one.status).toBe(200);
    expect(one.body).toMatchObject({ tool: 'payouts.create', service: 'payouts', class: 'irreversible' });
    expect(one.body).toHaveProperty('arguments');
  });

  test('what nobody can run is not found; agents and strangers see nothing', async () => {
    expect((await api.get('/v1/tools/nobody.runs', 'ops-1')).status).toBe(404);
    expect((await api.get('/v1/tools', 'agent-1')).status).toBe(403);
    expect((await api.get('/v1/tools')).status).toBe(401);
  });
});

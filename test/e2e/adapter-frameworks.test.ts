import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { seedDemoTarget } from '../../src/cli/embedded/demo/demo.ts';
import { startWorld } from '../support/e2e-world.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { pythonWith } from '../support/programs.ts';
import { describeAiSdk } from './adapters/ai.ts';
import { describeExamples, type ExamplesWorld } from './adapters/examples.ts';
import { gateOf } from './adapters/gate.ts';
import { describeLangGraph } from './adapters/langgraph.ts';
import { describeOpenAiAgents } from './adapters/openai-agents.ts';

/** The real frameworks run their loops with scripted models, before one real Holdpoint that they all share. */
let shared: ExamplesWorld;
let postgres: Postgres;
let users: string;
beforeAll(async () => {
  const python = pythonWith('langgraph', ['langgraph==1.2.22']);
  users = mkdtempSync(join(tmpdir(), 'holdpoint-users-'));
  await seedDemoTarget(join(users, 'db'));
  const callback = `http://127.0.0.1:${await freePort()}/holdpoint`;
  const world = await startWorld({
    config: { callbacks: [new URL('/', callback).href] },
    policy: { include: ['postgres'] },
    connectors: { postgres: { url: `pglite:${join(users, 'db')}` } },
  });
  postgres = await startPostgres();
  shared = { world, gate: gateOf(world), callback, checkpoints: postgres.url(), python: await python };
}, 600_000);
afterAll(async () => {
  await shared?.world.close();
  postgres?.stop();
  rmSync(users, { recursive: true, force: true });
});

const gate = () => shared.gate;
describeLangGraph(gate);
describeAiSdk(gate);
describeOpenAiAgents(gate);
describeExamples(() => shared);

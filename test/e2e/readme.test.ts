import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { until } from '../support/e2e-world.ts';
import { startHoldpoint, type Holdpoint } from '../support/holdpoint.ts';
import { freePort } from '../support/ports.ts';
import { startProgram, type Program } from '../support/programs.ts';

/** What the README and docs/demo.md tell a newcomer to type, as it stands there. */
function blocksOf(language: string, ...page: readonly string[]): readonly string[] {
  const text = readFileSync(packageFile(...page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, block = '']) => block);
}

const withReview = (command: string, id: string): string => command.replaceAll('rev_…', id);

describe('the two commands', () => {
  const [commands = ''] = blocksOf('sh', 'README.md');
  const [start = '', tour = ''] = commands.split('\n').map((line) => line.replace(/ +#.*$/, ''));
  const [, decide = '', ownCall = ''] = blocksOf('sh', 'docs', 'demo.md');
  let dataDir: string;
  let env: Record<string, string>;
  let started: Program | undefined;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'holdpoint-readme-'));
    const names = ['HOLDPOINT_PORT', 'HOLDPOINT_TEMPORAL_PORT', 'HOLDPOINT_TEMPORAL_UI_PORT'];
    const ports = await Promise.all(names.map(async (name) => [name, String(await freePort())] as const));
    env = { ...Object.fromEntries(ports), HOLDPOINT_DATA_DIR: dataDir };
  });
  afterAll(async () => {
    await started?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const sh = async (command: string): Promise<string> => {
    const result = await runCommand('sh', ['-e', '-c', command], {
      timeoutMs: 120_000,
      cwd: packageFile(),
      env: { ...process.env, ...env },
    });
    if (!result.ok) throw new Error(`${command}\n${result.output}`);
    return result.stdout;
  };

  test('start it, take the tour, decide in a third terminal, propose a call', async () => {
    expect([start, tour]).toEqual(['npm start', 'npm run demo']);
    started = await startProgram('sh', ['-c', `exec ${start}`], /Holdpoint is ready/, { env, group: true });
    const touring = await startProgram('sh', ['-c', `exec ${tour}`], /review approve (rev_\w+)/, { env, group: true });
    // There is no terminal here to ask.
    const decided = await sh(withReview(decide.replace(/approve .*/, '$& --yes'), touring.found[1] ?? ''));
    expect(decided).toContain('1,247');
    const answer = JSON.parse(
      await sh(ownCall.replaceAll('8080', env['HOLDPOINT_PORT'] ?? '').replaceAll('.holdpoint', dataDir)),
    ) as {
      readonly outcome: string;
    };
    expect(answer.outcome).toBe('ESCALATE');
    await touring.stop();
  });
});

describe('from proposal to decision', () => {
  const [policy = ''] = blocksOf('yaml', 'README.md');
  const [agent = ''] = blocksOf('ts', 'README.md');
  const [, approve = ''] = blocksOf('sh', 'README.md');
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  let project: string;
  let holdpoint: Holdpoint;
  const deploys: string[] = [];
  const target = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += String(piece);
    deploys.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
    response.setHeader('content-type', 'application/json').end('{"deployed":true}');
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    project = mkdtempSync(join(tmpdir(), 'holdpoint-readme-'));
    mkdirSync(join(project, 'node_modules', '@holdpoint'), { recursive: true });
    symlinkSync(packageFile('packages', 'client'), join(project, 'node_modules', '@holdpoint', 'client'));
    writeFileSync(join(project, 'policy.yaml'), policy);
    writeFileSync(join(project, 'agent.mjs'), agent);
    const config = {
      agents: [{ id: 'release-bot', keySha256: sha256('hpk_agent') }],
      reviewers: [{ id: 'ops-2', groups: ['ops'], tokenSha256: sha256('hpr_reviewer') }],
      policy: 'policy.yaml',
      connectors: {
        deploys: {
          baseUrl: `http://127.0.0.1:${(target.address() as AddressInfo).port}`,
          credential: 'env:DEPLOYS_TOKEN',
          allowPrivateAddresses: true,
        },
      },
    };
    writeFileSync(join(project, 'holdpoint.yaml'), stringify(config));
    holdpoint = await startHoldpoint({ config: join(project, 'holdpoint.yaml'), env: { DEPLOYS_TOKEN: 'secret' } });
  });
  afterAll(async () => {
    await holdpoint?.destroy();
    target.close();
    rmSync(project, { recursive: true, force: true });
  });

  test('the example runs as it is written', async () => {
    const env = { ...process.env, HOLDPOINT_URL: holdpoint.url };
    const proposing = runCommand(process.execPath, ['agent.mjs'], {
      timeoutMs: 120_000,
      cwd: project,
      env: { ...env, HOLDPOINT_API_KEY: 'hpk_agent' },
    });
    const reviewer = { timeoutMs: 120_000, cwd: packageFile(), env: { ...env, HOLDPOINT_TOKEN: 'hpr_reviewer' } };
    const waiting = await until(
      async () => {
        const listed = await runCommand('sh', ['-c', 'npx holdpoint review list'], reviewer);
        return /^(rev_\w+).*Deploy "api" "1\.4\.2" to "prod"/m.exec(listed.ok ? listed.stdout : '')?.[1];
      },
      { what: 'the review', withinMs: 60_000 },
    );
    const decided = await runCommand('sh', ['-c', withReview(approve.trim(), `${waiting} --yes`)], reviewer);
    expect(decided.ok ? decided.stdout : decided.output).toContain('executed');
    const proposed = await proposing;
    expect(proposed.ok ? proposed.stdout : proposed.output).toContain('deployed: true');
    expect(deploys).toEqual(['POST /deploys Bearer secret {"env":"prod","service":"api","version":"1.4.2"}']);
  });
});

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { dataConverter } from '../../src/cli/compose/temporal.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { DEPLOYMENT_ID, writeDeployment, type Deployment } from '../support/e2e-deployment.ts';
import { startTarget, type Target } from '../support/e2e-target.ts';
import { ASKING_TASK_QUEUE, startAskingWorker } from '../support/asking-worker.ts';
import { newRef, speakTo, until } from '../support/e2e-world.ts';
import { runHoldpoint, startPart, type Part } from '../support/parts.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { connectTo, devServer } from '../support/servers.ts';

/**
 * Two releases of the parts apart: an earlier one, and this one with a step more in its workflows, by `patched()`. The earlier one
 * is this build too, unless `UPGRADE_FROM` names the built checkout of a release.
 */
const EARLIER = join(process.env['UPGRADE_FROM'] ?? packageFile(), 'dist', 'cli', 'main.js');
type Role = 'api' | 'gate' | 'execute';
const LOGINS = { api: 'holdpoint_review', gate: 'holdpoint_gate', execute: 'holdpoint_execute' } as const;

let temporal: TemporalServer;
let client: TestWorkflowEnvironment;
let postgres: Postgres;
let target: Target;
let deployment: Deployment;
let home: string;
let next: string;
let cli: string;
let world: ReturnType<typeof speakTo>;
let namespace: string;
let database: string;
let environment: (name: string) => Record<string, string>;
const running = new Map<string, Part>();

beforeAll(async () => {
  [temporal, postgres, target] = await Promise.all([devServer(), startPostgres(), startTarget()]);
  client = await connectTo(temporal.address);
  cli = await findTemporalCli(process.env, () => undefined);
  home = mkdtempSync(join(tmpdir(), 'holdpoint-next-'));
  next = await buildNext(home);
}, 300_000);
afterAll(async () => {
  await client?.teardown();
  await temporal?.stop();
  postgres?.stop();
  await target?.close();
  rmSync(home, { recursive: true, force: true });
});

async function buildNext(home: string): Promise<string> {
  cpSync(packageFile('dist'), join(home, 'dist'), { recursive: true });
  cpSync(packageFile('package.json'), join(home, 'package.json'));
  symlinkSync(packageFile('node_modules'), join(home, 'node_modules'));
  const { code } = await bundleWorkflowCode({
    workflowsPath: packageFile('src', 'workflows', 'index.ts'),
    workflowInterceptorModules: [packageFile('test', 'support', 'next-release.ts')],
    payloadConverterPath: dataConverter.payloadConverterPath as string,
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(home, 'dist', 'workflow-bundle.js'), code);
  return join(home, 'dist', 'cli', 'main.js');
}

/** The parts of the earlier release, on a database and a namespace of their own. */
async function start(gate: Readonly<Record<string, string>> = {}): Promise<void> {
  deployment = writeDeployment({ targetUrl: target.url });
  const { directory } = deployment;
  const keys = join(directory, 'keys');
  database = await postgres.createDatabase();
  runHoldpoint(['keys', 'init', '--deployment', DEPLOYMENT_ID], { HOLDPOINT_KEYS_DIR: keys }, directory);
  migrate(EARLIER);
  // Rights are those that `migrate` grants, to the logins of each part.
  await postgres.sql(
    database,
    Object.values(LOGINS)
      .map((name) => `ALTER ROLE ${name} LOGIN;`)
      .join(''),
  );
  const port = await freePort();
  namespace = `upgrade-${port}`;
  temporalCli('operator', 'namespace', 'create', '--namespace', namespace);
  environment = (name) => {
    mkdirSync(join(directory, name), { recursive: true });
    return {
      ...deployment.env,
      HOLDPOINT_CONFIG: deployment.configFile,
      HOLDPOINT_DATA_DIR: join(directory, name),
      HOLDPOINT_KEYS_DIR: keys,
      HOLDPOINT_PORT: String(port),
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: namespace,
    };
  };
  world = speakTo(`http://127.0.0.1:${port}`, target, deployment);
  run('gate', EARLIER, gate);
  run('execute', EARLIER);
  await runApi(EARLIER);
}
afterEach(async () => {
  await Promise.all([...running.values()].map((part) => part.stop()));
  running.clear();
  deployment?.remove();
});

function migrate(main: string): void {
  runHoldpoint(['migrate'], { DATABASE_URL: postgres.url(database) }, deployment.directory, main);
}

const nameOf = (role: Role, main: string) => `${role}-${main === next ? 'next' : 'earlier'}`;

/** A part of a release, under a name of its own. */
function run(role: Role, main: string, env: Readonly<Record<string, string>> = {}): void {
  const name = nameOf(role, main);
  const args = role === 'api' ? ['api'] : ['worker', '--role', role];
  const settings = { ...environment(name), DATABASE_URL: postgres.url(database, LOGINS[role]), ...env };
  running.set(name, startPart(args, settings, deployment.directory, main));
}

async function runApi(main: string): Promise<void> {
  run('api', main);
  await until(
    async () => {
      for (const [name, part] of running) {
        if (part.hasEnded()) throw new Error(`${name}:\n${part.output().slice(-3000)}`);
      }
      return (await world.send('GET', '/healthz').catch(() => undefined))?.status === 200 ? true : undefined;
    },
    { what: 'the api', withinMs: 120_000 },
  );
}

async function stop(role: Role, main: string): Promise<void> {
  const name = nameOf(role, main);
  expect(await running.get(name)?.stop()).toBe(0);
  running.delete(name);
}

function temporalCli(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(cli, [...args, '--address', temporal.address], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const hold = (what: string) => world.hold('bank.slow', { ref: newRef(what), amount: 1 });
const refOf = ({ call }: Review) => (call.arguments as { readonly ref: string }).ref;

async function approve(review: Review): Promise<void> {
  expect((await world.decide(review.reviewId, { type: 'approve' })).status).toBeLessThan(300);
}

async function approveAndExecute(review: Review): Promise<void> {
  await approve(review);
  await expectExecutedOnce(review);
}

async function expectExecutedOnce(review: Review): Promise<void> {
  expect(await world.settled(review.reviewId)).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  expect(target.count(refOf(review))).toBe(1);
}

const describeWorkflow = ({ reviewId }: Review) =>
  new Client({ connection: client.connection, namespace }).workflow.getHandle(reviewId).describe();

describe('a rolling upgrade', () => {
  it('executes what waited once, and a step back loses nothing', async () => {
    await start();
    const [before, during, back] = [await hold('before'), await hold('during'), await hold('back')];

    migrate(next);
    await approveAndExecute(await hold('after-migrate'));
    for (const role of ['gate', 'execute'] as const) {
      run(role, next);
      await stop(role, EARLIER);
    }
    await stop('api', EARLIER);
    await runApi(next);
    await approveAndExecute(before);

    // The step back, while a call is under way that the newer workflow code began.
    target.script(refOf(during), { kind: 'held' });
    await approve(during);
    await until(() => (target.count(refOf(during)) === 1 ? true : undefined), { what: 'the call at the target' });
    await stop('gate', next);
    target.release(refOf(during));
    await expectExecutedOnce(during);
    for (const role of ['gate', 'execute'] as const) run(role, EARLIER);
    await stop('execute', next);
    await stop('api', next);
    await runApi(EARLIER);
    await approveAndExecute(back);
    await approveAndExecute(await hold('after-step-back'));

    // Only a newer worker can end the workflow that has its step in its history.
    run('gate', next);
    await stop('gate', EARLIER);
    const isOver = async () => (await describeWorkflow(during)).status.name === 'COMPLETED';
    await until(async () => ((await isOver()) ? true : undefined), { what: 'its end', withinMs: 90_000 });
    await expectExecutedOnce(during);
  });
});

describe('versioned gate workers', () => {
  const NAME = 'holdpoint';
  const version = (buildId: string) => ({ HOLDPOINT_DEPLOYMENT_NAME: NAME, HOLDPOINT_BUILD_ID: buildId });
  /** Temporal has it once the first workflow task is complete; people are shown the review before. */
  const buildOf = (review: Review) =>
    until(
      async () => {
        const { raw } = await describeWorkflow(review);
        return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
      },
      { what: `the version of ${review.reviewId}` },
    );
  const inNamespace = () => ['--namespace', namespace];
  /** Once a worker of that version has polled. */
  const setCurrent = (buildId: string, name = NAME) =>
    until(
      () => {
        try {
          const of = ['--deployment-name', name, '--build-id', buildId];
          return temporalCli('worker', 'deployment', 'set-current-version', ...of, '--yes', ...inNamespace());
        } catch {
          return undefined;
        }
      },
      { what: `version ${buildId}`, withinMs: 60_000 },
    );

  /** A question of a workflow that is pinned too, to a version of another deployment. */
  async function askFromVersionOfItsOwn(): Promise<Review> {
    const version = { deploymentName: 'asker', buildId: 'a' };
    const options = { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' } as const;
    stopAsking = await startAskingWorker(client, { namespace, workerDeploymentOptions: options });
    await setCurrent('a', 'asker');
    await new Client({ connection: client.connection, namespace }).workflow.start('asks', {
      workflowId: 'asking',
      taskQueue: ASKING_TASK_QUEUE,
      args: [{ title: 'Publish?', proposal: { draft: 1 }, approvers: ['ops'] }],
    });
    return until(
      async () => {
        const { reviews } = (await world.get('/v1/reviews?status=pending')).body as unknown as { reviews: Review[] };
        const found = reviews.find(({ kind }) => kind === 'in-flow');
        return found === undefined ? undefined : world.review(found.reviewId);
      },
      { what: 'the question' },
    );
  }
  let stopAsking: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await stopAsking?.();
    stopAsking = undefined;
  });

  it('keep a review with the version that opened it, until it is moved', async () => {
    await start(version('1'));
    await setCurrent('1');
    const [first, moved] = [await hold('first'), await hold('moved')];

    run('gate', next, version('2'));
    await setCurrent('2');
    const second = await hold('second');
    expect([await buildOf(first), await buildOf(second)]).toEqual(['1', '2']);
    await approveAndExecute(first);

    const question = await askFromVersionOfItsOwn();
    expect(await buildOf(question)).toBe('2');

    // A step back of new reviews: those of version 2 go on there.
    await setCurrent('1');
    const third = await hold('third');
    expect(await buildOf(third)).toBe('1');
    await approveAndExecute(second);
    await approve(question);

    await setCurrent('2');
    const old = `TemporalWorkerDeploymentVersion = "${NAME}:1" AND ExecutionStatus = "Running"`;
    const move = ['--versioning-override-behavior', 'auto_upgrade', '--yes', ...inNamespace()];
    temporalCli('workflow', 'update-options', '--query', old, ...move);
    await stop('gate', EARLIER);
    await approveAndExecute(moved);
    await approveAndExecute(third);
    expect([await buildOf(moved), await buildOf(third)]).toEqual(['2', '2']);
  });
});

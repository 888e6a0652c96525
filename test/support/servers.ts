import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { registerSearchAttributes } from '../../src/cli/compose/search-attributes.ts';
import { startTemporalServer, type TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { freePort } from './ports.ts';
import { findTimeSkippingServer } from './time-skipping-server.ts';

const MOST_STARTS = 10;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** The SDK's log at WARN; one runtime per test file, so call it before any worker or environment is made. */
let quiet = false;
function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  Runtime.install({
    logger: new DefaultLogger('WARN'),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
    },
  });
}

/**
 * A time-skipping test server of its own, with Holdpoint's search attributes. It has no visibility, so lists are tested
 * on {@link devServer}. Call `teardown()` in `afterAll`. Time is global to one server: workflows under test run one
 * after the other.
 */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  const path = await findTimeSkippingServer(process.env, say);
  const environment = await startTimeSkipping(path);
  await registerSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
}

/**
 * The SDK gives the server five seconds and nothing can change that; a Java machine on a busy computer takes longer to
 * come up, so one that was too slow is started again.
 */
async function startTimeSkipping(path: string): Promise<TestWorkflowEnvironment> {
  for (let starts = 1; ; starts += 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({
        server: { executable: { type: 'existing-path', path } },
      });
    } catch (error) {
      if (starts === MOST_STARTS) throw error;
      say(`The time-skipping server did not come up in time (${String(error)}); starting it again`);
    }
  }
}

export interface DevServerOptions {
  /** Absolute path of a SQLite file; by default everything is in memory. */
  readonly databaseFile?: string;
  /** Default: no Web UI. */
  readonly ui?: boolean;
}

/**
 * A real Temporal dev server with the settings of the embedded one, on a free port. Call `stop()` in `afterAll`; it is
 * a process of its own, so tests may also kill it by `pid`.
 */
export async function devServer(options: DevServerOptions = {}): Promise<TemporalServer> {
  quietRuntime();
  const server = await startTemporalServer({
    binary: await findTemporalCli(process.env, () => undefined),
    databaseFile: options.databaseFile ?? null,
    port: await freePort(),
    uiPort: options.ui === true ? await freePort() : null,
    logFile: null,
    pidFile: null,
    say: () => undefined,
  });
  // A test run that is interrupted leaves no server behind.
  process.once('exit', () => {
    try {
      process.kill(server.pid, 'SIGKILL');
    } catch {
      // It was stopped.
    }
  });
  return server;
}

/** Clients for a server by its address. Call `teardown()`; it leaves the server alone. */
export async function connectTo(address: string): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  return TestWorkflowEnvironment.createFromExistingServer({ address });
}

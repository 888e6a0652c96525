import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { registerSearchAttributes } from '../../src/cli/compose/search-attributes.ts';
import { findTimeSkippingServer } from './time-skipping-server.ts';

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
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  await registerSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
}

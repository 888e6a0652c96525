// Downloads a Temporal server through the SDK, in a process of its own: the SDK's download cannot be interrupted, a
// process can. Usage: node download-server.mjs cli|test-server VERSION DIRECTORY
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [what, version, downloadDir] = process.argv.slice(2);
const server = { executable: { type: 'cached-download', version, downloadDir } };
// Starting it is part of the check: what does not run here is not kept.
const environment =
  what === 'cli'
    ? await TestWorkflowEnvironment.createLocal({ server })
    : await TestWorkflowEnvironment.createTimeSkipping({ server });
await environment.teardown();
process.exit(0);

// Proposes a deploy as the agent, and waits for its outcome. Reads HOLDPOINT_URL and HOLDPOINT_API_KEY.
import { Holdpoint } from '@holdpoint/client';

const holdpoint = new Holdpoint();
const [service, version, environment] = process.argv.slice(2);
const proposed = await holdpoint.execute({
  service: 'deploys',
  tool: 'deploys.deploy',
  arguments: { service, version, environment },
  reason: 'Release 7',
});
if (proposed.escalated) console.log(`waits for a decision: ${proposed.reviewId}`);
const outcome = proposed.escalated ? await proposed.review.resolution() : proposed;
console.log(outcome.executed ? outcome.execution.body : `not done: ${outcome.reasonCodes}`);

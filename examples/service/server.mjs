// An Express service that proposes calls by starting Holdpoint's workflow itself: no HTTP between the two, and no
// credential of the target in here. It signs with its own key, so the review counts as this service.
//
// TEMPORAL_ADDRESS=127.0.0.1:7233 DEPLOYMENT_ID=acme SERVICE_ID=billing SERVICE_KEY=billing.pem PORT=3000 \
//   node examples/service/server.mjs
//
// holdpoint.yaml:  agents: [{ id: billing, publicKey: "file:billing.pub", owner: finance-1 }]
// The keys:        openssl genpkey -algorithm ed25519 -out billing.pem; openssl pkey -in billing.pem -pubout -out billing.pub
import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import express from 'express';
import { signProposal } from '@holdpoint/client';

const { TEMPORAL_ADDRESS = '127.0.0.1:7233', DEPLOYMENT_ID, SERVICE_ID, SERVICE_KEY, PORT = '3000' } = process.env;
const signing = { deploymentId: DEPLOYMENT_ID, agent: SERVICE_ID, privateKey: readFileSync(SERVICE_KEY, 'utf8') };
const temporal = new Client({ connection: await Connection.connect({ address: TEMPORAL_ADDRESS }) });

/** The five lines: sign, start. The workflow's result is the review as it ended. */
async function propose(call) {
  const { reviewId, input } = await signProposal(call, signing);
  const start = { workflowId: reviewId, workflowIdReusePolicy: 'REJECT_DUPLICATE', taskQueue: 'holdpoint-gate' };
  return temporal.workflow.start('gatedCall', { ...start, args: [input] });
}

const app = express().use(express.json());

// Express 5 hands what an async handler throws to its error handler.
/* oxlint-disable oxc/no-async-endpoint-handlers */
/** Takes `{ tool, arguments, reason }`; answers at once where to ask how it went. */
app.post('/calls', async (req, res) => {
  const { tool, reason } = req.body;
  const handle = await propose({ service: tool.split('.')[0], tool, arguments: req.body.arguments, reason });
  res.status(202).location(`/calls/${handle.workflowId}`).json({ reviewId: handle.workflowId });
});

/** Held until the call was made or refused; after a restart of this service as well. */
app.get('/calls/:reviewId', async (req, res) => {
  const review = await temporal.workflow.getHandle(req.params.reviewId).result();
  const { status, execution, resolution, call } = review;
  // After an edit `call.arguments` is what really ran.
  res.json({ status, execution, comment: resolution?.comment ?? null, arguments: call.arguments });
});

const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));

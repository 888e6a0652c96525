// Uses the built client against a stub, with nothing but what every runtime of the web has. Ends with one line of JSON
// through `report`. The stub is named by HOLDPOINT_URL, as for every agent; where there is no environment, by
// `globalThis.holdpointStub`.
const { Holdpoint, HoldpointError, signProposal, verifyWebhook } =
  await import('../../../packages/client/dist/index.js');

const url = globalThis.holdpointStub;
const report = globalThis.holdpointReport ?? ((line) => console.log(line));

const hp = url === undefined ? new Holdpoint() : new Holdpoint({ url, apiKey: 'hpk_test' });
const d = await hp.execute({ service: 'bank', tool: 'bank.pay', arguments: { ref: 'ü' } });
const end = await d.review.resolution({ timeout: '1m' });
const watched = [];
for await (const { id } of d.review.watch()) watched.push(id);

const subtle = globalThis.crypto.subtle;
const secret = btoa('a secret of more than a few bytes');
const body = '{"n":1}';
const at = Math.floor(Date.now() / 1000);
const raw = Uint8Array.from(atob(secret), (character) => character.charCodeAt(0));
const key = await subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
const signed = new Uint8Array(await subtle.sign('HMAC', key, new TextEncoder().encode(`msg_1.${at}.${body}`)));
const headers = new Headers({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(at),
  'webhook-signature': `v1,${btoa(String.fromCharCode(...signed))}`,
});
const webhook = await verifyWebhook({ body, headers }, { secrets: `whsec_${secret}` });
const forged = await verifyWebhook({ body: '{}', headers }, { secrets: `whsec_${secret}` }).catch((error) => error);

const pair = await subtle.generateKey('Ed25519', true, ['sign', 'verify']);
const { reviewId, input } = await signProposal(
  { service: 'bank', tool: 'bank.pay', arguments: {} },
  { deploymentId: 'd', agent: 'a', privateKey: pair.privateKey },
);
report(
  JSON.stringify({
    escalated: d.escalated,
    executed: end.executed,
    body: end.executed ? end.execution.body : null,
    watched,
    webhook: webhook.payload,
    forged: forged instanceof HoldpointError ? forged.code : 'verified',
    proposal: reviewId.length === 30 && input.proposal.signatures.length === 1,
  }),
);

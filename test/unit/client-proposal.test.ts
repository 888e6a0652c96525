import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newReviewId, signProposal } from '../../src/client/index.ts';
import { reviewIdSchema } from '../../src/contract/ids.ts';
import { verifyEnvelope } from '../../src/domain/proof/dsse.ts';

const call = { service: 'bank', tool: 'bank.pay', arguments: { ref: 'für „A“' }, reason: 'invoice 7' };
const named = { deploymentId: 'acme', agent: 'service-1' };

describe('signProposal', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  test('is what the gate worker verifies', async () => {
    const { reviewId, input } = await signProposal(call, { ...named, privateKey: pem });
    expect(input).toMatchObject(call);
    const verified = verifyEnvelope('proposal', input.proposal, [{ keyid: 'service-1', publicKey }]);
    expect(verified?.payload).toMatchObject({ deploymentId: 'acme', reviewId, proposer: 'service-1', request: call });
    const stranger = generateKeyPairSync('ed25519').publicKey;
    expect(verifyEnvelope('proposal', input.proposal, [{ keyid: 'service-1', publicKey: stranger }])).toBeUndefined();
  });

  test('with a WebCrypto key and an id of one’s own', async () => {
    const pair = (await webcrypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const reviewId = newReviewId();
    const signed = await signProposal(call, { ...named, privateKey: pair.privateKey, reviewId });
    expect(signed.reviewId).toBe(reviewId);
    expect(signed.input.proposal.signatures).toHaveLength(1);
  });

  test.each([
    ['no PEM', 'secret'],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    [
      'another kind of key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
  ])('%s signs nothing', async (_what, key) => {
    await expect(signProposal(call, { ...named, privateKey: key })).rejects.toMatchObject({ code: 'not_configured' });
  });
});

test('review ids are valid, sort by time and are not made twice', async () => {
  const ids = Array.from({ length: 500 }, newReviewId);
  expect(new Set(ids).size).toBe(500);
  for (const id of ids) expect(reviewIdSchema.safeParse(id).success).toBe(true);
  const before = newReviewId();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(before.slice(0, 14) < newReviewId().slice(0, 14)).toBe(true);
});

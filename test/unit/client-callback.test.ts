import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readSecrets, signMessage } from '../../src/activities/notify/channels/webhook/standard-webhook.ts';
import { verifyCallback, verifyWebhook, type Review } from '../../src/client/index.ts';
import { aReview } from './client-fixtures.ts';

/** Both ends of the wire: what the gate worker signs, the client verifies. */
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const secrets = `whpk_${Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')}`;

const rejected = aReview({
  status: 'rejected',
  resolution: { type: 'reject', by: 'ops-1', comment: 'not now', edited: false, retryable: false },
});

function callback(data: Review, type = 'review.final') {
  const body = JSON.stringify({ type, timestamp: '2026-04-01T12:00:00.000Z', data });
  return { body, headers: signMessage('msg_1', body, Date.now(), [{ version: 'v1a', key: privateKey }]) };
}

describe('verifyCallback', () => {
  test('is the resolution that waiting would have brought', async () => {
    expect(await verifyCallback(callback(rejected), { secrets })).toMatchObject({
      id: 'msg_1',
      reviewId: rejected.reviewId,
      resolution: { executed: false, status: 'rejected', comment: 'not now', retryable: false },
    });
  });

  test.each([
    ['a review that goes on', callback(aReview())],
    ['another kind of message', callback(rejected, 'review.pending')],
  ])('%s is no final answer', async (_what, request) => {
    await expect(verifyCallback(request, { secrets })).rejects.toMatchObject({ code: 'unreadable_answer' });
  });

  test('a changed one is refused', async () => {
    const { body, headers } = callback(rejected);
    const changed = { body: body.replace('"rejected"', '"approved"'), headers };
    await expect(verifyCallback(changed, { secrets })).rejects.toMatchObject({ code: 'webhook_signature_invalid' });
  });
});

test('a webhook that Holdpoint signs with two secrets is verified with either', async () => {
  const [old, next] = [0, 1].map(() => `whsec_${randomBytes(32).toString('base64')}`);
  const body = '{"type":"review.pending","data":{}}';
  const headers = signMessage('msg_2', body, Date.now(), readSecrets(`${old} ${next}`) ?? []);
  for (const secret of [old, next]) {
    const verified = await verifyWebhook({ body, headers }, { secrets: secret ?? '' });
    expect(verified).toMatchObject({ id: 'msg_2', payload: { type: 'review.pending' } });
  }
});

import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { HoldpointError, verifyWebhook } from '../../src/client/index.ts';

const NOW = new Date(Math.floor(Date.now() / 1_000) * 1_000);
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const id = 'msg_1';
const body = '{"type":"review.resolved","data":{"comment":"später…"}}';

/** What a sender with the reference library sends. */
function send(options: { key?: string; at?: Date; text?: string; as?: string } = {}) {
  const { key = secret, at = NOW, text = body, as = id } = options;
  return {
    body: text,
    headers: {
      'webhook-id': as,
      'webhook-timestamp': String(at.getTime() / 1_000),
      'webhook-signature': new Webhook(key).sign(as, at, text),
    },
  };
}

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const rawPublicKey = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
const whpk = `whpk_${rawPublicKey.toString('base64')}`;
/** `v1a` by the specification: Ed25519 over `id.timestamp.body`. The reference library has no such thing. */
function sendAsymmetric(text = body) {
  const { headers } = send();
  const signed = Buffer.from(`${id}.${headers['webhook-timestamp']}.${text}`);
  const signature = `v1a,${sign(null, signed, privateKey).toString('base64')}`;
  return { body: text, headers: { ...headers, 'webhook-signature': signature } };
}

const verify = (request: Parameters<typeof verifyWebhook>[0], options: object = {}) =>
  verifyWebhook(request, { secrets: secret, now: NOW.getTime(), ...options });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'verified',
    (error: unknown) => {
      expect(error).toBeInstanceOf(HoldpointError);
      return (error as HoldpointError).code;
    },
  );

describe('verifyWebhook', () => {
  test('takes what the reference library signs', async () => {
    expect(await verify(send())).toEqual({ id, sentAt: NOW, payload: JSON.parse(body) as unknown });
  });

  test('B1: numbers keep their digits', async () => {
    const { payload } = await verify(send({ text: '{"id":1234567890123456789}' }));
    expect(payload).toEqual({ id: '1234567890123456789' });
  });

  test('its own vector is one of the reference library’s', async () => {
    const request = send({ key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
    expect(() => new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').verify(body, request.headers)).not.toThrow();
    expect(await codeOf(verify(request, { secrets: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }))).toBe('verified');
    expect(request.headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'))
        .update(`${id}.${NOW.getTime() / 1_000}.${body}`)
        .digest('base64')}`,
    );
  });

  test('takes bytes, Headers, and names in whatever case', async () => {
    const { headers } = send();
    expect(await codeOf(verify({ body: Buffer.from(body), headers: new Headers(headers) }))).toBe('verified');
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]));
    expect(await codeOf(verify({ body: new TextEncoder().encode(body), headers: upper }))).toBe('verified');
  });

  test('takes Ed25519 (v1a) with the public key, and nobody else’s', async () => {
    expect(await codeOf(verify(sendAsymmetric(), { secrets: whpk }))).toBe('verified');
    expect(await codeOf(verify({ ...sendAsymmetric(), body: `${body} ` }, { secrets: whpk }))).toBe(
      'webhook_signature_invalid',
    );
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? '';
    const secrets = `whpk_${Buffer.from(other, 'base64url').toString('base64')}`;
    expect(await codeOf(verify(sendAsymmetric(), { secrets }))).toBe('webhook_signature_invalid');
  });

  test('takes any of several secrets and any of several signatures, while one is being replaced', async () => {
    const old = `whsec_${randomBytes(24).toString('base64')}`;
    expect(await codeOf(verify(send({ key: old }), { secrets: [secret, whpk, old] }))).toBe('verified');
    const request = send();
    const both = [send({ key: old }), request].map(({ headers }) => headers['webhook-signature']);
    const headers = { ...request.headers, 'webhook-signature': ['v9,whatever', 'nonsense', ...both].join(' ') };
    expect(await codeOf(verify({ body, headers }))).toBe('verified');
  });

  test.each([
    ['another body', { ...send(), body: body.replace('p', 'P') }],
    ['another id', { body, headers: { ...send().headers, 'webhook-id': 'msg_2' } }],
    ['another time', { body, headers: { ...send().headers, 'webhook-timestamp': String(NOW.getTime() / 1_000 + 1) } }],
    ['another secret', send({ key: `whsec_${randomBytes(32).toString('base64')}` })],
    ['the signature under another version', relabelled('v1a')],
    ['no signature that can be read', { body, headers: { ...send().headers, 'webhook-signature': 'v1,!!! v1 ,x' } }],
    ['half a signature', { body, headers: { ...send().headers, 'webhook-signature': halved() } }],
  ])('refuses %s', async (_what, request) => {
    expect(await codeOf(verify(request, { secrets: [secret, whpk] }))).toBe('webhook_signature_invalid');
  });

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('refuses one without %s', async (name) => {
    const { headers } = send();
    expect(await codeOf(verify({ body, headers: { ...headers, [name]: undefined } }))).toBe('webhook_unsigned');
    expect(await codeOf(verify({ body, headers: { ...headers, [name]: ['a', 'b'] } }))).toBe('webhook_unsigned');
  });

  test('the clocks may differ by five minutes either way, or by what the caller says', async () => {
    const sent = (seconds: number) => send({ at: new Date(NOW.getTime() + seconds * 1_000) });
    expect(await codeOf(verify(sent(-300)))).toBe('verified');
    expect(await codeOf(verify(sent(300)))).toBe('verified');
    expect(await codeOf(verify(sent(-301)))).toBe('webhook_expired');
    expect(await codeOf(verify(sent(301)))).toBe('webhook_expired');
    expect(await codeOf(verify(sent(-301), { tolerance: 600 }))).toBe('verified');
    expect(await codeOf(verify(sent(0), { tolerance: Number.NaN }))).toBe('webhook_expired');
    const headers = { ...send().headers, 'webhook-timestamp': '1e9' };
    expect(await codeOf(verify({ body, headers }))).toBe('webhook_unsigned');
  });

  test.each([[[]], 'whsec_', 'whsec_***', 'whsk_AAAA', 'secret', '', `whpk_${Buffer.alloc(31).toString('base64')}`])(
    'a secret that is none (%j) verifies nothing',
    async (secrets) => {
      expect(await codeOf(verify(send(), { secrets }))).toBe('not_configured');
    },
  );

  test('signed nonsense is told apart', async () => {
    expect(await codeOf(verify(send({ text: 'not JSON' })))).toBe('unreadable_answer');
  });
});

function relabelled(version: string) {
  const { headers } = send();
  return { body, headers: { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1', version) } };
}

function halved(): string {
  const signature = Buffer.from(send().headers['webhook-signature'].slice(3), 'base64');
  return `v1,${signature.subarray(0, 16).toString('base64')}`;
}

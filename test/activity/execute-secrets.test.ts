import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createUnsealer } from '../../src/activities/unseal.ts';
import { sealArguments } from '../../src/api/service/sealing.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Store } from '../../src/ports/store.ts';
import { CREDENTIAL, DEPLOYMENT, type GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, refused, type Journey } from '../support/gate-journey.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

const PLAIN = 'Übergabe um 12:30 — "streng geheim" & a+b/c=d';
const SEAL_KEY = generateKeyPairSync('x25519');

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const unsealerWith = (privateKey: KeyObject) =>
  createUnsealer({ deploymentId: () => DEPLOYMENT, keys: () => [{ keyid: 'seal-1', privateKey }] });
const unsealer = unsealerWith(SEAL_KEY.privateKey);

async function seal(reviewId: string, memo: unknown, over: { tool?: string; deploymentId?: string } = {}) {
  const sealed = await sealArguments({ amount: 5, memo } as JsonObject, ['/memo'], {
    deploymentId: DEPLOYMENT,
    reviewId,
    tool: 'payouts.wire',
    publicKey: SEAL_KEY.publicKey.export({ format: 'jwk' }) as Record<string, string>,
    keyid: 'seal-1',
    ...over,
  });
  return sealed;
}

/** An approved wire whose memo is sealed as given. */
async function wire(memo: unknown = PLAIN, over: Parameters<typeof seal>[2] = {}): Promise<Journey> {
  const reviewId = gate.newReviewId();
  return steps.approved('payouts.wire', await seal(reviewId, memo, over), { reviewId });
}

/** Everything that the database keeps of a review, in the clear and with what envelopes hold decoded. */
async function everythingOf(reviewId: string): Promise<string> {
  const record = await store.readRecord(reviewId);
  const parts: unknown[] = [
    await store.readLedger(reviewId),
    await store.readReview(reviewId),
    await store.entriesOf(reviewId),
    record,
    await store.readEvidence(reviewId, 1),
    (await store.listReviews({}, 200))?.rows.filter((row) => row.reviewId === reviewId),
    ...(record?.envelopes ?? []).map(({ envelope }) => Buffer.from(envelope.payload, 'base64').toString()),
  ];
  return parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('\n');
}

/** The ways in which a target or a driver may say a secret again. */
const echoes = (secret: string): JsonObject => ({
  raw: `you said ${secret}.`,
  base64: Buffer.from(secret).toString('base64'),
  base64url: Buffer.from(secret).toString('base64url'),
  basic: `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`,
  percent: encodeURIComponent(secret),
  form: new URLSearchParams({ memo: secret }).toString(),
  hex: Buffer.from(secret).toString('hex'),
  json: JSON.stringify({ memo: secret }),
  [secret]: 'as a key',
  deep: [{ list: [secret, { again: `x${secret}x` }] }],
});

const forms = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64').replaceAll('=', '').slice(0, -1),
  Buffer.from(secret).toString('base64url').slice(0, -1),
  encodeURIComponent(secret),
  new URLSearchParams({ a: secret }).toString().slice(2),
  Buffer.from(secret).toString('hex'),
];

function expectNone(text: string, secret: string): void {
  for (const form of forms(secret)) expect(text.includes(form)).toBe(false);
}

describe('law 7: sealed arguments', () => {
  it('are opened for the connector alone', async () => {
    const { input, reviewId } = await wire();
    expect(await steps.attempt(input, { unsealer })).toEqual(EXECUTED);
    expect(gate.calls[0]?.arguments).toEqual({ amount: 5, memo: PLAIN });
    expect(JSON.stringify(gate.calls[0]?.target)).toContain('$sealed');
    expectNone(JSON.stringify(gate.calls[0]?.target), PLAIN);
    expectNone(await everythingOf(reviewId), PLAIN);
  });

  it('are in nothing that is stored, even when the target echoes them', async () => {
    for (const status of ['executed', 'failed'] as const) {
      gate.answer(({ arguments: opened }) => {
        const memo = opened['memo'] as string;
        const message = `wrong memo: ${memo} / ${encodeURIComponent(memo)}`;
        return status === 'executed'
          ? { status, body: echoes(memo) }
          : { status, code: 'upstream_rejected', message, body: echoes(memo) };
      });
      const { input, reviewId } = await wire();
      await steps.attempt(input, { unsealer });
      expect(gate.calls.at(-1)?.arguments['memo']).toBe(PLAIN);
      const stored = await everythingOf(reviewId);
      expect(stored).toContain('[redacted]');
      expectNone(stored, PLAIN);
    }
  });

  it.each<[string, () => Promise<Journey>]>([
    ['of another review', async () => wire(PLAIN)],
    ['for another tool', async () => wire(PLAIN, { tool: 'payouts.create' })],
    ['for another deployment', async () => wire(PLAIN, { deploymentId: 'other' })],
  ])('that were sealed %s are not opened', async (name, make) => {
    let journey = await make();
    if (name === 'of another review') {
      const moved = journey.input.material.arguments;
      journey = await steps.approved('payouts.wire', moved);
    }
    expect(await steps.attempt(journey.input, { unsealer })).toEqual(refused('seal_broken'));
  });

  it('that this worker has no key for are not opened', async () => {
    const { input } = await wire();
    const other = unsealerWith(generateKeyPairSync('x25519').privateKey);
    expect(await steps.attempt(input, { unsealer: other })).toEqual(refused('seal_broken'));
  });

  it('that are not ciphertext are not opened', async () => {
    const { input } = await steps.approved('payouts.wire', { amount: 5, memo: { $sealed: 'nonsense' } });
    expect(await steps.attempt(input, { unsealer })).toEqual(refused('seal_broken'));
  });

  it.each([
    ['too short', 'x'],
    ['not text', 7],
    ['nothing', null],
  ])('must fit the schema once they are open: %s', async (_name, memo) => {
    const { input } = await wire(memo);
    expect(await steps.attempt(input, { unsealer })).toEqual(refused('invalid_call'));
  });

  it('are refused in the clear, and left nowhere', async () => {
    for (const unsigned of [false, true]) {
      for (const memo of [PLAIN, { $sealed: 'x', beside: PLAIN }]) {
        const { opened, reviewId } = await steps.open('payouts.wire', { amount: 5, memo }, { unsigned });
        expect(opened).toMatchObject({ kind: 'blocked', revision: { reasonCodes: ['seal_required'] } });
        expectNone(JSON.stringify(opened.revision), PLAIN);
        expectNone(await everythingOf(reviewId), PLAIN);
      }
    }
  });

  it('are left nowhere either where the agent may not propose the tool, or unsigned calls are refused', async () => {
    const narrow = await steps.open('payouts.wire', { amount: 5, memo: PLAIN }, { proposer: 'narrow-agent' });
    expect(narrow.opened.revision.reasonCodes).toEqual(['tool_not_allowed']);
    expectNone(await everythingOf(narrow.reviewId), PLAIN);
    gate.settings.update({ unattested: 'refuse' });
    const unsigned = await steps.open('payouts.wire', { amount: 5, memo: PLAIN }, { unsigned: true });
    expect(unsigned.opened.revision.reasonCodes).toEqual(['unattested_refused']);
    expectNone(await everythingOf(unsigned.reviewId), PLAIN);
  });

  it('are refused where nothing is to be sealed', async () => {
    const { opened } = await steps.open('payouts.close', { id: { $sealed: 'x' } });
    expect(opened).toMatchObject({ kind: 'blocked', revision: { reasonCodes: ['arguments_invalid'] } });
  });
});

describe('law 7: credentials', () => {
  it('are scrubbed from results and errors in every form in which they may come back', async () => {
    for (const status of ['executed', 'failed', 'outcome_unknown'] as const) {
      gate.answer(() => {
        const message = `Authorization: Bearer ${CREDENTIAL}; url was http://x:${encodeURIComponent(CREDENTIAL)}@y`;
        if (status === 'executed') return { status, body: echoes(CREDENTIAL) };
        if (status === 'failed') return { status, code: 'upstream_rejected', message, body: echoes(CREDENTIAL) };
        return { status, code: 'lost_answer', message };
      });
      const { input, reviewId } = await steps.approved('payouts.close', { id: 'a-1' });
      await steps.attempt(input);
      const stored = await everythingOf(reviewId);
      expect(stored).toContain('[redacted]');
      expectNone(stored, CREDENTIAL);
    }
  });

  it('are scrubbed before a message is cut, so that no half of one is left', async () => {
    const message = `${'x'.repeat(1_990)}${CREDENTIAL}`;
    gate.answer(() => ({ status: 'failed', code: 'upstream_rejected', message }));
    const { input, reviewId } = await steps.approved('payouts.close', { id: 'a-1' });
    await steps.attempt(input);
    expect(await everythingOf(reviewId)).not.toContain(CREDENTIAL.slice(0, 8));
  });

  it('are scrubbed from evidence, and from why there is none', async () => {
    for (const ok of [true, false]) {
      gate.answerPreview(() =>
        ok
          ? { ok, facts: [{ name: 'echo', label: CREDENTIAL, value: echoes(CREDENTIAL) }], sourceHash: null }
          : { ok: false, code: 'preview_failed', message: `no: ${CREDENTIAL}` },
      );
      const { input, reviewId } = await steps.open('payouts.purge', {});
      const evidence = await store.readEvidence(reviewId, 1);
      const signed = Buffer.from(evidence?.payload ?? '', 'base64').toString();
      expect(signed).toContain('[redacted]');
      expectNone(signed, CREDENTIAL);
      expectNone(JSON.stringify(input.material), CREDENTIAL);
    }
  });
});

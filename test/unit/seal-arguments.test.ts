import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUnsealer } from '../../src/activities/unseal.ts';
import { createSealer, sealArguments } from '../../src/api/service/sealing.ts';
import type { TrustedKey } from '../../src/contract/envelope.ts';
import { sealedSchema, type Json, type JsonObject } from '../../src/contract/json.ts';
import {
  findUnsealed,
  holdsSealed,
  isSealed,
  maskSealed,
  MAX_SEALED_TEXTS,
  textsOf,
  valueAt,
} from '../../src/domain/seal-binding.ts';

const pair = (keyid: string) => {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { keyid, privateKey, publicKey: publicKey.export({ format: 'jwk' }) as Record<string, string> };
};
const key = pair('seal:1');
const binding = { deploymentId: 'd-1', reviewId: 'rev_1', tool: 'payouts.create' };
const seal = (args: JsonObject, pointers: readonly string[], more = {}) =>
  sealArguments(args, pointers, { ...binding, publicKey: key.publicKey, keyid: key.keyid, ...more });
const unsealer = createUnsealer({ deploymentId: () => 'd-1', keys: () => [key] });
const open = (args: JsonObject, pointers: readonly string[], more = {}) =>
  unsealer.open(args, { reviewId: binding.reviewId, tool: binding.tool, pointers, ...more });

describe('sealed arguments', () => {
  it('open to what they were, whatever JSON that is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (value) => {
        const args = { memo: JSON.parse(JSON.stringify(value)) as Json, other: 1 };
        fc.pre(textsOf(args.memo).length <= MAX_SEALED_TEXTS);
        const sealed = await seal(args, ['/memo']);
        expect(sealedSchema.safeParse(sealed['memo']).success).toBe(true);
        expect(sealed['other']).toBe(1);
        expect((await open(sealed, ['/memo'])).arguments).toEqual(args);
      }),
      { numRuns: 20 },
    );
  });

  it('are sealed at their pointers alone, and nothing is added', async () => {
    const args = { card: { number: '4242', 'a/b': 'x' }, memo: 'hello' };
    const sealed = await seal(args, ['/card/a~1b', '/absent', '/memo/deeper']);
    expect(isSealed(valueAt(sealed, '/card/a~1b'))).toBe(true);
    expect(sealed).toMatchObject({ card: { number: '4242' }, memo: 'hello' });
    expect(Object.keys(sealed)).toEqual(['card', 'memo']);
    expect(args.card['a/b']).toBe('x');
  });

  it('tell the opened texts, for scrubbing', async () => {
    const sealed = await seal({ memo: { iban: 'DE00', parts: ['x', 12.5] }, other: 'plain' }, ['/memo']);
    expect((await open(sealed, ['/memo'])).opened.toSorted()).toEqual(['12.5', 'DE00', 'x']);
  });

  it('are refused where one value holds so many texts that looking for each in an answer would take long', async () => {
    await expect(seal({ memo: Array(MAX_SEALED_TEXTS).fill('x') }, ['/memo'])).resolves.toBeDefined();
    const tooMany = { memo: { list: Array(MAX_SEALED_TEXTS + 1).fill('x') } };
    await expect(seal(tooMany, ['/memo'])).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/arguments/memo' }],
    });
  });

  it('differ each time', async () => {
    expect(await seal({ memo: 'x' }, ['/memo'])).not.toEqual(await seal({ memo: 'x' }, ['/memo']));
  });

  it.each([
    ['another deployment', { deploymentId: 'd-2' }, {}],
    ['another review', { reviewId: 'rev_2' }, {}],
    ['another tool', { tool: 'payouts.notify' }, {}],
    ['another key', { publicKey: pair('seal:1').publicKey }, {}],
  ])('of %s do not open', async (_what, sealedFor, openedFor) => {
    const sealed = await seal({ memo: 'x' }, ['/memo'], sealedFor);
    await expect(open(sealed, ['/memo'], openedFor)).rejects.toMatchObject({ code: 'seal_broken' });
  });

  it('moved to another place do not open', async () => {
    const { memo } = await seal({ memo: 'x' }, ['/memo']);
    await expect(open({ account: memo } as JsonObject, ['/account'])).rejects.toMatchObject({ code: 'seal_broken' });
  });

  it.each<[string, Json]>([
    ['in the clear', 'x'],
    ['not a JWE', { $sealed: 'x' }],
    ['empty', { $sealed: '' }],
    ['with something beside it', { $sealed: 'x', more: 1 }],
  ])('%s do not open', async (_what, memo) => {
    await expect(open({ memo }, ['/memo'])).rejects.toMatchObject({ code: 'seal_broken' });
  });

  it('changed by a bit do not open', async () => {
    const sealed = await seal({ memo: 'hello' }, ['/memo']);
    const parts = (sealed['memo'] as { $sealed: string }).$sealed.split('.');
    for (const index of [0, 2, 3, 4]) {
      const broken = parts.with(
        index,
        (parts[index] ?? '').replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      );
      await expect(open({ memo: { $sealed: broken.join('.') } }, ['/memo'])).rejects.toMatchObject({
        code: 'seal_broken',
      });
    }
  });

  it('open with an older key after a rotation, whatever key id they name', async () => {
    const old = await seal({ memo: 'x' }, ['/memo'], { keyid: 'seal:of-nobody' });
    const rotated = createUnsealer({ deploymentId: () => 'd-1', keys: () => [pair('seal:2'), key] });
    expect((await rotated.open(old, { reviewId: 'rev_1', tool: binding.tool, pointers: ['/memo'] })).arguments).toEqual(
      { memo: 'x' },
    );
  });
});

describe('sealing to the key in force', () => {
  const trusted = (keyid: string, createdAt: string, more: Partial<TrustedKey> = {}): TrustedKey => ({
    keyid,
    role: 'seal',
    publicKey: key.publicKey,
    createdAt,
    ...more,
  });
  const keyidIn = (args: JsonObject): unknown => {
    const [header = ''] = (args['memo'] as { $sealed: string }).$sealed.split('.');
    return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: unknown }).kid;
  };

  it('takes the newest that is not retired', async () => {
    const sealer = createSealer(() => [
      trusted('seal:a', '2026-01-01T00:00:00.000Z'),
      trusted('seal:c', '2026-03-01T00:00:00.000Z', { retiredAt: '2026-04-01T00:00:00.000Z' }),
      trusted('seal:b', '2026-02-01T00:00:00.000Z'),
      trusted('execute:z', '2026-05-01T00:00:00.000Z', { role: 'execute' }),
    ]);
    expect(keyidIn(await sealer({ memo: 'x' }, { ...binding, pointers: ['/memo'] }))).toBe('seal:b');
  });
});

describe('looking for sealed values', () => {
  it('finds them anywhere', () => {
    expect(holdsSealed({ a: [{ b: { $sealed: 'x' } }] })).toBe(true);
    expect(holdsSealed({ a: { $sealed: 1, c: 2 } })).toBe(true);
    expect(holdsSealed({ a: '$sealed', b: ['$sealed'] })).toBe(false);
  });

  it('finds what should be sealed and is not', () => {
    expect(findUnsealed({ a: 'x', b: { $sealed: 'x' }, d: null }, ['/a', '/b', '/c', '/d'])).toEqual(['/a', '/d']);
  });

  it('puts stand-ins for asking policy', () => {
    expect(findUnsealed(maskSealed({ a: 'x', b: { c: 1 } }, ['/a', '/b/c', '/z']), ['/a', '/b/c'])).toEqual([]);
    expect(maskSealed({ a: 1 }, ['/b'])).toEqual({ a: 1 });
  });
});

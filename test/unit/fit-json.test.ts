import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/contract/json.ts';
import { fitJson, isOmission } from '../../src/domain/json/fit.ts';

const sizeOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));
const mark = (bytes: number) => ({ $omitted: 'response_too_large', bytes });

describe('K2: an answer that is too large', () => {
  const fit = (value: Json, limit = 10_000): Json => fitJson(value, limit, 'Ask for less.');

  it('is left alone where it fits', () => {
    const value = { a: 'x'.repeat(5_000) };
    expect(fit(value)).toBe(value);
  });

  it('loses its large part alone', () => {
    const content = [
      { type: 'text', text: 'one line' },
      { type: 'image', data: 'A'.repeat(400_000), mimeType: 'image/png' },
      { type: 'text', text: 'another' },
    ];
    expect(fit({ content })).toEqual({
      content: [content[0], { type: 'image', data: mark(400_002), mimeType: 'image/png' }, content[2]],
    });
  });

  it('keeps the beginning of a list, and says how much is missing and how to ask for less', () => {
    const list = Array.from({ length: 1_000 }, (_, id) => ({ id, text: 'x'.repeat(50) }));
    const kept = fit(list) as readonly Json[];
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.slice(0, -1)).toEqual(list.slice(0, kept.length - 1));
    expect(kept.at(-1)).toMatchObject({ items: 1_001 - kept.length, advice: 'Ask for less.' });
    const map = Object.fromEntries(list.map((item) => [`key ${item.id}`, item]));
    expect(fit(map)).toMatchObject({ 'key 0': list[0], '…': { items: expect.any(Number), advice: 'Ask for less.' } });
  });

  it('keeps the beginning of a text, never half of a character', () => {
    expect(fit('ä '.repeat(20_000))).toEqual({ ...mark(60_002), beginning: 'ä '.repeat(500), advice: 'Ask for less.' });
    expect(fit(` ${'😀'.repeat(20_000)}`)).toMatchObject({ beginning: ` ${'😀'.repeat(499)}` });
  });

  it('is told how to ask for less, also where nothing of it was read', () => {
    expect(fit(mark(5_000_000))).toEqual({ ...mark(5_000_000), advice: 'Ask for less.' });
    expect(fit({ $omitted: 'not_text', bytes: 3 })).toEqual({ $omitted: 'not_text', bytes: 3 });
  });

  it('fits, whatever it was', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        fc.string({ maxLength: 200 }),
        fc.constant('x'.repeat(30_000)),
        fc.array(tie('any'), { maxLength: 12 }),
        fc.dictionary(fc.string(), tie('any'), { maxKeys: 12 }),
      ),
    })).any as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(value, (given) => {
        expect(sizeOf(fit(given, 2_000))).toBeLessThanOrEqual(2_000);
      }),
    );
  });

  it('names what is missing in a way that no list or number is taken for', () => {
    expect(isOmission(fit('x'.repeat(20_000)))).toBe(true);
    expect([[], {}, 'x', null, { $omitted: 1 }].map(isOmission)).toEqual([false, false, false, false, false]);
  });
});

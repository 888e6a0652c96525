import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/contract/json.ts';
import {
  isExactNumber,
  numberOf,
  numbersAsDoubles,
  numbersAsText,
  parseExactJson,
  parseJsonWithTexts,
  writeJson,
} from '../../src/contract/exact-number.ts';
import { exactLines } from '../../src/connectors/mcp/exact-lines.ts';
import { parseStorable, storable } from '../../src/domain/json/storable.ts';
import { parseStrictJson } from '../../src/domain/json/strict-json.ts';
import { canonicalJson } from '../../src/domain/proof/digest.ts';

const KEPT = [
  '1234567890123456789',
  '-9007199254740993',
  '9007199254740992',
  '1e400',
  '-1E+400',
  '1e-400',
  '1e20',
  '-0',
  '-0.0e5',
  '0.1000000000000000055511151231257827',
  '123456789.123456789123456789',
  `1${'0'.repeat(400)}`,
];

describe('exact numbers', () => {
  it.each(KEPT)('B1: %s goes through as it was written', (literal) => {
    const text = `{"id":${literal},"list":[${literal}],"text":"${literal}"}`;
    const value = parseExactJson(text);
    expect(value).toEqual({ id: { $number: literal }, list: [{ $number: literal }], text: literal });
    expect(writeJson(value)).toBe(text);
    expect(writeJson(value, 2).replaceAll(/\n */g, '').replaceAll('": ', '":')).toBe(text);
    expect(numbersAsText(value)).toEqual({ id: literal, list: [literal], text: literal });
  });

  it.each(['0', '-1', '9007199254740991', '-9007199254740991', '0.1', '1.10', '1.50e+2', '5e-324', '0e999'])(
    'B1: %s is a number like any other',
    (literal) => {
      expect(parseExactJson(`[${literal}]`)).toEqual([Number(literal)]);
      expect(numberOf(literal)).toBe(Number(literal));
    },
  );

  it('B1: a program that knows nothing of it gets the text of the literal, and doubles where no digit changes', () => {
    const text = '{"id":1234567890123456789,"x":1e400,"n":[6.02e23,1e20,12,-1.5]}';
    expect(parseJsonWithTexts(text)).toEqual({
      id: '1234567890123456789',
      x: '1e400',
      n: [6.02e23, 1e20, 12, -1.5],
    });
  });

  it.each([
    '[1--2345678901234567890]',
    '[01234567890123456789]',
    '[1e400',
    '[1e400]]',
    '[1234567890123456789abc]',
    '1.e400',
  ])('takes %s for what it is: not JSON', (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
    expect(() => parseJsonWithTexts(text)).toThrow(SyntaxError);
  });

  it('B5: skips a byte order mark', () => {
    expect(parseExactJson('\ufeff{"id":12345678901234567890}')).toEqual({ id: { $number: '12345678901234567890' } });
    expect(parseStorable('\ufeff[1]')).toEqual({ ok: true, value: [1] });
  });

  it('writes nothing as a number that is not one', () => {
    for (const text of ['5', '1e400,"outcome":"EXECUTED"', ' 1e400', '1e400 ', '+1e400', '']) {
      const value = { $number: text };
      expect(isExactNumber(value)).toBe(false);
      expect(writeJson(value)).toBe(JSON.stringify(value));
    }
    const texts = ['{"$number":"1e400"}', 'a{', '$number', '":"1e400"}', '{\n"$number": "1e400" }'];
    expect(JSON.parse(writeJson({ texts, more: { $number: '1e400', other: 1 } }))).toEqual({
      texts,
      more: { $number: '1e400', other: 1 },
    });
  });

  it('is read and written as JSON says, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(writeJson(parseExactJson(text)))).toEqual(JSON.parse(text));
        expect(parseJsonWithTexts(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('is stored, hashed and signed as the object; a double out of the range of signed JSON becomes one', () => {
    const value = storable([1e20, 1e300, Number.POSITIVE_INFINITY, { $number: '1e400' }] as Json);
    expect(value).toEqual([
      { $number: '100000000000000000000' },
      { $number: '1e+300' },
      'Infinity',
      { $number: '1e400' },
    ]);
    expect(parseStrictJson(canonicalJson(value), { exactNumbers: true })).toEqual({ ok: true, value });
  });

  it('counts as a value, not as a level, where depth is bounded', () => {
    const deep = `${'['.repeat(64)}1e400${']'.repeat(64)}`;
    expect(parseStorable(deep).ok).toBe(true);
    expect(writeJson(storable(parseExactJson(deep)))).toBe(deep);
  });

  it('cannot be sent by a caller', () => {
    expect(parseStrictJson('{"a":{"$number":"1e400"}}')).toMatchObject({
      ok: false,
      code: 'forbidden_key',
      key: '$number',
    });
    expect(parseStrictJson('{"$n\\u0075mber":1}')).toMatchObject({ ok: false, code: 'forbidden_key' });
  });

  it('has a nearest double where a schema needs one', () => {
    const schema = parseExactJson('{"maximum":9223372036854775807,"minimum":-1e400}');
    expect(numbersAsDoubles(schema)).toEqual({ maximum: 2 ** 63, minimum: -Number.MAX_VALUE });
  });
});

it('in an event stream stands in its data alone: an event’s id goes back to the server as it came', async () => {
  const stream = [
    'id: 12345678901234567890\r\nevent: e-0\r\ndata: {"a":1e400,\ndata: "b":12345678901234567890}\r\n\r\n',
    'retry: 1e400\nid: 3f-0_1\ndata: [-0]\n\n',
  ];
  const lines = exactLines();
  const writer = lines.writable.getWriter();
  void Promise.all(stream.map((part) => writer.write(new TextEncoder().encode(part)))).then(() => writer.close());
  expect(await new Response(lines.readable).text()).toBe(
    stream
      .join('')
      .replaceAll(/(?<=data: .*)(?:1e400|12345678901234567890|-0)/g, (literal) => `{"$number":"${literal}"}`),
  );
});

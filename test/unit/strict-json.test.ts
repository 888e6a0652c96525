import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findInexact } from '../../src/contract/exact.ts';
import { parseStrictJson } from '../../src/domain/json/strict-json.ts';

const codeOf = (text: string): string => {
  const parsed = parseStrictJson(text);
  return parsed.ok ? 'ok' : parsed.code;
};

describe('strict JSON', () => {
  it.each([
    ['', 'malformed_json'],
    ['{"a":1,}', 'malformed_json'],
    ["{'a':1}", 'malformed_json'],
    ['\uFEFF{}', 'malformed_json'],
    ['{"a":1,"a":1}', 'duplicate_key'],
    ['{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['[{"b":{"a":1 , "c":{"a":2}, "a" :3}}]', 'duplicate_key'],
    ['{"a":{"a":1},"b":{"a":1}}', 'ok'],
    ['{"a":"b","b":"a"}', 'ok'],
    ['9007199254740991', 'ok'],
    ['-9007199254740991', 'ok'],
    ['9007199254740992', 'number_out_of_range'],
    ['9007199254740993', 'number_out_of_range'],
    ['[1e16]', 'number_out_of_range'],
    ['1e400', 'number_out_of_range'],
    ['1e-400', 'number_out_of_range'],
    ['0.1', 'ok'],
    ['1.10', 'ok'],
    ['1.50e+2', 'ok'],
    ['0.000001e6', 'ok'],
    ['5e-324', 'ok'],
    ['0.1000000000000000055511151231257827', 'number_out_of_range'],
    ['0.12345678901234567890', 'number_out_of_range'],
    [`0.${'0'.repeat(38)}`, 'ok'],
    [`0.${'0'.repeat(39)}`, 'number_out_of_range'],
    [`{"token":1.${'0'.repeat(100_000)}1}`, 'number_out_of_range'],
    [`[1e${'0'.repeat(40)}1]`, 'number_out_of_range'],
    ['"\\ud800"', 'lone_surrogate'],
    ['{"\\udc00x":1}', 'lone_surrogate'],
    ['"\\ud83d\\ude00"', 'ok'],
    ['{"__proto__":1}', 'forbidden_key'],
    ['{"a":{"\\u005f_proto__":{}}}', 'forbidden_key'],
    ['["__proto__"]', 'ok'],
    ['{"constructor":1,"prototype":2}', 'ok'],
    ['"a string with { [ : and \\" in it"', 'ok'],
  ])('%s is %s', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it('counts depth, strings left out', () => {
    expect(codeOf('['.repeat(100) + ']'.repeat(100))).toBe('ok');
    expect(codeOf('['.repeat(101) + ']'.repeat(101))).toBe('too_deep');
    expect(codeOf('['.repeat(200_000))).toBe('too_deep');
    expect(codeOf(JSON.stringify('['.repeat(500)))).toBe('ok');
  });

  it('counts values, strings left out', () => {
    const countOf = (text: string, most: number): string => {
      const parsed = parseStrictJson(text, { maxValues: most });
      return parsed.ok ? 'ok' : parsed.code;
    };
    expect(countOf('[1,{"a":[2,"x,[{"]}]', 6)).toBe('ok');
    expect(countOf('[1,{"a":[2,"x,[{"]}]', 5)).toBe('too_many_values');
    expect(countOf(`[${'1,'.repeat(200_000)}`, 1_000)).toBe('too_many_values');
  });

  it('keeps -0, which is refused in arguments', () => {
    for (const text of ['-0', '-0.0', '-0e5']) {
      const parsed = parseStrictJson(`{"a":[${text}]}`);
      expect(parsed.ok && findInexact(parsed.value)).toMatchObject([{ pointer: '/a/0' }]);
    }
  });

  it.each([
    ['a second key', '{\n"a":1,\n"a":2}', { code: 'duplicate_key', line: 3, column: 1, key: 'a' }],
    ['a key that is not allowed', '{"__proto__":1}', { code: 'forbidden_key', line: 1, column: 2, key: '__proto__' }],
    ['what is no JSON', '{"a":1,\n  }', { code: 'malformed_json', line: 2, column: 3 }],
    ['an end that comes early', '{"a":', { code: 'malformed_json', line: 1, column: 6 }],
  ])('names the place of %s', (_name, text, expected) => {
    expect(parseStrictJson(text)).toEqual({ ok: false, ...expected });
  });

  it('agrees with JSON.parse on whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const parsed = parseStrictJson(text);
        const whole = (part: unknown): boolean =>
          typeof part === 'number'
            ? Math.abs(part) <= Number.MAX_SAFE_INTEGER
            : typeof part !== 'object' || part === null || Object.values(part).every(whole);
        const keys = (part: unknown): boolean =>
          typeof part !== 'object' ||
          part === null ||
          (!Object.hasOwn(part, '__proto__') && Object.values(part).every(keys));
        const plain = JSON.parse(text) as unknown;
        if (!whole(plain) || !keys(plain)) expect(parsed.ok).toBe(false);
        else if (parsed.ok) expect(JSON.stringify(parsed.value)).toBe(JSON.stringify(plain));
        else expect(parsed.code).toBe('lone_surrogate');
      }),
    );
  });

  it('never accepts what JSON.parse refuses, and never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]:,"\\01e.-+ntrufalse \n'.split('')), maxLength: 30 }),
        (text) => {
          const parsed = parseStrictJson(text);
          let valid = true;
          try {
            JSON.parse(text);
          } catch {
            valid = false;
          }
          if (!valid) expect(parsed.ok).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

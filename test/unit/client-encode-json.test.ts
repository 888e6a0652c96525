import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeJson } from '../../src/client/encode-json.ts';
import { HoldpointError } from '../../src/client/errors.ts';

class Money {
  readonly amount = 5;
}
class Decimal {
  toJSON(): string {
    return '1.10';
  }
}
const circle: Record<string, unknown> = {};
circle['self'] = circle;

function refusalOf(body: unknown): unknown {
  try {
    return encodeJson(body);
  } catch (error) {
    return error instanceof HoldpointError ? [error.code, error.errors.map(({ pointer }) => pointer)] : error;
  }
}

describe('what the client sends', () => {
  test.each<[string, unknown]>([
    ['a date', new Date(0)],
    ['NaN', Number.NaN],
    ['infinity', Number.NEGATIVE_INFINITY],
    ['-0', -0],
    ['an integer that JavaScript has rounded', Number('12345678901234567890')],
    ['a number below -2^53', -1e300],
    ['a bigint', 10n],
    ['a map', new Map([['a', 1]])],
    ['an instance of a class', new Money()],
    ['what writes itself as another value', new Decimal()],
    ['a function', () => 1],
    ['bytes', new Uint8Array(2)],
    ['undefined in a list', [undefined]],
    ['a hole in a list', Array(1)],
  ])('R2: %s in the arguments is arguments_invalid, with its place', (_what, value) => {
    const place = Array.isArray(value) ? '/a~1b/0/x/0' : '/a~1b/0/x';
    expect(refusalOf({ tool: 't', arguments: { 'a/b': [{ x: value }], left: undefined } })).toEqual([
      'arguments_invalid',
      [place],
    ]);
    expect(refusalOf({ calls: [{ arguments: { x: value } }] })).toEqual([
      'arguments_invalid',
      [`/calls/0/arguments${place.replace('/a~1b/0', '')}`],
    ]);
  });

  test('R2: what refers to itself has no end', () => {
    expect(refusalOf({ arguments: circle })).toHaveProperty('0', 'arguments_invalid');
  });

  test('R2: any JSON is sent as it is, and an undefined member is left out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (made) => {
        // Of numbers beyond 2^53 none is sent.
        const json = JSON.stringify(made, (_, part: unknown) =>
          typeof part === 'number' && Math.abs(part) > 2 ** 53 ? 1 : part,
        );
        const value: unknown = JSON.parse(json);
        expect(encodeJson({ arguments: { value, left: undefined } })).toBe(`{"arguments":{"value":${json}}}`);
      }),
    );
  });
});

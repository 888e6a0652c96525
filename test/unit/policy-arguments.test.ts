import { RE2JS } from '@bufbuild/re2';
import { describe, expect, it, vi } from 'vitest';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { createSchemaCompiler } from '../../src/domain/policy/argument-schema.ts';

const compile = createSchemaCompiler();
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });

function errorsOf(schema: JsonObject, args: JsonObject): readonly string[] {
  const compiled = compile(schema, []);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.findings));
  return compiled.validate(args, { sealed: false }).map(({ pointer }) => pointer);
}
function findingsOf(schema: JsonObject): readonly string[] {
  const compiled = compile(schema, []);
  return compiled.ok ? [] : compiled.findings.map(({ path }) => path.join('/'));
}

describe('schemas of arguments', () => {
  it('name every argument that does not fit', () => {
    const schema = object(
      { a: { type: 'integer' }, b: { type: 'string', format: 'email' }, c: { type: 'string', pattern: '^x+$' } },
      { required: ['d'], additionalProperties: false },
    );
    expect(errorsOf(schema, { a: 1.5, b: 'no', c: 'y', e: 1 }).toSorted()).toEqual(['', '', '/a', '/b', '/c']);
    const good = { ...schema, required: [] };
    expect(errorsOf(good, { a: 1, b: 'a@example.com', c: 'xx' })).toEqual([]);
  });

  it('take a name that every object inherits for one that is not given', () => {
    const schema = object({ constructor: { type: 'string' }, valueOf: {} }, { additionalProperties: false });
    expect(errorsOf(schema, {})).toEqual([]);
    expect(errorsOf({ ...schema, required: ['valueOf'] }, {})).toEqual(['']);
    expect(errorsOf(schema, { toString: 1 })).toEqual(['']);
    expect(errorsOf(schema, { constructor: 1 })).toEqual(['/constructor']);
  });

  it.each<[JsonObject, string]>([
    [object({ a: { type: 'sting' } }), 'properties/a/type'],
    [object({ a: { type: 'string', minLenght: 1 } }), 'properties/a/minLenght'],
    [object({ a: { type: 'string', format: 'postcode' } }), ''],
    [object({ a: { type: 'string', pattern: '(?=a)b' } }), 'properties/a/pattern'],
    [object({ a: { type: 'string', pattern: '(a)\\1' } }), 'properties/a/pattern'],
    [object({ properties: { type: 'string', pattern: '(?!a)' } }), 'properties/properties/pattern'],
    [object({}, { patternProperties: { '(?=a)': {} } }), 'patternProperties'],
    [object({ a: { type: 'array', uniqueItems: true } }), 'properties/a/uniqueItems'],
    [object({ a: { type: 'array', uniqueItems: true, maxItems: 5_000 } }), 'properties/a/uniqueItems'],
    [object({ a: { $ref: 'https://example.com/schema' } }), 'properties/a/$ref'],
    [object({ a: { $ref: '#/$defs/b' } }), 'properties/a/$ref'],
    [
      object({ a: { $ref: '#/$defs/n' } }, { $defs: { n: object({ next: { $ref: '#/$defs/n' } }) } }),
      'properties/a/$ref',
    ],
    [object({ a: { $dynamicRef: '#x' } }), 'properties/a/$dynamicRef'],
  ])('%j is refused', (schema, path) => {
    expect(findingsOf(schema)).toContain(path);
  });

  it('take definitions of their own, and bounded unique lists', () => {
    const schema = object(
      { a: { $ref: '#/$defs/name' }, b: { type: 'array', uniqueItems: true, maxItems: 10, items: { type: 'string' } } },
      { $defs: { name: { type: 'string', maxLength: 3 } } },
    );
    expect(errorsOf(schema, { a: 'abcd', b: ['x', 'x'] }).toSorted()).toEqual(['/a', '/b']);
  });

  it('C1: a multiple of 0.01 is one as it is written: 19.99 and 8.2 are, 19.999 is not', () => {
    const amount = (multipleOf: number) => object({ amount: { type: 'number', multipleOf } });
    const fits = (value: number) => errorsOf(amount(0.01), { amount: value }).length === 0;
    const cents = [19.99, 8.2, 0.07, 1.1, 4.35, 1_000_000_000.01, 90_071_992_547_409.91, 0, -19.99, 2];
    expect(cents.filter((value) => !fits(value))).toEqual([]);
    expect([19.999, 8.201, 0.005, 1e-300, -0.001].filter(fits)).toEqual([]);
    expect(errorsOf(amount(0.1), { amount: 0.3 })).toEqual([]);
    expect(errorsOf(amount(1e-8), { amount: 0.123_456_78 })).toEqual([]);
    expect(errorsOf(amount(0.0075), { amount: 0.015 })).toEqual([]);
    expect(errorsOf(amount(5e-324), { amount: Number.MAX_VALUE })).toEqual([]);
    expect(errorsOf(amount(1e22), { amount: 1e23 })).toEqual([]);
    expect(errorsOf(amount(3), { amount: 1e22 })).toEqual(['/amount']);
    const [error] = (compile(amount(0.01), []) as Extract<ReturnType<typeof compile>, { ok: true }>).validate(
      { amount: 19.999 },
      { sealed: false },
    );
    expect(error?.message).toBe('must be a multiple of 0.01');
  });

  it.each<[JsonObject, Json, string]>([
    [{ type: 'integer' }, 'x', 'must be a whole number'],
    [{ type: 'integer' }, 1.5, 'must be a whole number'],
    [{ type: ['string', 'null'] }, 5, 'must be a string or null'],
    [{ enum: ['a', 'b'] }, 'c', 'must be one of ["a","b"]'],
    [{ const: 'a' }, 'c', 'must be "a"'],
    [{ type: 'string', minLength: 1 }, '', 'must not be empty'],
    [{ type: 'string', minLength: 2 }, 'x', 'must have at least 2 characters'],
    [{ type: 'string', maxLength: 1 }, 'xy', 'must have at most 1 character'],
    [{ type: 'string', pattern: '^a$' }, 'b', 'must match the pattern ^a$'],
    [{ type: 'string', format: 'email' }, 'b', 'must have the format email'],
    [{ type: 'number', minimum: 0.1 }, 0, 'must be at least 0.1'],
    [{ type: 'number', maximum: 3 }, 4, 'must be at most 3'],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, 'must be more than 0'],
    [{ type: 'number', exclusiveMaximum: 3 }, 3, 'must be less than 3'],
    [{ type: 'array', minItems: 1 }, [], 'must have at least 1 entry'],
    [{ type: 'array', maxItems: 1 }, [1, 2], 'must have at most 1 entry'],
  ])('%j tells of %j in Holdpoint’s words: %s', (part, value, message) => {
    const compiled = compile(object({ a: part }), []);
    expect(compiled.ok && compiled.validate({ a: value }, { sealed: false })).toEqual([{ pointer: '/a', message }]);
  });

  it('C1: limits, integers, constants and unique items compare numbers as they are written', () => {
    expect(errorsOf(object({ a: { type: 'number', minimum: 0.1, maximum: 0.3 } }), { a: 0.3 })).toEqual([]);
    expect(errorsOf(object({ a: { type: 'number', exclusiveMaximum: 0.3 } }), { a: 0.3 })).toEqual(['/a']);
    expect(errorsOf(object({ a: { type: 'number', exclusiveMaximum: 0.3 } }), { a: 0.299_999_999_999_999_93 })).toEqual(
      [],
    );
    expect(errorsOf(object({ a: { type: 'integer' } }), { a: 1.000_000_000_000_000_2 })).toEqual(['/a']);
    expect(errorsOf(object({ a: { const: 0.3 } }), { a: 0.1 + 0.2 })).toEqual(['/a']);
    const unique = object({ a: { type: 'array', uniqueItems: true, maxItems: 9 } });
    expect(errorsOf(unique, { a: [0.3, 0.1 + 0.2] })).toEqual([]);
  });

  it('do not read data as schemas', () => {
    expect(findingsOf(object({ a: { const: { pattern: '(?=a)' } }, b: { enum: [{ $ref: 'x' }] } }))).toEqual([]);
  });

  it('stay fast and small on hostile values', () => {
    const schema = object({
      a: { type: 'string', pattern: '^(x+x+)+y$' },
      b: { type: 'string', format: 'email' },
      c: { type: 'array', items: { type: 'integer' } },
    });
    expect(errorsOf(schema, { a: 'x'.repeat(100_000) })).toEqual(['/a']);
    expect(errorsOf(schema, { b: `${'a'.repeat(100_000)}@` })).toEqual(['/b']);
    expect(errorsOf(schema, { c: Array(50_000).fill('x') })).toHaveLength(1);
    expect(errorsOf(schema, { c: Array(500).fill('x') }).length).toBeLessThanOrEqual(20);
  });

  it('try a pattern only on a text whose length is known to fit', () => {
    const tried = vi.spyOn(RE2JS.prototype, 'test');
    const texts = (): readonly unknown[] => tried.mock.calls.map(([text]) => text).filter((text) => text !== '');
    const schema = object({
      bounded: { type: 'string', pattern: '^[x😀]+$', maxLength: 5 },
      unbounded: { type: 'string', pattern: '^x+$' },
    });
    expect(errorsOf(schema, { bounded: 'x'.repeat(6), unbounded: 'x'.repeat(8_193) })).toEqual([
      '/bounded',
      '/unbounded',
    ]);
    const many = { bounded: 'x'.repeat(6), more: Array(3_000).fill(0) };
    expect(errorsOf(schema, many)).toEqual(['/bounded']);
    expect(
      errorsOf(object({ list: { type: 'array', items: { pattern: 'x', maxLength: 1, type: 'string' } } }), {
        list: ['xx'],
      }),
    ).toEqual(['/list/0']);
    expect(errorsOf(object({}, { patternProperties: { '^x+$': false } }), { ['x'.repeat(1_025)]: 1 })).toEqual(['']);
    expect(texts()).toEqual([]);
    expect(errorsOf(schema, { bounded: '😀😀😀😀😀', unbounded: 'x'.repeat(8_192) })).toEqual([]);
    expect(texts()).toEqual(['😀😀😀😀😀', 'x'.repeat(8_192)]);
    tried.mockRestore();
  });

  it('accept anything where there is none', () => {
    const compiled = compile(undefined, []);
    expect(compiled.ok && compiled.validate({ any: 1 }, { sealed: true })).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { changeKind, draftOf, editText, fitsFields, readDraft, type Draft } from '../../src/dashboard/decide/draft.ts';
import { diffJson } from '../../src/domain/show/changes.ts';
import { hintsOf } from '../../src/dashboard/decide/schema-hints.ts';

/** Any JSON that arguments can be, with texts of all characters. */
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('a', '\r', '\n', '\r\n', ' ', '\t', '"', '\u00a0') }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.constant({ $sealed: 'eyJ.a.b' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 4 }), tie('value'), { maxKeys: 4 }),
  ),
}));

describe('what nobody touched', () => {
  test('R6: is sent back bit for bit, whatever it is', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const { value: read, errors } = readDraft(draftOf(value));
        expect(errors).toEqual([]);
        expect(JSON.stringify(read)).toBe(JSON.stringify(value));
      }),
      { numRuns: 2_000 },
    );
  });

  test('R5: in a text stays as it was, line breaks of every kind included', () => {
    const unit = fc.constantFrom('a', 'b', '\r', '\n', '\r\n', ' ');
    const text = fc.string({ unit, maxLength: 12 });
    // What is typed over, as a text area hands it out.
    const typed = fc.string({ unit: fc.constantFrom('a', 'c', '\n'), maxLength: 3 });
    fc.assert(
      fc.property(text, typed, text, (head, inserted, tail) => {
        // A text area shows one line break where these two would be: whoever types there has them both before.
        fc.pre(!(head.endsWith('\r') && tail.startsWith('\n')));
        const shown = (part: string): string => part.replaceAll(/\r\n?/g, '\n');
        const edited = editText(head + tail, shown(head) + inserted + shown(tail));
        expect(shown(edited)).toBe(shown(head) + inserted + shown(tail));
        // Nothing was deleted, so every line break is there yet, unless a carriage return alone had to give way.
        const returns = (part: string): number => part.split('\r').length;
        if (!/\r(?!\n)/.test(head + tail)) expect(returns(edited)).toBe(returns(head + tail));
      }),
      { numRuns: 2_000 },
    );
  });

  test('R5: a digit changes in a statement of several lines, and nothing else', () => {
    const sql = 'DELETE FROM users -- those who left\r\nWHERE id = 8\rAND\n\tx';
    const shown = 'DELETE FROM users -- those who left\nWHERE id = 9\nAND\n\tx';
    expect(editText(sql, shown)).toBe(sql.replace('8', '9'));
    expect(editText('a\nb', 'a\nc')).toBe('a\nc');
    expect(editText('a\r\nb', '')).toBe('');
  });
});

test('R5: of a statement of several lines, the changes show the line that changed', () => {
  const lines = diffJson(
    { sql: 'DELETE FROM t -- \\n\nWHERE id = 8\n' },
    { sql: 'DELETE FROM t -- \\n\nWHERE id = 9\n' },
  );
  expect(lines.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'same {',
    'same   "sql": "DELETE FROM t -- \\\\n\\n',
    'removed WHERE id = 8\\n"',
    'added WHERE id = 9\\n"',
    'same }',
  ]);
});

describe('what was typed', () => {
  const numberOf = (text: string, before?: number) =>
    readDraft({ kind: 'number', text, ...(before === undefined ? {} : { kept: before }) });

  test.each([
    ['1,5'],
    ['1.000,5'],
    ['1 000'],
    ['12345678901234567890'],
    ['9007199254740993'],
    ['0.12345678901234567891'],
    ['1e400'],
    ['-0'],
    ['-0.0'],
    ['+1'],
    ['.5'],
    ['5.'],
    ['0x10'],
    ['１２'],
    ['NaN'],
    ['Infinity'],
    [''],
    [' '],
    ['1,5e3'],
  ])('R6: %j is an error, not another number', (text) => {
    expect(numberOf(text).errors).toMatchObject([{ pointer: '' }]);
    expect(numberOf(text, 15).errors).toHaveLength(1);
  });

  test.each([
    ['15', 15],
    [' -1.50 ', -1.5],
    ['1e3', 1_000],
    ['0', 0],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('R6: %j is the number %d', (text, number) => {
    expect(numberOf(text)).toEqual({ value: number, errors: [] });
  });

  test('R6: an emptied text is the empty text, and null, an empty list and what is left out are each themselves', () => {
    const draft: Draft = {
      kind: 'object',
      members: [
        { name: 'text', draft: { kind: 'text', text: '' } },
        { name: 'null', draft: { kind: 'null' } },
        { name: 'list', draft: { kind: 'list', items: [] } },
        { name: 'object', draft: { kind: 'object', members: [] } },
        { name: 'out', draft: { kind: 'number', text: 'not one' }, isLeftOut: true },
        { name: '__proto__', draft: { kind: 'boolean', value: false } },
      ],
    };
    expect(JSON.stringify(readDraft(draft))).toBe(
      '{"value":{"text":"","null":null,"list":[],"object":{},"__proto__":false},"errors":[]}',
    );
  });

  test('R6: what is wrong is told by its place', () => {
    const draft: Draft = {
      kind: 'object',
      members: [{ name: 'a/b', draft: { kind: 'list', items: [draftOf(1), { kind: 'number', text: '1,5' }] } }],
    };
    expect(readDraft(draft).errors.map(({ pointer }) => pointer)).toEqual(['/a~1b/1']);
  });

  test('stays where a value becomes one of another kind', () => {
    expect(changeKind(draftOf(12), 'text')).toEqual({ kind: 'text', text: '12' });
    expect(readDraft(changeKind(draftOf('12'), 'number'))).toEqual({ value: 12, errors: [] });
    expect(readDraft(changeKind(draftOf('x'), 'null'))).toEqual({ value: null, errors: [] });
  });
});

test('what is too much or too deep for fields is edited as JSON', () => {
  expect(fitsFields({ a: [1, 2, { b: 3 }] })).toBe(true);
  expect(fitsFields({ a: Array(1_000).fill(0) })).toBe(false);
  expect(fitsFields({ a: [[[[[[1]]]]]] })).toBe(false);
});

describe('what a form takes from a schema', () => {
  const kindsOf = (schema: JsonObject) => hintsOf({ properties: { x: schema } }).member('x').kinds;

  test.each<[JsonObject, readonly string[]]>([
    [{ type: 'integer' }, ['number']],
    [{ type: ['string', 'null'] }, ['text', 'null']],
    [{ enum: ['a'] }, ['text', 'number', 'boolean', 'null', 'list', 'object']],
    [{ anyOf: [{ type: 'string' }, { type: 'object' }] }, ['text', 'object']],
    [{ allOf: [{ description: 'x' }, { type: 'array' }] }, ['list']],
    [{ $ref: '#/$defs/a' }, ['text']],
    [{ $ref: '#/$defs/circle' }, ['text', 'number', 'boolean', 'null', 'list', 'object']],
    [{ type: 'of another dialect' }, ['text', 'number', 'boolean', 'null', 'list', 'object']],
  ])('kinds of %j', (schema, kinds) => {
    const root = { $defs: { a: { type: 'string' }, circle: { allOf: [{ $ref: '#/$defs/circle' }] } } };
    expect(hintsOf({ ...root, properties: { x: schema } }).member('x').kinds).toEqual(kinds);
  });

  test('choices, names, what is required, what is open', () => {
    const hints = hintsOf({
      type: 'object',
      required: ['a'],
      additionalProperties: false,
      properties: { a: { oneOf: [{ const: 1 }, { enum: [2, null] }] }, b: { items: { type: 'boolean' } } },
      allOf: [{ required: ['b'], properties: { c: { description: 'the third' } } }],
      oneOf: [{ required: ['c'] }, { required: ['d'] }],
    });
    expect(hints.member('a').choices).toEqual([1, 2, null]);
    expect(hints.names).toEqual(['a', 'b', 'c']);
    expect([...hints.required]).toEqual(['a', 'b']);
    expect(hints.isOpen).toBe(false);
    expect(hints.member('c').description).toBe('the third');
    expect(hints.member('b').item(3).kinds).toEqual(['boolean']);
    expect(kindsOf({}).length).toBe(6);
    expect(hintsOf(null).isOpen).toBe(true);
  });

  test('nothing in a schema breaks it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(
            'type',
            'enum',
            'anyOf',
            'allOf',
            'items',
            'properties',
            'required',
            '$ref',
            '$defs',
            'additionalProperties',
          ),
          fc.jsonValue(),
        ),
        (schema) => {
          const hints = hintsOf(schema as JsonObject);
          expect(hints.member('a').item(0).member('b').kinds.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

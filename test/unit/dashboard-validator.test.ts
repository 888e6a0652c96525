import { describe, expect, test } from 'vitest';
import { sealedPointers, sealSchema } from '../../src/domain/seal-binding.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { findSchemaErrors } from '../../src/dashboard/decide/validator.ts';

const errorsOf = (schema: JsonObject, value: Json): readonly string[] =>
  findSchemaErrors(schema, value).map(({ pointer, message }) => `${pointer} ${message}`);

describe('what the edit form checks while typing', () => {
  test('patterns, also of properties that are called like keywords, and beside a format', () => {
    const schema = {
      type: 'object',
      properties: {
        pattern: { type: 'string', pattern: '^a+$' },
        link: { type: 'string', pattern: '^https:', format: 'uri' },
        either: {
          oneOf: [
            { type: 'string', pattern: '^x' },
            { type: 'string', pattern: '^y' },
          ],
        },
      },
      additionalProperties: false,
    };
    expect(errorsOf(schema, { pattern: 'aaa', link: 'https://x.test', either: 'y' })).toEqual([]);
    const found = errorsOf(schema, { pattern: 'b', link: 'https:// x', either: 'z' });
    expect(found.map((error) => error.split(' ')[0])).toEqual(expect.arrayContaining(['/pattern', '/link', '/either']));
    expect(found.join(' ')).toContain('pattern "^a+$"');
    expect(errorsOf(schema, { other: 1 })).not.toEqual([]);
  });

  // By a backtracking engine each of these would not end.
  test.each([
    ['a pattern', { pattern: '^(a+)+$' }, `${'a'.repeat(5_000)}!`, 1],
    ['a pattern and a text beyond any length', { pattern: '^(a+)+$' }, `${'a'.repeat(200_000)}!`, 0],
    ['the format of URLs', { format: 'url' }, `http://${'a'.repeat(2_000)}<`, 1],
    ['a pattern of another dialect', { pattern: '^(?=(a+)+$)b' }, `${'a'.repeat(60)}!`, 0],
  ])('%s of an upstream and text of an agent do not hold the page', (_what, keyword, text, errors) => {
    expect(errorsOf({ type: 'object', properties: { x: { type: 'string', ...keyword } } }, { x: text })).toHaveLength(
      errors,
    );
  });

  test('patterns of keys are left to the gate', () => {
    const schema = {
      type: 'object',
      patternProperties: { '^(a+)+$': { type: 'integer' } },
      additionalProperties: false,
    };
    expect(errorsOf(schema, { [`${'a'.repeat(60)}!`]: 1 })).toEqual([]);
  });
});

test('sealed values stay in the form’s data: nothing is asked of them, and what is around them is checked', () => {
  const sealed = { $sealed: 'eyJ.a.b.c.d' };
  const args = { ref: 'r1', memo: sealed, to: { 'p/n': sealed, name: 'n' } };
  const schema = {
    type: 'object',
    required: ['ref', 'memo', 'to'],
    minProperties: 3,
    properties: { ref: { type: 'string', minLength: 2 }, memo: { type: 'string' } },
    allOf: [{ properties: { to: { type: 'object', properties: { 'p/n': { type: 'string' }, name: {} } } } }],
  };
  const form = sealSchema(schema, sealedPointers(args));
  expect(sealedPointers(args)).toEqual(['/memo', '/to/p~1n']);
  expect(errorsOf(schema, args)).not.toEqual([]);
  expect(errorsOf(form, args)).toEqual([]);
  expect(errorsOf(form, { ...args, ref: 'r' })).not.toEqual([]);
  // Nothing but the sealed form goes there.
  expect(errorsOf(form, { ...args, memo: 'mine' })).not.toEqual([]);
});

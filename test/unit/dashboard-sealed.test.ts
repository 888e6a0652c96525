import { describe, expect, test } from 'vitest';
import { schemaWithoutSealed, sealedPaths, withoutSealed, withSealed } from '../../src/dashboard/decide/sealed.ts';
import { interpretingValidator } from '../../src/dashboard/decide/validator.ts';

const SEALED = { $sealed: 'eyJ.a.b.c.d' };
const args = { ref: 'r1', memo: SEALED, to: { name: 'n', pin: SEALED }, keys: [{ id: 1, key: SEALED }] };
const paths = sealedPaths(args);

describe('editing what is partly sealed', () => {
  test('sealed values are found wherever they stand; a list with one stands still as a whole', () => {
    expect(paths).toEqual([['memo'], ['to', 'pin'], ['keys']]);
    expect(sealedPaths({ ref: 'r1', list: [1, 'two'] })).toEqual([]);
  });

  test('they are out of the form and come back at their own places', () => {
    const open = withoutSealed(args, paths);
    expect(open).toEqual({ ref: 'r1', to: { name: 'n' } });
    expect(withSealed({ ...open, ref: 'r2' }, args, paths)).toEqual({ ...args, ref: 'r2' });
  });

  test('what was written at such a place does not replace it, and what is around it is made again', () => {
    expect(withSealed({ ref: 'r2', memo: 'mine' }, args, paths)).toEqual({
      ...args,
      ref: 'r2',
      to: { pin: SEALED },
    });
  });

  test('the schema asks for nothing there, in no branch of it', () => {
    const schema = {
      type: 'object',
      required: ['ref', 'memo', 'to', 'keys'],
      additionalProperties: false,
      minProperties: 4,
      properties: {
        ref: { type: 'string', minLength: 2 },
        memo: { type: 'string', minLength: 3 },
        to: { $ref: '#/$defs/person' },
        keys: { type: 'array' },
      },
      anyOf: [{ required: ['memo'] }, { required: ['keys'] }],
      $defs: {
        person: { type: 'object', required: ['name', 'pin'], properties: { name: {}, pin: { type: 'string' } } },
      },
    };
    const errorsOf = (of: object, value: object): number =>
      interpretingValidator.validateFormData(value, of).errors.length;
    const open = withoutSealed(args, paths);
    expect(errorsOf(schema, args)).toBeGreaterThan(0);
    expect(errorsOf(schemaWithoutSealed(schema, paths), open)).toBe(0);
    expect(errorsOf(schemaWithoutSealed(schema, paths), { ...open, ref: 'r' })).toBeGreaterThan(0);
  });

  test('a schema that refers to itself has an end', () => {
    const schema = {
      type: 'object',
      allOf: [{ $ref: '#' }, { $ref: '#/$defs/self' }],
      $defs: { self: { $ref: '#/$defs/self' } },
    };
    expect(schemaWithoutSealed(schema, [['memo']])).toMatchObject({ type: 'object' });
  });
});

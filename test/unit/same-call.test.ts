import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { comparableCall } from '../../src/domain/same-call.ts';
import { canonicalJson } from '../../src/domain/proof/digest.ts';
import { foldsOf } from '../../src/domain/policy/schema.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';

beforeAll(loadSqlParser);

const ofSql = (sql: string, others: JsonObject = {}, mode: 'execute' | null = 'execute') =>
  canonicalJson(
    comparableCall(
      { service: 'postgres', tool: 'postgres.execute', arguments: { sql, ...others } },
      {},
      { definition: mode === null ? {} : { sql: mode }, folds: undefined },
    ),
  );
const SQL = `DELETE FROM users WHERE name = 'Ann' AND id IN (1, 2)`;

describe('two texts of SQL', () => {
  it.each([
    ['letter case', `delete from USERS where Name = 'Ann' and ID in (1, 2)`],
    ['blanks', `DELETE  FROM users\n\tWHERE name='Ann' AND id IN (1,2)`],
    ['comments', `DELETE FROM users /* all of them */ WHERE name = 'Ann' -- not Bob\n AND id IN (1, 2)`],
    ['a closing semicolon', `${SQL};`],
    ['quotes that change nothing', `DELETE FROM "users" WHERE "name" = 'Ann' AND id IN (1, 2)`],
    ['another way to write a text', `DELETE FROM users WHERE name = E'\\x41nn' AND id IN (1, 2)`],
  ])('I6: are the same call where they differ in %s', (_name, sql) => {
    expect(ofSql(sql)).toBe(ofSql(SQL));
  });

  it.each([
    ['a value', `DELETE FROM users WHERE name = 'ann' AND id IN (1, 2)`],
    ['a quoted name', `DELETE FROM "Users" WHERE name = 'Ann' AND id IN (1, 2)`],
    ['a list', `DELETE FROM users WHERE name = 'Ann' AND id IN (1, 2, 2)`],
    ['an order', `DELETE FROM users WHERE id IN (1, 2) AND name = 'Ann'`],
    ['a schema', `DELETE FROM public.users WHERE name = 'Ann' AND id IN (1, 2)`],
    ['what a comment leaves', `DELETE FROM users -- WHERE name = 'Ann' AND id IN (1, 2)`],
    ['an operator', `DELETE FROM users WHERE name = 'Ann' OR id IN (1, 2)`],
  ])('are two calls where they differ in %s', (_name, sql) => {
    expect(ofSql(sql)).not.toBe(ofSql(SQL));
  });

  it('keep a place that is no place in the text', () => {
    const at = (place: string) => ofSql(`CREATE TABLESPACE fast LOCATION '${place}'`);
    expect(at('/a')).not.toBe(at('/b'));
  });

  it('are compared with their parameters, and as they are where they do not parse or are no statement of the tool', () => {
    expect(ofSql('SELECT $1', { params: [1] })).not.toBe(ofSql('SELECT $1', { params: [2] }));
    expect(ofSql('SELECT 1', { params: [] })).toBe(ofSql('SELECT 1'));
    expect(ofSql('SELECT 1; SELECT 2')).not.toBe(ofSql('select 1; select 2'));
    expect(ofSql('SELECT 1', {}, null)).not.toBe(ofSql('select 1', {}, null));
  });
});

it('a statement that parses is compared as parsed however deep it is nested', () => {
  const sum = (terms: number, plus = '+') => ofSql(`SELECT ${`1${plus}`.repeat(terms)}1`);
  expect(sum(2_000)).toBe(sum(2_000, ' + '));
  expect(sum(2_000)).not.toBe(sum(2_001));
  // Too deep for the parser: as it is.
  expect(sum(20_000)).not.toBe(sum(20_000, ' + '));
});

describe('arguments that a tool takes in any letter case', () => {
  const text = { type: 'string', fold: 'ascii' };
  const folds = foldsOf({
    type: 'object',
    properties: { owner: text, teams: { type: 'array', items: text }, name: { type: 'string' } },
  });
  const call = (args: JsonObject, known: typeof folds | null = folds) =>
    canonicalJson(
      comparableCall({ service: 'x', tool: 'x.y', arguments: args }, {}, { definition: {}, folds: known ?? undefined }),
    );

  it('I6: are the same call in another one', () => {
    expect(call({ owner: 'Acme', teams: ['A', 'b'] })).toBe(call({ owner: 'acme', teams: ['a', 'B'] }));
    expect(call({ owner: '\u212aelvin' })).not.toBe(call({ owner: 'kelvin' }));
  });

  it('are two calls where the schema does not say so', () => {
    expect(call({ owner: 'acme', name: 'A' })).not.toBe(call({ owner: 'acme', name: 'a' }));
    expect(call({ owner: 'Acme' }, null)).not.toBe(call({ owner: 'acme' }, null));
  });
});

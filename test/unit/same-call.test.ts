import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { comparableCall } from '../../src/domain/same-call.ts';
import { canonicalJson } from '../../src/domain/proof/digest.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';

beforeAll(loadSqlParser);

const ofSql = (sql: string, others: JsonObject = {}, mode: 'execute' | null = 'execute') =>
  canonicalJson(
    comparableCall(
      { service: 'postgres', tool: 'postgres.execute', arguments: { sql, ...others } },
      {},
      mode === null ? {} : { sql: mode },
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

import { describe, expect, test } from 'vitest';
import { Statements, writeStatement } from '../../src/storage/database/pglite-database.ts';

const typesOf = (message: Uint8Array): string => {
  const bytes = Buffer.from(message);
  let types = '';
  for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1)) types += String.fromCharCode(bytes[at] ?? 0);
  return types;
};

describe('statements of a connection', () => {
  test('are parsed once, under a name of their own', () => {
    const statements = new Statements();
    const one = statements.of('SELECT 1');
    // Close, Parse, Bind, Describe, Execute, Sync.
    expect(typesOf(writeStatement(one, []))).toBe('CPBDES');
    one.isParsed = true;
    expect(typesOf(writeStatement(statements.of('SELECT 1'), []))).toBe('BDES');
    expect(statements.of('SELECT 2').name).not.toBe(one.name);
  });

  test('are parsed again after a failure, under the same name', () => {
    const statements = new Statements();
    const { name } = statements.of('SELECT 1');
    const again = statements.of('SELECT 1');
    again.isParsed = false;
    expect([again.name, typesOf(writeStatement(again, []))]).toEqual([name, 'CPBDES']);
  });

  test('are planned again as tables may have filled', () => {
    const statements = new Statements();
    const planned: number[] = [];
    for (let use = 1; use <= 1_000; use += 1) {
      const statement = statements.of('SELECT 1');
      if (!statement.isParsed) planned.push(use);
      statement.isParsed = true;
    }
    expect(planned).toEqual([1, 10, 100, 1_000]);
  });

  test('are not kept where they join, nor without end', () => {
    const statements = new Statements();
    expect(statements.of('SELECT 1 FROM a JOIN b ON true').name).toBe('');
    const names = Array.from({ length: 300 }, (_, i) => statements.of(`SELECT ${i}`).name);
    expect(new Set(names).size).toBeLessThan(names.length);
    expect(names.at(-1)).toBe('');
  });
});

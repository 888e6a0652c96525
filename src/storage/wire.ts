import pg from 'pg';
import { serialize } from 'pg-protocol';

/**
 * One statement as one message of PostgreSQL's extended query protocol (Parse, Bind, Describe, Execute, Sync), with
 * parameters and results as text. PGlite's own `query` sends them one by one, which costs three times the CPU.
 */
export function writeStatement(sql: string, parameters: readonly unknown[]): Uint8Array {
  return Buffer.concat([
    serialize.parse({ text: sql }),
    serialize.bind({ values: parameters.map(writeParameter) }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

interface Column {
  readonly name: string;
  readonly dataTypeID: Parameters<typeof pg.types.getTypeParser>[0];
}

/** What {@link readRows} looks at of a backend's messages. */
interface BackendMessage {
  readonly name: string;
  readonly fields?: readonly unknown[];
}

/** Rows of one statement, each value read as the `pg` driver reads its type. */
export function readRows(messages: readonly BackendMessage[]): Record<string, unknown>[] {
  const description = messages.find((message) => message.name === 'rowDescription');
  const columns = (description?.fields ?? []) as readonly Column[];
  const readers = columns.map(({ name, dataTypeID }) => ({ name, read: pg.types.getTypeParser(dataTypeID, 'text') }));
  const rows: Record<string, unknown>[] = [];
  for (const message of messages) {
    if (message.name !== 'dataRow') continue;
    const values = message.fields as readonly (string | null)[];
    const row: Record<string, unknown> = {};
    for (const [i, { name, read }] of readers.entries()) {
      const value = values[i] ?? null;
      row[name] = value === null ? null : (read(value) as unknown);
    }
    rows.push(row);
  }
  return rows;
}

/** Text form of a parameter; storage binds nothing but text, numbers, null and lists of them. */
function writeParameter(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `{${value.map(writeElement).join(',')}}`;
  throw new TypeError('a parameter that storage does not bind');
}

/** PostgreSQL array element: quoted, with backslash and quotation mark escaped. */
function writeElement(value: unknown): string {
  const text = writeParameter(value);
  return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

import { getSegments } from 'sql-highlight';
import type { Mark, Segment } from './pieces.ts';

/** Above this colours cost more than they help. */
const LONGEST = 20_000;

const MARKS: Readonly<Record<string, Mark>> = {
  keyword: 'keyword',
  function: 'function',
  string: 'string',
  number: 'number',
  comment: 'comment',
};

/** Colours for SQL. They help to read and judge nothing: where they do not cover the text exactly, there are none. */
export function highlightSql(sql: string): readonly Segment[] {
  if (sql.length > LONGEST) return [];
  const segments = getSegments(sql).map(({ name, content }): Segment => ({
    text: content,
    // `#` begins a comment in MySQL and is an operator in PostgreSQL: it must not look like something that is ignored.
    mark: name === 'comment' && content.startsWith('#') ? undefined : MARKS[name],
  }));
  return segments.map(({ text }) => text).join('') === sql ? segments : [];
}

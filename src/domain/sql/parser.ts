import { loadModule, parsePlPgSQLSync, parseSync, SqlError } from 'libpg-query';

/** Longest statement, in UTF-8 bytes, that is parsed. */
export const SQL_LIMIT = 65_536;

/**
 * PostgreSQL's scanner takes as many operator characters as there are for one token, gives back what is too much (all but
 * two of `/*` and what follows, say) and begins again: 64 KiB of `/*` took it 20 s. No operator has more than 63.
 */
const OPERATORS = /[~!@#^&|`?+\-*/%<>=]+/g;
/** Bound of the lengths of such runs, each squared: one of 2,000, or a thousand of 63. */
const MAX_RESCANNED = 4_000_000;

/** A node as the parser gives it: `{ Kind: { field: value } }`. */
export type Tree = Readonly<Record<string, unknown>>;

export interface ParsedStatement {
  readonly ok: true;
  /** The one statement, `{ Kind: {…} }`. */
  readonly tree: Tree;
  readonly kind: string;
  readonly body: Tree;
  /** Its text without what stands after a closing semicolon. May end in a `--` comment: add a line break before more. */
  readonly text: string;
}

let loaded = false;

/** Loads PostgreSQL's parser (WASM). Await it once at start; until then every analysis refuses `parser_not_loaded`. */
export async function loadSqlParser(): Promise<void> {
  await loadModule();
  loaded = true;
}

/**
 * Parses exactly one statement. The text is the attacker's. It reaches C code as a NUL-terminated string and the
 * server as UTF-8, so NUL and lone surrogates, which would let parser and server read different text, are refused.
 */
export function parseStatement(sql: string): ParsedStatement | SqlRefusal {
  if (!loaded) return refuseSql('parser_not_loaded', 'the SQL parser is not loaded');
  const bytes = new TextEncoder().encode(sql);
  if (bytes.length > SQL_LIMIT) return refuseSql('sql_too_long', `the SQL is longer than ${SQL_LIMIT} bytes`);
  if (sql.includes('\0') || !sql.isWellFormed()) return refuseSql('sql_invalid', 'the SQL is not valid text');
  if (sql.startsWith('\ufeff')) {
    return refuseSql('sql_invalid', 'the SQL begins with a byte order mark (U+FEFF): leave it out');
  }
  const rescanned = (sql.match(OPERATORS) ?? []).reduce((sum, run) => sum + run.length ** 2, 0);
  if (rescanned > MAX_RESCANNED) {
    return refuseSql('sql_too_long', 'the SQL has too many operator characters in a row');
  }
  const statements = parseAll(sql);
  if ('ok' in statements) return statements;
  const [only, ...others] = statements;
  if (only?.stmt === undefined || others.length > 0) {
    return refuseSql('not_one_statement', 'the SQL is not exactly one statement');
  }
  const kinds = Object.keys(only.stmt);
  const kind = kinds[0];
  if (kind === undefined || kinds.length !== 1) return refuseSql('sql_invalid', 'the SQL is not a statement');
  const start = only.stmt_location ?? 0;
  const end = only.stmt_len === undefined || only.stmt_len === 0 ? bytes.length : start + only.stmt_len;
  const text = new TextDecoder().decode(bytes.subarray(start, end));
  return { ok: true, tree: only.stmt, kind, body: only.stmt[kind] as Tree, text };
}

/** Whether a `DO` block in PL/pgSQL has a COMMIT or ROLLBACK of its own. False where it is in another language, or cannot be read. */
export function endsTransaction({ kind, text }: ParsedStatement): boolean {
  if (kind !== 'DoStmt') return false;
  try {
    // Quotes within values are escaped, so only a statement's own key looks like this.
    return /"PLpgSQL_stmt_(?:commit|rollback)":/.test(JSON.stringify(parsePlPgSQLSync(text)));
  } catch {
    return false;
  }
}

/** Where in the text something stands; `location` is also the name of a field that holds text. */
const PLACES: ReadonlySet<string> = new Set([
  'location',
  'stmt_location',
  'stmt_len',
  'list_start',
  'list_end',
  'rexpr_list_start',
  'rexpr_list_end',
]);

/**
 * What two texts have in common that say the same to PostgreSQL: the parse tree without the places of its parts. Letter
 * case, blanks and comments are not in it; values, quoted names and the order of what is written are. Undefined: the text
 * is not one statement, so nothing but the very text is the same.
 */
export function comparableSql(sql: string): string | undefined {
  const parsed = parseStatement(sql);
  return parsed.ok ? writeTree(parsed.tree) : undefined;
}

/** A parse tree without the places of its parts. Not by recursion: a sum of some thousand numbers is a tree as deep. */
export function writeTree(root: Tree): string {
  const parts: string[] = [];
  const todo: { readonly text?: string; readonly value?: unknown }[] = [{ value: root }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { text, value } = next;
    if (text !== undefined) parts.push(text);
    else if (typeof value !== 'object' || value === null) parts.push(JSON.stringify(value));
    else {
      const [open, close] = Array.isArray(value) ? '[]' : '{}';
      parts.push(open as string);
      todo.push({ text: close as string });
      for (const [key, inner] of Object.entries(value).toReversed()) {
        if (typeof inner === 'number' && PLACES.has(key)) continue;
        todo.push({ value: inner }, { text: JSON.stringify(key) });
      }
    }
  }
  return parts.join(' ');
}

interface RawStatement {
  readonly stmt?: Tree;
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

function parseAll(sql: string): readonly RawStatement[] | SqlRefusal {
  try {
    return ((parseSync(sql) as { stmts?: unknown }).stmts ?? []) as readonly RawStatement[];
  } catch (error) {
    if (error instanceof SqlError) return refuseSql('sql_invalid', `the SQL does not parse: ${error.message}`);
    // Nesting that exhausts the WASM stack ends as a RangeError; an empty text as a plain Error.
    return refuseSql('sql_invalid', 'the SQL cannot be parsed');
  }
}

/** Why a statement is not the plain kind that was asked for. */
type SqlRefusalCode =
  | 'parser_not_loaded'
  | 'sql_too_long'
  | 'sql_invalid'
  | 'not_one_statement'
  | 'not_a_select'
  | 'not_a_modification'
  | 'transaction_control'
  | 'outside_transaction'
  | 'copy_stream'
  | 'session_state'
  | 'parameters'
  | 'construct_not_allowed'
  | 'function_not_allowed'
  | 'operator_not_allowed'
  | 'type_not_allowed';

export interface SqlRefusal {
  readonly ok: false;
  readonly code: SqlRefusalCode;
  /** For reviewers; names the construct, never values. */
  readonly message: string;
  /** Of a type or function that is not allowed: as the statement writes it. */
  readonly name?: string;
}

export function refuseSql(code: SqlRefusalCode, message: string): SqlRefusal {
  return { ok: false, code, message };
}

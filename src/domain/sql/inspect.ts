import {
  ALLOWED_FUNCTIONS,
  ALLOWED_OPERATORS,
  ALLOWED_TYPES,
  BARE_FIELDS,
  BARE_FIELDS_OF,
  NODE_FIELDS,
  TIME_DEPENDENT_FUNCTIONS,
} from './allow-list.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { refuseSql, type SqlRefusal, type Tree } from './parser.ts';

export interface TableName {
  readonly schema: string | null;
  readonly name: string;
}

/**
 * Names that the statement leaves to the server's search path. The connector checks that none of them can mean a
 * volatile function of a user's own there: an overload, an operator, or a function called like a column (`t.f` is
 * `f(t)`). Types need no such look: `pg_catalog` comes first and types have no overloads.
 */
export interface SqlNames {
  readonly functions: readonly string[];
  readonly operators: readonly string[];
  readonly columns: readonly string[];
  /** Types and functions that policy allows beside the built-in ones, in use here; the connector checks what they are. */
  readonly allowedTypes: readonly (readonly string[])[];
  readonly allowedFunctions: readonly (readonly string[])[];
  /** Every relation that is read or written, names of the statement's own CTEs included. */
  readonly tables: readonly TableName[];
  /** False where the result depends on when it runs. */
  readonly timeless: boolean;
}

/** What policy allows beside the built-in names, as SQL writes it: `name` or `schema.name`. */
export type SqlAllowed = NonNullable<ToolDefinition['allow']>;

/** Deepest nesting of nodes that is looked into. */
const MAX_DEPTH = 400;

/** Walks nodes, collects the names they use, and stops at the first thing that is not allow-listed. */
export class SqlInspector {
  readonly #allowed: SqlAllowed;
  readonly #allowedTypes = new Map<string, readonly string[]>();
  readonly #allowedFunctions = new Map<string, readonly string[]>();
  readonly #functions = new Set<string>();
  readonly #operators = new Set<string>();
  readonly #columns = new Set<string>();
  readonly #tables = new Map<string, TableName>();
  #timeless = true;

  constructor(allowed: SqlAllowed = {}) {
    this.#allowed = allowed;
  }

  names(): SqlNames {
    return {
      functions: [...this.#functions],
      operators: [...this.#operators],
      columns: [...this.#columns],
      allowedTypes: [...this.#allowedTypes.values()],
      allowedFunctions: [...this.#allowedFunctions.values()],
      tables: [...this.#tables.values()],
      timeless: this.#timeless,
    };
  }

  /** Inspects a value of the tree: a wrapped node `{ Kind: {…} }`, a list of them, or a scalar. */
  inspect(value: unknown, depth = 0): SqlRefusal | undefined {
    if (depth > MAX_DEPTH) return refuseSql('construct_not_allowed', 'the SQL is nested too deeply');
    if (Array.isArray(value)) {
      for (const item of value) {
        const refusal = this.inspect(item, depth + 1);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    }
    if (!isTree(value)) return undefined;
    for (const [kind, body] of Object.entries(value)) {
      const refusal = this.inspectNode(kind, body as Tree, depth + 1);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** Inspects the fields of a node whose kind is known. */
  inspectNode(kind: string, body: Tree, depth = 0): SqlRefusal | undefined {
    const fields = NODE_FIELDS[kind];
    if (fields === undefined) return refuseSql('construct_not_allowed', `${kind} is not allowed`);
    const refusal = this.#check(kind, body);
    if (refusal !== undefined) return refusal;
    for (const [field, value] of Object.entries(body)) {
      if (field === 'location') continue;
      if (!fields.includes(field)) return refuseSql('construct_not_allowed', `${field} of ${kind} is not allowed`);
      const bare = BARE_FIELDS_OF[kind]?.[field] ?? BARE_FIELDS[field];
      const inner =
        bare !== undefined && isTree(value) ? this.inspectNode(bare, value, depth + 1) : this.inspect(value, depth + 1);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }

  #check(kind: string, body: Tree): SqlRefusal | undefined {
    switch (kind) {
      case 'FuncCall':
        return this.#checkFunction(stringsOf(body['funcname']));
      case 'A_Expr':
        return this.#checkOperator(stringsOf(body['name']), String(body['kind']));
      case 'SubLink':
        return body['operName'] === undefined
          ? undefined
          : this.#checkOperator(stringsOf(body['operName']), 'AEXPR_OP');
      case 'TypeName':
        return this.#checkType(stringsOf(body['names']));
      case 'ColumnRef':
        // A lone name is a column or a whole row; `t.f` may be the function `f(t)`.
        for (const name of stringsOf(body['fields']).slice(1)) this.#columns.add(name);
        return undefined;
      case 'A_Indirection':
        // `(x).f` calls f(x) for any x, built-in functions included: `(10).pg_sleep` sleeps.
        return stringsOf(body['indirection']).length === 0
          ? undefined
          : refuseSql('construct_not_allowed', 'field selection from an expression is not allowed');
      case 'SQLValueFunction':
        this.#timeless = false;
        return undefined;
      case 'RangeVar':
        this.#addTable(body);
        return undefined;
      default:
        return undefined;
    }
  }

  #checkFunction(path: readonly string[]): SqlRefusal | undefined {
    const name = builtInName(path);
    const written = path.join('.');
    if (name === undefined || !ALLOWED_FUNCTIONS.has(name)) {
      if (this.#allowed.functions?.includes(written) !== true) {
        return { ...refuseSql('function_not_allowed', `the function ${written} is not allow-listed`), name: written };
      }
      this.#allowedFunctions.set(written, path);
      // It may be stable, and so depend on the time.
      this.#timeless = false;
      return undefined;
    }
    if (TIME_DEPENDENT_FUNCTIONS.has(name)) this.#timeless = false;
    if (path.length === 1) this.#functions.add(name);
    return undefined;
  }

  #checkOperator(path: readonly string[], kind: string): SqlRefusal | undefined {
    const name = builtInName(path);
    if (kind.includes('BETWEEN')) {
      // The parser writes BETWEEN as the operator's name; the server expands it to these.
      for (const implied of ['<', '<=', '>', '>=']) this.#operators.add(implied);
      return undefined;
    }
    if (name === undefined || !ALLOWED_OPERATORS.has(name)) {
      return refuseSql('operator_not_allowed', `the operator ${path.join('.')} is not allow-listed`);
    }
    if (path.length === 1) this.#operators.add(name);
    return undefined;
  }

  #checkType(path: readonly string[]): SqlRefusal | undefined {
    const name = builtInName(path);
    if (name !== undefined && ALLOWED_TYPES.has(name)) return undefined;
    const written = path.join('.');
    if (this.#allowed.types?.includes(written) !== true) {
      return { ...refuseSql('type_not_allowed', `the type ${written} is not allow-listed`), name: written };
    }
    this.#allowedTypes.set(written, path);
    return undefined;
  }

  #addTable(body: Tree): void {
    const table = tableOf(body);
    this.#tables.set(JSON.stringify(table), table);
  }
}

/** The name, where it is unqualified or qualified with `pg_catalog`. */
function builtInName(path: readonly string[]): string | undefined {
  if (path.length === 1) return path[0];
  return path.length === 2 && path[0] === 'pg_catalog' ? path[1] : undefined;
}

export function tableOf(rangeVar: Tree): TableName {
  const schema = rangeVar['schemaname'];
  return { schema: typeof schema === 'string' ? schema : null, name: String(rangeVar['relname']) };
}

function stringsOf(nodes: unknown): readonly string[] {
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap((node: unknown) => {
    const text = isTree(node) && isTree(node['String']) ? node['String']['sval'] : undefined;
    return typeof text === 'string' ? [text] : [];
  });
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

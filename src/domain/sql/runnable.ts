import { isTree } from './inspect.ts';
import { endsTransaction, refuseSql, type ParsedStatement, type SqlRefusal, type Tree } from './parser.ts';

/**
 * Every node of a tree as `[kind, body]`, or `[field, body]` where a field holds a node without its kind around it. Without
 * recursion: how deep the tree is, is the attacker's choice.
 */
export function* nodesOf(tree: Tree): Generator<readonly [name: string, body: Tree]> {
  const left: unknown[] = [tree];
  while (left.length > 0) {
    const value = left.pop();
    if (Array.isArray(value)) for (const item of value as readonly unknown[]) left.push(item);
    else if (isTree(value)) {
      for (const [name, body] of Object.entries(value)) {
        if (isTree(body)) yield [name, body];
        left.push(body);
      }
    }
  }
}

/**
 * Why a statement cannot do anything in a transaction and a session of its own, which is what every call has. Undefined: it
 * can.
 */
export function refuseUnrunnable(parsed: ParsedStatement): SqlRefusal | undefined {
  if (TRANSACTION_KINDS.has(parsed.kind) || hasNode(parsed.tree, 'ExecuteStmt')) {
    return refuseSql('transaction_control', 'transactions and prepared statements are Holdpoint’s own');
  }
  if (endsTransaction(parsed)) {
    const message =
      '2D000: invalid transaction termination: COMMIT and ROLLBACK in a DO block end the transaction of a call';
    return refuseSql('transaction_control', message);
  }
  const outside = outsideTransaction(parsed.kind, parsed.body);
  if (outside !== undefined) return refuseOutside(outside);
  if (parsed.kind === 'CopyStmt' && parsed.body['filename'] === undefined) {
    const [way, instead] = parsed.body['is_from'] === true ? ['FROM STDIN', 'INSERT'] : ['TO STDOUT', 'SELECT'];
    return refuseSql('copy_stream', `COPY ${way} needs a stream of data, which a call does not have: use ${instead}`);
  }
  if (setsItsTransaction(parsed)) {
    return refuseSql('session_state', 'it would last for a transaction, and that of a call is this one statement');
  }
  const state = sessionState(parsed);
  if (state === undefined) return undefined;
  return refuseSql('session_state', `${state} would last for a session, and the session of a call ends with it`);
}

/** In PostgreSQL's own words. */
export function refuseOutside(statement: string): SqlRefusal {
  const message = `25001: ${statement} cannot run inside a transaction block, and every call runs in one`;
  return refuseSql('outside_transaction', message);
}

/** Statements that would end or bend the transaction that a call runs in. */
const TRANSACTION_KINDS = new Set(['TransactionStmt', 'PrepareStmt', 'DeallocateStmt']);

function hasNode(tree: Tree, kind: string): boolean {
  for (const [name] of nodesOf(tree)) if (name === kind) return true;
  return false;
}

/** What PostgreSQL runs outside of transactions only (`PreventInTransactionBlock`), in its own words. */
function outsideTransaction(kind: string, body: Tree): string | undefined {
  const option = (name: string): boolean | undefined => optionOf(body['options'], name);
  const concurrent = body['concurrent'] === true;
  switch (kind) {
    case 'VacuumStmt':
      return body['is_vacuumcmd'] === true ? 'VACUUM' : undefined;
    case 'AlterSystemStmt':
      return 'ALTER SYSTEM';
    case 'CreatedbStmt':
      return 'CREATE DATABASE';
    case 'DropdbStmt':
      return 'DROP DATABASE';
    case 'AlterDatabaseStmt':
      return option('tablespace') === undefined ? undefined : 'ALTER DATABASE SET TABLESPACE';
    case 'CreateTableSpaceStmt':
      return 'CREATE TABLESPACE';
    case 'DropTableSpaceStmt':
      return 'DROP TABLESPACE';
    case 'IndexStmt':
      return concurrent ? 'CREATE INDEX CONCURRENTLY' : undefined;
    case 'DropStmt':
      return concurrent ? 'DROP INDEX CONCURRENTLY' : undefined;
    case 'ReindexStmt':
      if (optionOf(body['params'], 'concurrently') === true) return 'REINDEX CONCURRENTLY';
      return body['relation'] === undefined
        ? `REINDEX ${String(body['kind']).replace('REINDEX_OBJECT_', '')}`
        : undefined;
    case 'ClusterStmt':
      return body['relation'] === undefined ? 'CLUSTER' : undefined;
    case 'CreateSubscriptionStmt':
      return (option('create_slot') ?? option('connect') ?? true)
        ? 'CREATE SUBSCRIPTION … WITH (create_slot = true)'
        : undefined;
    case 'AlterSubscriptionStmt':
      if (refreshesSubscription(String(body['kind']))) {
        return option('refresh') === false ? undefined : 'ALTER SUBSCRIPTION with refresh';
      }
      // What changes the slot on the other server, since PostgreSQL 17 and 18.
      if (option('failover') !== undefined) return 'ALTER SUBSCRIPTION … SET (failover)';
      return option('two_phase') === false ? 'ALTER SUBSCRIPTION … SET (two_phase)' : undefined;
    case 'AlterTableStmt':
      return detachesConcurrently(body) ? 'ALTER TABLE … DETACH CONCURRENTLY' : undefined;
    default:
      return undefined;
  }
}

function refreshesSubscription(kind: string): boolean {
  return kind.endsWith('_REFRESH') || kind.endsWith('_PUBLICATION');
}

function detachesConcurrently(body: Tree): boolean {
  for (const [name, command] of nodesOf(body)) {
    if (name === 'PartitionCmd' && command['concurrent'] === true) return true;
  }
  return false;
}

/** A boolean option `(name [ value ])`; undefined: not given. Of several, one that is on counts. */
function optionOf(options: unknown, name: string): boolean | undefined {
  const given = (Array.isArray(options) ? (options as readonly Tree[]) : []).flatMap(({ DefElem: option }) =>
    isTree(option) && option['defname'] === name ? [isOff(option['arg'])] : [],
  );
  return given.length === 0 ? undefined : given.includes(false);
}

/** As PostgreSQL's `defGetBoolean` reads it, which takes a bare word as a type's name. */
function isOff(arg: unknown): boolean {
  if (!isTree(arg)) return false;
  const { String: text, Boolean: truth, Integer: number, TypeName: word } = arg;
  if (isTree(number)) return (number['ival'] ?? 0) === 0;
  if (isTree(truth)) return truth['boolval'] !== true;
  return /^(?:false|off)$/i.test(isTree(text) ? String(text['sval']) : isTree(word) ? lastName(word['names']) : '');
}

/** Whether `EXPLAIN` runs the statement. */
export function isAnalyze(explain: Tree): boolean {
  return optionOf(explain['options'], 'analyze') === true;
}

const SESSION_KINDS: Readonly<Record<string, string>> = {
  VariableSetStmt: 'SET (for a lasting default: ALTER ROLE … SET, ALTER DATABASE … SET)',
  ListenStmt: 'LISTEN',
  UnlistenStmt: 'UNLISTEN',
  LoadStmt: 'LOAD',
  DeclareCursorStmt: 'a cursor',
  FetchStmt: 'a cursor',
  ClosePortalStmt: 'a cursor',
  DiscardStmt: 'what DISCARD drops',
};
const SESSION_LOCK = /^pg_(?:try_)?advisory_(?:un)?lock(?:_shared|_all)?$/;

function setsItsTransaction({ kind, body }: ParsedStatement): boolean {
  return kind === 'VariableSetStmt' && (body['is_local'] === true || body['name'] === 'TRANSACTION');
}

/**
 * What a statement would leave behind in its session; behind a pooler that is another client's next. What functions and
 * `DO` blocks do inside is not seen.
 */
function sessionState({ kind, tree }: ParsedStatement): string | undefined {
  if (Object.hasOwn(SESSION_KINDS, kind)) return SESSION_KINDS[kind];
  for (const [name, body] of nodesOf(tree)) {
    if (isTemporary(body)) return 'a temporary object';
    if (name === 'CurrentOfExpr') return 'a cursor';
    if (name !== 'FuncCall') continue;
    const called = lastName(body['funcname']);
    if (SESSION_LOCK.test(called)) return `${called} (pg_advisory_xact_lock ends with the transaction)`;
    if (called === 'set_config' && !isLocal(body['args'])) return 'set_config that is not local';
  }
  return undefined;
}

function isTemporary(body: Tree): boolean {
  if (body['relpersistence'] === 't' || body['schemaname'] === 'pg_temp') return true;
  return NAMES.some((field) => {
    const path = body[field];
    return Array.isArray(path) && path.length > 1 && lastName(path.slice(0, 1)) === 'pg_temp';
  });
}

/** Fields with the qualified name of a function, enum, domain, or of an aggregate, operator or base type. */
const NAMES = ['funcname', 'typeName', 'domainname', 'defnames'] as const;

function lastName(path: unknown): string {
  const last = Array.isArray(path) ? (path as readonly Tree[]).at(-1) : undefined;
  return isTree(last?.['String']) ? String(last['String']['sval']) : '';
}

/** The third argument, which may be given by its name, is a constant that is true. */
function isLocal(args: unknown): boolean {
  const given = Array.isArray(args) ? (args as readonly Tree[]) : [];
  const named = given.map(({ NamedArgExpr: arg }) => arg).find((arg) => isTree(arg) && arg['name'] === 'is_local');
  const last = isTree(named) ? named['arg'] : given[2];
  const constant = isTree(last) && isTree(last['A_Const']) ? last['A_Const'] : {};
  const { boolval: truth, sval: text } = constant;
  return isTree(text) ? isTrue(String(text['sval'])) : isTree(truth) && truth['boolval'] === true;
}

/** As PostgreSQL reads a boolean in quotes: letter case, blanks around it and all but what tells it from others are free. */
function isTrue(text: string): boolean {
  return /^\s*(?:t|tr|tru|true|y|ye|yes|on|1)\s*$/i.test(text);
}

/** Statements that are planned, and so take parameters; in any other PostgreSQL knows none. */
const WITH_PARAMETERS = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'ExplainStmt',
  'CreateTableAsStmt',
  'CallStmt',
]);

/**
 * Refuses what the server would: values for parameters that the statement does not have, parameters without a value, and
 * gaps between them. Each in the server's own words, with its SQLSTATE. In the body of a function `$1` is its argument.
 */
export function refuseParameters(parsed: ParsedStatement, given: number): SqlRefusal | undefined {
  const used = new Set<number>();
  let isQuoted = false;
  for (const [name, body] of nodesOf(parsed.tree)) {
    if (name === 'ParamRef' && parsed.kind !== 'CreateFunctionStmt') used.add(Number(body['number'] ?? 0));
    if (name === 'sval') isQuoted ||= /\$[0-9]/.test(String(body['sval']));
  }
  const required = Math.max(0, ...used);
  if (used.has(0) || (required > 0 && !WITH_PARAMETERS.has(parsed.kind))) {
    return refuseSql('parameters', `42P02: there is no parameter $${used.has(0) ? 0 : required}`);
  }
  if (required > 0 && parsed.body['objtype'] === 'OBJECT_MATVIEW') {
    return refuseSql('parameters', '0A000: materialized views may not be defined using bound parameters');
  }
  if (required !== given) {
    const why = `08P01: bind message supplies ${given} parameters, but prepared statement "" requires ${required}`;
    return refuseSql('parameters', isQuoted ? `${why} (a $1 in quotes is text, not a parameter)` : why);
  }
  for (let number = 1; number < required; number += 1) {
    if (!used.has(number)) {
      return refuseSql('parameters', `42P18: could not determine data type of parameter $${number}`);
    }
  }
  return undefined;
}

import { refuseSql, type ParsedStatement, type SqlRefusal } from './parser.ts';
import { nodesOf } from './runnable.ts';

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

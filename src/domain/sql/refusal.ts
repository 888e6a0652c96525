/** Why a statement is not the plain kind that was asked for. */
export type SqlRefusalCode =
  | 'parser_not_loaded'
  | 'sql_too_long'
  | 'sql_invalid'
  | 'not_one_statement'
  | 'not_a_select'
  | 'not_a_modification'
  | 'transaction_control'
  | 'construct_not_allowed'
  | 'function_not_allowed'
  | 'operator_not_allowed'
  | 'type_not_allowed';

export interface SqlRefusal {
  readonly ok: false;
  readonly code: SqlRefusalCode;
  /** For reviewers; names the construct, never values. */
  readonly message: string;
}

export function refuseSql(code: SqlRefusalCode, message: string): SqlRefusal {
  return { ok: false, code, message };
}

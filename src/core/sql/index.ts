export { analyzeModification, analyzeSelect, analyzeStatement } from './analyze.ts';
export type { PlainModification, PlainSelect } from './analyze.ts';
export type { SqlNames, TableName } from './inspect.ts';
export { loadSqlParser } from './parser.ts';
export type { SqlRefusal, SqlRefusalCode } from './refusal.ts';

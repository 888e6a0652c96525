export { analyzeModification, analyzeSelect, analyzeStatement } from './analyze.ts';
export type { PlainModification } from './analyze.ts';
export type { SqlNames, TableName } from './inspect.ts';
export { loadSqlParser } from './parser.ts';

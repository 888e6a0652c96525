import { isTree } from './inspect.ts';
import { parseStatement, refuseSql, type ParsedStatement, type SqlRefusal, type Tree } from './parser.ts';
import { isAnalyze } from './runnable.ts';

/** Where a modification can begin. */
const BEGINNINGS = /\b(?:with|insert|update|delete)\b/gi;
/** Comments may hold such words too. */
const MOST_BEGINNINGS = 20;

/** The statement that `EXPLAIN ANALYZE` runs, as if it stood alone. */
export function explainedStatement({ body, text }: ParsedStatement): ParsedStatement | SqlRefusal {
  if (!isAnalyze(body)) {
    return refuseSql('not_a_modification', 'EXPLAIN without ANALYZE plans a statement and does not run it');
  }
  const query = isTree(body['query']) ? writeTree(body['query']) : '';
  let left = MOST_BEGINNINGS;
  for (const { index } of text.matchAll(BEGINNINGS)) {
    if (left === 0) break;
    left -= 1;
    const parsed = parseStatement(text.slice(index));
    // The rest of the text means the same as the part of the whole: it is that part.
    if (parsed.ok && writeTree(parsed.tree) === query) return parsed;
  }
  return refuseSql('not_a_modification', 'what EXPLAIN ANALYZE would run is not an INSERT, UPDATE or DELETE');
}

/** Fields that say where something stands in the text. */
const PLACES = new Set(['location', 'list_start', 'list_end', 'rexpr_list_start', 'rexpr_list_end']);

function writeTree(tree: Tree): string {
  return JSON.stringify(tree, (key, value: unknown) => (PLACES.has(key) ? undefined : value));
}

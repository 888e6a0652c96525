import { PROBLEMS, type ProblemCode } from '../../contract/codes.ts';
import { words } from '../words.ts';

/** What became of a decision that was refused: always that nothing happened, and what to do. */
export function refusalText(code: string): string {
  if (code === 'connection_failed' || code === 'unreadable_answer') return words.refusals.noAnswer;
  if (!Object.hasOwn(PROBLEMS, code)) return words.refusals.notSent;
  const known: Partial<Record<ProblemCode, string>> = words.refusals.codes;
  return known[code as ProblemCode] ?? words.refusals.other(PROBLEMS[code as ProblemCode].title);
}

/** What is wrong in a file that a person wrote, where, and what to change. Lines and columns count from 1. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to write instead, as an instruction. */
  readonly fix: string;
}

/** `policy.yaml:12:5: message. fix` */
export function formatProblem(problem: FileProblem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}. ${problem.fix}`;
}

/** Top to bottom, file by file; the same words at the same place once. */
export function sortProblems(problems: readonly FileProblem[]): readonly FileProblem[] {
  const seen = new Set<string>();
  return problems
    .filter((problem) => {
      const text = formatProblem(problem);
      return seen.has(text) ? false : seen.add(text);
    })
    .toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1));
}

/** Files that cannot be used; carries everything that is wrong in them, not the first thing only. */
export class InvalidFilesError extends Error {
  override readonly name = 'InvalidFilesError';
  readonly problems: readonly FileProblem[];
  constructor(problems: readonly FileProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

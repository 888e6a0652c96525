import type { FileSettingsSource } from '../../settings/follow.ts';

/** Tells the operator what became of each change of the files: a mistake with its place, and that it is mended. */
export function reportFiles(source: Pick<FileSettingsSource, 'onProblem'>, say: (line: string) => void): void {
  source.onProblem((problem) => {
    if (problem === null) say('The changed files are in force.');
    else
      [
        'The changed files are not in force; the version before stays:',
        ...problem.split('\n').map((line) => `  ${line}`),
      ].forEach(say);
  });
}

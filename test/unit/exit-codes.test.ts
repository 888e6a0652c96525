import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXIT, EXIT_WORDS, type ExitName } from '../../src/cli/ui/exit.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';

/** Rows of the table under "Exit codes": code and meaning. */
function documented(): (readonly [number, string])[] {
  const [, section = ''] =
    /\n## Exit codes\n([\s\S]*?)\n## /.exec(readFileSync(packageFile('docs', 'cli.md'), 'utf8')) ?? [];
  return [...section.matchAll(/^\| (\d+) +\| (.*?) *\|$/gm)].map(([, code, words = '']) => [
    Number(code),
    words.replaceAll('`', ''),
  ]);
}

test('the exit codes of docs/cli.md are those of the command line', () => {
  const ours = (Object.keys(EXIT) as ExitName[]).map((name) => [EXIT[name], EXIT_WORDS[name]] as const);
  expect(documented()).toEqual([...ours, [130, 'Ctrl-C']]);
});

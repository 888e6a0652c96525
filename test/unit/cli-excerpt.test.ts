import { describe, expect, test } from 'vitest';
import { renderProblem } from '../../src/cli/ui/excerpt.ts';
import { ioFor, plain } from './cli-io.ts';

const problem = {
  file: 'policy.yaml',
  line: 3,
  column: 12,
  message: 'unknown class "reversable"',
  fix: 'Write reversible',
};
const text = 'version: 1\ntools:\n  - class:  reversable\n';

function caretColumn(lines: readonly string[]): { readonly under: string } {
  const shown = plain(lines).split('\n');
  const at = (shown[2] as string).indexOf('^');
  return { under: (shown[1] as string).slice(at) };
}

describe('an excerpt', () => {
  test('has place, words, line, caret and fix', () => {
    const lines = renderProblem(ioFor({ tty: true }), 'error', { ...problem, column: 13 }, text);
    expect(plain(lines)).toContain('policy.yaml:3:13');
    expect(plain(lines)).toContain('Write reversible');
    expect(caretColumn(lines)).toEqual({ under: 'reversable' });
  });

  test('points at the right place behind characters that had to be escaped', () => {
    const odd = 'a\n\u202e\tkey: bad\n';
    const lines = renderProblem(ioFor(), 'error', { ...problem, line: 2, column: 8 }, odd);
    expect(caretColumn(lines)).toEqual({ under: 'bad' });
  });

  test('shows the part around the column of a long line', () => {
    const long = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
    const lines = renderProblem(ioFor(), 'error', { ...problem, line: 1, column: 501 }, long);
    expect(caretColumn(lines).under.startsWith('HERE')).toBe(true);
    expect(plain(lines).split('\n')[1]?.length).toBeLessThan(140);
  });

  test('leaves the line out where there is none', () => {
    expect(renderProblem(ioFor(), 'error', { ...problem, line: 99 }, text)).toHaveLength(2);
    expect(renderProblem(ioFor(), 'error', problem, undefined)).toHaveLength(2);
  });
});

import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.ts';
import { capture } from './cli-io.ts';

async function holdpoint(
  line: string,
): Promise<{ readonly code: number; readonly stderr: string; readonly stdout: string }> {
  const captured = capture();
  const code = await run(line.split(' '), captured.streams, new AbortController().signal);
  return { code, stderr: captured.stderr(), stdout: captured.stdout() };
}

describe('a command line that is wrong', () => {
  test.each([
    ['polcy check', 'Unknown command "polcy" of holdpoint.', 'Did you mean `policy`?'],
    ['review aprove rev_1', 'Unknown command "aprove" of holdpoint review.', 'Did you mean `approve`?'],
    ['aprove rev_1', 'Unknown command "aprove" of holdpoint.', 'Did you mean `review approve`?'],
    [
      '--url http://127.0.0.1:1 review aprove rev_1',
      'Unknown command "aprove" of holdpoint review.',
      'Did you mean `approve`?',
    ],
    ['mcp upstream', 'Unknown command "upstream" of holdpoint mcp.', 'Did you mean `upstreams`?'],
    ['keys crate agent', 'Unknown command "crate" of holdpoint keys.', 'Did you mean `create`?'],
    ['temporal move', 'Unknown command "move" of holdpoint temporal.', 'Commands: rebind.'],
    ['review list --staus pending', "Unknown option '--staus'.", 'Did you mean `--status`?'],
    ['--jsn doctor', "Unknown option '--jsn'.", 'Did you mean `--json`?'],
    ['review show', "Missing required argument 'id'.", '`holdpoint review show --help` lists what there is.'],
    [
      'doctor now',
      "Too many arguments for 'doctor'. Expected 0 arguments but got 1.",
      '`holdpoint doctor --help` lists what there is.',
    ],
  ])('%s', async (line, message, hint) => {
    const { code, stderr, stdout } = await holdpoint(line);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([`error usage: ${message}`, hint]);
    const { stdout: json } = await holdpoint(`--json ${line}`);
    expect(JSON.parse(json)).toEqual({ error: { code: 'usage', message, hint } });
  });
});

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from './exit.ts';
import { decodeUtf8, type Io } from './io.ts';

/**
 * Opens the person's editor on a text and returns what they saved. The text is hostile, so it goes into a file of a
 * fixed name in a directory of our own (mode 0700), never onto a command line.
 */
export async function editText(io: Io, text: string, name: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-'));
  const path = join(directory, name);
  try {
    writeFileSync(path, text, { mode: 0o600 });
    await runEditor(io.env.VISUAL || io.env.EDITOR || 'vi', path);
    return decodeUtf8('The edited text', readFileSync(path));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `$EDITOR` may carry options (`code --wait`), so a shell splits it; the path comes as an argument of its own. */
function runEditor(editor: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) return resolve();
      reject(
        new CliError(
          'failed',
          'editor_failed',
          `The editor (${editor}) ended with ${code ?? 'a signal'}.`,
          'Set EDITOR, or pass --arguments.',
        ),
      );
    });
  });
}

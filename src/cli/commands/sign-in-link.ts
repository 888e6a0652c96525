import { readFileSync } from 'node:fs';
import { issueSignInToken } from '../../api/index.ts';
import { parseConfigFile } from '../../domain/files/parse-file.ts';
import { loadKeys } from '../../storage/keys/index.ts';
import { apiKeysOf } from '../compose/keys.ts';
import { readRunning, signInUrl } from '../embedded/data-dir.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { visible } from '../../domain/text/visible.ts';
import type { GlobalOptions } from './action.ts';
import { findDataDir } from './installation.ts';

/**
 * Prints a one-time sign-in link for a reviewer, valid for ten minutes. Needs a Holdpoint that runs in one process here
 * (`holdpoint dev`): anyone who can read its data directory already has the key that signs the link.
 */
export function printSignInLink(io: Io, _options: GlobalOptions, reviewerId: string): void {
  const dataDir = findDataDir(io);
  const running = readRunning(dataDir);
  if (running === undefined) {
    throw new CliError(
      'unavailable',
      'not_embedded',
      `\`holdpoint dev\` is not running in ${dataDir}.`,
      'Start it, or set HOLDPOINT_DATA_DIR. Elsewhere people sign in with a token or an identity provider.',
    );
  }
  const { url, configFile, keysDir } = running;
  const parsed = parseConfigFile(readFileSync(configFile, 'utf8'), configFile);
  const reviewers = parsed.ok ? (parsed.file.value.reviewers ?? []) : [];
  if (!reviewers.some(({ id }) => id === reviewerId)) {
    const known = reviewers.map(({ id }) => visible(id)).join(', ') || 'none';
    throw new CliError(
      'notFound',
      'unknown_reviewer',
      `Unknown reviewer; ${configFile} does not list it.`,
      `Known: ${known}`,
    );
  }
  const { sessionSecret } = apiKeysOf(loadKeys(keysDir, ['review']), 'review');
  const link = signInUrl(url, issueSignInToken(sessionSecret(), reviewerId, io.now()));
  io.data({ reviewer: reviewerId, url: link });
  io.print(link);
  if (!io.json) io.note('Valid once, for ten minutes.');
}

import { readFileSync } from 'node:fs';
import { issueSignInToken } from '../../api/index.ts';
import { parseConfigFile } from '../../domain/files/parse-file.ts';
import { loadKeys } from '../../storage/keys/index.ts';
import { apiKeysOf } from '../compose/keys.ts';
import { readRunning, signInUrl } from '../embedded/running.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { visible } from '../ui/visible.ts';
import { dataDirOf } from './access.ts';

/**
 * Prints a link that signs one reviewer in, once, within ten minutes. For a Holdpoint that runs whole in one process here
 * (`holdpoint dev`): whoever may read its data directory has the key that the link is signed with.
 */
export function printSignInLink(io: Io, reviewerId: string): void {
  const running = readRunning(dataDirOf(io));
  if (running === undefined) {
    throw new CliError(
      'unavailable',
      'not_embedded',
      `Nothing that \`holdpoint dev\` started runs in ${dataDirOf(io)}.`,
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
      `There is no such reviewer in ${configFile}.`,
      `Known: ${known}`,
    );
  }
  const { sessionSecret } = apiKeysOf(loadKeys(keysDir, ['review']), 'review');
  const link = signInUrl(url, issueSignInToken(sessionSecret(), reviewerId, io.now()));
  io.data({ reviewer: reviewerId, url: link });
  io.print(link);
  if (!io.json) io.note('Good once, within ten minutes.');
}

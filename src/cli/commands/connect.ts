import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Holdpoint } from '../../client/index.ts';
import { parseExactJson } from '../../contract/exact-number.ts';
import type { Access } from '../access-file.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { readRunning } from '../embedded/data-dir.ts';
import { dataDirOf, findDataDir, readAccess } from './installation.ts';

/** Options of every command that talks to Holdpoint. */
export interface ConnectOptions {
  readonly url?: string;
  readonly token?: string;
  readonly as?: string;
}
export type Role = 'reviewer' | 'agent';

export interface Connection {
  readonly client: Holdpoint;
  readonly url: string;
  readonly token: string;
}

/**
 * Picks URL and credential: options, then environment, then the Holdpoint that runs here and the demo's `access.json`. A
 * credential of the demo is only
 * sent to the URL in that file: `--url` may come from an attacker.
 */
export function connect(io: Io, options: ConnectOptions, role: Role): Connection {
  const given = options.url ?? (io.env.HOLDPOINT_URL || undefined);
  const dataDir = given === undefined ? findDataDir(io) : dataDirOf(io);
  const access = readAccess(io, dataDir);
  const token = givenToken(io, options, role);
  const isDemo = access !== undefined && (given === undefined || namesDemo(given, access.url));
  const url = isDemo && token === undefined ? access.url : (given ?? access?.url ?? readRunning(dataDir)?.url);
  if (url === undefined) {
    throw new CliError(
      'usage',
      'no_url',
      io.env.HOLDPOINT_DATA_DIR ? `No Holdpoint runs in ${dataDir}.` : 'This user runs no Holdpoint on this machine.',
      '`npm start` starts one; --url or HOLDPOINT_URL names one elsewhere.',
    );
  }
  if (dataDir !== dataDirOf(io) && !io.json) io.note(`at ${url}, which has its data in ${dataDir}`);
  const secret = token ?? demoToken(io, options, role, isDemo ? access : undefined);
  const client = new Holdpoint({
    url,
    apiKey: secret,
    headers: { 'holdpoint-channel': 'cli' },
    parseJson: parseExactJson,
  });
  return { client, url: client.url, token: secret };
}

function givenToken(io: Io, options: ConnectOptions, role: Role): string | undefined {
  if (options.token !== undefined) {
    return options.token.startsWith('@') ? readToken(resolve(io.cwd, options.token.slice(1))) : options.token;
  }
  if (options.as !== undefined) return undefined;
  const { HOLDPOINT_API_KEY: key, HOLDPOINT_TOKEN: token } = io.env;
  return (role === 'agent' ? key || token : token || key) || undefined;
}

function demoToken(io: Io, options: ConnectOptions, role: Role, access: Access | undefined): string {
  const people = (access?.reviewers ?? []).map(({ id, token }) => ({ id, secret: token, role: 'reviewer' as const }));
  const agents = (access?.agents ?? []).map(({ id, key }) => ({ id, secret: key, role: 'agent' as const }));
  const known = [...people, ...agents];
  if (options.as !== undefined) {
    const chosen = known.find(({ id }) => id === options.as);
    if (chosen !== undefined) return chosen.secret;
    const names = known.map(({ id }) => id).join(', ');
    throw new CliError(
      'notFound',
      'unknown_identity',
      `Unknown agent or reviewer ${options.as}.`,
      names === '' ? NO_TOKEN : `Known: ${names}.`,
    );
  }
  const first = known.find((candidate) => candidate.role === role);
  if (first === undefined) throw new CliError('notSignedIn', 'no_token', 'No key or token.', NO_TOKEN);
  if (!io.json) io.note(`as ${first.id} (demo; --as chooses another)`);
  return first.secret;
}

const NO_TOKEN =
  'Pass --token (or --token @FILE), or set HOLDPOINT_TOKEN; in the demo, --as names an agent or reviewer.';

/** Whether a URL means the demo: the same origin, or the same port under another name of this machine. */
function namesDemo(given: string, demo: string): boolean {
  if (!URL.canParse(given)) return false;
  const [one, other] = [new URL(given), new URL(demo)];
  if (one.origin === other.origin) return true;
  const areLocal = [one, other].every(({ hostname }) => LOOPBACK.has(hostname));
  return areLocal && one.protocol === other.protocol && one.port === other.port;
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new CliError('notFound', 'token_unreadable', `The token file ${path} cannot be read.`);
  }
}

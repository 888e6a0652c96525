import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Holdpoint } from '../../client/index.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { readAccess, type Access } from './access.ts';

/** Options that every command which talks to Holdpoint takes. */
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
  /** Reads what the client has no call for; the answer's JSON, or undefined where there is none. */
  readonly read: (path: string, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Where to, and as whom: options, then environment, then the demo's `access.json`. A credential of the demo goes to
 * the demo's own URL only: whoever gets somebody to pass `--url` must not be handed it.
 */
export function connect(io: Io, options: ConnectOptions, role: Role): Connection {
  const access = readAccess(io);
  const url = options.url ?? nonEmpty(io.env.HOLDPOINT_URL) ?? access?.url;
  if (url === undefined) {
    throw new CliError(
      'usage',
      'no_url',
      'Where is Holdpoint?',
      'Pass --url or set HOLDPOINT_URL; `npm start` starts one here.',
    );
  }
  const token =
    givenToken(io, options, role) ?? demoToken(io, options, role, sameOrigin(url, access) ? access : undefined);
  const client = new Holdpoint({ url, apiKey: token, headers: { 'holdpoint-channel': 'cli' } });
  return { client, url: client.url, token, read: (path, signal) => readPath(`${client.url}${path}`, token, signal) };
}

async function readPath(url: string, token: string, signal: AbortSignal): Promise<unknown> {
  try {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, redirect: 'error', signal });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

function givenToken(io: Io, options: ConnectOptions, role: Role): string | undefined {
  if (options.token !== undefined) {
    return options.token.startsWith('@') ? readToken(resolve(io.cwd, options.token.slice(1))) : options.token;
  }
  if (options.as !== undefined) return undefined;
  const names = role === 'agent' ? ['HOLDPOINT_API_KEY', 'HOLDPOINT_TOKEN'] : ['HOLDPOINT_TOKEN', 'HOLDPOINT_API_KEY'];
  return names.map((name) => nonEmpty(io.env[name])).find((value) => value !== undefined);
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
      `Nobody here is called ${options.as}.`,
      names === '' ? NO_TOKEN : `Known: ${names}.`,
    );
  }
  const first = known.find((candidate) => candidate.role === role);
  if (first === undefined) throw new CliError('notSignedIn', 'no_token', 'No key or token.', NO_TOKEN);
  if (!io.json) io.note(`as ${first.id} (of the demo; --as chooses another)`);
  return first.secret;
}

const NO_TOKEN = 'Pass --token (or --token @FILE), or set HOLDPOINT_TOKEN; in the demo, --as names one of its people.';

function sameOrigin(url: string, access: Access | undefined): boolean {
  return access !== undefined && URL.canParse(url) && new URL(url).origin === new URL(access.url).origin;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new CliError('notFound', 'token_unreadable', `The token file ${path} cannot be read.`);
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

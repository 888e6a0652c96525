import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './ports.ts';
import type { Process } from './supervised.ts';

/**
 * A real PostgreSQL cluster of a test's own, on loopback, with trust authentication: every role may log in. PostgreSQL
 * refuses to run as root, so root hands it to the user `postgres`.
 */
export interface Postgres {
  readonly port: number;
  /** Address of a database (default `postgres`) as a user (default the superuser `postgres`). */
  url(database?: string, user?: string): string;
  /** Makes an empty database and returns its name. */
  createDatabase(): Promise<string>;
  /** Runs statements as superuser. */
  sql(database: string, text: string): Promise<void>;
  /** Ends the server as a crash would, without writing anything down. */
  crash(): void;
  /** Starts it again on the same data and port. */
  restart(): void;
  /** The same as a child of this process. */
  launch(): Process;
  stop(): void;
}

const ROOT = '/usr/lib/postgresql';

/**
 * Throws where PostgreSQL is not installed: a test that needs it must not pass without it.
 *
 * @param options.parent where its directory is made
 */
export async function startPostgres({
  parent = tmpdir(),
  settings = {},
}: {
  readonly parent?: string;
  readonly settings?: Readonly<Record<string, string | number>>;
} = {}): Promise<Postgres> {
  const bin = findBinaries();
  const user = postgresUser();
  const home = mkdtempSync(join(parent, 'holdpoint-pg-'));
  if (user !== null) chownSync(home, user.uid, user.gid);
  const data = join(home, 'data');
  const port = await freePort();

  const run = (program: string, args: readonly string[]) => {
    const done = spawnSync(join(bin, program), args, {
      ...user,
      cwd: home,
      encoding: 'utf8',
      env: {},
      // The server inherits what pg_ctl has; a pipe would stay open with it.
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    if (done.status !== 0) throw new Error(`${program} ended with ${done.status}`);
  };
  const own = { port, listen_addresses: '127.0.0.1', unix_socket_directories: home, fsync: 'off' };
  const options = Object.entries({ ...own, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const start = () => run('pg_ctl', ['-D', data, '-w', '-l', join(home, 'log'), '-o', options.join(' '), 'start']);
  const halt = (mode: 'fast' | 'immediate') => run('pg_ctl', ['-D', data, '-w', '-m', mode, 'stop']);

  run('initdb', ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C']);
  start();
  const url = (database = 'postgres', name = 'postgres') => `postgresql://${name}@127.0.0.1:${port}/${database}`;
  const sql = async (database: string, text: string) => {
    const client = new pg.Client({ connectionString: url(database) });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  let databases = 0;
  return {
    port,
    url,
    sql,
    createDatabase: async () => {
      databases += 1;
      const name = `test_${databases}`;
      await sql('postgres', `CREATE DATABASE ${name}`);
      return name;
    },
    crash: () => halt('immediate'),
    restart: start,
    launch: () => {
      const child = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
        ...user,
        cwd: home,
        env: {},
        stdio: 'ignore',
      });
      return { pid: child.pid ?? 0, ended: new Promise((resolve) => child.once('exit', resolve)) };
    },
    stop: () => {
      try {
        halt('immediate');
      } catch {
        // It has ended already.
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Whom PostgreSQL's programs run as, where that is not ourselves. */
export function postgresUser(): { readonly uid: number; readonly gid: number } | null {
  return process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : null;
}

export function findBinaries(): string {
  const versions = readdirSync(ROOT).toSorted((a, b) => Number(b) - Number(a));
  if (versions[0] === undefined) throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql)');
  return join(ROOT, versions[0], 'bin');
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }).trim());
}

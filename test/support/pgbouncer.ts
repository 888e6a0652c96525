import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './ports.ts';
import { postgresUser, type Postgres } from './postgres.ts';

/** A real PgBouncer in front of a cluster. */
export interface PgBouncer {
  /** As {@link Postgres.url}, through the pooler. */
  url(database: string, user?: string): string;
  stop(): Promise<void>;
}

const PROGRAM = '/usr/sbin/pgbouncer';

/** Throws where PgBouncer is not installed: a test that needs it must not pass without it. */
export async function startPgBouncer(
  server: Postgres,
  {
    mode,
    poolSize,
    users,
  }: { readonly mode: 'transaction' | 'session'; readonly poolSize: number; readonly users: readonly string[] },
): Promise<PgBouncer> {
  if (!existsSync(PROGRAM)) throw new Error('PgBouncer is not installed (Debian: apt-get install pgbouncer)');
  const user = postgresUser();
  const home = mkdtempSync(join(tmpdir(), 'holdpoint-pgbouncer-'));
  const port = await freePort();
  const inHome = (name: string, text: string): string => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  const authFile = inHome('users.txt', users.map((name) => `"${name}" ""\n`).join(''));
  const config = inHome(
    'pgbouncer.ini',
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${authFile}
pool_mode = ${mode}
default_pool_size = ${poolSize}
`,
  );
  if (user !== null) chownSync(home, user.uid, user.gid);
  const child = spawn(PROGRAM, [config], { ...user, cwd: home, env: {}, stdio: 'ignore' });
  const url = (database: string, name = 'postgres') => `postgresql://${name}@127.0.0.1:${port}/${database}`;
  await untilItAnswers(url('postgres', users[0]));
  return {
    url,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(connectionString: string): Promise<void> {
  for (let left = 200; ; left -= 1) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** As in docs/cli.md: refused. */
const REFUSED = 5;

/** Ends this process where another one runs on the data directory. Its lock is only looked at, never kept. */
export async function refuseSecondStart() {
  const directory = resolve(process.env.HOLDPOINT_DATA_DIR || '.holdpoint');
  const path = join(directory, 'lock');
  if (!existsSync(path)) return;
  const { tryLock } = await import('fs-native-extensions');
  const fd = openSync(path, 'a+');
  const free = tryLock(fd);
  closeSync(fd);
  if (free) return;
  const holder = readFileSync(path, 'utf8').slice(0, 200) || 'another process';
  console.error(`The data directory ${directory} is in use by ${holder}.`);
  console.error('Stop that one, or set HOLDPOINT_DATA_DIR to another directory.');
  process.exit(REFUSED);
}

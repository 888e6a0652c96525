import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/**
 * Programs that tests need and npm does not bring: how to find one, and the Debian packages that hold it, or where else
 * it is from: Debian's Go is too old on some of its releases.
 */
const NEEDS = [
  { name: 'PostgreSQL', found: findPostgres, packages: ['postgresql'] },
  {
    name: 'PgBouncer',
    found: () => existsSync('/usr/sbin/pgbouncer') || answers('pgbouncer', ['--version']),
    packages: ['pgbouncer'],
  },
  { name: 'libfaketime', found: () => answers('faketime', ['--version']), packages: ['faketime'] },
  { name: 'Java', found: () => answers('java', ['-version']), packages: ['default-jre-headless'] },
  { name: 'Maven', found: () => answers('mvn', ['-version']), packages: ['maven'] },
  { name: 'OpenSSL', found: () => answers('openssl', ['version']), packages: ['openssl'] },
  { name: 'docker-compose', found: findCompose, packages: ['docker-compose'] },
  { name: 'Chromium', found: findChromium, packages: ['chromium'] },
  { name: 'Python', found: () => answers('python3', ['-c', 'import ensurepip, venv']), packages: ['python3-venv'] },
  { name: 'Go', found: () => answers('go', ['version']), packages: [], from: 'https://go.dev/dl' },
];

/**
 * Gets what is missing where that is possible (root on a Debian-like system), and says otherwise what to install. Tests
 * that need a missing program fail; none is skipped.
 */
export function ensureTestNeeds() {
  const absent = NEEDS.filter(({ found }) => !found());
  for (const { name, from } of absent) {
    if (from !== undefined) console.error(`The tests need ${name}, which is not on the PATH. Get it from ${from}.`);
  }
  const missing = absent.filter(({ packages }) => packages.length > 0);
  if (missing.length === 0) return;
  const packages = missing.flatMap((need) => need.packages);
  const names = missing.map(({ name }) => name).join(', ');
  if (process.getuid?.() !== 0 || !answers('apt-get', ['--version'])) {
    console.error(`The tests need ${names}. On Debian or Ubuntu: sudo apt-get install ${packages.join(' ')}`);
    return;
  }
  console.log(`Installing ${names} for the tests`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stdout, stderr } = spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
    if (status !== 0) console.error(`apt-get ${args[0]} failed:\n${(stdout + stderr).slice(-2000)}`);
  }
}

function answers(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Debian keeps the server's programs off the PATH. */
function findPostgres() {
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian) && readdirSync(debian).some((v) => existsSync(`${debian}/${v}/bin/postgres`))) return true;
  return answers('postgres', ['--version']);
}

/** As `test/support/browser.ts` looks for it. */
function findChromium() {
  const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return names.some((name) => name !== undefined && answers(name, ['--version']));
}

function findCompose() {
  return answers('docker-compose', ['version']) || answers('docker', ['compose', 'version']);
}

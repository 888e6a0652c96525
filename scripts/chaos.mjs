// `npm run chaos -- [--minutes 30] [--seed N] [--faults-per-minute 45]`: faults of every kind in all parts, two of each, on
// a full Temporal server with its state in PostgreSQL. The same seed gives the same schedule of faults and of calls.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureInstalled } from './lib/install.mjs';
import { ensureTestNeeds } from './lib/needs.mjs';
import { root } from './lib/root.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'faults-per-minute': { type: 'string', default: '45' },
  },
});
process.chdir(root);
ensureInstalled();
ensureTestNeeds();
const env = {
  ...process.env,
  CHAOS_TEMPORAL: 'full',
  CHAOS_MINUTES: values.minutes,
  CHAOS_SEED: values.seed,
  CHAOS_FAULTS_PER_MINUTE: values['faults-per-minute'],
};
const args = ['vitest', 'run', '--project', 'chaos', '--retry', '0', 'test/chaos/all-parts.test.ts'];
const { status } = spawnSync('npx', args, { env, stdio: 'inherit' });
process.exitCode = status ?? 1;

// `npm test`: everything that must hold, from formatting to end-to-end tests. Prints the sum at the end; ends with 1 if
// anything failed. `--quick`: what needs no server. Other arguments go to vitest, e.g. `npm test -- --project unit`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { ensureInstalled } from './lib/install.mjs';
import { ensureTestNeeds } from './lib/needs.mjs';
import { ADAPTER_NODES, nodeBinary } from './lib/node-binaries.mjs';
import { root } from './lib/root.mjs';
import { runWatched } from './lib/run-watched.mjs';

/** Tiers that need no server and no program but Node. */
const QUICK = ['unit', 'replay'];
/** What runs in one vitest. The last ones mostly wait, so their files take turns. */
const GROUPS = [['unit'], ['workflow'], ['activity'], ['api'], ['replay'], ['e2e', 'browser', 'chaos']];
const TIERS = GROUPS.flat();
const WITH_PROCESSES = new Set(GROUPS.at(-1));
/** The longest test prints nothing for a few minutes. A vitest that is silent for longer hangs. */
const SILENCE_MS = 12 * 60_000;
const CHECKS = [
  { name: 'format', args: ['oxfmt', '--check'] },
  { name: 'types', args: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'page types', args: ['tsc', '-p', 'src/dashboard/tsconfig.json'] },
  { name: 'lint', args: ['oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'] },
  { name: 'unused code', args: ['knip'] },
];

const isQuick = process.argv.includes('--quick');
const given = process.argv.slice(2).filter((arg) => arg !== '--quick');

process.chdir(root);
ensureInstalled();
if (!isQuick) ensureTestNeeds();

/** name → { passed, failed } */
const sums = new Map();
/** What failed, told again at the end: of a long log only the end may be kept. */
let failures = [];
/** Pure tests: what fails in them has failed. Others wait for servers and browsers, and the machine may be shared. */
const PURE = new Set(QUICK);
/** More files that failed are no accident. */
const MOST_ACCIDENTS = 5;
/** Files that failed in their tier and passed by themselves. */
const passedAlone = [];
for (const { name, args } of CHECKS) {
  const ok = run(args);
  sums.set(name, { passed: ok ? 1 : 0, failed: ok ? 0 : 1 });
}
if (isQuick) await runTiers([...projects(QUICK), ...given]);
else if (given.length > 0) await runTiers(given);
else for (const group of GROUPS) await runTiers(projects(group));
if (given.length === 0 && !isQuick) {
  await tryAlone();
  await runAdapters();
  runControls();
}
report();

/**
 * Runs files with a failed test once more, by themselves, when everything else is done. One that passes now was
 * disturbed; the report names it.
 */
async function tryAlone() {
  const files = [...new Set(failures.map(({ file }) => file))].filter((file) => !PURE.has(tierOf(file)));
  if (files.length === 0 || files.length > MOST_ACCIDENTS) return;
  const before = failures;
  for (const file of files) {
    failures = [];
    const { ok } = (await runVitest([...projects([tierOf(file)]), file])) ?? { ok: false };
    if (!ok) continue;
    const sum = sums.get(tierOf(file));
    const mended = before.filter((failure) => failure.file === file);
    sum.failed -= mended.length;
    sum.passed += mended.length;
    passedAlone.push(...mended);
  }
  failures = before.filter((failure) => !passedAlone.includes(failure));
}

function run([command, ...args], options = {}) {
  const startedAt = Date.now();
  console.log(`\n> ${[command, ...args].join(' ')}`);
  const { status } = spawnSync(join('node_modules', '.bin', command), args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  console.log(`  ${status === 0 ? 'passed' : 'FAILED'} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  return status === 0;
}

function projects(tiers) {
  return tiers.flatMap((tier) => ['--project', tier]);
}

/** Runs vitest, once more if it hangs: what it ran in is to blame then, and no test. */
async function runTiers(args) {
  const asked = askedTiers(args);
  const { ok, counted } = (await runVitest(args)) ?? (await runVitest(args)) ?? { ok: false, counted: new Map() };
  for (const tier of asked) {
    const sum = counted.get(tier) ?? { passed: 0, failed: 0 };
    // A tier that ran nothing proves nothing.
    if (sum.passed + sum.failed === 0) sum.failed = 1;
    sums.set(tier, sum);
  }
  // An error outside of any test (a set-up that failed, an unhandled rejection) must not pass unseen.
  const failed = asked.reduce((total, tier) => total + sums.get(tier).failed, 0);
  if (!ok && failed === 0) sums.set(`vitest, ${asked.join(' ')}`, { passed: 0, failed: 1 });
}

/** The adapters' tests once more on each Node that is not this one: users' frameworks ask for newer ones than we do. */
async function runAdapters() {
  for (const wanted of ADAPTER_NODES) {
    const node = nodeBinary(wanted);
    // The tiers have run them.
    if (node === process.execPath) continue;
    const args = [...projects(['api', 'e2e']), 'test/api/adapter', 'test/e2e/adapter'];
    const { ok, counted } = (node && (await runVitest(args, node))) ?? { ok: false, counted: new Map() };
    const sum = { passed: 0, failed: 0 };
    for (const { passed, failed } of counted.values()) {
      sum.passed += passed;
      sum.failed += failed;
    }
    if (sum.failed === 0 && (!ok || sum.passed === 0)) sum.failed = 1;
    sums.set(`adapters, Node ${wanted.major}`, sum);
  }
}

/** @returns {Promise<{ ok: boolean, counted: Map<string, object> } | undefined>} undefined if it hung */
async function runVitest(args, node = process.execPath) {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-test-'));
  const output = join(directory, 'results.json');
  // Files with processes of their own take minutes: each test tells that it ended, so that none is taken to hang.
  const told = args.some((arg) => WITH_PROCESSES.has(arg)) ? 'verbose' : 'default';
  const reporters = [`--reporter=${told}`, '--reporter=json', `--outputFile.json=${output}`];
  const command = ['vitest', 'run', ...reporters, ...args];
  console.log(`\n> ${command.join(' ')}`);
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const status = await runWatched(node, [vitest, ...command.slice(1)], SILENCE_MS);
  const counted = count(output);
  rmSync(directory, { recursive: true, force: true });
  return status === undefined ? undefined : { ok: status === 0, counted };
}

/** Tests that must fail once the check that they are for is taken out. */
function runControls() {
  console.log('\n> node test/controls/run.mjs');
  const { stdout } = spawnSync(process.execPath, [join('test', 'controls', 'run.mjs')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.stdout.write(stdout);
  const [, passed = 0, failed = 1] = /(\d+) passed, (\d+) failed\s*$/.exec(stdout) ?? [];
  sums.set('controls', { passed: Number(passed), failed: Number(failed) });
}

function askedTiers(args) {
  const at = args.flatMap((arg, i) =>
    arg === '--project' ? [args[i + 1]] : arg.startsWith('--project=') ? [arg.slice(10)] : [],
  );
  return at.length > 0 ? at : TIERS;
}

function tierOf(file) {
  return file.split(sep)[1];
}

/** Counts by tier from vitest's JSON report. A skipped test and a file that did not load count as failed. */
function count(output) {
  const counted = new Map();
  let report;
  try {
    report = JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    return counted;
  }
  for (const result of report.testResults) {
    const file = relative(root, result.name);
    const tier = tierOf(file);
    const sum = counted.get(tier) ?? { passed: 0, failed: 0 };
    counted.set(tier, sum);
    for (const { status, fullName, failureMessages } of result.assertionResults) {
      if (status === 'passed') sum.passed += 1;
      else {
        sum.failed += 1;
        failures.push({ file, name: fullName, message: failureMessages?.join('\n') || status });
      }
    }
    if (result.status !== 'passed' && !result.assertionResults.some(({ status }) => status === 'failed')) {
      sum.failed += 1;
      failures.push({ file, name: 'the file', message: result.message });
    }
  }
  return counted;
}

function report() {
  console.log('');
  const tell = (what, all) => {
    for (const { file, name, message } of all)
      console.log(`${what}  ${file} > ${name}\n${message.split('\n').slice(0, 20).join('\n')}\n`);
  };
  tell('FAILED IN ITS TIER, PASSED BY ITSELF', passedAlone);
  tell('FAILED', failures);
  let passed = 0;
  let failed = 0;
  for (const [name, sum] of sums) {
    console.log(`${name.padEnd(18)} ${String(sum.passed).padStart(5)} passed ${String(sum.failed).padStart(4)} failed`);
    passed += sum.passed;
    failed += sum.failed;
  }
  const untested = readdirSync(join(root, 'test'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts') && !TIERS.includes(file.split(sep)[0]))
    .map((file) => join('test', file));
  if (untested.length > 0) {
    console.log(`In no tier, so never run: ${untested.join(', ')}`);
    failed += untested.length;
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

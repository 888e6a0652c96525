// Positive controls: each takes one check out of a copy of the source and expects the test named for it to fail there. A
// test that still passes without the check it is for proves nothing. `node test/controls/run.mjs [word …]` runs those whose
// file or description contains a word; the last line is "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createVitest } from 'vitest/node';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');

/**
 * @typedef {object} Control
 * @property {number} point  what the check is for, as numbered in docs/security.md
 * @property {string} what  the check that is taken out
 * @property {string} file  where it stands
 * @property {string} find  its source text, which occurs once
 * @property {string} replace  the text without it
 * @property {string} test  the test file that must fail
 * @property {string} name  part of the test's name
 */

/** @returns {Promise<Control[]>} */
async function readControls() {
  const files = readdirSync(here).filter((file) => file.endsWith('.mjs') && file !== basename(import.meta.url));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(here, file)).href)));
  return modules.flatMap(({ controls }) => controls);
}

/** A copy of the files that git knows or would add, with the installed packages beside them. */
function copyTree() {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-control-'));
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  for (const file of new Set(listed.stdout.split('\0').filter(Boolean))) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    cpSync(join(root, file), join(directory, file));
  }
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'dir');
  return directory;
}

/** Runs controls in `directory`, one after the other, in one Vitest: it keeps what it has compiled. */
async function openTree(directory) {
  // A test that now waits for what does not come has failed, too; none of them takes nearly as long with its check.
  const limits = { retry: 0, testTimeout: 20_000, hookTimeout: 20_000 };
  const vitest = await createVitest('test', { root: directory, watch: false, reporters: [{}], ...limits });
  return {
    /** @returns {Promise<string | undefined>} what is wrong */
    async run({ file, find, replace, test, name }) {
      const path = join(directory, file);
      const source = readFileSync(path, 'utf8');
      const places = source.split(find).length - 1;
      if (places !== 1) return `the text to take out occurs ${places} times in ${file}`;
      const write = (text) => {
        writeFileSync(path, text);
        vitest.invalidateFile(path);
      };
      write(source.replace(find, () => replace));
      try {
        vitest.setGlobalTestNamePattern(name);
        const { testModules } = await vitest.runTestSpecifications(await vitest.getRelevantTestSpecifications([test]));
        return judge(testModules);
      } finally {
        write(source);
      }
    },
    async close() {
      await vitest.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function judge(modules) {
  const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
  const ran = states.filter((state) => state === 'passed' || state === 'failed');
  if (ran.length === 0) return 'no test of that name ran: the changed tree does not load, or the name is wrong';
  if (ran.every((state) => state === 'passed')) return 'the test passes without the check';
  return undefined;
}

const words = process.argv.slice(2);
const controls = (await readControls()).filter(
  ({ file, what }) => words.length === 0 || words.some((word) => file.includes(word) || what.includes(word)),
);
let passed = 0;
let failed = 0;
const waiting = [...controls];
await Promise.all(
  Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    const tree = await openTree(copyTree());
    for (let control = waiting.shift(); control !== undefined; control = waiting.shift()) {
      const wrong = await tree.run(control);
      if (wrong === undefined) passed += 1;
      else failed += 1;
      console.log(`${wrong === undefined ? 'fails without it' : 'NO CONTROL'}  ${control.point}: ${control.what}`);
      if (wrong !== undefined) console.log(`  ${wrong} (${control.test}, "${control.name}")`);
    }
    await tree.close();
  }),
);
if (controls.length === 0) failed += 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

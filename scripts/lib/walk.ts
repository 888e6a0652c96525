import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { DESKTOP, launchBrowser, openAs } from '../../test/support/browser.ts';
import { tokenOf } from '../../test/support/demo-calls.ts';
import { until } from '../../test/support/e2e-world.ts';
import { startHoldpoint, type Holdpoint } from '../../test/support/holdpoint.ts';
import { readUntil, sayYes } from '../../test/support/reviewing.ts';
import { drawWalk, type Picture, type Scene } from './walk-svg.ts';

// The demo, as a person goes through it: real processes, a real browser. Only ports, the folder and tokens are written
// as a reader would have them.

const ROOT = join(import.meta.dirname, '..', '..');
const PHONE = { width: 390, height: 800 };

const scenes: Scene[] = [];
const holdpoint = await startHoldpoint();
const browser = await launchBrowser();
try {
  const tour = startTour(holdpoint);
  const reviewId = await tour.found(/review approve (rev_\w+)/);
  const started = asRead(holdpoint.output(), holdpoint).split('\n');
  const ready = started.findIndex((line) => line.includes('Holdpoint is ready'));
  scenes.push(
    {
      caption: 'Start it: one command, nothing to configure',
      terminal: ['$ npm start', ...started.slice(ready, ready + 16)],
    },
    {
      caption: 'An agent proposes to delete 1,247 users. The call is held',
      terminal: ['$ npm run demo', ...tour.lines()],
    },
  );

  const desk = await openAs(browser, holdpoint.url, tokenOf(holdpoint, 'ops-1'), { viewport: DESKTOP });
  await desk.page.getByTestId('row').first().waitFor();
  scenes.push({ caption: 'It waits in the inbox of those who may decide', pictures: [await shoot(desk.page)] });
  await desk.page.goto(`${holdpoint.url}/reviews/${reviewId}`);
  await desk.page.locator('[data-decision=reject]').waitFor();
  scenes.push({
    caption: 'What exactly will run, with the rows that Holdpoint counted itself',
    pictures: [await shoot(desk.page)],
  });

  const phone = await openAs(browser, holdpoint.url, tokenOf(holdpoint, 'ops-1'), {
    viewport: PHONE,
    path: `/reviews/${reviewId}`,
  });
  await phone.page.locator('[data-decision=reject]').waitFor();
  const before = await shoot(phone.page);
  await readUntil(phone.page, 'approve');
  await phone.page.locator('[data-decision=approve]').click();
  await phone.page.getByRole('button', { name: 'Yes, approve' }).waitFor();
  const asked = await shoot(phone.page);
  await sayYes(phone.page);
  await tour.found(/verifies with the keys/);
  const after = await shoot(phone.page);
  scenes.push({ caption: 'Approved on a phone, once all of it was on screen', pictures: [before, asked, after] });

  await desk.page.reload();
  await desk.page.getByRole('heading', { level: 1 }).waitFor();
  await desk.page.keyboard.press('End');
  scenes.push({ caption: 'It ran once, and every step is recorded', pictures: [await shoot(desk.page)] });
  await tour.ended();
  const rest = tour.lines();
  const approved = rest.findIndex((line) => line.includes('after the approval'));
  const next = rest.findIndex((line) => line.startsWith('── 3.'));
  scenes.push({
    caption: 'The proof verifies offline, with your keys',
    terminal: rest.slice(approved, next).filter((line, index, all) => line !== '' || all[index - 1] !== ''),
  });
} finally {
  await browser.close();
  await holdpoint.destroy();
}
const svg = drawWalk(scenes);
writeFileSync(join(ROOT, 'docs', 'walk.svg'), svg);
console.log(`docs/walk.svg: ${scenes.length} scenes, ${Math.round(svg.length / 1_000)} kB`);

async function shoot(page: Page): Promise<Picture> {
  // What loads last is a font metric or a time; both are there after a moment.
  await page.waitForTimeout(700);
  const { width, height } = page.viewportSize() ?? DESKTOP;
  return { width, height, jpeg: await page.screenshot({ type: 'jpeg', quality: 72 }) };
}

/** `npm run demo`, decided elsewhere. */
function startTour({ dataDir, temporalAddress }: Holdpoint) {
  const port = temporalAddress.split(':')[1] ?? '';
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), 'demo'], {
    cwd: dataDir,
    env: { PATH: process.env['PATH'], HOLDPOINT_DATA_DIR: dataDir, HOLDPOINT_TEMPORAL_PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    lines: () =>
      asRead(output, holdpoint)
        .trimEnd()
        .split('\n')
        .filter((line, index) => index > 0 || line !== ''),
    found: (pattern: RegExp) =>
      until(async () => pattern.exec(output)?.at(-1), { what: String(pattern), withinMs: 120_000 }),
    ended: async () => {
      if ((await closed) !== 0) throw new Error(`The tour failed:\n${output}`);
    },
  };
}

/** With the addresses, the folder and no tokens, as one reads it after `npm start` with its defaults. */
function asRead(text: string, { url, temporalUi, dataDir }: Holdpoint): string {
  return text
    .replaceAll(url, 'http://127.0.0.1:8080')
    .replaceAll(temporalUi, 'http://127.0.0.1:8233')
    .replaceAll(dataDir, '.holdpoint')
    .replaceAll(/(#\S*?)[\w-]{20,}/g, '$1…')
    .replaceAll(/\bhp[kr]_[\w-]+/g, (key) => `${key.slice(0, 4)}…`);
}

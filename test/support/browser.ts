import { spawnSync } from 'node:child_process';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

export const DESKTOP = { width: 1280, height: 800 } as const;
export const PHONE = { width: 360, height: 740 } as const;

/** The widths that everything is tried at: `describe.each(SIZES)`. */
export type Size = 'desktop' | 'phone';
export const SIZES: readonly Size[] = ['desktop', 'phone'];
export const VIEWPORTS: Readonly<Record<Size, typeof DESKTOP | typeof PHONE>> = { desktop: DESKTOP, phone: PHONE };

/** A real Chromium of this machine: `CHROMIUM`, or what is on the PATH. `scripts/lib/needs.mjs` gets one where it can. */
export async function launchBrowser(): Promise<Browser> {
  const names = [process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const executablePath = names.find(
    (name) => name !== undefined && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (executablePath === undefined) throw new Error('no Chromium: install one, or set CHROMIUM to its path');
  const found = spawnSync('sh', ['-c', `command -v ${executablePath}`], { encoding: 'utf8' }).stdout.trim();
  return chromium.launch({
    executablePath: found === '' ? executablePath : found,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

/** A person's own browser window, and everything that went wrong in it. */
export interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Script errors, and what the CSP refused. Tests end by finding none. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** A new window without a session. */
export async function openWindow(browser: Browser, options: BrowserContextOptions = {}): Promise<Person> {
  const context = await browser.newContext({
    viewport: DESKTOP,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(45_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Uncaught|React/i.test(message.text())) {
      faults.push(message.text());
    }
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const close = async (): Promise<void> => {
    // An answer may be on its way through a test's hands still.
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  };
  return { context, page, faults, close };
}

/** Signs in with a token, as somebody who types it. Stays on the page that was asked for. */
export async function openAs(
  browser: Browser,
  url: string,
  token: string,
  options: BrowserContextOptions & { readonly path?: string } = {},
): Promise<Person> {
  const { path = '/', ...rest } = options;
  const person = await openWindow(browser, rest);
  await person.page.goto(new URL(path, url).href);
  await person.page.getByLabel('Reviewer token').fill(token);
  await person.page.getByRole('button', { name: 'Sign in' }).last().click();
  await person.page.getByRole('navigation', { name: 'Main' }).waitFor();
  return person;
}

/** Whether the page is wider than its window, so that somebody would have to scroll sideways. */
export async function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

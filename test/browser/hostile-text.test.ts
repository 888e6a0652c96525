import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PolicyFile } from '../../src/contract/policy.ts';
import { isTooWide, launchBrowser, openAs, SIZES, VIEWPORTS, type Person } from '../support/browser.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { begin } from '../support/reviewing.ts';

/** What agents, targets and people may write, wherever it is shown. */
const TEXTS = {
  script: '<script>window.pwned = 1</script>',
  image: '<img src=x onerror="window.pwned = 1">',
  markdown: '[click](javascript:window.pwned=1) **bold** ![x](https://example.com/x.png)',
  bidi: 'invoice\u202Efdp.exe',
  zeroWidth: 'pay\u200Bee',
  homoglyph: 'p\u0430ypal',
  escape: 'a\u001b[2Jb',
} as const;
const ALL = Object.values(TEXTS).join(' ');
const MARKUP = [TEXTS.script, TEXTS.image, TEXTS.markdown];
const CODES = ['U+202E', 'U+200B', 'U+0430', 'U+001B'];
/** What stands for all of it where a value is drawn as JSON, which writes quotes and controls in a way of its own. */
const IN_JSON = [TEXTS.script, TEXTS.image.replaceAll('"', '\\"'), TEXTS.markdown, ...CODES.slice(0, 3), '\\u001b'];
const AS_TEXT = [...MARKUP, ...CODES];
/** One that would close a string, an attribute and an element. */
const GROUP = `g"'></code>${TEXTS.script}\u202E`;
const big = '0123456789abcdef'.repeat(12_800);
/** The deepest that the api takes: the request around it has two levels more, and may have 99. */
const DEPTH = 97;
const nested = (depth: number): object =>
  Array.from({ length: depth - 1 }).reduce<object>((inner) => ({ inner }), { end: 'the innermost' });

const tool = (name: string, more: object) =>
  ({
    name,
    class: 'irreversible',
    connector: 'bank',
    request: { method: 'POST', path: '/say', body: 'arguments' },
    ...more,
  }) as const;
const TOOLS = [
  tool('bank.say', {
    preview: {
      requests: [
        {
          path: '/hostile/{ref}',
          facts: [
            { name: 'text', label: 'Text', pointer: '/text' },
            { name: 'rows', label: 'Rows', pointer: '/rows' },
            { name: 'tree', label: 'Tree', pointer: '/tree' },
          ],
        },
      ],
    },
  }),
  tool('bank.plain', {}),
  tool('bank.form', {
    arguments: { type: 'object', required: ['ref'], properties: { ref: { type: 'string' }, text: { type: 'string' } } },
  }),
] as unknown as NonNullable<PolicyFile['tools']>;
/** What the target says, as evidence and as its answer. */
const ANSWER = { text: ALL, rows: [{ [TEXTS.image]: ALL }], tree: { [ALL]: { inner: [ALL] } } };

let world: World;
let browser: Browser;
let ended: string;
let failed: string;
let form: string;
let plain: string;
let whole: string;
let evident: string;

beforeAll(async () => {
  world = await startWorld({ policy: { tools: TOOLS, rules: [] } });
  world.target.otherwise = ({ ref, method }) => ({
    kind: 'answer',
    status: ref.startsWith('fails') && method === 'POST' ? 422 : 200,
    body: ANSWER,
  });
  // A name that every object inherits, too.
  const more = { reason: `# ${ALL}`, context: { [ALL]: ALL, constructor: ALL }, threadId: ALL };
  const hold = async (name: string, args: object, options: object = more) =>
    (await world.hold(name, args, options)).reviewId;
  whole = await hold('bank.say', { ref: newRef('whole'), ...TEXTS, [ALL]: ALL, big, deep: nested(DEPTH) });
  evident = await hold('bank.say', { ref: newRef('evident'), text: ALL });
  ended = await hold('bank.say', { ref: newRef('ends'), text: ALL });
  failed = await hold('bank.plain', { ref: newRef('fails'), text: ALL });
  form = await hold('bank.form', { ref: newRef('form'), text: ALL });
  plain = await hold('bank.plain', { ref: newRef('plain'), text: ALL });
  // In what differs, its name and its value; in what all have in common, too.
  for (const n of [1, 2]) {
    const args = { ref: newRef(`group-${n}`), text: ALL, note: `${n} ${ALL}`, [ALL]: n };
    await hold('bank.plain', args, { group: GROUP, reason: ALL });
  }
  for (const reviewId of [ended, failed]) {
    await world.decide(reviewId, { type: 'approve', comment: ALL }, 'ops-2');
    await world.settled(reviewId);
  }
  // A question for changes stands on the page while it waits.
  await world.decide(plain, { type: 'revise', comment: ALL }, 'ops-2');
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

/** All of it is there as text, what would not be seen is marked, and nothing of it has become a part of the page. */
async function expectShown(page: Page, place: Locator, texts: readonly string[] = AS_TEXT): Promise<void> {
  await place.first().waitFor();
  await expect.poll(() => place.first().textContent(), { timeout: 30_000 }).toContain(CODES[0]);
  const text = (await place.first().textContent()) ?? '';
  for (const part of texts) expect(text).toContain(part);
  await expectInert(page);
}

async function expectInert(page: Page): Promise<void> {
  // A text area holds what is edited as it is: that is a value, not text of the page.
  const fields = "body.querySelectorAll('textarea').forEach((field) => field.remove())";
  const text = await page.evaluate<string>(
    `(() => { const body = document.body.cloneNode(true); ${fields}; return body.textContent; })()`,
  );
  for (const character of ['\u202E', '\u200B', '\u001B']) expect(text.includes(character)).toBe(false);
  expect(await page.evaluate('window.pwned')).toBeUndefined();
  const foreign = 'main script, main img, main iframe, [role=dialog] img, [role=dialog] script, a[href^="javascript:"]';
  expect(await page.locator(foreign).count()).toBe(0);
  expect(
    await page
      .getByRole('strong')
      .filter({ hasText: /^bold$/ })
      .count(),
  ).toBe(0);
  expect(await isTooWide(page)).toBe(false);
}

test('what is shown here is as deep as it gets', async () => {
  expect((await world.review(whole)).proposer).toMatchObject({ id: 'agent-1', attested: true });
  const answer = await world.execute('bank.say', { ref: newRef('deeper'), deep: nested(DEPTH + 1) });
  expect(answer.status).toBe(400);
});

describe.each(SIZES)('hostile text, %s', (size) => {
  const open = async (path: string): Promise<Person> => {
    const person = await openAs(browser, world.holdpoint.url, world.deployment.credentials['ops-1'], {
      path,
      viewport: VIEWPORTS[size],
    });
    return person;
  };
  const end = async (person: Person): Promise<void> => {
    expect(person.faults).toEqual([]);
    await person.close();
  };

  test('arguments, reason and context: whole, as text', async () => {
    const person = await open(`/reviews/${whole}`);
    const { page } = person;
    const call = page.getByRole('region', { name: 'What exactly will happen' });
    await expectShown(page, call, [...AS_TEXT, big, 'the innermost']);
    const depth = ((await call.locator('.arguments').textContent()) ?? '').split('"inner"').length - 1;
    expect(depth).toBe(DEPTH - 1);
    await expectShown(page, page.getByRole('region', { name: /own words/ }));
    // Two hundred kilobytes do not fit on a screen, so nobody approves at a glance, or from the end alone.
    const approve = page.locator('[data-decision=approve]');
    expect(await approve.isDisabled()).toBe(true);
    await page.keyboard.press('End');
    await page.evaluate(
      'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200))))',
    );
    expect(await approve.isDisabled()).toBe(true);
    await end(person);
  });

  test('evidence: a line, a table and a tree', async () => {
    const person = await open(`/reviews/${evident}`);
    const { page } = person;
    const evidence = (label: string) => page.locator('[data-section=evidence]').filter({ hasText: label });
    await expectShown(page, evidence('Text'), IN_JSON);
    await expectShown(page, evidence('Rows'));
    await expectShown(page, evidence('Tree'), IN_JSON);
    await end(person);
  });

  test('what was sent and what the target answered', async () => {
    const person = await open(`/reviews/${ended}`);
    const { page } = person;
    await expectShown(page, page.getByRole('group', { name: 'Answer of the target' }), IN_JSON);
    await page.getByRole('button', { name: /as it will be sent/ }).click();
    await expectShown(page, page.getByRole('region', { name: 'The request' }).locator('pre'), IN_JSON);
    await expectShown(page, page.getByRole('region', { name: 'What happened' }).getByRole('blockquote'));
    await page.goto(`${world.holdpoint.url}/reviews/${failed}`);
    await page.getByText('failed', { exact: true }).first().waitFor();
    await expectShown(page, page.getByRole('region', { name: 'How it ended' }).getByRole('group'), IN_JSON);
    await end(person);
  });

  test('a colleague’s comment', async () => {
    const person = await open(`/reviews/${plain}`);
    const { page } = person;
    await expectShown(page, page.locator('[data-section=feedback]'));
    await expectShown(page, page.getByRole('region', { name: 'What happened' }));
    await end(person);
  });

  test('the form of an edit holds it unchanged, and its changes are shown marked', async () => {
    const person = await open(`/reviews/${form}`);
    const { page } = person;
    await begin(page, 'edit');
    const field = page.getByRole('dialog').getByLabel(/^text/i);
    await field.waitFor();
    await expectInert(page);
    // A line of input drops nothing of what it was given.
    expect(await field.inputValue()).toBe(ALL);
    await expectShown(page, page.getByRole('group', { name: 'The text with hidden characters marked' }));
    await field.fill(`${ALL} and more`);
    await page.getByRole('button', { name: 'Show the changes' }).click();
    const changes = page.getByRole('list', { name: 'Changes' });
    for (const line of ['.diff-removed', '.diff-added']) {
      await expectShown(page, changes.locator(line), IN_JSON);
    }
    await end(person);
  });

  test('a group, on its page and in the inbox', async () => {
    const person = await open(`/?q=onerror`);
    const { page } = person;
    const line = page.getByTestId('group');
    await line.waitFor();
    expect(await line.textContent()).toContain(TEXTS.script);
    expect(await line.textContent()).toContain('U+202E');
    await expectInert(page);
    await page.getByRole('link', { name: 'Decide together' }).click();
    const items = page.getByTestId('group-item');
    await expect.poll(() => items.count(), { timeout: 30_000 }).toBe(2);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain(TEXTS.script);
    const common = page.getByRole('region', { name: 'In all of them' });
    for (const place of [/^text/, /^Reason/])
      await expectShown(page, common.locator('dl > div').filter({ hasText: place }));
    for (const index of [0, 1]) {
      await expectShown(
        page,
        items
          .nth(index)
          .locator('.lines')
          .filter({ hasText: `${index + 1} ${TEXTS.script}` }),
      );
    }
    // What such an argument is called: the head of a column, and on a phone a label in each card.
    const names = size === 'phone' ? items.first().locator('.group-label') : page.getByRole('columnheader');
    await expectShown(page, names.filter({ hasText: TEXTS.script }), IN_JSON);
    await end(person);
  });

  test('names in the audit log', async () => {
    const person = await open('/policy');
    const { page } = person;
    const hostile = JSON.stringify(ALL).slice(1, -1);
    await page.route('**/v1/audit/entries*', async (route) => {
      const response = await route.fetch();
      const body = (await response.text())
        .replaceAll('"agent-1"', `"${hostile}"`)
        .replaceAll('"ops-2"', `"${hostile}"`);
      await route.fulfill({ response, body });
    });
    await page.getByRole('link', { name: 'Audit' }).click();
    // Few enough to be drawn all at once.
    await page.getByLabel('Event').selectOption('proposed');
    const entry = page
      .locator('.entries > li')
      .filter({ hasText: 'proposed' })
      .filter({ hasText: 'bank.plain' })
      .first();
    await expectShown(page, entry);
    await entry.getByText('Show the whole entry').click();
    await expectShown(page, entry.getByRole('region'), IN_JSON);
    await page.getByLabel('Person or agent').fill(ALL);
    await page.waitForURL(/person=/);
    await expectInert(page);
    await end(person);
  });
});

test('nothing of this was decided by looking at it', async () => {
  for (const reviewId of [whole, form]) expect((await world.review(reviewId)).status).toBe('pending');
  await until(async () => ((await world.review(plain)).status === 'changes_requested' ? true : undefined), {
    what: 'the question for changes, still open',
  });
});
